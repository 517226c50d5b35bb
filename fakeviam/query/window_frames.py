"""The windows of `$setWindowFields`: which rows belong to the window of each row."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.query.calendars import shifted, unit_of
from fakeviam.query.errors import QueryError
from fakeviam.query.paths import FieldPath
from fakeviam.query.values import (
    MISSING,
    as_long,
    as_utc,
    is_finite,
    is_number,
    number,
    sort_key,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.query.values import Document

    #: From a partition's documents to the start and end index of each one's window.
    Frame = Callable[[Sequence[Document]], Sequence[tuple[int, int]]]


class Order(NamedTuple):
    """The sort order of a partition.

    Attributes:
        spec: The specification.
        path: The field, if there is exactly one, which some functions require.
        descends: Whether it is descending.
    """

    spec: Document
    path: tuple[str, ...] | None
    descends: bool


def compile_frame(spec: object, order: Order | None) -> Frame:
    """Compile the bounds of a window.

    Raises:
        QueryError: The window is invalid.
    """
    if spec is None or spec == {}:
        return lambda rows: [(0, len(rows))] * len(rows)
    if not isinstance(spec, dict) or set(spec) - {"documents", "range", "unit"}:
        raise QueryError(
            9, "'window' must be an object with 'documents', or 'range' and perhaps 'unit'"
        )
    if "documents" in spec:
        if "range" in spec or "unit" in spec:
            raise QueryError(
                9, "Window bounds can specify either 'documents' or 'range', not both."
            )
        return _by_documents(_bounds("documents", spec["documents"], whole=True), order)
    if order is None or order.path is None or order.descends:
        raise QueryError(5339902, "Range-based bounds require a sortBy a single, ascending field")
    low, high = _bounds("range", spec.get("range"), whole="unit" in spec)
    unit = unit_of("window", spec["unit"]) if "unit" in spec else None
    return _by_range(low, high, unit, order.path)


def _bounds(kind: str, spec: object, *, whole: bool) -> tuple[object, object]:
    if not isinstance(spec, list) or len(spec) != 2:
        raise QueryError(9, f"Window bounds must be a 2-element array: {kind}: {spec!r}")
    for bound in spec:
        if bound not in ("unbounded", "current") and not is_finite(bound):
            raise QueryError(9, "Numeric window bounds must be numbers, 'unbounded' or 'current'")
        if whole and is_number(bound) and as_long(bound) is None:
            text = "Numeric document-based bounds, and bounds with a 'unit', must be integers"
            raise QueryError(9, f"{text}, not {bound}")
    low, high = spec
    if is_number(low) and is_number(high) and number(low) > number(high):
        raise QueryError(5339900, f"Lower bound must not exceed upper bound: {spec}")
    return low, high


def _by_documents(bounds: tuple[Any, Any], order: Order | None) -> Frame:
    low, high = bounds
    if order is None and bounds != ("unbounded", "unbounded"):
        raise QueryError(5339901, "Document-based bounds require a sortBy")

    def frame(rows: Sequence[Document]) -> list[tuple[int, int]]:
        count = len(rows)
        frames = []
        for place in range(count):
            start = 0 if low == "unbounded" else place + (0 if low == "current" else int(low))
            end = (
                count
                if high == "unbounded"
                else place + 1 + (0 if high == "current" else int(high))
            )
            start, end = max(0, min(start, count)), max(0, min(end, count))
            frames.append((start, max(start, end)))
        return frames

    return frame


def _by_range(low: object, high: object, unit: str | None, path: tuple[str, ...]) -> Frame:
    get = FieldPath(path)

    def moved(value: Any, bound: Any) -> object:
        if bound == "current":
            return value
        if unit is None:
            if not is_number(value):
                raise QueryError(
                    5429414,
                    f"Invalid range: the sortBy field must be a number, not {type_name(value)}",
                )
            return number(value) + number(bound)
        if not hasattr(value, "tzinfo"):
            raise QueryError(
                5429513,
                f"Invalid range: the sortBy field must be a Date, not {type_name(value)}",
            )
        return shifted(as_utc(value), unit, int(number(bound)))

    def frame(rows: Sequence[Document]) -> list[tuple[int, int]]:
        values = [get(row) for row in rows]
        keys = [sort_key(None if value is MISSING else value) for value in values]
        frames = []
        for value in values:
            start = 0 if low == "unbounded" else bisect_left(keys, sort_key(moved(value, low)))
            end = (
                len(keys)
                if high == "unbounded"
                else bisect_right(keys, sort_key(moved(value, high)))
            )
            frames.append((start, max(start, end)))
        return frames

    return frame
