"""Filters in MongoDB's query language, compiled to predicates of documents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bson import Regex

from fakeviam.query.errors import QueryError, bad_value
from fakeviam.query.paths import leaves
from fakeviam.query.regexes import Pattern
from fakeviam.query.values import (
    MISSING,
    TYPE_NUMBERS,
    is_finite,
    is_number,
    number,
    rank,
    sort_key,
    truth,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.values import Document

    Predicate = Callable[[Document], bool]
    #: Looks at one value: a leaf of a path, or an element of an array there.
    Test = Callable[[Any], bool]


def compile_filter(spec: Any, compiler: Compiler) -> Predicate:
    """What tells whether a document fits a filter.

    Raises:
        QueryError: The filter makes no sense.
    """
    if not isinstance(spec, dict):
        raise QueryError(15959, "the match filter must be an expression in an object")
    return _all([_condition(name, value, compiler) for name, value in spec.items()])


def _all(predicates: list[Predicate]) -> Predicate:
    if len(predicates) == 1:
        return predicates[0]
    if len(predicates) == 2:
        one, other = predicates
        return lambda document: one(document) and other(document)
    return lambda document: all(predicate(document) for predicate in predicates)


def _condition(name: str, value: Any, compiler: Compiler) -> Predicate:
    if name in _LOGIC:
        return _logic(name, value, compiler)
    if name == "$expr":
        evaluate = compiler.of_document(value)
        return lambda document: truth(evaluate(document))
    if name == "$comment":
        return lambda _: True
    if name.startswith("$"):
        raise bad_value(f"unknown top level operator: {name}")
    return _field(name, value, compiler)


_LOGIC = frozenset({"$and", "$or", "$nor"})


def _logic(name: str, value: Any, compiler: Compiler) -> Predicate:
    if not isinstance(value, list) or not value:
        raise bad_value(f"{name} must be a nonempty array")
    if not all(isinstance(each, dict) for each in value):
        raise bad_value(f"{name}: entries need to be full objects")
    predicates = [compile_filter(each, compiler) for each in value]
    if name == "$and":
        return _all(predicates)
    wanted = name == "$or"
    return lambda document: any(each(document) for each in predicates) is wanted


def _field(name: str, value: Any, compiler: Compiler) -> Predicate:
    names = tuple(name.split("."))
    if is_operators(value):
        return _all(_operators(names, value, compiler))
    return _found(names, _equality(value, compiler))


def is_operators(value: Any) -> bool:
    """Whether a filter's value is made of operators, and not a value to compare with."""
    return isinstance(value, dict) and next(iter(value), "").startswith("$")


def _found(names: tuple[str, ...], test: Test) -> Predicate:
    """A predicate: some value at the path passes, or some element of an array there."""
    if len(names) == 1:
        (name,) = names

        def fits_one(document: Document) -> bool:
            value = document.get(name, MISSING)
            return test(value) or (isinstance(value, list) and any(map(test, value)))

        return fits_one

    def fits(document: Document) -> bool:
        for value in leaves(document, names):
            if test(value) or (isinstance(value, list) and any(map(test, value))):
                return True
        return False

    return fits


def _whole(names: tuple[str, ...], test: Test) -> Predicate:
    """A predicate: some value at the path passes, arrays as a whole."""
    return lambda document: any(map(test, leaves(document, names)))


def _operators(
    names: tuple[str, ...], spec: Mapping[str, Any], compiler: Compiler
) -> list[Predicate]:
    predicates: list[Predicate] = []
    for name, value in spec.items():
        if name == "$options":
            if "$regex" not in spec:
                raise bad_value("$options needs a $regex")
        elif name == "$regex":
            predicates.append(_found(names, _regex(value, spec.get("$options", ""), compiler)))
        elif name in _ARRAYS:
            predicates.append(_ARRAYS[name](names, value, compiler))
        elif name in _TESTS:
            predicates.append(_found(names, _TESTS[name](value, compiler)))
        else:
            raise bad_value(f"unknown operator: {name}")
    return predicates


# Tests of one value ------------------------------------------------------------------------


