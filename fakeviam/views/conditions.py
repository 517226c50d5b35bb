"""What `where` of a view takes: checked when it is said, not when it finds nothing."""

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

#: What may be read has names that nobody knows before.
_PATH = "data."


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """What things can be filtered by.

    Attributes:
        kind: Type of its value, or of each of its values.
        expected: What a value must be, for people.
        read: Its value in a thing.
        many: It holds several values.
        resolve: Makes a value of what was said, such as the id of a name.
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
        """Whether a name is meant."""
        return name == str(self) or fnmatchcase(name, self)


def pattern(name: str) -> str:
    """The name, as a pattern if it is one."""
    return NamePattern(name) if "*" in name or "?" in name else name


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A field, and what it must hold."""

    name: str
    wanted: object
    field: Field

    def fits(self, thing: object) -> bool:
        """Whether the thing has it."""
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
        """What it has instead."""
        actual = self.field.read(thing)
        values = actual if self.field.many else () if actual is _ABSENT else (actual,)
        return Mismatch(self.name, tuple(values), _text(self.wanted))

    def __str__(self) -> str:
        return f"{self.name}={short(_text(self.wanted))}"


def conditions_on(
    kind: str, fields: Mapping[str, Field], conditions: Mapping[str, object]
) -> Iterator[Condition]:
    """The conditions that `where` was given.

    Args:
        kind: What is filtered, for people.
        fields: The fields of that kind.
        conditions: Values by name.

    Raises:
        UsageError: A field does not exist, or can never have that value.
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
    """A time that was given as text or without an offset (then UTC), as an aware one."""
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
    # True is an int, and never the size of anything.
    if not isinstance(values, field.kind) or (isinstance(values, bool) and field.kind is int):
        raise UsageError(f"{name} must be {field.expected}, got {value!r:.80}")
    return values


def _reader(path: str) -> Callable[[Any], Any]:
    def read(thing: Any) -> Any:
        return _value_at(thing.data, path)

    return read


def _value_at(value: object, path: str) -> object:
    """The value at a dotted path, whose keys may hold dots themselves."""
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
