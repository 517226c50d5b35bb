"""Operators on documents and their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.query.errors import QueryError
from fakeviam.query.expressions import Function, NamedFunction, check_names
from fakeviam.query.operators.arrays import array
from fakeviam.query.values import MISSING, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.query.expressions import Compiler, Evaluate, Scope


def _to_array(value: object) -> list[dict[str, object]]:
    if not isinstance(value, dict):
        raise QueryError(
            40390, f"$objectToArray requires a document input, found: {type_name(value)}"
        )
    return [{"k": name, "v": each} for name, each in value.items()]


def _to_object(value: object) -> dict[str, object]:
    values = array("$arrayToObject", value, 40386)
    if not values:
        return {}
    read = _OF_ENTRIES.get(type(values[0]))
    if read is None:
        text = f"$arrayToObject needs documents or pairs, found: {type_name(values[0])}"
        raise QueryError(40398, text)
    return dict(map(read, values))


def _entry(entry: object) -> tuple[str, object]:
    if not isinstance(entry, dict):
        text = "$arrayToObject requires a consistent input format: elements must all be arrays or"
        raise QueryError(40391, f"{text} all be objects, found: {type_name(entry)}")
    if len(entry) != 2:
        text = "$arrayToObject requires an object with keys of 'k' and 'v', found: "
        raise QueryError(40392, f"{text}{len(entry)} keys")
    if set(entry) != {"k", "v"}:
        raise QueryError(40393, "$arrayToObject requires an object with keys 'k' and 'v'")
    return _key(entry["k"], 40394), entry["v"]


def _pair(pair: object) -> tuple[str, object]:
    if not isinstance(pair, list):
        text = "$arrayToObject requires a consistent input format: elements must all be arrays or"
        raise QueryError(40396, f"{text} all be objects, found: {type_name(pair)}")
    if len(pair) != 2:
        raise QueryError(40397, f"$arrayToObject requires arrays of size 2, found: {len(pair)}")
    return _key(pair[0], 40395), pair[1]


_OF_ENTRIES: dict[type, Callable[[object], tuple[str, object]]] = {dict: _entry, list: _pair}


def _key(name: object, code: int) -> str:
    if not isinstance(name, str):
        text = f"$arrayToObject requires keys of type string, found: {type_name(name)}"
        raise QueryError(code, text)
    if "\0" in name:
        raise QueryError(4940401, "Key field cannot contain an embedded null byte")
    return name


def _merged(*values: object) -> object:
    parts = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    document: dict[str, object] = {}
    for part in parts:
        if part is None or part is MISSING:
            continue
        if not isinstance(part, dict):
            raise QueryError(
                40400,
                f"$mergeObjects requires object inputs, but input is of type {type_name(part)}",
            )
        document.update(part)
    return document


def _get_field(compiler: Compiler, operands: object) -> Evaluate:
    if not isinstance(operands, dict) or next(iter(operands), "").startswith("$"):
        operands = {"field": operands}
    check_names("$getField", operands, ("field",), ("input",))
    field, of = (
        compiler.expression(operands["field"]),
        compiler.expression(operands.get("input", "$$CURRENT")),
    )

    def evaluate(scope: Scope) -> object:
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


def _set_field(field: object, input: object, value: object = MISSING) -> object:  # noqa: A002
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
    "$arrayToObject": Function(apply=_to_object, null_in_null_out=True),
    "$mergeObjects": Function(apply=_merged, fewest=0, most=None),
    "$objectToArray": Function(apply=_to_array, null_in_null_out=True),
}
NAMED = {
    "$setField": NamedFunction(
        apply=_set_field, required=("field", "input", "value"), nulls=("input",)
    ),
    "$unsetField": NamedFunction(apply=_set_field, required=("field", "input"), nulls=("input",)),
}
SPECIAL = {
    "$getField": _get_field,
}
