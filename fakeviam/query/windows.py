"""`$setWindowFields`: functions over the neighbours of each document."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.query.accumulators import compile_accumulator
from fakeviam.query.errors import QueryError
from fakeviam.query.operators.dates import shifted, unit_of
from fakeviam.query.paths import FieldPath, split, with_value
from fakeviam.query.sorting import field_key, sorter
from fakeviam.query.values import (
    MISSING,
    as_utc,
    is_finite,
    is_number,
    milliseconds,
    number,
    sort_key,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.values import Document

    #: A partition's documents, in order, to the value of each.
    WindowFunction = Callable[[Sequence[Document]], Sequence[Any]]
    #: A partition's documents to the first and the behind-last place of each one's window.
    Frame = Callable[[Sequence[Document]], Sequence[tuple[int, int]]]


class Order(NamedTuple):
    """How a partition is sorted.

    Attributes:
        spec: The specification.
        path: The only field, for functions that need exactly one.
        descends: Whether it goes down.
    """

    spec: Document
    path: tuple[str, ...] | None
    descends: bool


def compile_windows(
    spec: Any, compiler: Compiler
) -> Callable[[Iterator[Document]], Iterable[Document]]:
    """Compile a `$setWindowFields`.

    Raises:
        QueryError: It makes no sense.
    """
    if not isinstance(spec, dict) or not isinstance(spec.get("output"), dict):
        raise QueryError(
            9, "the $setWindowFields stage specification must be an object with an 'output' object"
        )
    unknown = set(spec) - {"partitionBy", "sortBy", "output"}
    if unknown:
        raise QueryError(
            40415, f"BSON field '$setWindowFields.{min(unknown)}' is an unknown field."
        )
    order = _order(spec.get("sortBy"))
    partition = compiler.of_document(spec.get("partitionBy"))
    outputs = [
        (split(name), _compile_output(name, output, order, compiler))
        for name, output in spec["output"].items()
    ]

    def stage(documents: Iterator[Document]) -> Iterator[Document]:
        parts: dict[Any, list[Document]] = {}
        for document in documents:
            key = partition(document)
            if isinstance(key, list):
                raise QueryError(
                    14, "An expression used to partition cannot evaluate to value of type array"
                )
            parts.setdefault(sort_key(None if key is MISSING else key), []).append(document)
        for key in sorted(parts):
            yield from _with_outputs(parts[key], order, outputs)

    return stage


def _with_outputs(
    rows: list[Document], order: Order | None, outputs: list[tuple[tuple[str, ...], WindowFunction]]
) -> Iterator[Document]:
    ordered = sorter(order.spec)(rows) if order else rows
    columns = [(names, function(ordered)) for names, function in outputs]
    for place, row in enumerate(ordered):
        result = row
        for names, column in columns:
            result = with_value(result, names, column[place])
        yield result


def _order(spec: Any) -> Order | None:
    if spec is None:
        return None
    sorter(spec)  # refuses what makes no sense
    names = list(spec)
    return Order(spec, split(names[0]) if len(names) == 1 else None, spec[names[0]] == -1)


def _compile_output(
    name: str, spec: Any, order: Order | None, compiler: Compiler
) -> WindowFunction:
    if not isinstance(spec, dict):
        raise QueryError(9, f"The field '{name}' must be an object")
    functions = [key for key in spec if key.startswith("$")]
    if len(functions) != 1 or set(spec) - {functions[0], "window"}:
        raise QueryError(
            9, f"The field '{name}' must have one window function, and perhaps a 'window'"
        )
    (function,) = functions
    if function in _ORDERED:
        if "window" in spec and function not in {"$derivative", "$integral"}:
            raise QueryError(5371601, f"{function} takes no 'window'")
        if order is None:
            raise QueryError(
                5371602, f"{function} must be specified with a top level sortBy expression"
            )
        return _ORDERED[function](spec[function], order, spec.get("window"), compiler)
    accumulator = compile_accumulator(function, spec[function], compiler)
    frame = compile_frame(spec.get("window"), order)

    def over(rows: Sequence[Document]) -> list[Any]:
        values = [accumulator.evaluate(row) for row in rows]
        frames = frame(rows)
        if all(bounds == (0, len(rows)) for bounds in frames):
            whole = accumulator.fold(values)
            return [whole] * len(rows)
        compiler.budget.spend(sum(end - start for start, end in frames))
        return [accumulator.fold(values[start:end]) for start, end in frames]

    return over


# Frames ----------------------------------------------------------------------------------------


def compile_frame(spec: Any, order: Order | None) -> Frame:
    """Which rows each row's window holds.

    Raises:
        QueryError: The window makes no sense.
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
        return _by_documents(_bounds("documents", spec["documents"]), order)
    if order is None or order.path is None or order.descends:
        raise QueryError(5339902, "Range-based bounds require a sortBy a single, ascending field")
    low, high = _bounds("range", spec.get("range"))
    unit = unit_of("window", spec["unit"]) if "unit" in spec else None
    return _by_range(low, high, unit, order.path)


