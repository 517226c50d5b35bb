"""Replies that are built as bytes, or one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

# Key of a field that no message has: the largest number there is, length-delimited.
_PADDING = b"\xfa\xff\xff\xff\x0f"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A reply that was built as bytes, because joining kept bytes is far cheaper.

    Attributes:
        pieces: The bytes. Files stay as they are stored: to copy a large one takes so long that
            other clients notice.
    """

    pieces: tuple[bytes, ...]

    @property
    def blob(self) -> bytes:
        """All of it."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Streamed:
    """The replies of an RPC that has any number of them, each made when the last is on its way.

    Attributes:
        replies: The replies; None if the next one takes time, so that other calls can run.
    """

    replies: Iterator[Message | Encoded | None]


def encoded(reply: Message | Encoded) -> bytes:
    """The bytes of a reply."""
    return reply.blob if isinstance(reply, Encoded) else reply.SerializeToString()


def size_of(reply: Message | Encoded) -> int:
    """How many bytes a reply has."""
    return sum(map(len, reply.pieces)) if isinstance(reply, Encoded) else reply.ByteSize()


def decoded(reply: Message | Encoded, kind: type[Message]) -> Message:
    """A reply as a message of its kind."""
    return kind.FromString(reply.blob) if isinstance(reply, Encoded) else reply


def padded(reply: Message | Encoded, size: int) -> Encoded:
    """The reply with `size` bytes more, in a field that readers skip."""
    # The length as a varint of five groups, which any reader takes.
    groups = [size >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21)]
    length = bytes((*groups, size >> 28))
    return Encoded((encoded(reply) + _PADDING + length + bytes(size),))
