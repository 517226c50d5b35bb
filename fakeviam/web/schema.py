"""Shapes of JSON: one description that is published as JSON Schema and checked against.

Only the part of JSON Schema that the control API needs. What is checked is what is published.
"""

from __future__ import annotations

import difflib
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Schema = dict[str, Any]

ANYTHING: Mapping[str, Any] = MappingProxyType({})


def text(description: str = "", **more: Any) -> Schema:
    """A string; with `enum=` one of some."""
    return _schema("string", description, more)


def whole(description: str = "", **more: Any) -> Schema:
    """A whole number."""
    return _schema("integer", description, more)


def number(description: str = "", **more: Any) -> Schema:
    """A number."""
    return _schema("number", description, more)


def flag(description: str = "") -> Schema:
    """True or false."""
    return _schema("boolean", description, {})


def listed(items: Mapping[str, Any], description: str = "", **more: Any) -> Schema:
    """A list of such items."""
    return _schema("array", description, {"items": dict(items), **more})


def shape(
    required: Mapping[str, Any] | None = None,
    optional: Mapping[str, Any] | None = None,
    description: str = "",
) -> Schema:
    """An object with these fields and no others."""
    must = dict(required or {})
    more: dict[str, Any] = {
        "properties": {**must, **(optional or {})},
        "additionalProperties": False,
    }
    if must:
        more["required"] = list(must)
    return _schema("object", description, more)


def table(values: Mapping[str, Any], description: str = "") -> Schema:
    """An object with any names, and such values."""
    return _schema("object", description, {"additionalProperties": dict(values)})


def document(description: str = "") -> Schema:
    """An object whose fields are described elsewhere."""
    return _schema("object", description, {})


def maybe(schema: Mapping[str, Any]) -> Schema:
    """Such a value, or null."""
    found = dict(schema)
    if "type" in found:
        found["type"] = [found["type"], "null"]
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    return found


def check(schema: Mapping[str, Any], value: Any, field: str = "") -> None:
    """Refuse a value that does not fit.

    Raises:
        Problem: 422, with the field that is wrong.
    """
    kinds = schema.get("type")
    if kinds is not None:
        allowed = kinds if isinstance(kinds, list) else [kinds]
        if not any(_IS[kind](value) for kind in allowed):
            wanted = " or ".join(_NAMES[kind] for kind in allowed)
            raise _wrong(field, value, f"must be {wanted}, got {_kind(value)}")
    if "enum" in schema and value not in schema["enum"]:
        raise _no_choice(schema["enum"], value, field)
    _check_size(schema, value, field)
    if isinstance(value, dict):
        _check_fields(schema, value, field)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            check(schema["items"], item, f"{field}[{index}]")


def _check_size(schema: Mapping[str, Any], value: Any, field: str) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if "minimum" in schema and value < schema["minimum"]:
            raise _wrong(field, value, f"must be at least {schema['minimum']}, got {value}")
        if "maximum" in schema and value > schema["maximum"]:
            raise _wrong(field, value, f"must be at most {schema['maximum']}, got {value}")
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        raise _wrong(field, value, "must not be empty")
    if isinstance(value, list) and len(value) < schema.get("minItems", 0):
        raise _wrong(field, value, "must not be an empty list")


def _check_fields(schema: Mapping[str, Any], value: dict[str, Any], field: str) -> None:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            raise Problem(422, f"{_path(field, name)} is missing", field=_path(field, name))
    for name, item in value.items():
        if name in known:
            check(known[name], item, _path(field, name))
        elif others is False:
            raise unknown_field(name, known, field=_path(field, name), value=item)
        elif isinstance(others, dict):
            check(others, item, _path(field, name))


def unknown_field(name: str, known: Iterable[str], *, field: str, value: Any) -> Problem:
    """The refusal of a field that does not exist, with the one that was meant."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else _known(names)
    return Problem(422, f"there is no field {field!r}", field=field, value=value, hint=hint)


def _known(names: list[str]) -> str:
    return f"fields are {', '.join(names)}" if names else "this request has no fields"


def _no_choice(choices: list[Any], value: Any, field: str) -> Problem:
    told = ", ".join("null" if choice is None else repr(choice) for choice in choices)
    return _wrong(field, value, f"must be one of {told}, got {value!r}")


def _wrong(field: str, value: Any, what: str) -> Problem:
    return Problem(422, f"{field or 'the body'} {what}", field=field, value=value)


def _path(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def _schema(kind: str, description: str, more: Mapping[str, Any]) -> Schema:
    found: Schema = {"type": kind, **more}
    if description:
        found["description"] = description
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_IS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "string": lambda value: isinstance(value, str),
        "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "number": _is_number,
        "boolean": lambda value: isinstance(value, bool),
        "array": lambda value: isinstance(value, list),
        "object": lambda value: isinstance(value, dict),
        "null": lambda value: value is None,
    }
)

_NAMES = MappingProxyType(
    {
        "string": "a string",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "array": "a list",
        "object": "an object",
        "null": "null",
    }
)


def _kind(value: Any) -> str:
    return next((_NAMES[kind] for kind, fits in _IS.items() if fits(value)), repr(value))
