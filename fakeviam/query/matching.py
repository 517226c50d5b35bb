"""Filters in MongoDB's query language, compiled to predicates of documents."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from bson import MaxKey, MinKey, Regex

from fakeviam.query.errors import QueryError, bad_value
from fakeviam.query.paths import leaves
from fakeviam.query.regexes import Pattern
from fakeviam.query.values import (
    MISSING,
    TYPE_NUMBERS,
    as_long,
    is_finite,
    is_number,
    number,
    rank,
    sort_key,
    truth,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.query.expressions import Compiler
    from fakeviam.query.values import Document

    Predicate = Callable[[Document], bool]
    #: Tests one value: a leaf of a path, or an element of an array there.
    Test = Callable[[object], bool]
    #: Applies a test to the values at a path.
    At = Callable[[tuple[str, ...], Test], Predicate]


def compile_filter(spec: object, compiler: Compiler) -> Predicate:
    """Compile a filter to a predicate.

    Raises:
        QueryError: The filter is invalid.
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


def _condition(name: str, value: object, compiler: Compiler) -> Predicate:
    if name in _LOGIC:
        return _logic(name, value, compiler)
    if name == "$expr":
        evaluate = compiler.of_document(value)
        return lambda document: truth(evaluate(document))
    if name == "$comment":
        return lambda _: True
    if name == "$sampleRate":
        evaluate = compiler.of_document({name: value})
        return lambda document: truth(evaluate(document))
    if name.startswith("$"):
        raise bad_value(f"unknown top level operator: {name}")
    return _field(name, value, compiler)


_LOGIC = frozenset({"$and", "$or", "$nor"})


def _logic(name: str, value: object, compiler: Compiler) -> Predicate:
    if not isinstance(value, list) or not value:
        raise bad_value(f"{name} must be a nonempty array")
    if not all(isinstance(each, dict) for each in value):
        raise bad_value(f"{name}: entries need to be full objects")
    predicates = [compile_filter(each, compiler) for each in value]
    if name == "$and":
        return _all(predicates)
    # $nor is true if none of the conditions is.
    decisive = name == "$or"
    return lambda document: any(each(document) for each in predicates) is decisive


def _field(name: str, value: Any, compiler: Compiler) -> Predicate:
    names = tuple(name.split("."))
    if is_operators(value):
        return _all(_operators(names, value, compiler))
    return _at_path(names, _equality(value, compiler))


def is_operators(value: object) -> bool:
    """Whether a filter's value consists of operators; otherwise, it is a value to compare with."""
    return isinstance(value, dict) and next(iter(value), "").startswith("$")


def _at_path(names: tuple[str, ...], test: Test) -> Predicate:
    """Whether a value at the path passes the test, or an element of an array there."""
    if len(names) == 1:
        (name,) = names

        def fits_one(document: Document) -> bool:
            value = document.get(name, MISSING)
            return test(value) or (isinstance(value, list) and any(map(test, value)))

        return fits_one

    def fits_any(document: Document) -> bool:
        for value in leaves(document, names):
            if test(value) or (isinstance(value, list) and any(map(test, value))):
                return True
        return False

    def fits(document: Document) -> bool:
        value: object = document
        for name in names:
            if type(value) is not dict:  # missing, or an array: tests each of its documents
                return fits_any(document)
            value = value.get(name, MISSING)
        return test(value) or (isinstance(value, list) and any(map(test, value)))

    return fits


def _whole(names: tuple[str, ...], test: Test) -> Predicate:
    """Whether a value at the path passes the test; elements of arrays are not tested."""
    return lambda document: any(map(test, leaves(document, names)))


def _unless(fits: Predicate) -> Predicate:
    return lambda document: not fits(document)


def _at_element(names: tuple[str, ...], test: Test) -> Predicate:
    """Whether the value of a single-element document passes; nested arrays are not searched."""
    (name,) = names
    return lambda document: test(document[name])


def _operators(
    names: tuple[str, ...],
    spec: Mapping[str, object],
    compiler: Compiler,
    at: At = _at_path,
) -> list[Predicate]:
    predicates: list[Predicate] = []
    for name, value in spec.items():
        if name == "$options":
            if "$regex" not in spec:
                raise bad_value("$options needs a $regex")
        elif name == "$regex":
            predicates.append(at(names, _regex(value, spec.get("$options", ""), compiler)))
        elif name in _NEGATIVE:
            # The negation is of the document, not of a value: of an array, no element may match.
            fits = _all(_NEGATIVE[name](names, value, compiler, at))
            predicates.append(_unless(fits))
        elif name in _ARRAYS:
            predicates.append(_ARRAYS[name](names, value, compiler))
        elif name in _TESTS:
            predicates.append(at(names, _TESTS[name](value, compiler)))
        else:
            raise bad_value(f"unknown operator: {name}")
    return predicates


