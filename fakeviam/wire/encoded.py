"""Replies that are built as bytes, and the varints they are framed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.message import Message

# Key of a field that no message has: the largest number there is, length-delimited.
_PADDING = b"\xfa\xff\xff\xff\x0f"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A reply that was built as bytes, because joining kept bytes is far cheaper."""

    blob: bytes


def encoded(reply: Message | Encoded) -> bytes:
    """The bytes of a reply."""
    return reply.blob if isinstance(reply, Encoded) else reply.SerializeToString()


def padded(reply: Message | Encoded, size: int) -> Encoded:
    """The reply with `size` bytes more, in a field that readers skip."""
    return Encoded(encoded(reply) + _PADDING + varint(size) + bytes(size))


def varint(value: int) -> bytes:
    """Protobuf's variable-length form of a number that is not negative."""
    if value < 0x80:
        return value.to_bytes(1, "little")
    groups = bytearray()
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
