"""A view: a live, filterable selection of stored objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from fakeviam.model.errors import FakeViamError, UsageError
from fakeviam.model.matching import Mismatch, short
from fakeviam.model.text import counted
from fakeviam.views.conditions import Condition, Field, conditions_on, pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


T = TypeVar("T")

_SHOWN = 5


class NotStoredError(FakeViamError, AssertionError):
    """Stored objects are not as the test expects."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowSource(Generic[T]):
    """The data source of a view.

    Attributes:
        one: The singular name of its objects.
        rows: All objects, oldest first.
        count: The number of objects, without reading them.
        fields: The fields to filter by.
        name_of: The name of an object, and other keys to look it up by.
    """

    one: str
    rows: Callable[[], Iterator[T]]
    count: Callable[[], int]
    fields: Mapping[str, Field]
    names_of: Callable[[T], tuple[str, ...]]

    def counted(self, count: int) -> str:
        """`2 files`."""
        return counted(count, self.one)


class View(Sequence[T]):
    """Stored objects, oldest first: all of a cloud, or those that match conditions.

        dog = cloud.files.where(tag="dog").one()
        assert dog.data == b"..."
        assert len(cloud.files) == 3

    Each access reads the current state. Views show everything, including what queries hide by
    default, and what the policy's visibility lag still hides. The returned values never change.
    """

    def __init__(self, source: RowSource[T], conditions: tuple[Condition, ...] = ()) -> None:
        """Read from a source; the views of a cloud are `files`, `readings` and `datasets`."""
        self._source = source
        self._conditions = conditions

    def __iter__(self) -> Iterator[T]:
        return (row for row in self._source.rows() if self._fits(row))

    def __reversed__(self) -> Iterator[T]:
        return reversed(list(self))

    def __len__(self) -> int:
        return sum(1 for _ in self) if self._conditions else self._source.count()

    @overload
    def __getitem__(self, at: int | str) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | str | slice) -> T | list[T]:
        """The object at an index, or with a name or id; or a list, for a slice."""
        if isinstance(at, str):
            return self._by_name(at)
        if isinstance(at, slice):
            return list(self)[at]
        if isinstance(at, bool) or not isinstance(at, int):
            raise UsageError(
                f"the index must be a whole number, a name or a slice, got {short(at)}"
            )
        # Small indexes are the most common, and only need the first objects.
        rows = list(islice(self, at + 1)) if at >= 0 else list(self)
        if not -len(rows) <= at < len(rows):
            raise IndexError(f"there {self._are(len(rows))}, so none at index {at}")
        return rows[at]

    def __contains__(self, thing: object) -> bool:
        """Whether it contains an equal object, or one with this name or id."""
        if isinstance(thing, str):
            return any(thing in self._source.names_of(row) for row in self)
        return any(row == thing for row in self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (View, list, tuple)):
            return list(self) == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # the contents change

    def __repr__(self) -> str:
        count = len(self)
        names = [repr(self._source.names_of(row)[0]) for row in islice(self, _SHOWN)]
        names += ["…"] if count > _SHOWN else []
        listed = f": {', '.join(names)}" if names else ""
        return f"<{self._description(count)}{listed}>"

    def where(
        self, condition: str | Callable[[T], object] | None = None, /, **fields: object
    ) -> View[T]:
        """Filter these objects.

        Args:
            condition: A name or an id; in names, `*` and `?` match any characters. Or a function
                of the object: `lambda file: file.size > len(file.name)`.
            fields: Required values by the name of an attribute, or its short name: `part`, `robot`,
                `location` and `organization` by name, id or as an object, `component`, `method`,
                `tag`, `label`, `dataset`. A single value matches a list that contains it; a list or
                set must be equal. A time may be ISO 8601 text. A function is called with the
                attribute: `size=lambda size: size > 1000`. Payload fields have dotted names:
                `**{"data.temperature": 21}`.

        Raises:
            UsageError: A field does not exist, or cannot have the value.
        """
        conditions = [*self._conditions]
        if condition is not None:
            conditions.append(self._condition(condition))
        conditions += conditions_on(self._plural, self._source.fields, fields)
        return View(self._source, tuple(conditions))

    def count(self, condition: object = None, /, **fields: object) -> int:
        """Count matching objects; takes the arguments of `where`, or an object."""
        if condition is None or isinstance(condition, str) or callable(condition):
            return len(self.where(condition, **fields))
        return sum(row == condition for row in self.where(**fields))

    def first(self) -> T:
        """The oldest object.

        Raises:
            NotStoredError: There is none; the message shows the closest ones.
        """
        return self._end(0)

    def last(self) -> T:
        """The newest object.

        Raises:
            NotStoredError: There is none; the message shows the closest ones.
        """
        return self._end(-1)

    def one(self) -> T:
        """The only object.

        Raises:
            NotStoredError: There are none or several; the message shows the closest ones.
        """
        rows = list(self)
        if len(rows) != 1:
            raise NotStoredError(self._miss(rows))
        return rows[0]

    # Internals ---------------------------------------------------------------------------

    def _end(self, at: int) -> T:
        rows = list(islice(self, 1)) if at == 0 else list(self)
        if not rows:
            raise NotStoredError(self._miss(rows, "a"))
        return rows[at]

    def _condition(self, condition: object) -> Condition:
        names = self._source.names_of
        if isinstance(condition, str):
            field = Field(kind=str, expected="a name or id", read=names, many=True)
            return Condition(name="name", wanted=pattern(condition), field=field)
        if not callable(condition):
            text = f"condition must be a name, an id or a function, got {short(condition)}"
            raise UsageError(text)
        return Condition(
            name="test",
            wanted=condition,
            field=Field(kind=object, expected="", read=lambda row: row),
        )

    @property
    def _plural(self) -> str:
        return f"{self._source.one}s"

    def _fits(self, row: T) -> bool:
        return all(condition.fits(row) for condition in self._conditions)

    def _description(self, count: int) -> str:
        conditions = f" with {', '.join(map(str, self._conditions))}" if self._conditions else ""
        return f"{self._source.counted(count)}{conditions}"

    def _are(self, count: int) -> str:
        return f"{'is' if count == 1 else 'are'} {self._description(count)}"

    def _by_name(self, name: str) -> T:
        matches = [row for row in self if name in self._source.names_of(row)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            texts = ", ".join(self._source.names_of(row)[-1] for row in matches[:_SHOWN])
            several = self._source.counted(len(matches))
            raise NotStoredError(f"{several} are named {name!r}; look them up by id: {texts}")
        names = [self._source.names_of(row)[0] for row in self]
        listed = f"; known: {', '.join(map(repr, names[:_SHOWN]))}" if names else ""
        more = " and more" if len(names) > _SHOWN else ""
        raise NotStoredError(f"no {self._source.one} is named {name!r}{listed}{more}")

    def _miss(self, rows: list[T], what: str = "exactly one") -> str:
        conditions = f" with {', '.join(map(str, self._conditions))}" if self._conditions else ""
        expectation = f"wanted {what} {self._source.one}{conditions}, but there "
        if rows:
            lines = [f"{expectation}are {len(rows)}:", *(f"  {row}" for row in rows[:_SHOWN])]
            more = len(rows) - _SHOWN
            return "\n".join([*lines, f"  … and {more} more"] if more > 0 else lines)
        others = list(self._source.rows())
        if not others:
            return f"{expectation}is none. No {self._source.one} is stored at all."
        near = min(reversed(others), key=lambda row: len(self._mismatches(row)))
        differs = "; ".join(map(str, self._mismatches(near)))
        stored = f"{self._source.counted(len(others))} {'is' if len(others) == 1 else 'are'} stored"
        name = self._source.names_of(near)[0]
        return f"{expectation}is none.\n{stored}; the nearest, {short(name)}, differs in {differs}"

    def _mismatches(self, row: T) -> list[Mismatch]:
        return [each.mismatch(row) for each in self._conditions if not each.fits(row)]
