"""Width and height of images, read from their first bytes."""

from __future__ import annotations

import struct
from typing import NamedTuple

# Frames of JPEG that begin with a size: all SOFn but the markers of tables among them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


class Size(NamedTuple):
    """Of an image, in pixels."""

    width: int
    height: int


def size_of(image: bytes) -> Size | None:
    """The size of a PNG, GIF, BMP or JPEG; None if it is none of them, or broken."""
    try:
        return _size_of(image)
    except (struct.error, IndexError):
        return None


def _size_of(image: bytes) -> Size | None:
    if image[:8] == b"\x89PNG\r\n\x1a\n" and image[12:16] == b"IHDR":
        return _real(*struct.unpack_from(">II", image, 16))
    if image[:6] in (b"GIF87a", b"GIF89a"):
        return _real(*struct.unpack_from("<HH", image, 6))
    if image[:2] == b"BM":
        width, height = struct.unpack_from("<ii", image, 18)
        return _real(width, abs(height))  # a negative height: rows from the top
    return _jpeg(image) if image[:2] == b"\xff\xd8" else None


def _jpeg(image: bytes) -> Size | None:
    at = 2
    while image[at] == 0xFF:
        marker = image[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", image, at + 5)
            return _real(width, height)
        else:
            at += 2 + struct.unpack_from(">H", image, at + 2)[0]
    return None


def _real(width: int, height: int) -> Size | None:
    return Size(width, height) if width > 0 and height > 0 else None
