"""JSON lines: how they are written, and how their fields are read with care."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from fakeviam.model.clock import SECOND
from fakeviam.model.errors import UsageError, shortened
from fakeviam.validation.json_text import JsonError, parse_json, unfit_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind = TypeVar("Kind")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def line_of(value: object) -> bytes:
    """A value as JSON that is the same for equal values, without the line's end."""
    # A name given in Python may hold half a surrogate pair, which plain UTF-8 refuses.
    return _encode(value).encode("utf-8", "surrogatepass")


def value_of(line: bytes) -> Any:
    """The value of a line.

    Raises:
        JsonError: It is not JSON; the text says why.
    """
    from pydantic_core import from_json  # noqa: PLC0415 - only who reads needs it

    try:
        return from_json(line, allow_inf_nan=False)
    except ValueError:
        value = parse_json(line)  # slower, and says what is wrong
        unfit = unfit_part(value)
        if unfit:
            raise JsonError(f"holds {unfit}") from None
        return value


def time_text(nanos: int) -> str:
    """ISO 8601 in UTC; nanoseconds are kept."""
    seconds, rest = divmod(nanos, SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    return f"{text}.{rest:09}Z" if rest else f"{text}Z"


def nanos_of(text: str) -> int:
    """The time of such a text.

    Raises:
        ValueError: It is none.
    """
    whole, dot, fraction = text[:-1].partition(".")
    if (
        text[-1:] != "Z"
        or len(whole) != 19
        or (dot and not (len(fraction) == 9 and _is_digits(fraction)))
    ):
        raise ValueError(text)
    moment = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // timedelta(seconds=1) * SECOND + int(fraction or 0)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


class DamageError(UsageError):
    """A file does not say what it should."""


def damaged(where: str, what: str) -> DamageError:
    """The error for damage at a place."""
    advice = "it is damaged or was edited; take it from a copy, or write it again"
    return DamageError(f"{where}: {shortened(what)}; {advice}")


class Fields:
    """The fields of one JSON object, each of which is asked for once and must be of a kind."""

    def __init__(self, values: object, where: str) -> None:
        """Read `values`, which stand at `where`.

        Raises:
            DamageError: They are no object.
        """
        self.where = where
        if not isinstance(values, dict):
            raise damaged(where, f"must be a JSON object, got {values!r}")
        self._values: dict[str, object] = dict(values)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        return self._take(name, str, "a text", default)

    def integer(self, name: str) -> int:
        """An integer."""
        value = self._take(name, int, "an integer", None)
        if isinstance(value, bool):
            raise self.wrong(name, "an integer", value)
        return value

    def number(self, name: str) -> int:
        """An integer that is not negative."""
        value = self.integer(name)
        if value < 0:
            raise self.wrong(name, "an integer from 0 on", value)
        return value

    def flag(self, name: str) -> bool:
        """True or false; false if it is not there."""
        return self._take(name, bool, "true or false", False)  # noqa: FBT003

    def fraction(self, name: str) -> float:
        """A number."""
        value = self._take(name, object, "a number", None)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(name, "a number", value)
        return value

    def optional_fraction(self, name: str) -> float | None:
        """A number, or nothing."""
        return self.fraction(name) if name in self._values else None

    def time(self, name: str) -> int:
        """A time, as nanoseconds since the epoch."""
        return self._read(name, nanos_of, "a time such as 2026-01-31T12:00:00Z")

    def blob(self, name: str) -> bytes:
        """Bytes, written in base64."""
        return self._read(name, _from_base64, "bytes in base64")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty if it is not there."""
        values = self.items(name)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(name, "a list of texts", values)
        return tuple(values)

    def items(self, name: str) -> list[Any]:
        """A list; empty if it is not there."""
        return self._take(name, list, "a list", [])

    def pairs(self, name: str) -> list[tuple[Any, Any]]:
        """A list of lists of two."""
        values = self.items(name)
        if not all(isinstance(value, list) and len(value) == 2 for value in values):
            raise self.wrong(name, "a list of pairs", values)
        return [(one, other) for one, other in values]

    def mapping(self, name: str) -> dict[str, Any]:
        """A JSON object."""
        return self._take(name, dict, "a JSON object", None)

    def inner(self, name: str) -> Fields:
        """The fields of a JSON object inside this one."""
        return Fields(self.mapping(name), f"{self.where}, {name}")

    def names(self) -> list[str]:
        """The names of the fields that are left."""
        return list(self._values)

    def holds(self, name: str) -> bool:
        """Whether the field is there."""
        return name in self._values

    def rest(self) -> dict[str, object]:
        """All that nobody asked for yet."""
        rest, self._values = self._values, {}
        return rest

    def done(self) -> None:
        """Refuse what nobody asked for: its meaning would be lost."""
        if self._values:
            names = ", ".join(sorted(self._values))
            raise damaged(self.where, f"does not know the fields {names}")

    def wrong(self, name: str, kind: str, value: object) -> DamageError:
        """The error for a field that is not what it should be."""
        return damaged(self.where, f"{name} must be {kind}, got {value!r}")

    def _read(self, name: str, convert: Callable[[str], Kind], kind: str) -> Kind:
        text = self._take(name, str, kind, None)
        try:
            return convert(text)
        except (ValueError, OverflowError):
            raise self.wrong(name, kind, text) from None

    def _take(self, name: str, kind: type[Kind], label: str, default: Kind | None) -> Kind:
        if name not in self._values:
            if default is None:
                raise damaged(self.where, f"{name} is missing")
            return default
        value = self._values.pop(name)
        if not isinstance(value, kind):
            raise self.wrong(name, label, value)
        return value


def check_version(fields: Fields, *, name: str, version: int) -> None:
    """Refuse what is no such thing, and what a later fakeviam wrote.

    Raises:
        UsageError: It is, and the text says what to do.
    """
    found = fields.text("format")
    if found != name:
        raise UsageError(f"{fields.where}: format must be {name!r}, got {found!r}")
    number = fields.number("version")
    if number > version:
        told = f"{fields.where}: version {number} comes from a later fakeviam"
        raise UsageError(f"{told}; this one reads versions up to {version}, so upgrade it")


def without_defaults(values: Mapping[str, object]) -> dict[str, object]:
    """Fields that are empty are left out; nothing is lost, and differences read better."""
    return {name: value for name, value in values.items() if not _is_empty(value)}


def _is_empty(value: object) -> bool:
    # Zero is not: a confidence of 0 is no lack of one.
    return value is None or value is False or value in ("", [])


def _from_base64(text: str) -> bytes:
    return b64decode(text, validate=True)
