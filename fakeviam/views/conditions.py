"""What `where` of a view takes: checked when it is said, not when it finds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UsageError
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
        told: What a value must be, for people.
        read: Its value in a thing.
        many: It holds several values.
        resolve: Makes a value of what was said, such as the id of a name.
    """

    kind: type | tuple[type, ...]
    told: str
    read: Callable[[Any], Any]
    many: bool = False
    resolve: Callable[[object], object] = lambda value: value


class Pattern(str):
    """A name with `*` or `?` in it."""

    __slots__ = ()

    def fits(self, name: str) -> bool:
        """Whether a name is meant."""
        return name == str(self) or fnmatchcase(name, self)


def pattern(name: str) -> str:
    """The name, as a pattern if it is one."""
    return Pattern(name) if "*" in name or "?" in name else name


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A field, and what it must hold."""

    name: str
    wanted: Any
    field: Field

    def fits(self, thing: object) -> bool:
        """Whether the thing has it."""
        actual = self.field.read(thing)
        if actual is _ABSENT:
            return False
        if isinstance(self.wanted, Pattern):
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
        return Mismatch(self.name, tuple(values), _shown(self.wanted))

    def __str__(self) -> str:
        return f"{self.name}={short(_shown(self.wanted))}"


def conditions_on(
    kind: str, known: Mapping[str, Field], wanted: Mapping[str, object]
) -> Iterator[Condition]:
    """The conditions that `where` was given.

    Args:
        kind: What is filtered, for people.
        known: The fields of that kind.
        wanted: Values by name.

    Raises:
        UsageError: A field does not exist, or can never have that value.
    """
    for name, value in wanted.items():
        field = known.get(name)
        if field is None and name.startswith(_PATH) and _has_paths(known):
            field = Field(kind=object, told="a value", read=_reader(name.removeprefix(_PATH)))
        if field is None:
            raise UsageError(f"{kind} have no field {name!r}{_near(name, known)}")
        yield Condition(name=name, wanted=_checked(name, value, field), field=field)


def _has_paths(known: Mapping[str, Field]) -> bool:
    return "data" in known and known["data"].kind is Mapping


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
    found = field.resolve(value)
    # True is an int, and never the size of anything.
    if not isinstance(found, field.kind) or (isinstance(found, bool) and field.kind is int):
        raise UsageError(f"{name} must be {field.told}, got {value!r:.80}")
    return found


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"


def _reader(path: str) -> Callable[[Any], Any]:
    def read(thing: Any) -> Any:
        return _below(thing.data, path)

    return read


def _below(value: object, path: str) -> object:
    """The value at a dotted path, whose keys may hold dots themselves."""
    if not isinstance(value, Mapping):
        return _ABSENT
    if path in value:
        return value[path]
    for at, letter in enumerate(path):
        if letter == ".":
            found = _below(value.get(path[:at]), path[at + 1 :])
            if found is not _ABSENT:
                return found
    return _ABSENT


def _shown(wanted: object) -> object:
    if isinstance(wanted, frozenset):
        return sorted(wanted, key=repr)
    return getattr(wanted, "__name__", wanted) if callable(wanted) else wanted
