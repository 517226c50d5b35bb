"""How the lists of a record change: its tags, and the datasets it is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam.store.events import ListChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fakeviam.model.records import BinaryRecord
    from fakeviam.store.events import StoreEvent
    from fakeviam.store.values import ListField

    #: Pairs (old, new) of changed records.
    Changes = Sequence[tuple[BinaryRecord, BinaryRecord]]
    #: Computes the new value of a list field; returning the same object means no change.
    ListChange = Callable[[tuple[str, ...]], tuple[str, ...]]


def list_changed(field: ListField, changes: Changes) -> Iterator[StoreEvent]:
    """The event that describes these changes, if there are any."""
    if changes:
        yield ListChanged(field, {new.file_id: getattr(new, field) for _, new in changes})


@dataclass(frozen=True, slots=True)
class _Adding:
    """Two that add the same are equal."""

    values: tuple[str, ...]

    def __call__(self, current: tuple[str, ...]) -> tuple[str, ...]:
        missing = tuple(value for value in self.values if value not in current)
        return current + missing if missing else current


@dataclass(frozen=True, slots=True)
class _Removing:
    """Two that remove the same are equal."""

    values: frozenset[str]

    def __call__(self, current: tuple[str, ...]) -> tuple[str, ...]:
        if self.values.isdisjoint(current):
            return current
        return tuple(value for value in current if value not in self.values)


def adding(values: Iterable[str]) -> ListChange:
    """Append the values that are missing."""
    return _Adding(tuple(dict.fromkeys(values)))


def removing(values: Iterable[str]) -> ListChange:
    """Remove these values."""
    return _Removing(frozenset(values))
