"""How the lists of a record change: its tags, and the datasets it is in."""

from __future__ import annotations

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


def adding(values: Iterable[str]) -> ListChange:
    """Append the values that are missing."""
    additions = tuple(dict.fromkeys(values))

    def change(current: tuple[str, ...]) -> tuple[str, ...]:
        missing = tuple(value for value in additions if value not in current)
        return current + missing if missing else current

    return change


def removing(values: Iterable[str]) -> ListChange:
    """Remove these values."""
    unwanted = frozenset(values)

    def change(current: tuple[str, ...]) -> tuple[str, ...]:
        if unwanted.isdisjoint(current):
            return current
        return tuple(value for value in current if value not in unwanted)

    return change
