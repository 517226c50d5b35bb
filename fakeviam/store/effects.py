"""What writes do to a store, as values.

A write is asked for with filters and functions; what it came to is said here with ids and
values alone. So effects can be kept and applied again later, by another version too: they
do not ask anything anew. A store that has a sink tells it the effects of each write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.store.protocol import Arrivals, Position


class BinaryRow(NamedTuple):
    """A binary record as it is stored; `arrival` orders records of equal time (PG-11)."""

    arrival: int
    record: BinaryRecord
    data: bytes


class TabularRow(NamedTuple):
    """A reading as it is stored."""

    arrival: int
    record: TabularRecord


@dataclass(frozen=True, slots=True)
class BinaryAdded:
    """New binary records."""

    rows: Iterable[BinaryRow]


@dataclass(frozen=True, slots=True)
class TabularAdded:
    """New readings."""

    rows: Iterable[TabularRow]


@dataclass(frozen=True, slots=True)
class BinaryDeleted:
    """Binary records that are gone, with their bytes."""

    file_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class TabularDeleted:
    """Readings that are gone."""

    positions: Sequence[Position]


@dataclass(frozen=True, slots=True)
class Changed:
    """One field of some binary records: file id → the new value."""

    field: Literal["tags", "dataset_ids"]
    values: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class BoxesChanged:
    """The boxes of a binary record, all of them."""

    file_id: str
    boxes: tuple[BoundingBox, ...]


@dataclass(frozen=True, slots=True)
class DatasetPut:
    """A dataset that is new, or has another name."""

    dataset: Dataset


@dataclass(frozen=True, slots=True)
class DatasetDropped:
    """A dataset that is gone."""

    dataset_id: str


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """A database user, new or with another password."""

    organization_id: str
    password: str


@dataclass(frozen=True, slots=True)
class ArrivalsSet:
    """Which arrivals come next; they count on when the newest records are deleted (PG-7)."""

    arrivals: Arrivals


StoreEvent = (
    BinaryAdded
    | TabularAdded
    | BinaryDeleted
    | TabularDeleted
    | Changed
    | BoxesChanged
    | DatasetPut
    | DatasetDropped
    | PasswordSet
    | ArrivalsSet
)


class Sink(Protocol):
    """Who is told what was written. A write is answered when its sink has taken it."""

    def write(self, effects: Sequence[StoreEvent]) -> None:
        """Take the effects of one write, which are one step: all of them or none."""

    def clear(self) -> None:
        """Take that the store was given up for an empty one."""

    def replace(self) -> None:
        """Take that the store was given up for another one, with whatever it holds."""