# Tests of one value ------------------------------------------------------------------------


def _equality(expected: object, compiler: Compiler) -> Test:
    if isinstance(expected, Regex):
        return _regex(expected, "", compiler)
    # null also matches missing fields.
    if expected is None:
        return lambda value: value is None or value is MISSING
    if isinstance(expected, str):
        return lambda value: value == expected
    key = sort_key(expected)
    return lambda value: value is not MISSING and sort_key(value) == key


def _regex(source: object, options: object, compiler: Compiler) -> Test:
    if not isinstance(options, str):
        raise bad_value("$options has to be a string")
    if options and isinstance(source, Regex) and source.flags:
        raise QueryError(51075, "options set in both $regex and $options")
    pattern = Pattern(source, options, seconds=compiler.limits.regex_seconds)
    return lambda value: isinstance(value, str) and pattern.search(value) is not None


def _ordered(
    accepts: Callable[[Any, Any], bool], *, or_equal: bool
) -> Callable[[object, Compiler], Test]:
    """A comparison within one BSON type; values of other types never match."""

    def test(bound: object, compiler: Compiler) -> Test:
        del compiler
        if isinstance(bound, Regex):
            raise bad_value("Can't have RegEx as arg to predicate over field")
        if bound is None:
            return lambda value: or_equal and (value is None or value is MISSING)
        if isinstance(bound, (MinKey, MaxKey)):  # only these are comparable with all types
            end = sort_key(bound)
            return lambda value: accepts(k := sort_key(value), end) and (or_equal or k != end)
        kind, limit = rank(bound), sort_key(bound)
        # NaN is in no order, but $gte and $lte match it because they include equality.
        if kind == 2 and limit == sort_key(float("nan")):
            return lambda value: or_equal and value is not MISSING and sort_key(value) == limit

        def passes(value: object) -> bool:
            # Types are not compared with each other here, unlike in $sort and in expressions.
            if value is MISSING or rank(value) != kind:
                return False
            key = sort_key(value)
            return key != _NAN and accepts(key, limit)

        if type(bound) not in _PLAIN:
            return passes
        # Fast path: most values are doubles, which compare correctly without a key, NaN included.
        return lambda value: accepts(value, bound) if type(value) is float else passes(value)

    return test


_NAN = sort_key(float("nan"))
_PLAIN = frozenset({int, float})


def _in(values: object, compiler: Compiler) -> Test:
    if not isinstance(values, list):
        raise bad_value("$in needs an array")
    if any(is_operators(each) for each in values):
        raise bad_value("cannot nest $ under $in")
    patterns = [_regex(each, "", compiler) for each in values if isinstance(each, Regex)]
    keys = {sort_key(each) for each in values if not isinstance(each, Regex)}
    # As in an equality, null also matches missing fields.
    if None in values:
        keys.add(sort_key(MISSING))
    return lambda value: sort_key(value) in keys or any(fits(value) for fits in patterns)


def _modulo(spec: object, compiler: Compiler) -> Test:
    del compiler
    if not isinstance(spec, list) or len(spec) != 2 or not all(map(is_finite, spec)):
        raise bad_value("malformed mod, needs to be an array of a divisor and a remainder")
    divisor, remainder = (int(number(each)) for each in spec)
    if divisor == 0:
        raise bad_value("divisor cannot be 0")

    def fits(value: object) -> bool:
        if not is_number(value):
            return False
        whole = number(value)
        if not math.isfinite(whole):
            return False
        # C's remainder: it has the sign of the dividend, unlike Python's.
        rest = abs(int(whole)) % abs(divisor)
        return (rest if whole >= 0 else -rest) == remainder

    return fits


#: Including deprecated types, which are valid names although no document contains them.
_TYPE_ALIASES = {**TYPE_NUMBERS, "undefined": 6, "symbol": 14, "javascriptWithScope": 15}


def _typed(spec: object, compiler: Compiler) -> Test:
    del compiler
    types: set[int] = set()
    for each in spec if isinstance(spec, list) else [spec]:
        if each == "number":
            types |= {1, 16, 18, 19}
        elif isinstance(each, str) and each in _TYPE_ALIASES:
            types.add(_TYPE_ALIASES[each])
        elif is_number(each) and number(each) in _TYPE_ALIASES.values():
            types.add(int(number(each)))
        elif not isinstance(each, str) and not is_number(each):
            raise QueryError(14, "type must be represented as a number or a string")
        else:
            raise bad_value(f"Unknown type name alias: {each}")
    if not types:
        raise QueryError(9, "$type must match at least one type")
    return lambda value: value is not MISSING and TYPE_NUMBERS[type_name(value)] in types


