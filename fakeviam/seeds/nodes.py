"""Documents as values that know the line they stand on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: What stands where a mapping's values stand: (key, line of the key, value).
Entry = tuple[str, int, "Node"]


class UnclearError(ValueError):
    """A plain YAML scalar that programs read differently; the text says what to write."""


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping as it was written: in order, and with keys that come twice."""

    items: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Plain:
    """A YAML scalar without quotes: what it means depends on what is wanted there."""

    text: str


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document.

    Attributes:
        value: None, bool, int, float, str, Plain, Entries, or a list of nodes. In a document
            that did not come from a file also plain dictionaries and lists.
        line: Where it stands, from 1; 0 where the document has no lines.
    """

    value: Any
    line: int = 0

    @property
    def kind(self) -> str:
        """What it is, for people."""
        value = self.value
        if isinstance(value, Plain):
            value = None if value.text in _NOTHING else value.text
        for types, name in _KINDS:
            if isinstance(value, types):
                return name
        return type(value).__name__

    @property
    def is_nothing(self) -> bool:
        """Whether it is null, or left empty."""
        return self.value is None or (isinstance(self.value, Plain) and self.value.text in _NOTHING)

    def entries(self) -> Iterator[Entry]:
        """The entries of a mapping."""
        if isinstance(self.value, Entries):
            yield from self.value.items
            return
        for key, value in self.value.items():
            yield str(key), self.line, Node(value, self.line)

    def elements(self) -> Sequence[Node]:
        """The elements of a list."""
        return [one if isinstance(one, Node) else Node(one, self.line) for one in self.value]

    def shown(self) -> str:
        """The value as it was written, shortened, for texts of errors."""
        value = self.value
        if isinstance(value, Plain):
            return value.text or "nothing"
        if self.kind in ("a mapping", "a list", "nothing"):
            return self.kind
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:60]}…"

    def data(self) -> object:
        """The value as JSON has it, for fields that take anything.

        Raises:
            UnclearError: A plain YAML scalar in it is read differently by different programs.
        """
        if isinstance(self.value, Plain):
            return _resolved(self.value.text)
        if isinstance(self.value, (Entries, dict)):
            return {key: value.data() for key, _, value in self.entries()}
        if isinstance(self.value, (list, tuple)):
            return [one.data() for one in self.elements()]
        return self.value


_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

# YAML 1.1, which many programs still speak, and YAML 1.2 read these differently.
_UNCLEAR = (
    (re.compile(r"yes|no|on|off", re.IGNORECASE), "write true or false, or put it in quotes"),
    (
        re.compile(r"[-+]?0[0-9][0-9_]*|[-+]?0[box][0-9a-fA-F_]+"),
        "write a number without a leading zero, or put it in quotes",
    ),
    (
        re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"),
        "put it in quotes: YAML 1.1 reads a number to the base 60",
    ),
    (re.compile(r"[-+]?[0-9]+_[0-9_]*"), "write the number without _, or put it in quotes"),
    (re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE), "a reading holds finite numbers only"),
)

_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "nothing"),
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "text"),
    ((Entries, dict), "a mapping"),
    ((list, tuple), "a list"),
)


def number_of(text: str) -> float | None:
    """The number that a plain scalar is, whole ones as int; None if it is none."""
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and not _UNCLEAR[1][0].fullmatch(text) else None


def _unclear(text: str) -> str | None:
    """What to write instead, if programs read a plain scalar differently."""
    return next((advice for form, advice in _UNCLEAR if form.fullmatch(text)), None)


def _resolved(text: str) -> object:
    if text in _NOTHING:
        return None
    if text in TRUTHS:
        return TRUTHS[text]
    advice = _unclear(text)
    if advice:
        raise UnclearError(f"{text} is read differently by different programs; {advice}")
    number = number_of(text)
    return text if number is None else number
