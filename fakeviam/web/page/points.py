"""Point clouds in PCD files: the header, and some of the points seen from above."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    _Point = tuple[float, float, float]

#: The maximum size of a header, and how much of a text is read, in bytes.
_HEADER: Final = 4096
_TEXT: Final = 1024 * 1024

#: The header of compressed points: compressed and decompressed size.
_SIZES: Final = struct.Struct("<II")

#: In LZF, control bytes from here on are back-references.
_SHORTEST_COPY: Final = 32

#: How many shades represent the heights.
SHADES: Final = 6

#: The size of the drawing, in any unit.
SIZE: Final = 400

_FORMS: Final = {("F", 4): "f", ("F", 8): "d"} | {
    (kind, size): letter if kind == "I" else letter.upper()
    for kind in "IU"
    for size, letter in ((1, "b"), (2, "h"), (4, "i"), (8, "q"))
}


@dataclass(frozen=True, slots=True)
class PointCloud:
    """A point cloud as the page shows it.

    Attributes:
        facts: The header.
        shades: SVG paths of dots, from the lowest points to the highest.
        width: The width in metres, or another unit.
        why: Why no points are drawn; empty if some are.
    """

    facts: Mapping[str, str]
    shades: Sequence[str] = ()
    width: float = 0
    why: str = ""


def read(content: bytes | memoryview, most: int, *, largest: int) -> PointCloud | None:
    """Parse a PCD file; None if it is not one.

    Args:
        content: The file.
        most: How many points to draw.
        largest: The maximum size of decompressed points; larger ones are not drawn.
    """
    head = bytes(content[:_HEADER])
    end = head.find(b"\nDATA ") + 1
    end_of_line = head.find(b"\n", end)
    if not end or end_of_line < 0:
        return None
    lines = head[:end_of_line].decode("ascii", "replace").splitlines()
    facts = {
        name: value.strip()
        for name, _, value in (line.partition(" ") for line in lines if line[:1] != "#")
    }
    read_points = _READERS.get(facts["DATA"])
    if read_points is None:
        return PointCloud(facts, why=f"{facts['DATA']} points are not drawn here")
    try:
        points = list(read_points(facts, memoryview(content)[end_of_line + 1 :], most, largest))
    except _TooLargeError:
        return PointCloud(facts, why="too many to be drawn here")
    except (KeyError, ValueError, IndexError, struct.error) as error:
        return PointCloud(facts, why=f"the file is invalid: {error}")
    return _drawn(facts, points)


class _TooLargeError(Exception):
    """Compressed points exceed the limit."""


def _counts(facts: Mapping[str, str]) -> tuple[list[str], list[int]]:
    """The names of the fields, and the number of values of each."""
    names = facts["FIELDS"].split()
    return names, list(map(int, facts.get("COUNT", "1 " * len(names)).split()))


def _ascii(
    facts: Mapping[str, str], content: memoryview, most: int, _largest: int
) -> Iterator[_Point]:
    """Every n-th point of a text file."""
    names, counts = _counts(facts)
    places = [sum(counts[: names.index(axis)]) for axis in "xyz"]
    text = bytes(content[:_TEXT]).decode("ascii", "replace")
    lines = text.splitlines()[: max(int(facts["POINTS"]), 0)]
    for line in lines[:: _step(len(lines), most)]:
        values = line.split()
        x, y, z = (float(values[place]) for place in places)
        yield x, y, z


def _binary(
    facts: Mapping[str, str], content: memoryview, most: int, _largest: int
) -> Iterator[_Point]:
    """Every n-th point of a binary file."""
    return _unpacked_points(facts, content, most, by_field=False)


def _compressed(
    facts: Mapping[str, str], content: memoryview, most: int, largest: int
) -> Iterator[_Point]:
    """Every n-th point of a compressed file, which is stored by field."""
    packed, size = _SIZES.unpack_from(content)
    if packed > len(content) - _SIZES.size:
        raise ValueError(f"its points end early: {packed} bytes are not there")
    if size > largest:
        raise _TooLargeError
    points = unpacked(bytes(content[_SIZES.size :][:packed]), size)
    return _unpacked_points(facts, memoryview(points), most, by_field=True)


def _unpacked_points(
    facts: Mapping[str, str], content: memoryview, most: int, *, by_field: bool
) -> Iterator[_Point]:
    names, counts = _counts(facts)
    kinds, sizes = facts["TYPE"].split(), list(map(int, facts["SIZE"].split()))
    if min(sizes + counts, default=0) < 1:
        raise ValueError("SIZE and COUNT must be positive")
    wide = [size * count for size, count in zip(sizes, counts, strict=True)]
    row, total = sum(wide), int(facts["POINTS"])
    if by_field and len(content) != row * total:
        raise ValueError(
            f"{len(content)} bytes are unpacked, and {total} points have {row * total}"
        )
    axes = []
    for place in map(names.index, "xyz"):
        form = struct.Struct("<" + _FORMS[kinds[place], sizes[place]])
        start = sum(wide[:place]) * (total if by_field else 1)
        axes.append((form, start, wide[place] if by_field else row))
    total = min(total, len(content) // row)
    for number in range(0, total, _step(total, most)):
        x, y, z = (
            form.unpack_from(content, start + number * step)[0] for form, start, step in axes
        )
        yield x, y, z


def unpacked(packed: bytes, size: int) -> bytes:
    """Decompress LZF: literal runs, and back-references.

    Raises:
        ValueError: It is damaged, or does not have this size.
    """
    out, at = bytearray(), 0
    try:
        while at < len(packed) and len(out) < size:
            control = packed[at]
            at += 1
            if control < _SHORTEST_COPY:
                out += packed[at : at + control + 1]
                at += control + 1
                continue
            length = (control >> 5) + 2
            if control >> 5 == 7:
                length += packed[at]
                at += 1
            start = len(out) - ((control & 31) << 8) - packed[at] - 1
            at += 1
            if start < 0:
                raise ValueError("a copy begins before the first byte")
            seen = bytes(out[start : start + length])
            out += (seen * (length // len(seen) + 1))[:length]
    except IndexError:
        raise ValueError("its compressed points end early") from None
    if len(out) != size or at != len(packed):
        raise ValueError(f"its compressed points are damaged: {size} bytes were expected")
    return bytes(out)


_READERS: Final[
    Mapping[str, Callable[[Mapping[str, str], memoryview, int, int], Iterator[_Point]]]
] = {
    "ascii": _ascii,
    "binary": _binary,
    "binary_compressed": _compressed,
}


def _step(total: int, most: int) -> int:
    return -(-total // most) or 1


def _drawn(facts: Mapping[str, str], points: list[_Point]) -> PointCloud:
    """The points seen from above: x to the right, y up, heights as shades."""
    points = [point for point in points if all(map(isfinite, point))]
    if not points:
        return PointCloud(facts, why="it has no finite points")
    (left, right), (near, far), (low, high) = (
        (min(axis), max(axis)) for axis in zip(*points, strict=True)
    )
    width = max(right - left, far - near) or 1
    dots: list[list[str]] = [[] for _ in range(SHADES)]
    for x, y, z in points:
        shade = int((z - low) / ((high - low) or 1) * (SHADES - 1))
        dots[shade].append(
            f"M{(x - left) / width * SIZE:.0f},{SIZE - (y - near) / width * SIZE:.0f}h0"
        )
    return PointCloud(facts, ["".join(each) for each in dots], width)
