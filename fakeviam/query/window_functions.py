"""Functions that exist only in windows: ranks, shifts, derivatives, integrals, filled gaps."""

from __future__ import annotations

import math
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fakeviam.query.accumulators import Accumulator
from fakeviam.query.calendars import FIXED_UNITS
from fakeviam.query.errors import QueryError
from fakeviam.query.paths import FieldPath
from fakeviam.query.reads import is_constant
from fakeviam.query.sorting import field_key
from fakeviam.query.values import (
    MISSING,
    as_long,
    is_finite,
    is_number,
    milliseconds,
    number,
    or_null,
    sort_key,
    type_name,
)
from fakeviam.query.window_frames import Order, compile_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.values import Document

    #: From a partition's sorted documents to the value of each.
    WindowFunction = Callable[[Sequence[Document]], Sequence[object]]


def _shift(spec: object, order: Order, window: object, compiler: Compiler) -> WindowFunction:
    del order, window
    if not isinstance(spec, dict) or not {"output", "by"} <= set(spec) <= {
        "output",
        "by",
        "default",
    }:
        raise QueryError(9, "$shift needs 'output' and 'by', and perhaps 'default'")
    output, by = compiler.of_document(spec["output"]), as_long(spec["by"])
    if by is None:
        raise QueryError(9, "$shift: 'by' must be an integer")
    if not is_constant(spec.get("default")):
        raise QueryError(9, "'$shift:default' expression must yield a constant value.")
    default = compiler.of_document(spec.get("default"))({})

    def over(rows: Sequence[Document]) -> list[object]:
        places = (place + by for place in range(len(rows)))
        return [
            or_null(output(rows[place])) if 0 <= place < len(rows) else default for place in places
        ]

    return over


def _document_number(
    spec: object, order: Order, window: object, compiler: Compiler
) -> WindowFunction:
    del order, window, compiler
    _no_operands("$documentNumber", spec)
    return lambda rows: range(1, len(rows) + 1)


def _no_operands(name: str, spec: object) -> None:
    if spec != {}:
        raise QueryError(5371603, f"{name} must be specified with '{{}}' as the value")


def _rank(*, dense: bool) -> Callable[..., WindowFunction]:
    name = "$denseRank" if dense else "$rank"

    def build(spec: object, order: Order, window: object, compiler: Compiler) -> WindowFunction:
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
            before: object = None
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


def _exponential(spec: object, order: Order, window: object, compiler: Compiler) -> WindowFunction:
    del order, window
    if not isinstance(spec, dict) or "input" not in spec or ("N" in spec) == ("alpha" in spec):
        raise QueryError(9, "$expMovingAvg needs 'input', and either 'N' or 'alpha'")
    of = compiler.of_document(spec["input"])
    weight, count = spec.get("alpha"), as_long(spec.get("N"))
    if "N" in spec and (count is None or count <= 0):
        raise QueryError(9, f"'N' field must be a positive integer, but found {spec['N']!r}")
    if count is None and not (is_number(weight) and 0 < number(weight) < 1):
        raise QueryError(9, f"'alpha' must be between 0 and 1 (exclusive), found alpha: {weight!r}")
    alpha = float(number(weight)) if count is None else 2 / (count + 1)

    def over(rows: Sequence[Document]) -> list[object]:
        averages: list[object] = []
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
    """Milliseconds per unit of a derivative or integral; None if the positions are not dates."""
    if "unit" not in spec:
        return None
    if not isinstance(spec["unit"], str) or spec["unit"] not in FIXED_UNITS:
        raise QueryError(5490704, f"unit must be 'week' or smaller ({name})")
    return FIXED_UNITS[spec["unit"]] / FIXED_UNITS["millisecond"]


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


def _slope(spec: object, order: Order, window: object, compiler: Compiler) -> WindowFunction:
    return _calculus("$derivative", spec, order, window, compiler, _rise)


