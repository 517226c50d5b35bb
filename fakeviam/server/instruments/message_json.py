"""Converts any message to JSON, so that everything that arrives can be displayed.

protobuf's own JSON form is used where possible. It fails for an `Any` of an unknown type, NaN in a
`Struct`, a Timestamp outside the calendar and text that is not UTF-8; such messages are converted
field by field.
"""

from __future__ import annotations

import base64
from importlib import import_module
from math import isfinite
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from fakeviam import wire

# Maximum nesting; JSON parsers have similar limits.
_DEEPEST = 90

# Files with the well-known types that robots pack into an Any; some are not in the private pool.
_WELL_KNOWN = ("any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers")


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def is_repeated(field: FieldDescriptor) -> bool:
    """Whether the field is repeated, which includes maps."""
    # `label` is deprecated in new protobuf releases, `is_repeated` does not exist in old ones.
    if hasattr(field, "is_repeated"):
        return bool(field.is_repeated)
    return bool(getattr(field, "label", None) == FieldDescriptor.LABEL_REPEATED)


def message_json(message: Message) -> Any:
    """A message as JSON, with the field names of the proto files.

    Most messages become objects; those with a JSON form of their own, such as a wrapper, a
    Timestamp or a Struct, become that. Never fails: an unknown `Any` is its type URL and base64.
    """
    return _to_json(message, 0)


def _to_json(message: Message, depth: int) -> object:
    if depth > _DEEPEST:
        return f"{message.DESCRIPTOR.full_name} of {message.ByteSize()} bytes, nested too deeply"
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        return _any(message, depth)
    try:
        return json_format.MessageToDict(
            message, preserving_proto_field_name=True, descriptor_pool=wire.pool()
        )
    except Exception:  # noqa: BLE001 - whichever of its many errors it is, the walk goes on
        return _walked(message, depth)


def _walked(message: Any, depth: int) -> Any:
    name = message.DESCRIPTOR.full_name
    if name == "google.protobuf.Struct":
        return {str(key): _to_json(message.fields[key], depth + 1) for key in message.fields}
    if name == "google.protobuf.ListValue":
        return [_to_json(each, depth + 1) for each in message.values]
    if name == "google.protobuf.Value":
        which = message.WhichOneof("kind")
        if which is None or which == "null_value":
            return None
        value = getattr(message, which)
        return _to_json(value, depth + 1) if isinstance(value, Message) else _scalar(value)
    return {field.name: _field(field, value, depth) for field, value in message.ListFields()}


def _field(field: FieldDescriptor, value: Any, depth: int) -> Any:
    if is_map(field):
        return {str(_scalar(key)): _element(field, value[key], depth) for key in value}
    if is_repeated(field):
        return [_element(field, each, depth) for each in value]
    return _element(field, value, depth)


def _element(field: FieldDescriptor, value: Any, depth: int) -> Any:
    if isinstance(value, Message):
        return _to_json(value, depth + 1)
    enum = field.enum_type
    if enum is not None:
        member = enum.values_by_number.get(value)
        return value if member is None else member.name
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not isfinite(value):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)  # like protobuf's JSON form
    return value


def _any(packed: Any, depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {"@type": packed.type_url}
    message = _unpacked(packed)
    if message is None:
        return document | {"value": base64.b64encode(packed.value).decode()}
    inner = _to_json(message, depth + 1)
    special = message.DESCRIPTOR.full_name.startswith("google.protobuf.")
    # Deeper nesting is shown as text.
    return document | ({"value": inner} if special or not isinstance(inner, dict) else inner)


def _unpacked(packed: Any) -> Message | None:
    name = packed.type_url.rpartition("/")[2]
    cls = _class_of(name)
    if cls is None:
        return None
    try:
        return cls.FromString(packed.value)
    except DecodeError:
        return None


def _class_of(name: str) -> type[Message] | None:
    """The message class with this full name; None if unknown."""
    wire_class = wire.message_class(name)
    if wire_class is not None or not name.startswith("google.protobuf."):
        return wire_class
    for file in _WELL_KNOWN:
        module = import_module(f"google.protobuf.{file}_pb2")
        cls: type[Message] | None = getattr(module, name.rpartition(".")[2], None)
        if cls is not None and cls.DESCRIPTOR.full_name == name:
            return cls
    return None
