"""Operators on arrays, as lists and as sets, and on the fields of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.query.errors import QueryError
from fakeviam.query.expressions import Function, NamedFunction
from fakeviam.query.sorting import sorter
from fakeviam.query.values import MISSING, is_number, number, sort_key, truth, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.query.expressions import Compiler, Evaluate, Scope

_NOTHING = (None, MISSING)


def _array(name: str, value: Any, code: int) -> list[Any]:
    if not isinstance(value, list):
        raise QueryError(
            code, f"The argument to {name} must be an array, but was of type: {type_name(value)}"
        )
    return value


def _whole(name: str, what: str, value: Any, code: int) -> int:
    if not is_number(value) or number(value) % 1:
        raise QueryError(code, f"{name}'s {what} must be a whole number, but is {value!r}")
    return int(number(value))


# By position ----------------------------------------------------------------------------------


def _element(value: Any, index: Any) -> Any:
    if not isinstance(value, list):
        raise QueryError(
            28689, f"$arrayElemAt's first argument must be an array, but is {type_name(value)}"
        )
    place = _whole("$arrayElemAt", "second argument", index, 28691)
    return value[place] if -len(value) <= place < len(value) else MISSING


def _end(name: str, index: int) -> Function:
    def apply(value: Any) -> Any:
        if value in _NOTHING:
            return None
        values = _array(name, value, 28689)
        return values[index] if values else MISSING

    return Function(apply=apply)


def _slice(value: Any, *bounds: Any) -> Any:
    values = _array("$slice", value, 28724)
    first, *rest = (_whole("$slice", "argument", bound, 28725) for bound in bounds)
    if not rest:
        return values[:first] if first >= 0 else values[first:]
    (count,) = rest
    if count <= 0:
        raise QueryError(28729, "Third argument to $slice must be positive")
    start = max(0, len(values) + first) if first < 0 else first
    return values[start : start + count]


def _index_of(value: Any, wanted: Any, start: Any = 0, end: Any = None) -> Any:
    if value in _NOTHING:
        return None
    values = _array("$indexOfArray", value, 40090)
    first = _whole("$indexOfArray", "starting index", start, 40096)
    last = len(values) if end is None else _whole("$indexOfArray", "ending index", end, 40096)
    key = sort_key(wanted)
    places = range(first, min(last, len(values)))
    return next((place for place in places if sort_key(values[place]) == key), -1)


def _range(compiler: Compiler, start: Any, end: Any, step: Any = 1) -> list[int]:
    first, last, by = (
        _whole("$range", what, value, 34443)
        for what, value in (("starting value", start), ("ending value", end), ("step value", step))
    )
    if by == 0:
        raise QueryError(34449, "$range requires a non-zero step value")
    numbers = range(first, last, by)
    compiler.budget.spend(len(numbers))
    return list(numbers)


def _reversed(value: Any) -> list[Any]:
    return _array("$reverseArray", value, 34435)[::-1]


def _concatenated(*values: Any) -> list[Any]:
    for value in values:
        if not isinstance(value, list):
            raise QueryError(28664, f"$concatArrays only supports arrays, not {type_name(value)}")
    return [each for value in values for each in value]


def _among(value: Any, values: Any) -> bool:
    if not isinstance(values, list):
        raise QueryError(
            40081, f"$in requires an array as a second argument, found: {type_name(values)}"
        )
    key = sort_key(value)
    return any(sort_key(each) == key for each in values)


def _size(value: Any) -> int:
    return len(_array("$size", value, 17124))


def _several(name: str, choose: Callable[[list[Any], int], list[Any]]) -> NamedFunction:
    def apply(n: Any, input: Any) -> Any:  # noqa: A002
        count = _whole(name, "'n'", n, 5787902)
        if count <= 0:
            raise QueryError(5787908, f"'n' must be greater than 0, found {count}")
        return choose(_array(name, input, 5788200), count)

    return NamedFunction(apply=apply, required=("n", "input"))


def _extremes(*, largest: bool) -> Callable[[list[Any], int], list[Any]]:
    def choose(values: list[Any], count: int) -> list[Any]:
        there = [value for value in values if value not in _NOTHING]
        return sorted(there, key=sort_key, reverse=largest)[:count]

    return choose


def _zip(inputs: Any, useLongestLength: Any = False, defaults: Any = None) -> Any:  # noqa: FBT002, N803
    lists = _array("$zip", inputs, 34461)
    if any(each in _NOTHING for each in lists):
        return None
    columns = [_array("$zip", each, 34468) for each in lists]
    if defaults is not None and not useLongestLength:
        raise QueryError(34466, "cannot specify defaults unless useLongestLength is true")
    length = (max if useLongestLength else min)(map(len, columns), default=0)
    fill = defaults or [None] * len(columns)
    return [
        [column[row] if row < len(column) else fill[place] for place, column in enumerate(columns)]
        for row in range(length)
    ]


def _sorted(input: Any, sortBy: Any) -> Any:  # noqa: A002, N803
    values = _array("$sortArray", input, 2942504)
    if isinstance(sortBy, dict):
        return sorter(sortBy)(values)
    if sortBy not in (1, -1):
        raise QueryError(2942505, "$sortArray needs 1, -1 or a document in 'sortBy'")
    return sorted(values, key=sort_key, reverse=sortBy == -1)


# With an expression for each element ------------------------------------------------------------


def _map(compiler: Compiler, operands: Any) -> Evaluate:
    of, name, each = _loop(compiler, "$map", operands, "in")

    def evaluate(scope: Scope) -> Any:
        values = of(scope)
        if values in _NOTHING:
            return None
        answers = (
            each(_with(scope, {name: value}))
            for value in compiler.budget.metered(_array("$map", values, 16883))
        )
        return [None if answer is MISSING else answer for answer in answers]

    return evaluate


def _filter(compiler: Compiler, operands: Any) -> Evaluate:
    limit = None
    if isinstance(operands, dict) and "limit" in operands:
        operands = dict(operands)
        limit = compiler.expression(operands.pop("limit"))
    of, name, keep = _loop(compiler, "$filter", operands, "cond")

    def evaluate(scope: Scope) -> Any:
        values = of(scope)
        if values in _NOTHING:
            return None
        count = None if limit is None else _limit(limit(scope))
        kept: list[Any] = []
        for value in compiler.budget.metered(_array("$filter", values, 28651)):
            if count is not None and len(kept) >= count:
                break
            if truth(keep(_with(scope, {name: value}))):
                kept.append(value)
        return kept

    return evaluate


def _limit(value: Any) -> int | None:
    if value is None or value is MISSING:
        return None
    count = _whole("$filter", "limit", value, 327391)
    if count < 1:
        raise QueryError(327392, f"$filter: limit must be greater than 0, got {count}")
    return count


def _loop(
    compiler: Compiler, operator: str, operands: Any, body: str
) -> tuple[Evaluate, str, Evaluate]:
    if not isinstance(operands, dict):
        raise QueryError(16878, f"{operator} only supports an object as its argument")
    unknown = set(operands) - {"input", "as", body}
    if unknown:
        raise QueryError(16879, f"Unrecognized parameter to {operator}: {min(unknown)}")
    for key in ("input", body):
        if key not in operands:
            raise QueryError(16880, f"Missing '{key}' parameter to {operator}")
    name = operands.get("as", "this")
    inner = compiler.knowing(name)
    return compiler.expression(operands["input"]), name, inner.expression(operands[body])


def _reduce(compiler: Compiler, operands: Any) -> Evaluate:
    if not isinstance(operands, dict) or set(operands) != {"input", "initialValue", "in"}:
        raise QueryError(40075, "$reduce needs 'input', 'initialValue' and 'in'")
    of, start = (
        compiler.expression(operands["input"]),
        compiler.expression(operands["initialValue"]),
    )
    step = compiler.knowing("this", "value").expression(operands["in"])

    def evaluate(scope: Scope) -> Any:
        values = of(scope)
        if values in _NOTHING:
            return None
        total = start(scope)
        for value in compiler.budget.metered(_array("$reduce", values, 40080)):
            total = step(_with(scope, {"this": value, "value": total}))
        return total

    return evaluate


def _with(scope: Scope, variables: dict[str, Any]) -> Scope:
    return scope._replace(variables={**scope.variables, **variables})


def _let(compiler: Compiler, operands: Any) -> Evaluate:
    if (
        not isinstance(operands, dict)
        or set(operands) != {"vars", "in"}
        or not isinstance(operands["vars"], dict)
    ):
        raise QueryError(16874, "$let only supports an object with 'vars' and 'in' as its argument")
    values = {name: compiler.expression(spec) for name, spec in operands["vars"].items()}
    body = compiler.knowing(*values).expression(operands["in"])
    return lambda scope: body(_with(scope, {name: value(scope) for name, value in values.items()}))


# As sets ----------------------------------------------------------------------------------------


def _by_key(name: str, value: Any) -> dict[Any, Any]:
    return {sort_key(each): each for each in reversed(_array(name, value, 17041))}


def _union(*values: Any) -> list[Any]:
    together: dict[Any, Any] = {}
    for value in values:
        together.update(_by_key("$setUnion", value))
    return [together[key] for key in sorted(together)]


def _intersection(*values: Any) -> list[Any]:
    if not values:
        return []
    common, *others = (_by_key("$setIntersection", value) for value in values)
    keys = set(common).intersection(*others)
    return [common[key] for key in sorted(keys)]


def _difference(left: Any, right: Any) -> list[Any]:
    gone = _by_key("$setDifference", right)
    kept: dict[Any, Any] = {}
    for each in _array("$setDifference", left, 17048):
        if sort_key(each) not in gone:
            kept.setdefault(sort_key(each), each)
    return list(kept.values())


def _equal(*values: Any) -> bool:
    first, *others = (set(_by_key("$setEquals", value)) for value in values)
    return all(each == first for each in others)


def _subset(left: Any, right: Any) -> bool:
    return set(_by_key("$setIsSubset", left)) <= set(_by_key("$setIsSubset", right))


def _truths(name: str, judge: Callable[[Iterable[bool]], bool]) -> Function:
    return Function(apply=lambda value: judge(map(truth, _array(name, value, 17040))))


# Documents ---------------------------------------------------------------------------------------


def _to_array(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        raise QueryError(
            40390, f"$objectToArray requires a document input, found: {type_name(value)}"
        )
    return [{"k": name, "v": each} for name, each in value.items()]


def _to_object(value: Any) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for each in _array("$arrayToObject", value, 40386):
        if isinstance(each, dict) and set(each) == {"k", "v"}:
            name, inner = each["k"], each["v"]
        elif isinstance(each, list) and len(each) == 2:
            name, inner = each
        else:
            raise QueryError(40398, "$arrayToObject needs an array of {k, v} documents or of pairs")
        if not isinstance(name, str):
            raise QueryError(
                40394, f"$arrayToObject requires keys of type string, found: {type_name(name)}"
            )
        document[name] = inner
    return document


def _merged(*values: Any) -> Any:
    parts = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    document: dict[str, Any] = {}
    for part in parts:
        if part in _NOTHING:
            continue
        if not isinstance(part, dict):
            raise QueryError(
                40400,
                f"$mergeObjects requires object inputs, but input is of type {type_name(part)}",
            )
        document.update(part)
    return document


def _get_field(compiler: Compiler, operands: Any) -> Evaluate:
    if not isinstance(operands, dict) or "field" not in operands:
        operands = {"field": operands, "input": "$$CURRENT"}
    field, of = (
        compiler.expression(operands["field"]),
        compiler.expression(operands.get("input", "$$CURRENT")),
    )

    def evaluate(scope: Scope) -> Any:
        name, value = field(scope), of(scope)
        if not isinstance(name, str):
            raise QueryError(
                5654602,
                f"$getField requires 'field' to evaluate to type String, found: {type_name(name)}",
            )
        if value is None:
            return None
        return value.get(name, MISSING) if isinstance(value, dict) else MISSING

    return evaluate


def _set_field(field: Any, input: Any, value: Any = MISSING) -> Any:  # noqa: A002
    if not isinstance(input, dict):
        raise QueryError(
            4161105,
            f"$setField requires 'input' to evaluate to type Object, found: {type_name(input)}",
        )
    if not isinstance(field, str):
        raise QueryError(4161107, f"$setField needs a string in 'field', got {type_name(field)}")
    copy = dict(input)
    if value is MISSING:
        copy.pop(field, None)
    else:
        copy[field] = value
    return copy


FUNCTIONS = {
    "$allElementsTrue": _truths("$allElementsTrue", all),
    "$anyElementTrue": _truths("$anyElementTrue", any),
    "$arrayElemAt": Function(apply=_element, fewest=2, most=2, null_in_null_out=True),
    "$arrayToObject": Function(apply=_to_object, null_in_null_out=True),
    "$concatArrays": Function(apply=_concatenated, fewest=0, most=None, null_in_null_out=True),
    "$first": _end("$first", 0),
    "$in": Function(apply=_among, fewest=2, most=2),
    "$indexOfArray": Function(apply=_index_of, fewest=2, most=4),
    "$isArray": Function(apply=lambda value: isinstance(value, list)),
    "$last": _end("$last", -1),
    "$mergeObjects": Function(apply=_merged, fewest=0, most=None),
    "$objectToArray": Function(apply=_to_array, null_in_null_out=True),
    "$range": Function(apply=_range, fewest=2, most=3),
    "$reverseArray": Function(apply=_reversed, null_in_null_out=True),
    "$setDifference": Function(apply=_difference, fewest=2, most=2, null_in_null_out=True),
    "$setEquals": Function(apply=_equal, fewest=2, most=None),
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
    "$setField": NamedFunction(
        apply=_set_field, required=("field", "input", "value"), nulls=("input",)
    ),
    "$sortArray": NamedFunction(apply=_sorted, required=("input", "sortBy"), nulls=("input",)),
    "$unsetField": NamedFunction(apply=_set_field, required=("field", "input"), nulls=("input",)),
    "$zip": NamedFunction(
        apply=_zip,
        required=("inputs",),
        optional=("useLongestLength", "defaults"),
        nulls=("inputs",),
    ),
}
SPECIAL = {
    "$filter": _filter,
    "$getField": _get_field,
    "$let": _let,
    "$map": _map,
    "$reduce": _reduce,
}
