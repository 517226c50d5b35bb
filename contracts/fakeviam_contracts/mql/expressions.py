"""MongoDB's values, paths, filters and expressions, implemented literally."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Document = dict[str, Any]
Known = TypeVar("Known")


class UnknownError(Exception):
    """An operator or type that this interpreter does not support."""


class _MissingField:
    """The value of a missing field."""

    def __repr__(self) -> str:
        return "missing"


MISSING = _MissingField()


# Values ----------------------------------------------------------------------------------


def rank(value: object) -> int:
    """The position of a value's type in MongoDB's order of types; missing sorts before null.

    Raises:
        UnknownError: The type is not supported.
    """
    if value is MISSING or value is None:
        return int(value is None)
    kinds: tuple[tuple[Any, int], ...] = (
        (bool, 6), ((int, float), 2), (str, 3), (dict, 4), (list, 5), (dt.datetime, 7),
    )  # fmt: skip
    for kind, place in kinds:
        if isinstance(value, kind):
            return place
    raise UnknownError(f"values like {value!r}")


def absent(value: object) -> bool:
    """Whether a value is null or missing, which most operators treat alike."""
    return value is None or value is MISSING


def nulled(value: object) -> object:
    """A value; a missing one becomes null, as in filters, sorting and groups."""
    return None if value is MISSING else value


def key(value: object) -> Any:
    """A key that sorts like MongoDB, and is equal for equal values."""
    place = rank(value)
    if absent(value):
        return (place,)
    if isinstance(value, dict):
        return (place, [(rank(v), name, key(v)) for name, v in value.items()])
    if isinstance(value, list):
        return (place, [key(v) for v in value])
    if _nan(value):
        return (place, -math.inf, False)  # less than all other numbers, and equal to itself
    return (place, value, True)


def _nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def same(one: object, other: object) -> bool:
    """Whether two values are equal: 1 and 1.0 are, 1 and true are not."""
    return bool(key(one) == key(other))


# Paths -----------------------------------------------------------------------------------


def reached(value: object, path: str) -> Iterator[object]:
    """All values that the path of a filter reaches, also inside arrays."""
    name, _, rest = path.partition(".")
    if rest[:1].isdigit():
        raise UnknownError(f"positions in arrays: {path}")
    inner = value.get(name, MISSING) if isinstance(value, dict) else MISSING
    if not rest:
        yield inner
        return
    if isinstance(inner, list):
        # Elements that are not documents have no fields, not even missing ones.
        for entry in inner:
            if isinstance(entry, dict):
                yield from reached(entry, rest)
        return
    yield from reached(inner, rest)


def field_of(value: object, path: str) -> object:
    """The value of `$path` in an expression; an array gives one value per element."""
    name, _, rest = path.partition(".")
    if isinstance(value, list):
        # Nested arrays are not traversed.
        inner = [field_of(entry, path) for entry in value if isinstance(entry, dict)]
        return [entry for entry in inner if entry is not MISSING]
    found: object = value.get(name, MISSING) if isinstance(value, dict) else MISSING
    return field_of(found, rest) if rest and found is not MISSING else found


# Filters ---------------------------------------------------------------------------------


def matches(document: Document, spec: Mapping[str, Any]) -> bool:
    """Whether a document matches a filter."""
    for name, condition in spec.items():
        if name == "$and":
            good = all(matches(document, each) for each in condition)
        elif name == "$or":
            good = any(matches(document, each) for each in condition)
        elif name == "$nor":
            good = not any(matches(document, each) for each in condition)
        elif name == "$expr":
            good = truth(evaluated(document, condition))
        elif name.startswith("$"):
            raise UnknownError(name)
        else:
            values = list(reached(document, name))
            good = _meets(values, condition)
        if not good:
            return False
    return True


def known(table: Mapping[str, Known], name: str) -> Known:
    """Look up a name in a table.

    Raises:
        UnknownError: It is not supported.
    """
    if name not in table:
        raise UnknownError(name)
    return table[name]


def _meets(values: Sequence[object], wanted: object) -> bool:
    if not isinstance(wanted, dict) or not any(name.startswith("$") for name in wanted):
        return _any_equals(values, wanted)
    return all(known(_TESTS, name)(values, operand) for name, operand in wanted.items())


def _spread(values: Iterable[object]) -> Iterator[object]:
    """The values, and the elements of arrays among them; null if there are none."""
    for value in values:
        yield nulled(value)
        if isinstance(value, list):
            yield from value


def _any_equals(values: Sequence[object], wanted: object) -> bool:
    return any(same(value, wanted) for value in _spread(values))


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Sequence[object], object], bool]:
    def test(values: Sequence[object], wanted: object) -> bool:
        return any(
            rank(value) == rank(wanted)
            # NaN is neither less nor greater than any number.
            and _nan(value) == _nan(wanted)
            and holds(key(value), key(wanted))
            for value in _spread(values)
        )

    return test


_TESTS: dict[str, Callable[[Sequence[Any], Any], bool]] = {
    "$eq": _any_equals,
    "$ne": lambda values, wanted: not _any_equals(values, wanted),
    "$gt": _ordered(lambda one, other: bool(one > other)),
    "$gte": _ordered(lambda one, other: bool(one >= other)),
    "$lt": _ordered(lambda one, other: bool(one < other)),
    "$lte": _ordered(lambda one, other: bool(one <= other)),
    "$in": lambda values, wanted: any(_any_equals(values, each) for each in wanted),
    "$nin": lambda values, wanted: not any(_any_equals(values, each) for each in wanted),
    "$exists": lambda values, wanted: any(v is not MISSING for v in values) == bool(wanted),
    "$size": lambda values, wanted: any(isinstance(v, list) and len(v) == wanted for v in values),
    "$not": lambda values, wanted: not _meets(values, wanted),
    "$regex": lambda values, wanted: any(
        isinstance(v, str) and re.search(wanted, v) for v in _spread(values)
    ),
}


# Expressions -----------------------------------------------------------------------------


def truth(value: object) -> bool:
    """Whether a value is true: anything but false, null, missing and zero."""
    return not (absent(value) or value is False or same(value, 0))


def evaluated(document: Document, expression: object) -> Any:
    """Evaluate an expression."""
    if isinstance(expression, str) and expression.startswith("$$"):
        variable, _, path = expression[2:].partition(".")
        if variable not in ("ROOT", "CURRENT"):
            raise UnknownError(expression)
        return field_of(document, path) if path else document
    if isinstance(expression, str) and expression.startswith("$"):
        return field_of(document, expression[1:])
    if isinstance(expression, list):
        return [nulled(evaluated(document, each)) for each in expression]
    if not isinstance(expression, dict):
        return expression
    if any(name.startswith("$") for name in expression):
        ((name, operands),) = expression.items()
        return _applied(document, name, operands)
    document_value = {name: evaluated(document, each) for name, each in expression.items()}
    return {name: value for name, value in document_value.items() if value is not MISSING}


def _applied(document: Document, name: str, given: Any) -> object:
    if name == "$literal":
        return given
    if name == "$cond":
        test, yes, no = given if isinstance(given, list) else map(given.get, _CONDITION)
        return evaluated(document, yes if truth(evaluated(document, test)) else no)
    arguments = given if isinstance(given, list) else [given]
    return known(_OPERATORS, name)(*(evaluated(document, each) for each in arguments))


_CONDITION = ("if", "then", "else")


def _of(kind: Any, apply: Callable[..., object]) -> Callable[..., object]:
    """A function of values of the same type; null if one is null or missing."""

    def operator(*values: object) -> object:
        if any(map(absent, values)):
            return None
        for value in values:
            if not isinstance(value, kind) or isinstance(value, bool):
                raise UnknownError(f"{value!r} where {kind} is asked for")
        return apply(*values)

    return operator


_NUMBERS = (int, float)


def _no_null(values: Iterable[object]) -> list[object]:
    return [value for value in values if not absent(value)]


def least(*values: object) -> object:
    """The least of several values, or of a single array; null and missing are ignored."""
    inner = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return min(_no_null(inner), key=key, default=None)


def greatest(*values: object) -> object:
    """The greatest of several values, or of a single array; null and missing are ignored."""
    inner = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return max(_no_null(inner), key=key, default=None)


_OPERATORS: dict[str, Callable[..., object]] = {
    "$add": _of(_NUMBERS, lambda *values: sum(values)),
    "$subtract": _of(_NUMBERS, lambda one, other: one - other),
    "$multiply": _of(_NUMBERS, lambda *values: math.prod(values)),
    "$abs": _of(_NUMBERS, abs),
    "$concat": _of(str, lambda *values: "".join(values)),
    # These distinguish missing from null: it equals nothing else, and is less than everything.
    "$eq": same,
    "$ne": lambda one, other: not same(one, other),
    "$gt": lambda one, other: bool(key(one) > key(other)),
    "$gte": lambda one, other: bool(key(one) >= key(other)),
    "$lt": lambda one, other: bool(key(one) < key(other)),
    "$lte": lambda one, other: bool(key(one) <= key(other)),
    "$in": lambda value, values: any(same(value, each) for each in values),
    "$and": lambda *values: all(map(truth, values)),
    "$or": lambda *values: any(map(truth, values)),
    "$not": lambda value: not truth(value),
    "$ifNull": lambda *values: next((v for v in values if not absent(v)), values[-1]),
    "$size": len,
    "$isArray": lambda value: isinstance(value, list),
    "$min": least,
    "$max": greatest,
    "$year": _of(dt.datetime, lambda value: value.year),
    "$hour": _of(dt.datetime, lambda value: value.hour),
    "$dayOfMonth": _of(dt.datetime, lambda value: value.day),
}
