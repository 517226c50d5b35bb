"""Accumulators of `$group` and similar stages, and the expressions of the same names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from bson import Int64

from fakeviam.query.errors import QueryError, bad_value
from fakeviam.query.expressions import Function, NamedFunction, check_names
from fakeviam.query.operators.arithmetic import mixed, typed
from fakeviam.query.paths import Constant
from fakeviam.query.sorting import sorter
from fakeviam.query.values import (
    MISSING,
    as_long,
    is_number,
    narrowed,
    number,
    or_null,
    sort_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.paths import Of
    from fakeviam.query.values import Document

    #: From the values of a group's documents, in order, to the value of the group.
    Fold = Callable[[Sequence[object]], object]


class Accumulator(NamedTuple):
    """How a field of a group is computed.

    Attributes:
        evaluate: Computes the value of one document.
        fold: Computes the value of the group from them.
    """

    evaluate: Of
    fold: Fold


def total(values: Iterable[object]) -> object:
    """The sum of the numeric values; others are ignored."""
    numbers = _numbers(values)
    kinds = set(map(type, numbers))
    if not kinds <= _PLAIN:
        return narrowed(sum(mixed(*map(number, numbers))))
    return _exact_sum(numbers) if float in kinds else typed(sum(numbers), numbers)


#: Types that Python can add without conversion, also when they are mixed.
_PLAIN = frozenset({int, float, Int64})


def _numbers(values: Iterable[object]) -> list[Any]:
    """The numeric values. If all have plain types, there is no check per value."""
    there = list(values)
    return there if set(map(type, there)) <= _PLAIN else list(filter(is_number, there))


def _exact_sum(numbers: list[Any]) -> float:
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # infinities of both signs, or an overflow
        return float(sum(map(float, numbers)))


def average(values: Iterable[object]) -> object:
    """The mean of the numeric values; null if there are none."""
    numbers = _numbers(values)
    if not numbers:
        return None
    one, other = mixed(number(total(numbers)), len(numbers))
    return narrowed(one / other)


def _extreme(choose: Callable[..., object]) -> Fold:
    def fold(values: Sequence[object]) -> object:
        there = [value for value in values if value is not None and value is not MISSING]
        return choose(there, key=sort_key) if there else None

    return fold


def _deviation(*, sample: bool) -> Fold:
    def fold(values: Sequence[object]) -> object:
        numbers = [float(number(value)) for value in values if is_number(value)]
        if len(numbers) < (2 if sample else 1):
            return None
        if not all(map(math.isfinite, numbers)):
            return math.nan
        mean = math.fsum(numbers) / len(numbers)
        squares = math.fsum((value - mean) ** 2 for value in numbers)
        return math.sqrt(squares / (len(numbers) - sample))

    return fold


def _distinct(values: Sequence[object]) -> list[object]:
    unique: dict[object, object] = {}
    for value in values:
        if value is not MISSING:
            # The first of several equal values is the one to keep, as 1 of 1 and 1.0.
            unique.setdefault(sort_key(value), value)
    return list(unique.values())


def _merged(values: Sequence[object]) -> dict[str, object]:
    document: dict[str, object] = {}
    for value in values:
        if isinstance(value, dict):
            document.update(value)
        elif value is not None and value is not MISSING:
            raise QueryError(40400, "$mergeObjects requires object inputs")
    return document


SIMPLE: dict[str, Fold] = {
    "$addToSet": _distinct,
    "$avg": average,
    "$first": lambda values: or_null(values[0]) if values else None,
    "$last": lambda values: or_null(values[-1]) if values else None,
    "$max": _extreme(max),
    "$mergeObjects": _merged,
    "$min": _extreme(min),
    "$push": lambda values: [value for value in values if value is not MISSING],
    "$stdDevPop": _deviation(sample=False),
    "$stdDevSamp": _deviation(sample=True),
    "$sum": total,
}


def percentiles(values: Iterable[object], fractions: Sequence[float]) -> list[object]:
    """The percentiles at these fractions: always values that occur, without interpolation."""
    numbers = sorted(float(number(value)) for value in values if is_number(value))
    if not numbers:
        return [None] * len(fractions)
    last = len(numbers) - 1
    return [numbers[min(last, max(0, math.ceil(p * len(numbers)) - 1))] for p in fractions]


def _fractions(p: object) -> list[float]:
    if (
        not isinstance(p, list)
        or not p
        or not all(is_number(each) and 0 <= number(each) <= 1 for each in p)
    ):
        raise QueryError(
            7750303, "$percentile requires 'p' to be an array of numbers from [0.0, 1.0]"
        )
    return [float(number(each)) for each in p]


def _check_method(method: object) -> None:
    if method != "approximate":
        raise bad_value("Currently only 'approximate' can be used as percentile 'method'.")


def compile_accumulator(name: str, spec: object, compiler: Compiler) -> Accumulator:
    """Compile one field of a group.

    Raises:
        QueryError: The accumulator does not exist, or its operands are invalid.
    """
    if name in SIMPLE:
        return Accumulator(compiler.of_document(spec), SIMPLE[name])
    if name == "$count":
        if spec != {}:
            raise QueryError(9, "$count takes no arguments, i.e. $count:{}")
        return Accumulator(Constant(1), len)
    if name in _RANKED:
        return _RANKED[name](name, spec, compiler)
    raise QueryError(15952, f"unknown group operator '{name}'")


def _several(name: str, spec: Any, compiler: Compiler) -> Accumulator:
    check_names(name, spec, ("n", "input"))
    count = _count(name, compiler.of_document(spec["n"]))
    choose = _CHOICES[name]
    return Accumulator(compiler.of_document(spec["input"]), lambda values: choose(values, count))


def _count(name: str, evaluate: Of) -> int:
    value = evaluate({})
    whole = as_long(value)
    if whole is None or whole <= 0:
        code = 5787902 if not is_number(value) else 5787903 if whole is None else 5787908
        raise QueryError(code, f"{name}: 'n' must be a positive whole number, but is {value!r}")
    return whole


def _not_null(values: Sequence[object]) -> list[object]:
    return [value for value in values if value is not None and value is not MISSING]


_CHOICES: dict[str, Callable[[Sequence[Any], int], list[Any]]] = {
    "$firstN": lambda values, count: [or_null(value) for value in values[:count]],
    "$lastN": lambda values, count: [or_null(value) for value in values[-count:]],
    "$maxN": lambda values, count: sorted(_not_null(values), key=sort_key, reverse=True)[:count],
    "$minN": lambda values, count: sorted(_not_null(values), key=sort_key)[:count],
}


def _ordered(name: str, spec: object, compiler: Compiler) -> Accumulator:
    """`$top`, `$bottom`, `$topN` and `$bottomN`: the first or last values in a sort order."""
    plural = name.endswith("N")
    if not isinstance(spec, dict) or set(spec) != {"sortBy", "output", *(["n"] if plural else [])}:
        raise QueryError(5788005, f"{name} needs 'sortBy', 'output'{' and n' if plural else ''}")
    arrange, output = sorter(spec["sortBy"]), compiler.of_document(spec["output"])
    count = _count(name, compiler.of_document(spec["n"])) if plural else 1
    top = name.startswith("$top")

    def evaluate(document: Document) -> object:
        return (document, output(document))

    def fold(pairs: Sequence[Any]) -> object:
        outputs = {id(root): value for root, value in pairs}
        roots = arrange(root for root, _ in pairs)
        selected = [
            or_null(outputs[id(root)]) for root in (roots[:count] if top else roots[-count:])
        ]
        return selected if plural else (selected[0] if selected else None)

    return Accumulator(evaluate, fold)


def _percentile(name: str, spec: Any, compiler: Compiler) -> Accumulator:
    required = ("input", "p", "method") if name == "$percentile" else ("input", "method")
    check_names(name, spec, required)
    of = compiler.of_document(spec["input"])
    _check_method(compiler.of_document(spec["method"])({}))
    if name == "$median":
        return Accumulator(of, lambda values: percentiles(values, [0.5])[0])
    fractions = _fractions(compiler.of_document(spec["p"])({}))
    return Accumulator(of, lambda values: percentiles(values, fractions))


_RANKED: dict[str, Callable[[str, object, Compiler], Accumulator]] = {
    **dict.fromkeys(_CHOICES, _several),
    **dict.fromkeys(("$top", "$topN", "$bottom", "$bottomN"), _ordered),
    "$percentile": _percentile,
    "$median": _percentile,
}


# As expressions: over several operands, or over the elements of a single array --------------------


def _spread(fold: Fold) -> Function:
    def apply(*values: object) -> object:
        return fold(values[0] if len(values) == 1 and isinstance(values[0], list) else values)

    return Function(apply=apply, fewest=0, most=None)


def _elements(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def _median(input: object, method: object) -> object:  # noqa: A002
    _check_method(method)
    return percentiles(_elements(input), [0.5])[0]


def _percentiles(input: object, p: object, method: object) -> list[object]:  # noqa: A002
    _check_method(method)
    return percentiles(_elements(input), _fractions(p))


FUNCTIONS = {
    name: _spread(SIMPLE[name])
    for name in ("$avg", "$max", "$min", "$stdDevPop", "$stdDevSamp", "$sum")
}
NAMED = {
    "$median": NamedFunction.of(_median, nulls=()),
    "$percentile": NamedFunction.of(_percentiles, nulls=()),
}
