"""YAML and JSON documents that know the line of every value."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.model.text import is_text
from fakeviam.seeds.diagnostics import Diagnostic, SeedError, SourceLocation
from fakeviam.validation.json_text import DEEPEST, JsonError, parse_json, tokens
from fakeviam.validation.models import Model, validate
from fakeviam.validation.problems import YAML_WORDS, InvalidError, Problem, field_text
from fakeviam.validation.scalars import Unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakeviam.validation.json_text import Token
    from fakeviam.validation.problems import Path as FieldPath

M = TypeVar("M", bound=Model)

# YAML's own tags; others are application-specific, such as !!python/object.
_STANDARD = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map", "merge", "value")
)

# Nested aliases expand exponentially ("billion laughs").
_MOST_ALIASED = 100_000


class _Lines:
    """The lines of all values, by their paths."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.values: dict[FieldPath, int] = {}
        self.keys: dict[FieldPath, int] = {}
        self.repeated: list[Diagnostic] = []
        self.composed: set[int] = set()
        self.aliased = 0

    def add(self, path: FieldPath, line: int) -> None:
        """Record the line of a value."""
        self.values[path] = line

    def add_key(self, path: FieldPath, line: int) -> None:
        """Record the line of a key."""
        if not is_text(path[-1]):
            raise self.error(line, f"the key {path[-1]!r} cannot be encoded as UTF-8")
        first = self.keys.setdefault(path, line)
        if path in self.values:
            text = f"is repeated (first on line {first}); keep one of them"
            location = SourceLocation(file=self.file, line=line, field=field_text(path))
            self.repeated.append(Diagnostic(location=location, text=text))

    def error(self, line: int, text: str) -> SeedError:
        return SourceLocation(file=self.file, line=line).error(text)


@dataclass(frozen=True, slots=True)
class Document:
    """The contents of a file.

    Attributes:
        data: Dictionaries, lists and scalars; YAML's are `Unquoted` where they have no quotes.
    """

    data: Any
    _lines: _Lines

    @classmethod
    def without_lines(cls, data: object, name: str) -> Document:
        """A document that did not come from a file; errors call it `name`."""
        return cls(data, _Lines(name))

    def at(self, *path: str | int) -> SourceLocation:
        """The location of a value; for a missing one, of where it would be."""
        value, steps, line = self.data, [], self._lines.values.get((), 0)
        for number, step in enumerate(path, 1):
            if isinstance(step, int) and not isinstance(value, list):
                continue  # the only element, written without its list
            steps.append(step)
            line = self._lines.values.get(path[:number], line)
            value = _inner(value, step)
        return SourceLocation(file=self._lines.file, line=line, field=field_text(steps))

    def validate(self, model: type[M]) -> M:
        """The document as a model.

        Raises:
            SeedError: It breaks the rules of the model, or gives a field twice.
        """
        diagnostics = list(self._lines.repeated)
        try:
            validated = validate(model, self.data, words=YAML_WORDS)
            if not diagnostics:
                return validated
        except InvalidError as error:
            diagnostics += map(self._diagnostic, error.problems)
        raise SeedError(sorted(diagnostics, key=lambda each: each.location.line))

    def _diagnostic(self, problem: Problem) -> Diagnostic:
        if problem.kind in ("invalid", "refused"):
            return Diagnostic(location=self.at(*problem.path), text=problem.text)
        location, name = self.at(*problem.path[:-1]), problem.path[-1]
        if problem.kind == "missing":
            return Diagnostic(location=location, text=f"{name} is missing")
        line = self._lines.keys.get(problem.path, location.line)
        return Diagnostic(
            location=replace(location, line=line), text=f"{problem.text}; {problem.hint}"
        )


def _inner(value: object, step: str | int) -> object:
    try:
        return value[step]  # type: ignore[index]  # whatever it is
    except (LookupError, TypeError):
        return None


def read_document(path: Path, *, name: str) -> Document:
    """The document in a file: JSON if its name ends in .json, else YAML.

    Args:
        path: The file.
        name: How errors refer to it.

    Raises:
        SeedError: It cannot be read, or is neither.
    """
    text = read_text(path, SourceLocation(file=name))
    is_json = path.suffix.lower() == ".json"
    return json_document(text, name) if is_json else yaml_document(text, name)


