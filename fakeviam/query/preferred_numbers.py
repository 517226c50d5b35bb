"""Series of preferred numbers, to which `$bucketAuto` can round its bounds."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.query.errors import QueryError
from fakeviam.query.values import is_number, number, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Rounds a number to the next preferred number, up or down.
    Rounder = Callable[[object, bool], float]


_TENTHS = "10 11 12 13 15 16 18 20 22 24 27 30 33 36 39 43 47 51 56 62 68 75 82 91"
_E24 = tuple(int(each) / 10 for each in _TENTHS.split())


def _geometric(count: int) -> tuple[float, ...]:
    """A series of the rounded powers of a root of ten."""
    return tuple(round(10 ** (place / count), 2) for place in range(count))


_R10 = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
_R20 = (1.0, 1.12, 1.25, 1.4, 1.6, 1.8, 2.0, 2.24, 2.5, 2.8, 3.15, 3.55, 4.0, 4.5, 5.0, 5.6, 6.3,
        7.1, 8.0, 9.0)  # fmt: skip
_R40 = (1.0, 1.06, 1.12, 1.18, 1.25, 1.32, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.12, 2.24, 2.36,
        2.5, 2.65, 2.8, 3.0, 3.15, 3.35, 3.55, 3.75, 4.0, 4.25, 4.5, 4.75, 5.0, 5.3, 5.6, 6.0, 6.3,
        6.7, 7.1, 7.5, 8.0, 8.5, 9.0, 9.5)  # fmt: skip
_R80 = (1.0, 1.03, 1.06, 1.09, 1.12, 1.15, 1.18, 1.22, 1.25, 1.28, 1.32, 1.36, 1.4, 1.45, 1.5, 1.55,
        1.6, 1.65, 1.7, 1.75, 1.8, 1.85, 1.9, 1.95, 2.0, 2.06, 2.12, 2.18, 2.24, 2.3, 2.36, 2.43,
        2.5, 2.58, 2.65, 2.72, 2.8, 2.9, 3.0, 3.07, 3.15, 3.25, 3.35, 3.45, 3.55, 3.65, 3.75, 3.87,
        4.0, 4.12, 4.25, 4.37, 4.5, 4.62, 4.75, 4.87, 5.0, 5.15, 5.3, 5.45, 5.6, 5.8, 6.0, 6.15,
        6.3, 6.5, 6.7, 6.9, 7.1, 7.3, 7.5, 7.75, 8.0, 8.25, 8.5, 8.75, 9.0, 9.25, 9.5,
        9.75)  # fmt: skip

#: The preferred numbers from one to ten of each series.
_SERIES = MappingProxyType(
    {
        "R5": (1.0, 1.6, 2.5, 4.0, 6.3),
        "R10": _R10,
        "R20": _R20,
        "R40": _R40,
        "R80": _R80,
        "1-2-5": (1.0, 2.0, 5.0),
        "E6": _E24[::4],
        "E12": _E24[::2],
        "E24": _E24,
        "E48": _geometric(48),
        "E96": _geometric(96),
        # E192 contains one number that differs from the rounded power.
        "E192": tuple(9.2 if each == 9.19 else each for each in _geometric(192)),
    }
)


def rounder_of(granularity: object) -> Rounder:
    """Return the function that rounds to a series.

    Raises:
        QueryError: The series does not exist.
    """
    if not isinstance(granularity, str):
        kind = type_name(granularity)
        text = f"The $bucketAuto 'granularity' field must be a string, but found type: {kind}"
        raise QueryError(40261, text)
    if granularity != "POWERSOF2" and granularity not in _SERIES:
        raise QueryError(40257, f"Unknown rounding granularity '{granularity}'")
    base = 2 if granularity == "POWERSOF2" else 10
    series = _SERIES.get(granularity, (1.0,))

    def rounded(value: object, up: bool) -> float:  # noqa: FBT001
        """The next number of the series, which always differs from `value`, except for 0."""
        exact = _not_negative(value)
        if not exact:
            return 0.0
        power = float(base) ** math.floor(math.log(exact, base))
        scale = power / base
        near = [each * scale for each in series]
        near += [each * power for each in series] + [power * base, power * base * base]
        place = bisect_right(near, exact) if up else bisect_left(near, exact) - 1
        return near[place]

    return rounded


def _not_negative(value: object) -> float:
    if not is_number(value):
        text = "$bucketAuto can specify a 'granularity' with numeric boundaries only, but found"
        raise QueryError(40258, f"{text}: {type_name(value)}")
    exact = float(number(value))
    if math.isnan(exact):
        raise QueryError(40259, "$bucketAuto can't round NaN")
    if exact < 0:
        text = "$bucketAuto can specify a 'granularity' with non-negative numbers only"
        raise QueryError(40260, f"{text}, but found: {exact:g}")
    return exact
