"""What the server needs of a store.

Each write is one atomic step: a reader sees all of it or nothing, and a write that fails
changes nothing. Methods never await and never refuse a request; they answer with values, and
the server decides what to say about them. Arguments have been validated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError
from fakeviam.store.events import (
    ArrivalsSet,
    BinaryAdded,
    DatasetPut,
    EntitiesPut,
    PasswordSet,
    TabularAdded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.entities import Entity, Kind
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.store.events import Sink, StoreEvent
    from fakeviam.store.ledgers import Ledgers
    from fakeviam.store.values import (
        Arrivals,
        BinaryRow,
        Page,
        Position,
        StoreStats,
        TabularRow,
        TagRemoval,
        Totals,
    )

    #: What becomes of the boxes of a record.
    BoxChange = Callable[[tuple[BoundingBox, ...]], tuple[BoundingBox, ...]]


class Store(ABC):
    """Binary and tabular records, datasets, database users and entities of one fake.

    Attributes:
        sink: Keeps every write before it is applied, if there is one.
        ledgers: What the servers on a shared store have in common besides data; None if the
            store belongs to this server alone.
    """

    sink: Sink | None = None
    ledgers: Ledgers | None = None

    # Writing -----------------------------------------------------------------------------

    @abstractmethod
    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        """Store binary records with their bytes; arrival is the order given."""

    @abstractmethod
    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        """Store readings; arrival is the order given."""

    @abstractmethod
    def delete_binary(self, file_ids: Iterable[str]) -> int:
        """Delete records with their bytes and memberships; unknown ids are skipped."""

    @abstractmethod
    def delete_binary_matching(self, query: Query) -> int:
        """Delete what the query selects; the answer is the number of records."""

    @abstractmethod
    def delete_tabular_matching(self, query: Query) -> int:
        """Delete what the query selects; the answer is the number of readings."""

    @abstractmethod
    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        """Append tags a record does not have yet; answer the number of records changed."""

    @abstractmethod
    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        """Remove tags from records."""

    @abstractmethod
    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        """As `add_tags`, for what the query selects."""

    @abstractmethod
    def remove_tags_matching(self, query: Query, tags: Sequence[str]) -> TagRemoval:
        """As `remove_tags`, for what the query selects."""

    def add_box(self, file_id: str, box: BoundingBox) -> bool:
        """Put a box on a record; False if there is no such record."""
        return self.change_boxes(file_id, lambda boxes: (*boxes, box))

    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        """Replace one box by what `change` makes of it; False if record or box is unknown.

        What `change` raises passes through and leaves everything as it was.
        """
        return self.change_boxes(
            file_id,
            lambda boxes: tuple(change(box) if box.id == box_id else box for box in boxes),
            box_id,
        )

    def remove_box(self, file_id: str, box_id: str) -> bool:
        """Remove one box; False if record or box is unknown."""
        return self.change_boxes(
            file_id, lambda boxes: tuple(box for box in boxes if box.id != box_id), box_id
        )

    @abstractmethod
    def change_boxes(self, file_id: str, change: BoxChange, needed: str | None = None) -> bool:
        """Change the boxes of a record; False if it is unknown or lacks the needed box."""

    # Reading -----------------------------------------------------------------------------

    @abstractmethod
    def find_binary(self, file_ids: Iterable[str]) -> list[BinaryRecord | None]:
        """The records of these file ids, in that order; None where there is none."""

    @abstractmethod
    def read(self, file_id: str) -> bytes:
        """The bytes of a stored record."""

    @abstractmethod
    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        """At most `limit` records that the query selects, beyond `after`."""

    @abstractmethod
    def tabular_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[TabularRecord]:
        """At most `limit` readings that the query selects, beyond `after`."""

    @abstractmethod
    def first_received(
        self, query: Query, *, limit: int, descending: bool
    ) -> Sequence[TabularRecord]:
        """At most `limit` readings by time received; equal times are as in the store's order."""

    @abstractmethod
    def binary_totals(self, query: Query) -> Totals:
        """Number and bytes of all binary records that the query selects."""

    @abstractmethod
    def tabular_totals(self, query: Query) -> Totals:
        """Number and bytes of all readings that the query selects."""

    @abstractmethod
    def binary_tags(self, query: Query) -> set[str]:
        """Distinct user tags of the binary records that the query selects."""

    @abstractmethod
    def tabular_tags(self, query: Query) -> set[str]:
        """Distinct tags of the readings that the query selects."""

    @abstractmethod
    def dataset_ids(self, query: Query) -> set[str]:
        """Distinct memberships of the binary records that the query selects."""

    @abstractmethod
    def box_labels(self, query: Query) -> set[str]:
        """Distinct labels of boxes on the binary records that the query selects."""

    # Datasets ----------------------------------------------------------------------------

    @abstractmethod
    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        """Create a dataset whose members are those of other datasets, united.

        False, and nothing is created, if the organization has one of that name.
        """

    @abstractmethod
    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        """False, and nothing changes, if another dataset of the organization has the name."""

    @abstractmethod
    def delete_dataset(self, dataset_id: str) -> None:
        """Remove a dataset and its memberships; the records stay."""

    @abstractmethod
    def dataset(self, dataset_id: str) -> Dataset | None:
        """The dataset of that id, if there is one."""

    @abstractmethod
    def datasets(self, organization_id: str) -> list[Dataset]:
        """The datasets of an organization, oldest first."""

    @abstractmethod
    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        """Make records members; answer how many were not before."""

    @abstractmethod
    def remove_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        """End memberships; answer how many there were."""

    # Database users ----------------------------------------------------------------------

    @abstractmethod
    def set_database_password(self, organization_id: str, password: str) -> None:
        """Create the database user of an organization, or reset its password."""

    @abstractmethod
    def database_password(self, organization_id: str) -> str | None:
        """The password of an organization's database user, if it was configured."""

    # Entities ----------------------------------------------------------------------------

    @abstractmethod
    def put_entities(self, *entities: Entity) -> bool:
        """Keep entities, each in the place of that of its kind and id.

        False, and nothing changes, if another one of its kind and owner has what is unique.
        """

    @abstractmethod
    def swap_entities(self, before: Kind, after: Kind, *others: Entity) -> bool:
        """Keep `after` in the place of `before`, and others besides.

        False, and nothing changes, if `before` is no longer what is kept there, or if another one
        of its kind and owner has what is unique. Of several servers that swap the same one,
        one succeeds.
        """

    def change_entity(self, entity: Kind, change: Callable[[Kind], Kind]) -> bool:
        """Change an entity, as it is by now; False if it is gone, or what is unique is taken."""
        current: Kind | None = entity
        while current is not None:
            if self.swap_entities(current, change(current)):
                return True
            latest = self.entity(type(entity), entity.id)
            current = None if latest == current else latest
        return False

    def change_entities(self, entities: Iterable[Kind], change: Callable[[Kind], Kind]) -> None:
        """Change entities, each as it is by now; those that are gone stay so."""
        for entity in entities:
            self.change_entity(entity, change)

    @abstractmethod
    def drop_entities(self, *entities: Entity) -> None:
        """Forget entities that are there."""

    @abstractmethod
    def entity(self, kind: type[Kind], entity_id: str) -> Kind | None:
        """The entity of that kind and id, if there is one."""

    @abstractmethod
    def entities(self, kind: type[Kind], owner: str | None = None) -> list[Kind]:
        """The entities of a kind, of one owner or of all; each owner's oldest first."""

    @abstractmethod
    def all_entities(self) -> Iterator[Entity]:
        """Every entity, each owner's oldest first."""

    # The whole of it ---------------------------------------------------------------------

    def fork(self) -> Store:
        """Make another store that holds the same now and goes its own way, without a sink.

        Its cost must not grow with the records.

        Raises:
            UsageError: This kind of store cannot do that.
        """
        raise UsageError(
            f"{type(self).__name__} cannot be forked; sessions and snapshots require the "
            "in-memory store"
        )

    def view(self) -> Store:
        """A store to read everything from. Nobody can keep a shared one still meanwhile."""
        return self.fork()

    def emptied(self, make_store: Callable[[], Store]) -> Store:
        """The store to use instead once all data is dropped; `make_store` makes empty ones."""
        return make_store()

    def replaced_by(self, other: Store) -> Store:
        """The store to use instead so as to hold what another one holds, and nothing else."""
        return other.fork()

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Release what it holds outside this process; it is of no use afterwards."""

    @property
    def is_large(self) -> bool:
        """Whether looking at all of it takes more than one turn."""
        return False

    def begin_turn(self) -> None:  # noqa: B027 - those that keep nothing of what they look at
        """From now on, break off what looks at too much with an UnfinishedError.

        It has changed nothing then, and what it found out is kept: whoever begins it anew, in
        another turn, gets further. A write ends the turn, since what follows it may not be done
        twice.
        """

    def end_turn(self) -> None:  # noqa: B027 - as above
        """From now on, look at as much as it takes."""

    def release_incrementally(self) -> Iterator[None]:
        """Release memory incrementally, so that the event loop is never blocked.

        For a fork whose origin was dropped; it is of no use afterwards.
        """
        return iter(())

    @abstractmethod
    def stats(self) -> StoreStats:
        """How much there is, counted without looking at records."""

    @abstractmethod
    def binary_rows(self) -> Iterator[BinaryRow]:
        """Every binary record with its bytes, in the order of time, then arrival."""

    @abstractmethod
    def tabular_rows(self) -> Iterator[TabularRow]:
        """Every reading, in the order of time, then arrival."""

    @abstractmethod
    def all_datasets(self) -> list[Dataset]:
        """Every dataset, oldest first."""

    @abstractmethod
    def database_passwords(self) -> Mapping[str, str]:
        """The passwords of all database users by organization."""

    @property
    @abstractmethod
    def arrivals(self) -> Arrivals:
        """Which arrivals come next."""

    def events(self) -> Iterator[StoreEvent]:
        """Everything it holds, as what makes an empty store hold the same."""
        yield from map(DatasetPut, self.all_datasets())
        yield from (PasswordSet(*user) for user in self.database_passwords().items())
        yield from (EntitiesPut([each]) for each in self.all_entities())
        yield BinaryAdded(self.binary_rows())
        yield TabularAdded(self.tabular_rows())
        yield ArrivalsSet(self.arrivals)

    def apply(self, events: Iterable[StoreEvent]) -> None:
        """Do what a store told its sink; the sink of this one is not involved.

        Raises:
            UsageError: This kind of store cannot do that.
            LookupError: An event names what does not exist.
        """
        del events
        raise UsageError(f"{type(self).__name__} cannot be filled from a log")
