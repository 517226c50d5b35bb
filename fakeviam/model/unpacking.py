"""How much may become of something compressed: a small body must not fill memory or a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Text in JSON shrinks to a tenth or a thirtieth; what shrinks more is small, or made to harm.
_TIMES = 100
_AT_LEAST = 64 * 1024 * 1024

_PIECE = 1024 * 1024


class Readable(Protocol):
    """A file that decompresses."""

    def read(self, size: int, /) -> bytes:
        """So many bytes at most; none at its end."""
        ...


class UnpackedTooLargeError(Exception):
    """Too much would become of something compressed."""


def unpacked(source: Readable, *, packed: int) -> Iterator[bytes]:
    """What a decompressing file reads of so many packed bytes, in pieces.

    Raises:
        UnpackedTooLargeError: There is more than so many bytes may become.
    """
    left = most = max(_TIMES * packed, _AT_LEAST)
    while piece := source.read(_PIECE):
        left -= len(piece)
        if left < 0:
            raise UnpackedTooLargeError(f"it is compressed from more than {most} bytes")
        yield piece
