"""Checkers: what a field of a seed takes. Each knows its JSON schema too.

A checker turns a node into a value, or notes what is wrong and raises WrongError. Those of lists
and records look at everything they hold before they do, so that all mistakes show at once.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from fakeviam.model.errors import Refusal
from fakeviam.model.timestamps import nanos_from_text
from fakeviam.seeds.mistakes import Notes, Place, WrongError
from fakeviam.seeds.nodes import TRUTHS, Entries, Node, Plain, UnclearError, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spot:
    """Which field is being looked at, and where mistakes are noted."""

    notes: Notes
    file: str
    field: str = ""

    def key(self, name: str) -> Spot:
        """The field of that name in this one."""
        return Spot(self.notes, self.file, f"{self.field}.{name}" if self.field else name)

    def index(self, number: int) -> Spot:
        """The element of that number in this one."""
        return Spot(self.notes, self.file, f"{self.field}[{number}]")

    def place(self, node: Node) -> Place:
        """The place of a value, for messages that come later."""
        return Place(file=self.file, line=node.line, field=self.field)

    def wrong(self, node: Node, text: str) -> WrongError:
        """Note a mistake; raise what comes back."""
        return self.notes.note(self.place(node), text)

    def must(self, wanted: str, node: Node) -> WrongError:
        """Note that something else is wanted; raise what comes back."""
        return self.wrong(node, f"must be {wanted}, got {node.shown()}")


class Check(Protocol):
    """What a field takes."""

    def read(self, node: Node, spot: Spot) -> Any:
        """The value of a node.

        Raises:
            WrongError: It is not what the field takes; that has been noted.
        """

    def schema(self) -> Schema:
        """The same, for editors."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text, taken as it is written: 007, no and 2026-01-31 are text where text is wanted."""

    wanted: str = "text"
    blank: bool = False
    slash: bool = True

    def read(self, node: Node, spot: Spot) -> str:
        value = node.value.text if isinstance(node.value, Plain) else node.value
        if not isinstance(value, str) or node.is_nothing:
            raise spot.must(self.wanted, node)
        if not self.blank and not value.strip():
            raise spot.wrong(node, f"must not be blank, got {value!r}")
        if not self.slash and "/" in value:
            raise spot.wrong(node, f"must not hold a slash, got {value!r}: paths are made with it")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise spot.wrong(node, "cannot be encoded as UTF-8") from None
        return value

    def schema(self) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def read(self, node: Node, spot: Spot) -> bool:
        value = node.value
        if isinstance(value, bool):
            return value
        if isinstance(value, Plain) and value.text in TRUTHS:
            return TRUTHS[value.text]
        raise spot.must("true or false", node)

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number."""

    wanted: str = "a number"
    least: float | None = None

    def read(self, node: Node, spot: Spot) -> float:
        value = node.value
        if isinstance(value, Plain):
            value = number_of(value.text)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise spot.must(self.wanted, node)
        if self.least is not None and not value >= self.least:
            raise spot.wrong(node, f"must be at least {self.least:g}, got {node.shown()}")
        return value

    def schema(self) -> Schema:
        return {"type": "number", **({} if self.least is None else {"minimum": self.least})}


@dataclass(frozen=True, slots=True)
class Time:
    """A time as nanoseconds since the epoch; or one of some words, as they are."""

    words: tuple[str, ...] = ()

    def read(self, node: Node, spot: Spot) -> int | str:
        value = node.value.text if isinstance(node.value, Plain) else node.value
        if isinstance(value, str):
            if value in self.words:
                return value
            nanos = nanos_from_text(value)
            if nanos is not None:
                return nanos
        others = "".join(f", or {word}" for word in self.words)
        raise spot.must(f"a time like 2026-01-31T12:00:00Z{others}", node)

    def schema(self) -> Schema:
        return {"type": "string", "examples": ["2026-01-31T12:00:00Z", *self.words]}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    def read(self, node: Node, spot: Spot) -> str:
        value = node.value.text if isinstance(node.value, Plain) else node.value
        if not isinstance(value, str) or value not in self.words:
            raise spot.must(" or ".join(self.words), node)
        return value

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Base64:
    """Bytes, as base64."""

    def read(self, node: Node, spot: Spot) -> bytes:
        text = Text(wanted="bytes in base64", blank=True).read(node, spot)
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise spot.wrong(node, f"must be bytes in base64: {error}") from None

    def schema(self) -> Schema:
        return {"type": "string", "contentEncoding": "base64"}


@dataclass(frozen=True, slots=True)
class Anything:
    """A mapping of whatever JSON can say."""

    def read(self, node: Node, spot: Spot) -> object:
        if node.kind != "a mapping":
            raise spot.must("a mapping", node)
        try:
            return node.data()
        except UnclearError as error:
            raise spot.wrong(node, str(error)) from None

    def schema(self) -> Schema:
        return {"type": "object"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A value that the fake itself accepts: its own checks, so that there is no second opinion."""

    check: Check
    accept: Callable[[Any], object]

    def read(self, node: Node, spot: Spot) -> Any:
        value = self.check.read(node, spot)
        try:
            self.accept(value)
        except Refusal as refusal:
            raise spot.wrong(node, refusal.text) from None
        return value

    def schema(self) -> Schema:
        return self.check.schema()


