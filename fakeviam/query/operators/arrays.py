"""Operators on arrays as lists and as sets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import MOST_ELEMENTS, QueryError, too_large
from fakeviam.query.expressions import Function, NamedFunction, check_names
from fakeviam.query.sorting import sorter
from fakeviam.query.values import MISSING, as_long, is_number, sort_key, truth, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.query.expressions import Compiler, Evaluate, Scope

_NOTHING = (None, MISSING)


def array(name: str, value: object, code: int) -> list[object]:
    """Validate that an operand is an array.

    Raises:
        QueryError: It is invalid.
    """
    if not isinstance(value, list):
        text = f"The argument to {name} must be an array, but was of type: {type_name(value)}"
        raise QueryError(code, text)
    return value


def _whole(name: str, what: str, value: object, code: int) -> int:
    """Convert an operand to an integer; `code + 1` is the error for numbers that are not integers.

    Raises:
        QueryError: It is invalid.
    """
    whole = as_long(value)
    if whole is None or not -(2**31) <= whole < 2**31:
        text = f"{name}'s {what} must be a whole number of 32 bits, but is {value!r}"
        raise QueryError(code + is_number(value), text)
    return whole


# By position ----------------------------------------------------------------------------------


def _element(value: object, index: object) -> object:
    if not isinstance(value, list):
        raise QueryError(
            28689, f"$arrayElemAt's first argument must be an array, but is {type_name(value)}"
        )
    place = _whole("$arrayElemAt", "second argument", index, 28690)
    return value[place] if -len(value) <= place < len(value) else MISSING


def _end(name: str, index: int) -> Function:
    def apply(value: object) -> object:
        if value in _NOTHING:
            return None
        values = array(name, value, 28689)
        return values[index] if values else MISSING

    return Function(apply=apply)


def _slice(value: object, *bounds: object) -> object:
    values = array("$slice", value, 28724)
    first = _whole("$slice", "second argument", bounds[0], 28725)
    rest = [_whole("$slice", "third argument", bound, 28727) for bound in bounds[1:]]
    if not rest:
        return values[:first] if first >= 0 else values[first:]
    (count,) = rest
    if count <= 0:
        raise QueryError(28729, "Third argument to $slice must be positive")
    start = max(0, len(values) + first) if first < 0 else first
    return values[start : start + count]


def _index_of(value: object, element: object, start: object = 0, end: object = None) -> object:
    if value in _NOTHING:
        return None
    values = array("$indexOfArray", value, 40090)
    first = _place("starting index", start)
    last = len(values) if end is None else _place("ending index", end)
    key = sort_key(element)
    places = range(first, min(last, len(values)))
    return next((place for place in places if sort_key(values[place]) == key), -1)


def _place(what: str, value: object) -> int:
    place = as_long(value)
    if place is None:
        raise QueryError(40096, f"$indexOfArray requires an integral {what}, found: {value!r}")
    if place < 0:
        raise QueryError(40097, f"$indexOfArray requires a nonnegative {what}, found: {place}")
    return place


def _range(compiler: Compiler, start: object, end: object, step: object = 1) -> list[int]:
    first, last, by = (
        _whole("$range", what, value, code)
        for what, value, code in (
            ("starting value", start, 34443),
            ("ending value", end, 34445),
            ("step value", step, 34447),
        )
    )
    if by == 0:
        raise QueryError(34449, "$range requires a non-zero step value")
    numbers = range(first, last, by)
    compiler.budget.spend(len(numbers))
    return list(numbers)


def _reversed(value: object) -> list[object]:
    return array("$reverseArray", value, 34435)[::-1]


def _concatenated(*values: Any) -> list[object]:
    for value in values:
        if not isinstance(value, list):
            raise QueryError(28664, f"$concatArrays only supports arrays, not {type_name(value)}")
    if (size := sum(map(len, values))) > MOST_ELEMENTS:
        raise too_large(f"$concatArrays makes an array of {size} elements")
    return [each for value in values for each in value]


def _in(value: object, values: object) -> bool:
    if not isinstance(values, list):
        raise QueryError(
            40081, f"$in requires an array as a second argument, found: {type_name(values)}"
        )
    key = sort_key(value)
    return any(sort_key(each) == key for each in values)


def _size(value: object) -> int:
    return len(array("$size", value, 17124))


def _several(name: str, choose: Callable[[list[object], int], list[object]]) -> NamedFunction:
    def apply(n: object, input: object) -> object:  # noqa: A002
        count = _whole(name, "'n'", n, 5787902)
        if count <= 0:
            raise QueryError(5787908, f"'n' must be greater than 0, found {count}")
        return choose(array(name, input, 5788200), count)

    return NamedFunction.of(apply, nulls=())


def _extremes(*, largest: bool) -> Callable[[list[object], int], list[object]]:
    def choose(values: list[object], count: int) -> list[object]:
        there = [value for value in values if value not in _NOTHING]
        return sorted(there, key=sort_key, reverse=largest)[:count]

    return choose


def _zip(compiler: Compiler, operands: Any) -> Evaluate:
    check_names("$zip", operands, ("inputs",), ("useLongestLength", "defaults"))
    inputs, defaults = array("$zip", operands["inputs"], 34461), operands.get("defaults")
    longest = operands.get("useLongestLength", False)
    if not isinstance(longest, bool):
        raise QueryError(34463, "useLongestLength must be a bool")
    if not inputs:
        raise QueryError(34465, "$zip requires at least one input array")
    if defaults is not None and not longest:
        raise QueryError(34466, "cannot specify defaults unless useLongestLength is true")
    fills = array("$zip", defaults, 34462) if defaults is not None else [None] * len(inputs)
    if len(fills) != len(inputs):
        raise QueryError(34467, "defaults and inputs must have the same length")
    of, fill_of = compiler.expression(inputs), compiler.expression(fills)

    def evaluate(scope: Scope) -> object:
        lists: Any = of(scope)
        if any(each in _NOTHING for each in lists):
            return None
        return _zipped([array("$zip", each, 34468) for each in lists], longest, fill_of(scope))

    return evaluate


def _zipped(columns: list[list[object]], longest: bool, fills: Any) -> list[list[object]]:  # noqa: FBT001
    length = (max if longest else min)(map(len, columns))
    return [
        [
            column[row] if row < len(column) else fill
            for column, fill in zip(columns, fills, strict=True)
        ]
        for row in range(length)
    ]


def _sort_array(compiler: Compiler, operands: Any) -> Evaluate:
    check_names("$sortArray", operands, ("input", "sortBy"))
    of, order = compiler.expression(operands["input"]), operands["sortBy"]
    if isinstance(order, dict):
        arrange: Callable[[list[object]], list[object]] = sorter(order)
    elif is_number(order) and order in (1, -1):
        arrange = partial(sorted, key=sort_key, reverse=order == -1)
    else:
        raise QueryError(2942507, "$sortArray needs 1, -1 or a document in 'sortBy'")

    def evaluate(scope: Scope) -> object:
        values = of(scope)
        return None if values in _NOTHING else arrange(array("$sortArray", values, 2942504))

    return evaluate


# With an expression that is evaluated for each element -------------------------------------------


def _map(compiler: Compiler, operands: object) -> Evaluate:
    of, name, each = _loop(compiler, "$map", operands, "in")

    def evaluate(scope: Scope) -> object:
        values = of(scope)
        if values in _NOTHING:
            return None
        answers = (
            each(_with(scope, {name: value}))
            for value in compiler.budget.metered(array("$map", values, 16883))
        )
        return [None if answer is MISSING else answer for answer in answers]

    return evaluate


def _filter(compiler: Compiler, operands: object) -> Evaluate:
    limit = None
    if isinstance(operands, dict) and "limit" in operands:
        operands = dict(operands)
        limit = compiler.expression(operands.pop("limit"))
    of, name, keep = _loop(compiler, "$filter", operands, "cond")

    def evaluate(scope: Scope) -> object:
        values = of(scope)
        if values in _NOTHING:
            return None
        count = None if limit is None else _limit(limit(scope))
        matches: list[object] = []
        for value in compiler.budget.metered(array("$filter", values, 28651)):
            if count is not None and len(matches) >= count:
                break
            if truth(keep(_with(scope, {name: value}))):
                matches.append(value)
        return matches

    return evaluate


def _limit(value: object) -> int | None:
    if value is None or value is MISSING:
        return None
    count = as_long(value)
    if count is None:
        raise QueryError(327391, f"$filter: limit must be a whole number, got {value!r}")
    if count < 1:
        raise QueryError(327392, f"$filter: limit must be greater than 0, got {count}")
    return count


def _loop(
    compiler: Compiler, operator: str, operands: Any, body: str
) -> tuple[Evaluate, str, Evaluate]:
    check_names(operator, operands, ("input", body), ("as",))
    name = _variable(operands.get("as", "this"))
    inner = compiler.knowing(name)
    return compiler.expression(operands["input"]), name, inner.expression(operands[body])


def _variable(name: object) -> str:
    """Validate the name of a variable.

    Raises:
        QueryError: It is invalid.
    """
    if not isinstance(name, str) or not name:
        raise QueryError(16866, "empty variable names are not allowed")
    if not ("a" <= name[0] <= "z" or ord(name[0]) >= 128):
        text = f"'{name}' starts with an invalid character for a user variable name"
        raise QueryError(16867, text)
    return name


def _reduce(compiler: Compiler, operands: Any) -> Evaluate:
    check_names("$reduce", operands, ("input", "initialValue", "in"))
    of, start = (
        compiler.expression(operands["input"]),
        compiler.expression(operands["initialValue"]),
    )
    step = compiler.knowing("this", "value").expression(operands["in"])

    def evaluate(scope: Scope) -> object:
        values = of(scope)
        if values in _NOTHING:
            return None
        total = start(scope)
        for value in compiler.budget.metered(array("$reduce", values, 40080)):
            total = step(_with(scope, {"this": value, "value": total}))
        return total

    return evaluate


def _with(scope: Scope, variables: dict[str, object]) -> Scope:
    return scope._replace(variables={**scope.variables, **variables})


def _let(compiler: Compiler, operands: Any) -> Evaluate:
    check_names("$let", operands, ("vars", "in"))
    if not isinstance(operands["vars"], dict):
        raise QueryError(10065, "invalid parameter: expected an object (vars)")
    values = {_variable(name): compiler.expression(of) for name, of in operands["vars"].items()}
    body = compiler.knowing(*values).expression(operands["in"])
    return lambda scope: body(_with(scope, {name: value(scope) for name, value in values.items()}))


# As sets ----------------------------------------------------------------------------------------


def _by_key(name: str, value: object, code: int) -> dict[Any, Any]:
    return {sort_key(each): each for each in reversed(array(name, value, code))}


def _union(*values: object) -> list[object]:
    together: dict[Any, Any] = {}
    for value in values:
        together.update(_by_key("$setUnion", value, 17043))
    return [together[key] for key in sorted(together)]


def _intersection(*values: object) -> list[object]:
    if not values:
        return []
    common, *others = (_by_key("$setIntersection", value, 17047) for value in values)
    keys = set(common).intersection(*others)
    return [common[key] for key in sorted(keys)]


def _difference(left: object, right: object) -> list[object]:
    excluded = _by_key("$setDifference", right, 17049)
    remaining: dict[object, object] = {}
    for each in array("$setDifference", left, 17048):
        if sort_key(each) not in excluded:
            remaining.setdefault(sort_key(each), each)
    return list(remaining.values())


def _equal(*values: object) -> bool:
    if len(values) < 2:
        raise QueryError(17045, f"$setEquals needs at least two arguments had: {len(values)}")
    first, *others = (set(_by_key("$setEquals", value, 17044)) for value in values)
    return all(each == first for each in others)


def _subset(left: object, right: object) -> bool:
    return set(_by_key("$setIsSubset", left, 17046)) <= set(_by_key("$setIsSubset", right, 17042))


def _truths(name: str, judge: Callable[[Iterable[bool]], bool], code: int) -> Function:
    return Function(apply=lambda value: judge(map(truth, array(name, value, code))))


FUNCTIONS = {
    "$allElementsTrue": _truths("$allElementsTrue", all, 17040),
    "$anyElementTrue": _truths("$anyElementTrue", any, 17041),
    "$arrayElemAt": Function(apply=_element, fewest=2, most=2, null_in_null_out=True),
    "$concatArrays": Function(apply=_concatenated, fewest=0, most=None, null_in_null_out=True),
    "$first": _end("$first", 0),
    "$in": Function(apply=_in, fewest=2, most=2),
    "$indexOfArray": Function(apply=_index_of, fewest=2, most=4),
    "$isArray": Function(apply=lambda value: isinstance(value, list)),
    "$last": _end("$last", -1),
    "$range": Function(apply=_range, fewest=2, most=3),
    "$reverseArray": Function(apply=_reversed, null_in_null_out=True),
    "$setDifference": Function(apply=_difference, fewest=2, most=2, null_in_null_out=True),
    "$setEquals": Function(apply=_equal, most=None),
    "$setIntersection": Function(apply=_intersection, fewest=0, most=None, null_in_null_out=True),
    "$setIsSubset": Function(apply=_subset, fewest=2, most=2),
    "$setUnion": Function(apply=_union, fewest=0, most=None, null_in_null_out=True),
    "$size": Function(apply=_size),
    "$slice": Function(apply=_slice, fewest=2, most=3, null_in_null_out=True),
}
NAMED = {
    "$firstN": _several("$firstN", lambda values, count: values[:count]),
    "$lastN": _several("$lastN", lambda values, count: values[-count:]),
    "$maxN": _several("$maxN", _extremes(largest=True)),
    "$minN": _several("$minN", _extremes(largest=False)),
}
SPECIAL = {
    "$filter": _filter,
    "$let": _let,
    "$map": _map,
    "$reduce": _reduce,
    "$sortArray": _sort_array,
    "$zip": _zip,
}