def _equality(wanted: Any, compiler: Compiler) -> Test:
    if isinstance(wanted, Regex):
        return _regex(wanted, "", compiler)
    if wanted is None:
        return lambda value: value is None or value is MISSING
    if isinstance(wanted, str):
        return lambda value: value == wanted
    key = sort_key(wanted)
    return lambda value: value is not MISSING and sort_key(value) == key


def _regex(source: Any, options: Any, compiler: Compiler) -> Test:
    if not isinstance(options, str):
        raise bad_value("$options has to be a string")
    pattern = Pattern(source, options, seconds=compiler.limits.regex_seconds)
    return lambda value: isinstance(value, str) and pattern.search(value) is not None


def _ordered(
    accepts: Callable[[Any, Any], bool], *, or_equal: bool
) -> Callable[[Any, Compiler], Test]:
    """A comparison within one type: values of others never pass."""

    def test(bound: Any, compiler: Compiler) -> Test:
        del compiler
        if isinstance(bound, Regex):
            raise bad_value("Can't have RegEx as arg to predicate over field")
        if bound is None:
            return lambda value: or_equal and (value is None or value is MISSING)
        kind, limit = rank(bound), sort_key(bound)
        if kind == 2 and limit == sort_key(float("nan")):
            return lambda value: or_equal and value is not MISSING and sort_key(value) == limit

        def passes(value: Any) -> bool:
            if value is MISSING or rank(value) != kind:
                return False
            key = sort_key(value)
            return key != _NAN and accepts(key, limit)

        return passes

    return test


_NAN = sort_key(float("nan"))


def _among(wanted: Any, compiler: Compiler) -> Test:
    if not isinstance(wanted, list):
        raise bad_value("$in needs an array")
    if any(is_operators(each) for each in wanted):
        raise bad_value("cannot nest $ under $in")
    patterns = [_regex(each, "", compiler) for each in wanted if isinstance(each, Regex)]
    keys = {sort_key(each) for each in wanted if not isinstance(each, Regex)}
    if None in wanted:
        keys.add(sort_key(MISSING))
    return lambda value: sort_key(value) in keys or any(fits(value) for fits in patterns)


def _modulo(spec: Any, compiler: Compiler) -> Test:
    del compiler
    if not isinstance(spec, list) or len(spec) != 2 or not all(map(is_finite, spec)):
        raise bad_value("malformed mod, needs to be an array of a divisor and a remainder")
    divisor, remainder = (int(number(each)) for each in spec)
    if divisor == 0:
        raise bad_value("divisor cannot be 0")

    def fits(value: Any) -> bool:
        if not is_number(value):
            return False
        whole = number(value)
        if not math.isfinite(whole):
            return False
        # The remainder has the sign of the number, as in C.
        rest = abs(int(whole)) % abs(divisor)
        return (rest if whole >= 0 else -rest) == remainder

    return fits


def _typed(spec: Any, compiler: Compiler) -> Test:
    del compiler
    wanted: set[int] = set()
    for each in spec if isinstance(spec, list) else [spec]:
        if each == "number":
            wanted |= {1, 16, 18, 19}
        elif isinstance(each, str) and each in TYPE_NUMBERS:
            wanted.add(TYPE_NUMBERS[each])
        elif is_number(each) and number(each) in TYPE_NUMBERS.values():
            wanted.add(int(number(each)))
        else:
            raise bad_value(f"Unknown type name alias: {each}")
    return lambda value: value is not MISSING and TYPE_NUMBERS[type_name(value)] in wanted


def _bits(*, all_of: bool, are_set: bool) -> Callable[[Any, Compiler], Test]:
    def test(spec: Any, compiler: Compiler) -> Test:
        del compiler
        if isinstance(spec, list) and all(isinstance(bit, int) and 0 <= bit < 64 for bit in spec):
            mask = sum({1 << bit for bit in spec})
        elif isinstance(spec, int) and spec >= 0:
            mask = spec
        else:
            raise bad_value(f"bit tests take bit positions from 0 to 63 or a bitmask, got {spec!r}")

        def fits(value: Any) -> bool:
            if not is_number(value) or not math.isfinite(number(value)) or number(value) % 1:
                return False
            bits = int(number(value)) if are_set else ~int(number(value))
            return (bits & mask) == mask if all_of else bool(bits & mask)

        return fits

    return test