def _bounds(kind: str, spec: Any) -> tuple[Any, Any]:
    if not isinstance(spec, list) or len(spec) != 2:
        raise QueryError(9, f"Window bounds must be a 2-element array: {kind}: {spec!r}")
    for bound in spec:
        if bound not in ("unbounded", "current") and not is_finite(bound):
            raise QueryError(9, "Numeric window bounds must be numbers, 'unbounded' or 'current'")
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


def _by_range(low: Any, high: Any, unit: str | None, path: tuple[str, ...]) -> Frame:
    get = FieldPath(path)

    def moved(value: Any, bound: Any) -> Any:
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


# Functions that only exist over windows ---------------------------------------------------------


def _shift(spec: Any, order: Order, window: Any, compiler: Compiler) -> WindowFunction:
    del order, window
    if not isinstance(spec, dict) or not {"output", "by"} <= set(spec) <= {
        "output",
        "by",
        "default",
    }:
        raise QueryError(9, "$shift needs 'output' and 'by', and perhaps 'default'")
    output, by = compiler.of_document(spec["output"]), spec["by"]
    if not is_number(by) or number(by) % 1:
        raise QueryError(9, "$shift: 'by' must be an integer")
    default = compiler.of_document(spec.get("default"))({})

    def over(rows: Sequence[Document]) -> list[Any]:
        places = (place + int(number(by)) for place in range(len(rows)))
        return [
            _null(output(rows[place])) if 0 <= place < len(rows) else default for place in places
        ]

    return over


def _null(value: Any) -> Any:
    return None if value is MISSING else value


def _document_number(spec: Any, order: Order, window: Any, compiler: Compiler) -> WindowFunction:
    del order, window, compiler
    _no_operands("$documentNumber", spec)
    return lambda rows: range(1, len(rows) + 1)


def _no_operands(name: str, spec: Any) -> None:
    if spec != {}:
        raise QueryError(5371603, f"{name} must be specified with '{{}}' as the value")


def _rank(*, dense: bool) -> Callable[..., WindowFunction]:
    name = "$denseRank" if dense else "$rank"

    def build(spec: Any, order: Order, window: Any, compiler: Compiler) -> WindowFunction:
        del window, compiler
        _no_operands(name, spec)
        path = order.path
        if path is None:
            raise QueryError(
                5371602,
                f"{name} must be specified with a sortBy of exactly one field",
            )

        def over(rows: Sequence[Document]) -> list[int]:
            ranks: list[int] = []
            before: Any = None
            for place, row in enumerate(rows):
                key = field_key(row, path, descends=order.descends)
                if place and key == before:
                    ranks.append(ranks[-1])
                else:
                    ranks.append((ranks[-1] + 1 if ranks else 1) if dense else place + 1)
                before = key
            return ranks

        return over

    return build


def _exponential(spec: Any, order: Order, window: Any, compiler: Compiler) -> WindowFunction:
    del order, window
    if not isinstance(spec, dict) or "input" not in spec or ("N" in spec) == ("alpha" in spec):
        raise QueryError(9, "$expMovingAvg needs 'input', and either 'N' or 'alpha'")
    of = compiler.of_document(spec["input"])
    if not is_number(spec.get("N", spec.get("alpha"))):
        raise QueryError(9, "$expMovingAvg: 'N' and 'alpha' are numbers")
    alpha = 2 / (number(spec["N"]) + 1) if "N" in spec else float(number(spec["alpha"]))
    if not 0 < alpha <= 1:
        raise QueryError(9, "'alpha' must be between 0 and 1 (exclusive), 'N' a positive integer")

    def over(rows: Sequence[Document]) -> list[Any]:
        averages: list[Any] = []
        mean: float | None = None
        for row in rows:
            value = of(row)
            if is_number(value):
                exact = float(number(value))
                mean = exact if mean is None else exact * alpha + mean * (1 - alpha)
                averages.append(mean)
            else:
                averages.append(mean)
        return averages

    return over


