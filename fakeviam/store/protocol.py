"""What the server asks of a store.

Each method is one atomic step: a reader sees all of a write or none of it. Methods
never await and never raise refusals; they answer with values and the server decides
what to say about them. Arguments were validated before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol

from fakeviam.model.records import BinaryRecord, Record, TabularRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.store.effects import BinaryRow, Sink, StoreEvent, TabularRow


class Position(NamedTuple):
    """A place in the total order of records: by time requested, then by arrival (PG-6).

    Positions outlive the record they were taken from (PG-7).
    """

    time: int
    arrival: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Records in the asked order, and the position of the last of them."""

    records: list[Record]
    last: Position | None


class Totals(NamedTuple):
    """How many records, and how many bytes of data they hold."""

    records: int
    size: int


class Untagged(NamedTuple):
    """What removing tags changed."""

    records: int
    tags: int


class Arrivals(NamedTuple):
    """The numbers that the next binary record and the next reading get."""

    binary: int
    tabular: int


class Holdings(NamedTuple):
    """How much a store holds."""

    binary: Totals
    tabular: Totals
    datasets: int
    database_users: int


class Store(Protocol):
    """Binary and tabular records, datasets and database users of one fake.

    Attributes:
        sink: Is told the effects of every write, if there is one.
    """

    sink: Sink | None

    # Writing -----------------------------------------------------------------------------

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        """Store binary records with their bytes; arrival is the order given."""

    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        """Store readings; arrival is the order given."""

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        """Delete records with their bytes and memberships; unknown ids are skipped."""

    def delete_binary_matching(self, query: Query) -> int:
        """Delete what the query selects; the answer is the number of records."""

    def delete_tabular_matching(self, query: Query) -> int:
        """Delete what the query selects; the answer is the number of readings."""

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        """Append tags a record does not have yet; answer the number of records changed."""

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> Untagged:
        """Remove tags from records."""

    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        """As `add_tags`, for what the query selects."""

    def remove_tags_matching(self, query: Query, tags: Sequence[str]) -> Untagged:
        """As `remove_tags`, for what the query selects."""

    def add_box(self, file_id: str, box: BoundingBox) -> bool:
        """Put a box on a record; False if there is no such record."""

    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        """Replace one box by what `change` makes of it; False if record or box is unknown.

        What `change` raises passes through and leaves everything as it was.
        """

    def remove_box(self, file_id: str, box_id: str) -> bool:
        """Remove one box; False if record or box is unknown."""

    # Reading -----------------------------------------------------------------------------

    def find_binary(self, file_ids: Iterable[str]) -> list[BinaryRecord | None]:
        """The records of these file ids, in that order; None where there is none."""

    def read(self, file_id: str) -> bytes:
        """The bytes of a stored record."""

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        """At most `limit` records that the query selects, beyond `after`."""

    def tabular_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[TabularRecord]:
        """At most `limit` readings that the query selects, beyond `after`."""

    def binary_totals(self, query: Query) -> Totals:
        """Number and bytes of all binary records that the query selects."""

    def tabular_totals(self, query: Query) -> Totals:
        """Number and bytes of all readings that the query selects."""

    def binary_tags(self, query: Query) -> set[str]:
        """Distinct user tags of the binary records that the query selects."""

    def tabular_tags(self, query: Query) -> set[str]:
        """Distinct tags of the readings that the query selects."""

    def dataset_ids(self, query: Query) -> set[str]:
        """Distinct memberships of the binary records that the query selects."""

    def box_labels(self, query: Query) -> set[str]:
        """Distinct labels of boxes on the binary records that the query selects."""

    # Datasets ----------------------------------------------------------------------------

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        """Create a dataset whose members are those of other datasets, united.

        False, and nothing is created, if the organization has one of that name.
        """

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        """False, and nothing changes, if another dataset of the organization has the name."""

    def delete_dataset(self, dataset_id: str) -> None:
        """Remove a dataset and its memberships; the records stay."""

    def dataset(self, dataset_id: str) -> Dataset | None:
        """The dataset of that id, if there is one."""

    def datasets(self, organization_id: str) -> list[Dataset]:
        """The datasets of an organization, oldest first."""

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        """Make records members; answer how many were not before."""

    def remove_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        """End memberships; answer how many there were."""

    # Database users ----------------------------------------------------------------------

    def set_database_password(self, organization_id: str, password: str) -> None:
        """Create the database user of an organization, or reset its password."""

    def database_password(self, organization_id: str) -> str | None:
        """The password of an organization's database user, if it was configured."""

    # The whole of it ---------------------------------------------------------------------

    def fork(self) -> Store:
        """Make another store that holds the same now and goes its own way, without a sink.

        Its price must not grow with the records.
        """

    def holdings(self) -> Holdings:
        """How much there is, counted without looking at records."""

    def binary_rows(self) -> Iterator[BinaryRow]:
        """Every binary record with its bytes, in the order of time, then arrival."""

    def tabular_rows(self) -> Iterator[TabularRow]:
        """Every reading, in the order of time, then arrival."""

    def all_datasets(self) -> list[Dataset]:
        """Every dataset, oldest first."""

    def database_passwords(self) -> Mapping[str, str]:
        """The passwords of all database users by organization."""

    @property
    def arrivals(self) -> Arrivals:
        """Which arrivals come next."""

    def apply(self, effects: Iterable[StoreEvent]) -> None:
        """Do again what a store told its sink.

        The sink of this store hears nothing of it. What effects name must exist.
        """

    def dismantle(self) -> Iterator[None]:
        """Free what it holds, little at each step, so that nobody waits for all of it.

        For a fork whose origin was given up; it is of no use afterwards.
        """
