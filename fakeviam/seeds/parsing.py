"""From text to nodes: YAML and JSON."""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from fakeviam.seeds.mistakes import Mistake, Place, SeedError
from fakeviam.seeds.nodes import Entries, Node, Plain

if TYPE_CHECKING:
    from pathlib import Path

# What YAML itself knows; other tags are of programs, such as !!python/object.
_STANDARD = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map", "merge", "value")
)

# Python's json takes these; JSON does not know them.
_CONSTANTS = ("NaN", "Infinity", "-Infinity")

# Deeper than any seed; Python's own stack ends at about a thousand.
_DEEPEST = 100


def read_document(path: Path, *, name: str) -> Node:
    """The document in a file: JSON if it ends in .json, else YAML.

    Args:
        path: The file.
        name: What texts of errors call it.

    Raises:
        SeedError: It cannot be read, or is neither.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise _refused(name, 0, f"cannot be read: {reason}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _refused(name, line, "is no text in UTF-8; save it as UTF-8") from error
    return parse_json(text, name=name) if path.suffix == ".json" else parse_yaml(text, name=name)


def parse_yaml(text: str, *, name: str) -> Node:
    """The document that YAML text holds.

    Raises:
        SeedError: It is no YAML, several documents, or uses tags of programs.
    """
    # Not above: only seeds need it.
    import yaml  # noqa: PLC0415

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise _refused(name, mark.line + 1 if mark else 0, f"is no YAML: {told}") from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise _refused(name, line, f"is no YAML: {error.reason}") from error
    except RecursionError as error:
        raise _too_deep(name, 0) from error
    if root is None:
        return Node(None, 1)
    return _Composed(name).node(root, 0)


class _Composed:
    """PyYAML's nodes as ours."""

    def __init__(self, name: str) -> None:
        self._name = name
        # An alias is the same node again; one that holds itself would never end.
        self._done: dict[int, Node] = {}

    def node(self, given: Any, depth: int) -> Node:
        line = given.start_mark.line + 1
        if depth > _DEEPEST:
            raise _too_deep(self._name, line)
        if given.tag not in _STANDARD:
            text = f"the tag {given.tag} means nothing here; leave it out"
            raise _refused(self._name, line, text)
        made = self._done.get(id(given))
        if made is None:
            made = self._done[id(given)] = Node(self._value(given, depth), line)
        return made

    def _value(self, given: Any, depth: int) -> object:
        if given.id == "scalar":
            return Plain(given.value) if given.style is None else given.value
        if given.id == "sequence":
            return [self.node(one, depth + 1) for one in given.value]
        return Entries(
            tuple(
                (self._key(key), key.start_mark.line + 1, self.node(value, depth + 1))
                for key, value in given.value
            )
        )

    def _key(self, key: Any) -> str:
        if key.id != "scalar":
            raise _refused(self._name, key.start_mark.line + 1, "a key must be text")
        text: str = key.value
        return text


def parse_json(text: str, *, name: str) -> Node:
    """The document that JSON text holds.

    Raises:
        SeedError: It is no JSON.
    """
    return _Json(text, name).document()


class _Json:
    """Reads JSON and keeps the lines, which Python's json does not."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._ends = [at for at, character in enumerate(text) if character == "\n"]
        self._scalar = json.JSONDecoder().raw_decode

    def document(self) -> Node:
        if not self._text.strip():
            return Node(None, 1)
        try:
            found, at = self._node(self._space(0), 0)
            self._end(self._space(at))
        except json.JSONDecodeError as error:
            raise _refused(self._name, error.lineno, f"is no JSON: {error.msg}") from error
        return found

    def _node(self, at: int, depth: int) -> tuple[Node, int]:
        line = self._line(at)
        if depth > _DEEPEST:
            raise _too_deep(self._name, line)
        opening = self._text[at : at + 1]
        value: object
        if opening == "{":
            value, at = self._mapping(at + 1, depth)
        elif opening == "[":
            value, at = self._list(at + 1, depth)
        elif self._text.startswith(_CONSTANTS, at):
            raise json.JSONDecodeError("NaN and infinities are not allowed", self._text, at)
        else:
            value, at = self._scalar(self._text, at)
        return Node(value, line), at

    def _mapping(self, at: int, depth: int) -> tuple[Entries, int]:
        items: list[tuple[str, int, Node]] = []
        at = self._space(at)
        while self._text[at : at + 1] != "}":
            if items:
                at = self._space(self._expect(",", at))
            start = at
            self._expect('"', at)
            key, at = self._scalar(self._text, at)
            at = self._space(self._expect(":", self._space(at)))
            value, at = self._node(at, depth + 1)
            items.append((key, self._line(start), value))
            at = self._space(at)
        return Entries(tuple(items)), at + 1

    def _list(self, at: int, depth: int) -> tuple[list[Node], int]:
        items: list[Node] = []
        at = self._space(at)
        while self._text[at : at + 1] != "]":
            if items:
                at = self._space(self._expect(",", at))
            value, at = self._node(at, depth + 1)
            items.append(value)
            at = self._space(at)
        return items, at + 1

    def _expect(self, character: str, at: int) -> int:
        if self._text[at : at + 1] != character:
            raise json.JSONDecodeError(f"Expecting {character}", self._text, at)
        return at + 1

    def _end(self, at: int) -> None:
        if at < len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, at)

    def _space(self, at: int) -> int:
        while self._text[at : at + 1] in (" ", "\t", "\r", "\n"):
            at += 1
        return at

    def _line(self, at: int) -> int:
        return bisect_right(self._ends, at - 1) + 1


def _refused(name: str, line: int, text: str) -> SeedError:
    return SeedError([Mistake(place=Place(file=name, line=line), text=text)])


def _too_deep(name: str, line: int) -> SeedError:
    return _refused(name, line, f"is nested more than {_DEEPEST} levels deep")
