"""Counts the values in an encoded message, without decoding it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


def holds_more(data: bytes, kind: type[Message], most: int) -> bool:
    """Whether a message has more than `most` fields, list elements and those of its messages.

    Invalid bytes count as many values as can be read.
    """
    count = 0
    inside = [(0, len(data), cast("Descriptor", kind.DESCRIPTOR))]  # untyped in C
    try:
        while inside:
            at, end, descriptor = inside.pop()
            fields = descriptor.fields_by_number
            while at < end:
                count += 1
                if count > most:
                    return True
                key, at = _varint(data, at)
                form = key & 7
                if form == _VARINT:
                    _, at = _varint(data, at)
                elif form == _LENGTH:
                    size, at = _varint(data, at)
                    field = fields.get(key >> 3)
                    if field is not None and field.message_type is not None:
                        inside.append((at, min(at + size, end), field.message_type))
                    at += size
                else:
                    at += {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(form, 0)
    except IndexError:
        return False
    return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Decode the varint at an offset; returns its value and its end."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
