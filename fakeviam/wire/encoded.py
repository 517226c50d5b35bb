"""Replies that are built as bytes, or streamed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

# The tag of a field that no message has: the highest number, length-delimited.
_PADDING = b"\xfa\xff\xff\xff\x0f"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A reply that was built as bytes, because joining cached bytes is much faster.

    Attributes:
        pieces: The bytes. Files are not copied: copying a large one would delay other clients
            noticeably.
    """

    pieces: tuple[bytes, ...]

    @property
    def blob(self) -> bytes:
        """All bytes."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Streamed:
    """The replies of a server-streaming RPC, each created when the previous one has been sent.

    Attributes:
        replies: The replies; None if the next one takes time, so that other calls can run.
    """

    replies: Iterator[Message | Encoded | None]


def encoded(reply: Message | Encoded) -> bytes:
    """Encode a reply."""
    return reply.blob if isinstance(reply, Encoded) else reply.SerializeToString()


def size_of(reply: Message | Encoded) -> int:
    """The size of a reply in bytes."""
    return sum(map(len, reply.pieces)) if isinstance(reply, Encoded) else reply.ByteSize()


def decoded(reply: Message | Encoded, kind: type[Message]) -> Message:
    """Decode a reply."""
    return kind.FromString(reply.blob) if isinstance(reply, Encoded) else reply


def padded(reply: Message | Encoded, size: int) -> Encoded:
    """The reply with `size` additional bytes, in a field that readers skip."""
    # The length as a varint of five bytes, which every reader accepts.
    groups = [size >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21)]
    length = bytes((*groups, size >> 28))
    return Encoded((encoded(reply) + _PADDING + length + bytes(size),))
