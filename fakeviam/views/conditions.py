"""Conditions of `where`, which are validated when they are created."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UsageError
from fakeviam.model.finding import nearest
from fakeviam.model.matching import Mismatch, short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ABSENT = object()

#: Payloads of readings have arbitrary field names.
_PATH = "data."


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field that objects can be filtered by.

    Attributes:
        kind: The type of its value, or of each of its values.
        expected: A description of valid values.
        read: Gets the value of an object.
        many: Whether it has several values.
        resolve: Converts a value, such as a name to its id.
    """

    kind: type | tuple[type, ...]
    expected: str
    read: Callable[[Any], Any]
    many: bool = False
    resolve: Callable[[object], object] = lambda value: value


class NamePattern(str):
    """A name with `*` or `?` in it."""

    __slots__ = ()

    def fits(self, name: str) -> bool:
        """Whether a text is a pattern."""
        return name == str(self) or fnmatchcase(name, self)


def pattern(name: str) -> str:
    """A name, as a pattern if it is one."""
    return NamePattern(name) if "*" in name or "?" in name else name


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A field and its required value."""

    name: str
    wanted: object
    field: Field

    def fits(self, thing: object) -> bool:
        """Whether an object matches."""
        actual = self.field.read(thing)
        if actual is _ABSENT:
            return False
        if isinstance(self.wanted, NamePattern):
            return any(map(self.wanted.fits, actual if self.field.many else (actual,)))
        if callable(self.wanted):
            return bool(self.wanted(actual))
        if isinstance(self.wanted, frozenset):
            return frozenset(actual) == self.wanted
        return self.wanted in actual if self.field.many else bool(actual == self.wanted)

    def mismatch(self, thing: object) -> Mismatch:
        """The actual value of an object."""
        actual = self.field.read(thing)
        values = actual if self.field.many else () if actual is _ABSENT else (actual,)
        return Mismatch(self.name, tuple(values), _text(self.wanted))

    def __str__(self) -> str:
        return f"{self.name}={short(_text(self.wanted))}"


def conditions_on(
    kind: str, fields: Mapping[str, Field], conditions: Mapping[str, object]
) -> Iterator[Condition]:
    """Parse the conditions of `where`.

    Args:
        kind: The kind of objects, for messages.
        fields: The fields of that kind.
        conditions: The conditions by name.

    Raises:
        UsageError: A field does not exist, or cannot have the value.
    """
    for name, value in conditions.items():
        field = fields.get(name)
        if field is None and name.startswith(_PATH) and _has_paths(fields):
            field = Field(kind=object, expected="a value", read=_reader(name.removeprefix(_PATH)))
        if field is None:
            hint = nearest(name, fields) or f"; known: {', '.join(fields)}"
            raise UsageError(f"{kind} have no field {name!r}{hint}")
        yield Condition(name=name, wanted=_checked(name, value, field), field=field)


def _has_paths(fields: Mapping[str, Field]) -> bool:
    return "data" in fields and fields["data"].kind is Mapping


def moment(value: object) -> object:
    """A time as an aware datetime; text and naive datetimes are accepted, the latter in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return value
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=timezone.utc)
    return value


def _checked(name: str, value: object, field: Field) -> object:
    if callable(value):
        return value
    if field.many and isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return frozenset(_one(name, each, field) for each in value)
    return _one(name, value, field)


def _one(name: str, value: object, field: Field) -> object:
    values = field.resolve(value)
    # True is an int, but not a valid size.
    if not isinstance(values, field.kind) or (isinstance(values, bool) and field.kind is int):
        raise UsageError(f"{name} must be {field.expected}, got {short(value)}")
    return values


def _reader(path: str) -> Callable[[Any], Any]:
    def read(thing: Any) -> Any:
        return _value_at(thing.data, path)

    return read


def _value_at(value: object, path: str) -> object:
    """The value at a dotted path; keys may contain dots themselves."""
    if not isinstance(value, Mapping):
        return _ABSENT
    if path in value:
        return value[path]
    for at, letter in enumerate(path):
        if letter == ".":
            value_below = _value_at(value.get(path[:at]), path[at + 1 :])
            if value_below is not _ABSENT:
                return value_below
    return _ABSENT


def _text(expected: object) -> object:
    if isinstance(expected, frozenset):
        return sorted(expected, key=repr)
    return getattr(expected, "__name__", expected) if callable(expected) else expected