@dataclass(frozen=True, slots=True)
class Kept:
    """A value together with where it stands, for checks that come later."""

    value: Any
    node: Node
    spot: Spot

    def wrong(self, text: str) -> WrongError:
        """Note a mistake about it; raise what comes back."""
        return self.spot.wrong(self.node, text)

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.spot.place(self.node)


@dataclass(frozen=True, slots=True)
class Keep:
    """Reads a value and keeps where it stands."""

    check: Check

    def read(self, node: Node, spot: Spot) -> Kept:
        return Kept(self.check.read(node, spot), node, spot)

    def schema(self) -> Schema:
        return self.check.schema()


@dataclass(frozen=True, slots=True)
class Many:
    """A list of things; where `alone` is set, one of them may stand without a list."""

    each: Check
    alone: bool = False
    least: int = 0

    def read(self, node: Node, spot: Spot) -> tuple[Any, ...]:
        if node.kind != "a list":
            if self.alone:
                return (self.each.read(node, spot),)
            raise spot.must("a list", node)
        before = len(spot.notes)
        found, elements = [], node.elements()
        for number, one in enumerate(elements):
            with suppress(WrongError):
                found.append(self.each.read(one, spot.index(number)))
        spot.notes.unless_new(before)
        if len(elements) < self.least:
            raise spot.wrong(node, "must not be empty")
        return tuple(found)

    def schema(self) -> Schema:
        each = self.each.schema()
        many: Schema = {"type": "array", "items": each}
        if self.least:
            many["minItems"] = self.least
        return {"anyOf": [each, many]} if self.alone else many


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping from names that the user chooses to things."""

    each: Check

    def read(self, node: Node, spot: Spot) -> dict[str, Kept]:
        if node.kind != "a mapping":
            raise spot.must("a mapping", node)
        before = len(spot.notes)
        found = {}
        for key, line, value in unique(node, spot):
            with suppress(WrongError):
                inside = spot.key(key)
                found[key] = Kept(self.each.read(value, inside), Node(key, line), inside)
        spot.notes.unless_new(before)
        return found

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": self.each.schema()}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record."""

    check: Check
    required: bool = False
    default: Any = None
    help: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known fields, made into a value.

    Attributes:
        fields: What each takes.
        make: Makes the value of what was read; may refuse it, as the fake itself would.
        open: Leave unknown fields alone, for documents of other programs.
        short: The field that is meant where just text stands.
    """

    fields: Mapping[str, Field]
    make: Callable[[dict[str, Any]], Any] = dict
    open: bool = False
    short: str = ""

    def read(self, node: Node, spot: Spot) -> Any:
        if self.short and node.kind == "text":
            node = Node(Entries(((self.short, node.line, node),)), node.line)
        if node.kind != "a mapping":
            raise spot.must("a mapping", node)
        before = len(spot.notes)
        values = {name: known.default for name, known in self.fields.items()}
        given = unique(node, spot)
        for key, line, value in given:
            with suppress(WrongError):
                if key in self.fields:
                    values[key] = self.fields[key].check.read(value, spot.key(key))
                elif not self.open:
                    raise self._unknown(key, Node(key, line), spot)
        for name in self._missing({key for key, _, _ in given}):
            spot.wrong(node, f"{name} is missing")
        spot.notes.unless_new(before)
        try:
            return self.make(values)
        except Refusal as refusal:
            raise spot.wrong(node, refusal.text) from None

    def _missing(self, given: set[str]) -> list[str]:
        return [name for name, known in self.fields.items() if known.required and name not in given]

    def _unknown(self, key: str, node: Node, spot: Spot) -> WrongError:
        near = get_close_matches(key, self.fields, n=1)
        advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(self.fields)}"
        return spot.wrong(node, f"unknown field {key!r}; {advice}")

    def schema(self) -> Schema:
        made: Schema = {
            "type": "object",
            "properties": {
                name: {
                    **({"description": known.help} if known.help else {}),
                    **known.check.schema(),
                }
                for name, known in self.fields.items()
            },
        }
        required = [name for name, known in self.fields.items() if known.required]
        if required:
            made["required"] = required
        if not self.open:
            made["additionalProperties"] = False
        return {"anyOf": [{"type": "string"}, made]} if self.short else made


def unique(node: Node, spot: Spot) -> list[tuple[str, int, Node]]:
    """The entries of a mapping; a key that comes twice is noted."""
    first: dict[str, int] = {}
    for key, line, _ in node.entries():
        if key in first:
            where = f" (first on line {first[key]})" if line else ""
            raise spot.key(key).wrong(Node(key, line), f"is given twice{where}; keep one of them")
        first[key] = line
    return list(node.entries())