def _area(spec: object, order: Order, window: object, compiler: Compiler) -> WindowFunction:
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
    spec: object,
    order: Order,
    window: object,
    compiler: Compiler,
    calculate: Callable[..., object],
) -> WindowFunction:
    if not isinstance(spec, dict) or "input" not in spec or set(spec) - {"input", "unit"}:
        raise QueryError(9, f"{name} needs 'input', and perhaps 'unit'")
    if window is None and name == "$derivative":
        raise QueryError(5490700, f"{name} requires explicit window bounds")
    if order.path is None:
        raise QueryError(5490701, f"{name} must be specified with a sortBy of exactly one field")
    of, get, per = compiler.of_document(spec["input"]), FieldPath(order.path), _per_unit(name, spec)
    frame = compile_frame(window, order)

    def over(rows: Sequence[Document]) -> list[object]:
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


#: Accumulators that exist only in windows; the value tells whether it is that of a sample.
COVARIANCES = {"$covariancePop": False, "$covarianceSamp": True}


def compile_covariance(name: str, spec: object, compiler: Compiler) -> Accumulator:
    """Compile a covariance.

    Raises:
        QueryError: It does not have two operands.
    """
    if not isinstance(spec, list) or len(spec) != 2:
        raise QueryError(9, f"{name} takes an array of two expressions")
    fold = partial(_covaried, sample=COVARIANCES[name])
    return Accumulator(compiler.of_document(spec), fold)


def _covaried(pairs: Sequence[Any], *, sample: bool) -> float | None:
    points = [
        (float(number(x)), float(number(y))) for x, y in pairs if is_number(x) and is_number(y)
    ]
    if len(points) < 1 + sample:
        return None
    mean_x, mean_y = (math.fsum(axis) / len(points) for axis in zip(*points, strict=True))
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / (len(points) - sample)


def _carried(spec: object, order: Order, window: object, compiler: Compiler) -> WindowFunction:
    """The last value that is not null, carried forward."""
    del order, window
    of = compiler.of_document(spec)

    def over(rows: Sequence[Document]) -> list[object]:
        values: list[object] = []
        last: object = None
        for row in rows:
            value = of(row)
            last = last if value is None or value is MISSING else value
            values.append(last)
        return values

    return over


def _linear(spec: object, order: Order, window: object, compiler: Compiler) -> WindowFunction:
    """Gaps between numbers, interpolated linearly over the sort field."""
    del window
    of = compiler.of_document(spec)
    if order.path is None:
        raise QueryError(605001, "$linearFill must be specified with a sortBy of exactly one field")
    get = FieldPath(order.path)

    def over(rows: Sequence[Document]) -> list[object]:
        values = [or_null(of(row)) for row in rows]
        if not all(value is None or is_number(value) for value in values):
            raise QueryError(605001, "Value to be filled must be numeric or nullish")
        return interpolated([_place(get(row)) for row in rows], values)

    return over


def _place(value: object) -> Any:
    if not is_finite(value) and not isinstance(value, datetime):
        text = f"$linearFill sorts by numbers or dates, not {type_name(value)}"
        raise QueryError(605001, text)
    return sort_key(value)[-1]


def interpolated(places: Sequence[Any], values: Sequence[Any]) -> list[object]:
    """Interpolate the gaps between values linearly.

    Raises:
        QueryError: Two values have the same position.
    """
    if any(one == other for one, other in pairwise(places)):
        raise QueryError(6050106, "There can be no repeated values in the sort field")
    filled = list(values)
    places_with_value = [place for place, value in enumerate(values) if value is not None]
    for left, right in pairwise(places_with_value):
        rise = number(values[right]) - number(values[left])
        for place in range(left + 1, right):
            part = (places[place] - places[left]) / (places[right] - places[left])
            filled[place] = number(values[left]) + rise * part
    return filled


WINDOW_FUNCTIONS: dict[str, Callable[[object, Order, object, Compiler], WindowFunction]] = {
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
