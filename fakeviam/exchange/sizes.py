"""Size and type of images, read from their first bytes."""

from __future__ import annotations

import mimetypes
import struct
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.records import is_image, mime_type_of

if TYPE_CHECKING:
    from pathlib import Path

# JPEG frames that start with a size: all SOFn markers, except for tables in the same range.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

# The size precedes the pixels in nearly all files.
_START = 1 << 18

_TIFF = MappingProxyType({b"II*\0": "<", b"MM\0*": ">"})
_KINDS = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


class Size(NamedTuple):
    """The size of an image in pixels."""

    width: int
    height: int


def size_of_file(path: Path) -> Size | None:
    """The size of the image in a file; None if it cannot be determined."""
    try:
        with path.open("rb") as file:
            start = file.read(_START)
            return size_of(start) or size_of(start + file.read())
    except OSError:
        return None


def image_type(path: Path, ext: str) -> str:
    """The MIME type of an image with an unusual extension; empty if it is usual, or not an image.

    Only images can have boxes, and the table of extensions has few of their types (UP-4).
    """
    if is_image(mime_type_of(ext)):
        return ""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return ""
    kind = next((kind for magic, kind in _KINDS if start.startswith(magic)), "")
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        kind = "image/webp"
    guessed = mimetypes.guess_type(path.name)[0] or ""
    return kind or (guessed if is_image(guessed) else "")


def size_of(image: bytes) -> Size | None:
    """The size of a PNG, GIF, BMP, JPEG, WebP or TIFF; None for anything else."""
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
        return _real(width, abs(height))  # a negative height means that rows start at the top
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return _webp(image)
    if image[:4] in _TIFF:
        return _tiff(image, _TIFF[image[:4]])
    return _jpeg(image) if image[:2] == b"\xff\xd8" else None


def _webp(image: bytes) -> Size | None:
    kind = image[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(image[at : at + 3], "little") + 1 for at in (24, 27))
        return _real(width, height)
    if kind == b"VP8L":
        bits = int.from_bytes(image[21:25], "little")
        return _real((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    width, height = struct.unpack_from("<HH", image, 26)
    return _real(width & 0x3FFF, height & 0x3FFF)


def _tiff(image: bytes, order: str) -> Size | None:
    """The size in the first directory, whose entries are tag, type, count and value."""
    (start,) = struct.unpack_from(f"{order}I", image, 4)
    (count,) = struct.unpack_from(f"{order}H", image, start)
    values = {}
    for number in range(count):
        at = start + 2 + 12 * number
        tag, kind = struct.unpack_from(f"{order}HH", image, at)
        # Type 3 is a short, which is in the first two of the value's four bytes.
        values[tag] = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", image, at + 8)[0]
    return _real(values.get(256, 0), values.get(257, 0))


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