def _per_unit(name: str, spec: Any) -> float | None:
    """Milliseconds in the unit of a derivative or an integral; None where no dates are meant."""
    if "unit" not in spec:
        return None
    units = {
        "week": timedelta(weeks=1),
        "day": timedelta(days=1),
        "hour": timedelta(hours=1),
        "minute": timedelta(minutes=1),
        "second": timedelta(seconds=1),
        "millisecond": timedelta(milliseconds=1),
    }
    if spec["unit"] not in units:
        raise QueryError(5490704, f"unit must be 'week' or smaller ({name})")
    return units[spec["unit"]] / timedelta(milliseconds=1)


def _position(name: str, value: Any, per: float | None) -> float:
    if hasattr(value, "tzinfo"):
        if per is None:
            raise QueryError(5624901, f"{name} with a date needs a 'unit'")
        return milliseconds(value) / per
    if not is_number(value) or per is not None:
        raise QueryError(
            5624900, f"{name}'s sortBy field must be a number, or a date with a 'unit'"
        )
    return float(number(value))


def _slope(spec: Any, order: Order, window: Any, compiler: Compiler) -> WindowFunction:
    return _calculus("$derivative", spec, order, window, compiler, _rise)


def _area(spec: Any, order: Order, window: Any, compiler: Compiler) -> WindowFunction:
    return _calculus("$integral", spec, order, window, compiler, _trapezoids)


def _rise(points: Sequence[tuple[float, float]]) -> float | None:
    if len(points) < 2 or points[-1][0] == points[0][0]:
        return None
    return (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])


def _trapezoids(points: Sequence[tuple[float, float]]) -> float:
    pairs = pairwise(points)
    return math.fsum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairs)


def _calculus(
    name: str,
    spec: Any,
    order: Order,
    window: Any,
    compiler: Compiler,
    calculate: Callable[..., Any],
) -> WindowFunction:
    if not isinstance(spec, dict) or "input" not in spec or set(spec) - {"input", "unit"}:
        raise QueryError(9, f"{name} needs 'input', and perhaps 'unit'")
    if window is None and name == "$derivative":
        raise QueryError(5490700, f"{name} requires explicit window bounds")
    if order.path is None:
        raise QueryError(5490701, f"{name} must be specified with a sortBy of exactly one field")
    of, get, per = compiler.of_document(spec["input"]), FieldPath(order.path), _per_unit(name, spec)
    frame = compile_frame(window, order)

    def over(rows: Sequence[Document]) -> list[Any]:
        points = []
        for row in rows:
            value = of(row)
            if not is_number(value):
                raise QueryError(5423900, f"{name} expects numbers, got {type_name(value)}")
            points.append((_position(name, get(row), per), float(number(value))))
        frames = frame(rows)
        compiler.budget.spend(sum(end - start for start, end in frames))
        return [calculate(points[start:end]) for start, end in frames]

    return over


def _carried(spec: Any, order: Order, window: Any, compiler: Compiler) -> WindowFunction:
    """The last value that is there, carried forward."""
    del order, window
    of = compiler.of_document(spec)

    def over(rows: Sequence[Document]) -> list[Any]:
        values: list[Any] = []
        last: Any = None
        for row in rows:
            value = of(row)
            last = last if value is None or value is MISSING else value
            values.append(last)
        return values

    return over


def _linear(spec: Any, order: Order, window: Any, compiler: Compiler) -> WindowFunction:
    """Gaps between numbers filled on a straight line over the field of the order."""
    del window
    of = compiler.of_document(spec)
    if order.path is None:
        raise QueryError(605001, "$linearFill must be specified with a sortBy of exactly one field")
    get = FieldPath(order.path)

    def over(rows: Sequence[Document]) -> list[Any]:
        values = [_null(of(row)) for row in rows]
        return interpolated([sort_key(get(row))[-1] for row in rows], values)

    return over


def interpolated(places: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Values with the gaps between two of them filled linearly."""
    filled = list(values)
    known = [place for place, value in enumerate(values) if value is not None]
    for left, right in pairwise(known):
        rise = number(values[right]) - number(values[left])
        for place in range(left + 1, right):
            part = (places[place] - places[left]) / (places[right] - places[left])
            filled[place] = number(values[left]) + rise * part
    return filled


_ORDERED: dict[str, Callable[[Any, Order, Any, Compiler], WindowFunction]] = {
    "$denseRank": _rank(dense=True),
    "$derivative": _slope,
    "$documentNumber": _document_number,
    "$expMovingAvg": _exponential,
    "$integral": _area,
    "$linearFill": _linear,
    "$locf": _carried,
    "$rank": _rank(dense=False),
    "$shift": _shift,
}
