"""Limits decompression, so that a small body cannot fill memory or a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

#: JSON text compresses to a tenth or a thirtieth; a higher ratio means little data or an attack.
_TIMES = 100
_AT_LEAST = 64 * 1024 * 1024

_PIECE = 1024 * 1024


class Readable(Protocol):
    """A file that decompresses."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        ...


class UnpackedTooLargeError(Exception):
    """The decompressed data is too large."""


def unpacked(source: Readable, *, packed: int) -> Iterator[bytes]:
    """Decompress a file of `packed` bytes, in pieces.

    Raises:
        UnpackedTooLargeError: The ratio of compression is too high.
    """
    left = most = max(_TIMES * packed, _AT_LEAST)
    while piece := source.read(_PIECE):
        left -= len(piece)
        if left < 0:
            raise UnpackedTooLargeError(f"it is compressed from more than {most} bytes")
        yield piece
