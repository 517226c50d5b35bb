"""Bounding boxes of COCO outlines: polygons and run-length encodings (RLE)."""

from __future__ import annotations

from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: x, y, width and height in pixels.
Rectangle = tuple[float, float, float, float]


def box_around(outline: object) -> Rectangle | None:
    """The bounding box of polygons or an RLE; None if it is invalid or empty."""
    if isinstance(outline, dict):
        return _around_runs(outline)
    numbers = _flat(outline)
    if numbers is None or len(numbers) < 2 or len(numbers) % 2:
        return None
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def is_rectangle(outline: object, box: Sequence[float]) -> bool:
    """Whether an outline is equal to its bounding box."""
    if not isinstance(outline, list) or len(outline) != 1 or len(box) != 4:
        return False
    numbers = _flat(outline[0])  # stops early, because most outlines are long
    if numbers is None or len(numbers) != 8:
        return False
    x, y, wide, high = box
    corners = {(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)}
    return set(zip(numbers[::2], numbers[1::2], strict=True)) == corners


def _flat(outline: object) -> list[float] | None:
    """All numbers of a polygon, of a list of polygons, or of a list of points."""
    numbers: list[float] = []
    for each in outline if isinstance(outline, list) else ():
        inner = each if isinstance(each, list) else [each]
        for number in inner:
            if isinstance(number, bool) or not isinstance(number, int | float):
                return None
            if not isfinite(number):
                return None
            numbers.append(number)
    return numbers or None


def _around_runs(outline: dict[str, object]) -> Rectangle | None:
    """Runs follow the columns; the first run is outside."""
    match outline:
        case {"size": [int(height), int(_)], "counts": list(counts)} if height > 0:
            runs = [run for run in counts if isinstance(run, int) and run >= 0]
            if len(runs) != len(counts):
                return None
        case {"size": [int(height), int(_)], "counts": str(text)} if height > 0:
            runs = list(_decoded(text))
        case _:
            return None
    left = top = float("inf")
    right = bottom = 0.0
    ends = list(accumulate(runs))
    for start, end in zip(ends[::2], ends[1::2], strict=False):
        if end <= start:
            continue
        first, last = start // height, (end - 1) // height
        left, right = min(left, first), max(right, last + 1)
        whole = last > first
        top = min(top, 0 if whole else start % height)
        bottom = max(bottom, height if whole else (end - 1) % height + 1)
    return (left, top, right - left, bottom - top) if right else None


def _decoded(text: str) -> Iterator[int]:
    """Decode COCO's compressed RLE: five bits per character; from the third run on, differences."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    yield from runs
