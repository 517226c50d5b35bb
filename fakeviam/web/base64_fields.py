"""Validates base64 in JSON, because protobuf's parser silently skips invalid characters."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.descriptor import FieldDescriptor

from fakeviam import wire
from fakeviam.model.errors import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

#: Either alphabet, with complete padding or none.
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)(={0,2})")
_WELL_KNOWN = "google.protobuf."
_ANY = f"{_WELL_KNOWN}Any"


def not_base64(data: bytes, kind: type[Message]) -> str:
    """The first bytes field that is not valid base64, and its value; empty if there is none.

    Args:
        data: JSON text, possibly of another message.
        kind: The type of the message.
    """
    descriptor = cast("Descriptor", kind.DESCRIPTOR)  # untyped in protobuf's C implementation
    for path, text in _bytes_in(json.loads(data), descriptor, ""):
        if not _is_base64(text):
            return f"{path[1:]} is not base64: {shortened(text)!r}"
    return ""


def _is_base64(text: str) -> bool:
    match = _BASE64.fullmatch(text)
    if match is None:
        return False
    return len(text) % 4 == 0 if match[1] else len(text) % 4 != 1


def _bytes_in(value: object, kind: Descriptor, path: str) -> Iterator[tuple[str, str]]:
    """The bytes fields in the JSON of a message."""
    if not isinstance(value, dict):
        return
    if kind.full_name == _ANY:
        yield from _bytes_in_any(value, path)
    elif not kind.full_name.startswith(_WELL_KNOWN):  # these have their own forms, without bytes
        fields = {name: each for each in kind.fields for name in (each.name, each.json_name)}
        for name, inner in value.items():
            if name in fields:
                yield from _bytes_of(inner, fields[name], f"{path}.{name}")


def _bytes_in_any(value: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    name = str(value.get("@type")).rpartition("/")[2]
    with suppress(KeyError):  # an unknown type
        kind = wire.pool().FindMessageTypeByName(name)
        if kind.full_name.startswith(_WELL_KNOWN):
            value, path = value.get("value", {}), f"{path}.value"
        yield from _bytes_in(value, kind, path)


def _bytes_of(value: object, field: FieldDescriptor, path: str) -> Iterator[tuple[str, str]]:
    """The bytes in the JSON of one field."""
    each: Iterator[tuple[str, object]] = iter([(path, value)])
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry and isinstance(value, dict):
        field = kind.fields_by_name["value"]
        each = ((f"{path}[{key!r}]", inner) for key, inner in value.items())
    elif isinstance(value, list):
        each = ((f"{path}[{at}]", inner) for at, inner in enumerate(value))
    for place, inner in each:
        if field.message_type is not None:
            yield from _bytes_in(inner, field.message_type, place)
        elif field.type == FieldDescriptor.TYPE_BYTES and isinstance(inner, str):
            yield place, inner