def read_text(path: Path, location: SourceLocation, *, label: str = "") -> str:
    """The text of a file, which errors at `location` call `label`.

    Raises:
        SeedError: It cannot be read, or is not UTF-8.
    """
    prefix = f"{label} " if label else ""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # a path may hold what no file system takes
        reason = getattr(error, "strerror", None) or error
        raise location.error(f"{prefix}cannot be read: {reason}") from error
    packed = next((text for start, text in _PACKED if data.startswith(start)), "")
    if packed:
        raise location.error(f"{prefix}is {packed}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        if not label:
            location = SourceLocation(file=location.file, line=line)
        raise location.error(f"{prefix}is not UTF-8 text; save it as UTF-8") from error


# How files begin that are no text as they stand.
_PACKED = (
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"PK\x03\x04", "a zip file; unpack it first"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
)


# YAML -----------------------------------------------------------------------------------------


def yaml_document(text: str, name: str) -> Document:
    """The document that YAML text holds.

    Raises:
        SeedError: It is not YAML, holds several documents, or uses application-specific tags.
    """
    # Imported late: only YAML seeds need it.
    import yaml  # noqa: PLC0415

    def refuse(line: int, text: str) -> SeedError:
        return SourceLocation(file=name, line=line).error(text)

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise refuse(mark.line + 1 if mark else 0, f"is not YAML: {reason}") from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise refuse(line, f"is not YAML: {error.reason}") from error
    except RecursionError as error:
        raise refuse(0, f"is nested more than {DEEPEST} levels deep") from error
    lines = _Lines(name)
    if root is None:
        lines.add((), 1)
        return Document(None, lines)
    return Document(_composed(root, (), lines), lines)


def _composed(node: Any, path: FieldPath, lines: _Lines) -> object:
    """The value of one of PyYAML's nodes."""
    line = node.start_mark.line + 1
    if len(path) > DEEPEST:
        raise lines.error(line, f"is nested more than {DEEPEST} levels deep")
    if node.tag not in _STANDARD:
        raise lines.error(line, f"the YAML tag {node.tag} is not supported; remove it")
    lines.add(path, line)
    # PyYAML composes an alias as the same node, with everything in it.
    lines.aliased += id(node) in lines.composed
    lines.composed.add(id(node))
    if lines.aliased > _MOST_ALIASED:
        raise lines.error(line, f"its aliases expand to more than {_MOST_ALIASED} values")
    if node.id == "scalar":
        return Unquoted(node.value) if node.style is None else node.value
    if node.id == "sequence":
        return [_composed(one, (*path, at), lines) for at, one in enumerate(node.value)]
    mapping = {}
    for key, value in node.value:
        key_line = key.start_mark.line + 1
        if key.id != "scalar":
            raise lines.error(key_line, "a key must be text")
        inner = (*path, key.value)
        lines.add_key(inner, key_line)
        mapping[key.value] = _composed(value, inner, lines)
    return mapping


# JSON -----------------------------------------------------------------------------------------


def json_document(text: bytes | str, name: str) -> Document:
    """The document that JSON text holds.

    Raises:
        SeedError: It is not JSON.
    """
    lines = _Lines(name)
    if not text.strip():
        lines.add((), 1)
        return Document(None, lines)
    try:
        data = parse_json(text, unique=False)
    except JsonError as error:
        raise lines.error(error.line, error.reason) from error
    stream = tokens(text if isinstance(text, str) else text.decode("utf-8-sig"))
    _note(next(stream), stream, (), lines)
    return Document(data, lines)


def line_document(text: bytes | str, at: SourceLocation) -> Document:
    """The document that JSON text on one line of a file holds.

    Raises:
        SeedError: It is not JSON.
    """
    lines = _Lines(at.file)
    lines.add((), at.line)
    return Document(json_value(text, at), lines)


def json_value(text: bytes | str, at: SourceLocation, *, nan: bool = False) -> object:
    """The value of JSON text that begins at a location; see `parse_json`.

    Raises:
        SeedError: It is not JSON.
    """
    try:
        return parse_json(text, nan=nan)
    except JsonError as error:
        raise replace(at, line=at.line or error.line).error(error.reason) from None


def _note(token: Token, stream: Iterator[Token], path: FieldPath, lines: _Lines) -> None:
    """Record the lines of the value that starts with `token`, in JSON text known to be valid."""
    lines.add(path, token.line)
    if token.text == "[":
        number = 0
        while (token := next(stream)).text != "]":
            if token.text != ",":
                _note(token, stream, (*path, number), lines)
                number += 1
    elif token.text == "{":
        while (token := next(stream)).text != "}":
            if token.text != ",":
                inner = (*path, json.loads(token.text))
                lines.add_key(inner, token.line)
                next(stream)  # the colon
                _note(next(stream), stream, inner, lines)
