"""Values that stores take and answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple

from fakeviam.model.records import BinaryRecord, Record, TabularRecord

if TYPE_CHECKING:
    from typing import Literal

    #: The fields of a binary record that hold a list and change after the upload.
    ListField = Literal["tags", "dataset_ids"]


class UnfinishedError(Exception):
    """More was looked at than one turn may (`Store.begin_turn`); another turn gets further."""


class Position(NamedTuple):
    """A place in the total order of records: by time requested, then by arrival (PG-6).

    Positions outlive the record they were taken from (PG-7).
    """

    time: int
    arrival: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Records in the requested order, and the position of the last of them."""

    records: list[Record]
    last: Position | None


class Totals(NamedTuple):
    """A number of records, and the bytes of data they hold."""

    records: int
    size: int


class TagRemoval(NamedTuple):
    """How many records lost tags, and how many tags in total."""

    records: int
    tags: int


class Arrivals(NamedTuple):
    """The numbers that the next binary record and the next reading get."""

    binary: int
    tabular: int


class StoreStats(NamedTuple):
    """How much a store holds."""

    binary: Totals
    tabular: Totals
    datasets: int
    database_users: int
    entities: int


class BinaryRow(NamedTuple):
    """A binary record as it is stored; `arrival` orders records of equal time (PG-11)."""

    arrival: int
    record: BinaryRecord
    data: bytes


class TabularRow(NamedTuple):
    """A reading as it is stored."""

    arrival: int
    record: TabularRecord
