"""Problems of outside input: the field, what is expected and the value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from fakeviam.model.errors import UsageError, shortened
from fakeviam.model.text import short
from fakeviam.validation.scalars import Unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The names of types in texts, which depend on the notation of the input.

    Attributes:
        values: Show a value of the wrong type itself, not only its type.
    """

    text: str
    mapping: str
    nothing: str
    values: bool
    integer: str = "a whole number"

    def name(self, value: object) -> str:
        """The type of a value."""
        if isinstance(value, Unquoted):
            value = None if value.is_null else str(value)
        for types, name in (
            (type(None), self.nothing),
            (bool, "true or false"),
            ((int, float), "a number"),
            (str, self.text),
            (dict, self.mapping),
            ((list, tuple), "a list"),
        ):
            if isinstance(value, types):
                return name
        return type(value).__name__

    def show(self, value: object) -> str:
        """The value, shortened."""
        if isinstance(value, Unquoted):
            return _cut(value) or self.nothing
        if value is None or isinstance(value, dict | list | tuple):
            return self.name(value)
        return _cut(short(value))


JSON_WORDS = Words(text="a string", mapping="an object", nothing="null", values=False)
YAML_WORDS = Words(text="text", mapping="a mapping", nothing="nothing", values=True)
PYTHON_WORDS = Words(text="a string", mapping="a mapping", nothing="None", values=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One problem of a value.

    Attributes:
        path: Field names and element numbers, outermost first.
        kind: Whether the field is absent, does not exist, violates its type, or was refused by a
            check that phrases the whole sentence.
        text: The problem; names the field only if it was refused or is unknown.
        value: The invalid value, if any.
        hint: A suggestion, or empty.
    """

    path: Path
    kind: Literal["missing", "unknown", "invalid", "refused"]
    text: str
    value: object = None
    hint: str = ""

    @property
    def field(self) -> str:
        """The path as text, such as `faults[0].status`."""
        return field_text(self.path)

    @property
    def sentence(self) -> str:
        """The problem as a sentence that names the field."""
        if self.kind == "unknown":
            return f"there is no field {short(self.field)}"
        if self.kind == "refused":
            return self.text
        return f"{self.field or 'the body'} {self.text}"


class InvalidError(UsageError):
    """Outside input is invalid; it had no effect.

    Attributes:
        problems: All problems, at least one.
    """

    def __init__(self, problems: Sequence[Problem], *, subject: str = "") -> None:
        """Report these problems of a value; `subject` names it in the text."""
        self.problems = tuple(problems)
        super().__init__(shortened("\n".join(_line(each, subject) for each in self.problems)))


def field_text(path: Iterable[str | int]) -> str:
    """Format a path: `faults[0].status`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text.encode("utf-8", "backslashreplace").decode()  # keys may hold half a surrogate pair


def unknown_field(path: Path, known: Iterable[str], value: object) -> Problem:
    """The problem of an unknown field, with the closest known one as a hint."""
    names, name = list(known), str(path[-1])
    near = get_close_matches(name[:100], names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known fields: {', '.join(names) or 'none'}"
    return Problem(
        path=path, kind="unknown", text=f"unknown field {short(name)}", value=value, hint=hint
    )


def problems_of(errors: Iterable[Mapping[str, Any]], words: Words) -> list[Problem]:
    """Translate errors of pydantic."""
    details = list(errors)
    # pydantic does not count invalid elements, so their list seems too short.
    outer = {error["loc"][:end] for error in details for end in range(len(error["loc"]))}
    return [
        _problem(error, words)
        for error in details
        if error["type"] != "too_short" or error["loc"] not in outer
    ]


def _problem(error: Mapping[str, Any], words: Words) -> Problem:
    path, kind, value = tuple(error["loc"]), error["type"], error["input"]
    context = error.get("ctx", {})
    if kind in ("missing", "union_tag_not_found"):
        if kind != "missing":
            path = (*path, context["discriminator"].strip("'"))
        return Problem(path=path, kind="missing", text="is missing")
    if kind == "unknown_field":
        return unknown_field(path, context["known"], value)
    if kind in ("refused", "value_error"):
        return Problem(
            path=path,
            kind="refused",
            text=str(context.get("text") or context["error"]),
            value=value,
        )
    if kind == "union_tag_invalid":
        path = (*path, context["discriminator"].strip("'"))
        value = context["tag"]
    text = _text(kind, context, value, words)
    listed = re.match("must be one of (.+), got '", text)
    if kind in ("literal_error", "enum", "union_tag_invalid") or listed:
        choices = listed[1] if listed else _choices(context)
        said = str(value)[:100].lower() if isinstance(value, (str, Unquoted)) else ""
        near = get_close_matches(said, re.split(", | or ", choices), n=1)
        text = f"{text}; did you mean {near[0]!r}?" if near else text
    return Problem(path=path, kind="invalid", text=text, value=value)


def _text(kind: str, context: Mapping[str, object], value: object, words: Words) -> str:
    if kind in _WHOLE:
        return _WHOLE[kind](context)
    expected = _TYPES.get(kind) or getattr(words, _WORDED.get(kind, ""), None)
    if expected is not None and not words.values:
        return f"must be {expected}, got {words.name(value)}"
    if expected is None:
        expected = _RULES[kind](context) if kind in _RULES else f"valid ({kind})"
    if kind == "expected" and isinstance(value, list | frozenset) and {*map(type, value)} == {int}:
        return f"must be {expected}, got {short(sorted(value))}"
    return f"must be {expected}, got {words.show(value)}"


def _line(problem: Problem, subject: str) -> str:
    hint = f"; {problem.hint}" if problem.hint else ""
    return f"{subject}: {problem.sentence}{hint}" if subject else f"{problem.sentence}{hint}"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


def _choices(context: Mapping[str, Any]) -> str:
    text: str = context.get("expected") or context["expected_tags"]
    *most, last = text.replace(" or ", ", ").replace("'", "").split(", ")
    return f"{', '.join(most)} or {last}" if most else last


def _bound(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


# Keyed by pydantic's names of errors. First those whose text shows no value …
_WHOLE: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "invalid": lambda context: str(context["text"]),
        "string_unicode": lambda _: "cannot be encoded as UTF-8",
        "string_too_short": lambda context: _at_least(context["min_length"], "characters"),
        "string_too_long": lambda context: f"must have at most {context['max_length']} characters",
        "too_short": lambda context: _at_least(context["min_length"], "elements"),
        "too_long": lambda context: f"must have at most {context['max_length']} elements",
        "json_invalid": lambda context: f"is not JSON: {context['error']}",
    }
)

# … then wrong types …
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "float_type": "a number",
        "bool_type": "true or false",
        "list_type": "a list",
        "tuple_type": "a list",
    }
)
_WORDED: Mapping[str, str] = MappingProxyType(
    {
        "int_type": "integer",
        "int_from_float": "integer",
        "string_type": "text",
        "dict_type": "mapping",
        "model_type": "mapping",
        "model_attributes_type": "mapping",
    }
)

# … and values outside what their type allows.
_RULES: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "expected": lambda context: str(context["what"]),
        "finite_number": lambda _: "a finite number",
        "greater_than_equal": lambda context: f"at least {_bound(context['ge'])}",
        "greater_than": lambda context: f"above {_bound(context['gt'])}",
        "less_than_equal": lambda context: f"at most {_bound(context['le'])}",
        "less_than": lambda context: f"below {_bound(context['lt'])}",
        "literal_error": _choices,
        "enum": _choices,
        "union_tag_invalid": _choices,
        "string_pattern_mismatch": lambda context: f"text like {context['pattern']}",
    }
)


def _at_least(number: int, what: str) -> str:
    return "must not be empty" if number == 1 else f"must have at least {number} {what}"