def _bits(*, all_of: bool, are_set: bool) -> Callable[[object, Compiler], Test]:
    def test(spec: object, compiler: Compiler) -> Test:
        del compiler
        places = [as_long(bit) for bit in (spec if isinstance(spec, list) else [spec])]
        wholes = [bit for bit in places if bit is not None and bit >= 0]
        if len(wholes) < len(places):
            raise bad_value(f"bit tests take bit positions or a bitmask, got {spec!r}")
        # Integers are sign-extended: all positions from 63 on test the sign bit.
        mask = sum({1 << min(bit, 63) for bit in wholes}) if isinstance(spec, list) else wholes[0]

        def fits(value: object) -> bool:
            whole = as_long(value)
            if whole is None:
                return False
            bits = whole if are_set else ~whole
            return (bits & mask) == mask if all_of else bool(bits & mask)

        return fits

    return test


_TESTS: dict[str, Callable[[object, Compiler], Test]] = {
    "$eq": _equality,
    "$gt": _ordered(operator.gt, or_equal=False),
    "$gte": _ordered(operator.ge, or_equal=True),
    "$lt": _ordered(operator.lt, or_equal=False),
    "$lte": _ordered(operator.le, or_equal=True),
    "$in": _in,
    "$mod": _modulo,
    "$type": _typed,
    "$bitsAllSet": _bits(all_of=True, are_set=True),
    "$bitsAnySet": _bits(all_of=False, are_set=True),
    "$bitsAllClear": _bits(all_of=True, are_set=False),
    "$bitsAnyClear": _bits(all_of=False, are_set=False),
}


# Predicates of whole arrays, and negations ---------------------------------------------------


def _not_equal(
    names: tuple[str, ...], value: object, compiler: Compiler, at: At
) -> list[Predicate]:
    if isinstance(value, Regex):
        raise bad_value("Can't have regex as arg to $ne.")
    return [at(names, _equality(value, compiler))]


def _not_among(
    names: tuple[str, ...], value: object, compiler: Compiler, at: At
) -> list[Predicate]:
    return [at(names, _in(value, compiler))]


def _negated(names: tuple[str, ...], value: Any, compiler: Compiler, at: At) -> list[Predicate]:
    if isinstance(value, Regex):
        return [at(names, _regex(value, "", compiler))]
    if is_operators(value):
        return _operators(names, value, compiler, at)
    raise bad_value("$not needs a regex or a document")


#: Operators whose tests a document must not match.
_NEGATIVE: dict[str, Callable[[tuple[str, ...], object, Compiler, At], list[Predicate]]] = {
    "$ne": _not_equal,
    "$nin": _not_among,
    "$not": _negated,
}


def _exists(names: tuple[str, ...], value: object, compiler: Compiler) -> Predicate:
    del compiler
    expected = truth(value)
    there = _whole(names, lambda each: each is not MISSING)
    return lambda document: there(document) is expected


def _size(names: tuple[str, ...], value: object, compiler: Compiler) -> Predicate:
    del compiler
    size = as_long(value)
    if size is None or size < 0:
        raise bad_value(f"Failed to parse $size. Expected a non-negative integer, got {value!r}")
    return _whole(names, lambda each: isinstance(each, list) and len(each) == size)


def _all_of(names: tuple[str, ...], value: object, compiler: Compiler) -> Predicate:
    if not isinstance(value, list):
        raise bad_value("$all needs an array")
    # MongoDB: an empty $all matches nothing.
    if not value:
        return lambda _: False
    matching = [isinstance(each, dict) and "$elemMatch" in each for each in value]
    if any(matching) and not all(matching):
        raise bad_value("$all/$elemMatch has to be consistent")
    if any(is_operators(each) for each in value) and not any(matching):
        raise bad_value("no $ expressions in $all")
    return _all(
        [
            _element(names, each["$elemMatch"], compiler)
            if isinstance(each, dict) and "$elemMatch" in each
            else _at_path(names, _equality(each, compiler))
            for each in value
        ]
    )


def _element(names: tuple[str, ...], value: object, compiler: Compiler) -> Predicate:
    if not isinstance(value, dict):
        raise bad_value("$elemMatch needs an Object")
    if is_operators(value) and next(iter(value)) not in _LOGIC | {"$expr"}:
        # The operators apply to the element itself: it is wrapped in a document with an empty name.
        inner = _all(_operators(("",), value, compiler, _at_element))

        def fits(one: object) -> bool:
            return inner({"": one})

    else:
        whole = compile_filter(value, compiler)

        def fits(one: object) -> bool:
            if isinstance(one, list):  # its positions act as field names
                one = {str(place): each for place, each in enumerate(one)}
            return isinstance(one, dict) and whole(one)

    return _whole(names, lambda each: isinstance(each, list) and any(map(fits, each)))


_ARRAYS: dict[str, Callable[[tuple[str, ...], object, Compiler], Predicate]] = {
    "$exists": _exists,
    "$size": _size,
    "$all": _all_of,
    "$elemMatch": _element,
}
