"""Values, paths, filters and expressions of MongoDB, taken literally."""

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
    """What this interpreter does not know: an operator, or a kind of value."""


class _MissingField:
    """The value of a field that is not there."""

    def __repr__(self) -> str:
        return "missing"


MISSING = _MissingField()


# Values ----------------------------------------------------------------------------------


def rank(value: object) -> int:
    """The place of a kind of value in MongoDB's order of kinds: what is missing comes before null.

    Raises:
        UnknownError: It is of a kind that is not compared here.
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
    """Whether a value is null or missing, which most operators take for the same."""
    return value is None or value is MISSING


def nulled(value: object) -> object:
    """A value; what is missing counts as null, as it does in filters, in sorting and in groups."""
    return None if value is MISSING else value


def key(value: object) -> Any:
    """What sorts values as MongoDB does, and is equal where they are."""
    place = rank(value)
    if absent(value):
        return (place,)
    if isinstance(value, dict):
        return (place, [(rank(v), name, key(v)) for name, v in value.items()])
    if isinstance(value, list):
        return (place, [key(v) for v in value])
    if _nan(value):
        return (place, -math.inf, False)  # before all other numbers, and equal to itself
    return (place, value, True)


def _nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def same(one: object, other: object) -> bool:
    """Whether two values are equal: 1 and 1.0 are, 1 and true are not."""
    return bool(key(one) == key(other))


# Paths -----------------------------------------------------------------------------------


def reached(value: object, path: str) -> Iterator[object]:
    """All that a path of a filter reaches: it goes into the elements of arrays."""
    name, _, rest = path.partition(".")
    if rest[:1].isdigit():
        raise UnknownError(f"positions in arrays: {path}")
    found = value.get(name, MISSING) if isinstance(value, dict) else MISSING
    if not rest:
        yield found
        return
    if isinstance(found, list):
        # What is in an array and no document has no fields, not even missing ones.
        for entry in found:
            if isinstance(entry, dict):
                yield from reached(entry, rest)
        return
    yield from reached(found, rest)


def field_of(value: object, path: str) -> object:
    """The value of `$path` in an expression: of arrays, those of their elements."""
    name, _, rest = path.partition(".")
    if isinstance(value, list):
        # Of arrays in arrays, nothing.
        inner = [field_of(entry, path) for entry in value if isinstance(entry, dict)]
        return [entry for entry in inner if entry is not MISSING]
    found: object = value.get(name, MISSING) if isinstance(value, dict) else MISSING
    return field_of(found, rest) if rest and found is not MISSING else found


# Filters ---------------------------------------------------------------------------------


def matches(document: Document, spec: Mapping[str, Any]) -> bool:
    """Whether a document meets a filter."""
    for name, wanted in spec.items():
        if name == "$and":
            good = all(matches(document, each) for each in wanted)
        elif name == "$or":
            good = any(matches(document, each) for each in wanted)
        elif name == "$nor":
            good = not any(matches(document, each) for each in wanted)
        elif name == "$expr":
            good = truth(evaluated(document, wanted))
        elif name.startswith("$"):
            raise UnknownError(name)
        else:
            values = list(reached(document, name))
            good = _meets(values, wanted)
        if not good:
            return False
    return True


def known(table: Mapping[str, Known], name: str) -> Known:
    """What a table has of a name.

    Raises:
        UnknownError: It has nothing of it.
    """
    if name not in table:
        raise UnknownError(name)
    return table[name]


def _meets(values: Sequence[object], wanted: object) -> bool:
    if not isinstance(wanted, dict) or not any(name.startswith("$") for name in wanted):
        return _any_equals(values, wanted)
    return all(known(_TESTS, name)(values, asked) for name, asked in wanted.items())


def _spread(values: Iterable[object]) -> Iterator[object]:
    """The values, and the elements of those that are arrays; of nothing, null."""
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
            # NaN is neither more nor less than a number.
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
    """Whether a value counts as true: all but false, null, missing and zero."""
    return not (absent(value) or value is False or same(value, 0))


def evaluated(document: Document, expression: object) -> Any:
    """The value of an expression."""
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
        ((name, given),) = expression.items()
        return _applied(document, name, given)
    made = {name: evaluated(document, each) for name, each in expression.items()}
    return {name: value for name, value in made.items() if value is not MISSING}


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
    """Of values of one kind; with a null or missing one, null."""

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
    """The least of some values, or of one array; null and missing ones do not count."""
    inner = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return min(_no_null(inner), key=key, default=None)


def greatest(*values: object) -> object:
    """The greatest of some values, or of one array; null and missing ones do not count."""
    inner = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return max(_no_null(inner), key=key, default=None)


_OPERATORS: dict[str, Callable[..., object]] = {
    "$add": _of(_NUMBERS, lambda *values: sum(values)),
    "$subtract": _of(_NUMBERS, lambda one, other: one - other),
    "$multiply": _of(_NUMBERS, lambda *values: math.prod(values)),
    "$abs": _of(_NUMBERS, abs),
    "$concat": _of(str, lambda *values: "".join(values)),
    # Of these, what is missing is no null: it is the same as nothing else, and less than all.
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