_TESTS: dict[str, Callable[[Any, Compiler], Test]] = {
    "$eq": _equality,
    "$gt": _ordered(lambda key, limit: key > limit, or_equal=False),
    "$gte": _ordered(lambda key, limit: key >= limit, or_equal=True),
    "$lt": _ordered(lambda key, limit: key < limit, or_equal=False),
    "$lte": _ordered(lambda key, limit: key <= limit, or_equal=True),
    "$in": _among,
    "$mod": _modulo,
    "$type": _typed,
    "$bitsAllSet": _bits(all_of=True, are_set=True),
    "$bitsAnySet": _bits(all_of=False, are_set=True),
    "$bitsAllClear": _bits(all_of=True, are_set=False),
    "$bitsAnyClear": _bits(all_of=False, are_set=False),
}


# Predicates of whole arrays, and negations ---------------------------------------------------


def _not_equal(names: tuple[str, ...], value: Any, compiler: Compiler) -> Predicate:
    if isinstance(value, Regex):
        raise bad_value("Can't have regex as arg to $ne.")
    fits = _found(names, _equality(value, compiler))
    return lambda document: not fits(document)


def _not_among(names: tuple[str, ...], value: Any, compiler: Compiler) -> Predicate:
    fits = _found(names, _among(value, compiler))
    return lambda document: not fits(document)


def _negated(names: tuple[str, ...], value: Any, compiler: Compiler) -> Predicate:
    if isinstance(value, Regex):
        fits = _found(names, _regex(value, "", compiler))
    elif is_operators(value):
        fits = _all(_operators(names, value, compiler))
    else:
        raise bad_value("$not needs a regex or a document")
    return lambda document: not fits(document)


def _exists(names: tuple[str, ...], value: Any, compiler: Compiler) -> Predicate:
    del compiler
    wanted = truth(value)
    there = _whole(names, lambda each: each is not MISSING)
    return lambda document: there(document) is wanted


def _size(names: tuple[str, ...], value: Any, compiler: Compiler) -> Predicate:
    del compiler
    if not is_number(value) or number(value) < 0 or number(value) % 1:
        raise bad_value(f"Failed to parse $size. Expected a non-negative integer, got {value!r}")
    return _whole(names, lambda each: isinstance(each, list) and len(each) == value)


def _all_of(names: tuple[str, ...], value: Any, compiler: Compiler) -> Predicate:
    if not isinstance(value, list):
        raise bad_value("$all needs an array")
    if not value:
        return lambda _: False
    return _all(
        [
            _element(names, each["$elemMatch"], compiler)
            if isinstance(each, dict) and "$elemMatch" in each
            else _found(names, _equality(each, compiler))
            for each in value
        ]
    )


def _element(names: tuple[str, ...], value: Any, compiler: Compiler) -> Predicate:
    if not isinstance(value, dict):
        raise bad_value("$elemMatch needs an Object")
    if is_operators(value) and next(iter(value)) not in _LOGIC | {"$expr"}:
        # The operators ask the element itself, which `.` stands for.
        inner = _all(_operators(("",), value, compiler))
        fits: Callable[[Iterable[Any]], bool] = lambda each: any(inner({"": one}) for one in each)  # noqa: E731
    else:
        whole = compile_filter(value, compiler)
        fits = lambda each: any(isinstance(one, dict) and whole(one) for one in each)  # noqa: E731
    return _whole(names, lambda each: isinstance(each, list) and fits(each))


_ARRAYS: dict[str, Callable[[tuple[str, ...], Any, Compiler], Predicate]] = {
    "$ne": _not_equal,
    "$nin": _not_among,
    "$not": _negated,
    "$exists": _exists,
    "$size": _size,
    "$all": _all_of,
    "$elemMatch": _element,
}
