"""Lossless conversion of messages to JSON values."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from fakeviam.wire import data, well_known

if TYPE_CHECKING:
    from fakeviam.wire.well_known import Timestamp


def plain(message: Message) -> dict[str, Any]:
    """A message as a dictionary of all fields, without absent messages and optional fields.

    Times become text with nanoseconds (RFC 3339, UTC), bytes become base64.
    """
    return {
        field.name: _value(getattr(message, field.name))
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def capture_metadata_from(values: Mapping[str, Any]) -> data.CaptureMetadata:
    """Convert the result of `plain` back to CaptureMetadata."""
    parameters = {
        key: well_known.Any(type_url=packed["type_url"], value=base64.b64decode(packed["value"]))
        for key, packed in values["method_parameters"].items()
    }
    return data.CaptureMetadata(**{**values, "method_parameters": parameters})


def json_text(value: object, indent: int | None = None) -> str:
    """JSON, indented for readers.

    Infinities and NaN, which JSON lacks but servers may send, are written in the form of Python's
    json module.
    """
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _value(value: object) -> object:
    if isinstance(value, Message):
        return _time(value) if _is_time(value) else plain(value)  # type: ignore[arg-type]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_value(item) for item in value]
    return value


def _is_time(message: Message) -> bool:
    return message.DESCRIPTOR.full_name == "google.protobuf.Timestamp"


def _time(stamp: Timestamp) -> str:
    return stamp.ToJsonString()
