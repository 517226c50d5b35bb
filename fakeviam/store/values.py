"""Values that stores accept and return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple

from fakeviam.model.records import BinaryRecord, Record, TabularRecord

if TYPE_CHECKING:
    from typing import Literal

    #: The list fields of a binary record that change after the upload.
    ListField = Literal["tags", "dataset_ids"]


class UnfinishedError(Exception):
    """A scan exceeded its turn (`Store.begin_turn`); repeating it in another turn goes further."""


class Position(NamedTuple):
    """A position in the total order of records: time requested, then arrival (PG-6).

    A position stays valid after its record was deleted (PG-7).
    """

    time: int
    arrival: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Records in the requested order, and the position of the last one."""

    records: list[Record]
    last: Position | None


class Totals(NamedTuple):
    """A number of records, and their total bytes."""

    records: int
    size: int


class TagRemoval(NamedTuple):
    """How many records lost tags, and how many tags they lost in total."""

    records: int
    tags: int


class Arrivals(NamedTuple):
    """The arrival numbers of the next binary record and the next reading."""

    binary: int
    tabular: int


class StoreStats(NamedTuple):
    """Counts of everything in a store."""

    binary: Totals
    tabular: Totals
    datasets: int
    database_users: int
    entities: int


class BinaryRow(NamedTuple):
    """A stored binary record; `arrival` orders records with equal times (PG-11)."""

    arrival: int
    record: BinaryRecord
    data: bytes


class TabularRow(NamedTuple):
    """A stored reading."""

    arrival: int
    record: TabularRecord
