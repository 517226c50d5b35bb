"""The interface between the server and a store.

Every write is atomic: a reader sees all of it or nothing, and a failed write changes nothing.
Methods never await and never refuse a request: they return values, and the server decides how to
report them. Arguments were validated by the caller.
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

    #: Computes the new boxes of a record from its current ones.
    BoxChange = Callable[[tuple[BoundingBox, ...]], tuple[BoundingBox, ...]]


class Store(ABC):
    """Binary and tabular records, datasets, database users and entities of one cloud.

    Attributes:
        sink: Persists every write before it is applied; None if there is no sink.
        ledgers: State besides the data that servers on a shared store have in common; None if
            the store belongs to this server alone.
    """

    sink: Sink | None = None
    ledgers: Ledgers | None = None

    # Writing -----------------------------------------------------------------------------

    @abstractmethod
    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        """Store binary records with their bytes, in order of arrival."""

    @abstractmethod
    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        """Store readings, in order of arrival."""

    @abstractmethod
    def delete_binary(self, file_ids: Iterable[str]) -> int:
        """Delete records with their bytes and memberships; unknown ids are skipped."""

    @abstractmethod
    def delete_binary_matching(self, query: Query) -> int:
        """Delete the selected records, and return their number."""

    @abstractmethod
    def delete_tabular_matching(self, query: Query) -> int:
        """Delete the selected readings, and return their number."""

    @abstractmethod
    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        """Append tags that a record does not have yet; return the number of changed records."""

    @abstractmethod
    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        """Remove tags from records."""

    @abstractmethod
    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        """Like `add_tags`, for the selected records."""

    @abstractmethod
    def remove_tags_matching(self, query: Query, tags: Sequence[str]) -> TagRemoval:
        """Like `remove_tags`, for the selected records."""

    def add_box(self, file_id: str, box: BoundingBox) -> bool:
        """Add a box to a record; False if there is no such record."""
        return self.change_boxes(file_id, lambda boxes: (*boxes, box))

    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        """Replace one box by `change(box)`; False if the record or the box is unknown.

        An exception in `change` propagates, and nothing is changed.
        """
        return self.change_boxes(
            file_id,
            lambda boxes: tuple(change(box) if box.id == box_id else box for box in boxes),
            box_id,
        )

    def remove_box(self, file_id: str, box_id: str) -> bool:
        """Remove one box; False if the record or the box is unknown."""
        return self.change_boxes(
            file_id, lambda boxes: tuple(box for box in boxes if box.id != box_id), box_id
        )

    @abstractmethod
    def change_boxes(self, file_id: str, change: BoxChange, needed: str | None = None) -> bool:
        """Change the boxes of a record; False if it is unknown or lacks the box `needed`."""

    # Reading -----------------------------------------------------------------------------

    @abstractmethod
    def find_binary(self, file_ids: Iterable[str]) -> list[BinaryRecord | None]:
        """The records with these file ids, in the same order; None for each unknown id."""

    @abstractmethod
    def read(self, file_id: str) -> bytes:
        """The bytes of a record."""

    @abstractmethod
    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        """At most `limit` selected records after the position `after`."""

    @abstractmethod
    def tabular_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[TabularRecord]:
        """At most `limit` selected readings after the position `after`."""

    @abstractmethod
    def first_received(
        self, query: Query, *, limit: int, descending: bool
    ) -> Sequence[TabularRecord]:
        """At most `limit` selected readings by time received; ties are in the store's order."""

    @abstractmethod
    def binary_totals(self, query: Query) -> Totals:
        """Number and total bytes of the selected binary records."""

    @abstractmethod
    def tabular_totals(self, query: Query) -> Totals:
        """Number and total bytes of the selected readings."""

    @abstractmethod
    def binary_tags(self, query: Query) -> set[str]:
        """Distinct tags of the selected binary records."""

    @abstractmethod
    def tabular_tags(self, query: Query) -> set[str]:
        """Distinct tags of the selected readings."""

    @abstractmethod
    def dataset_ids(self, query: Query) -> set[str]:
        """Distinct dataset ids of the selected binary records."""

    @abstractmethod
    def box_labels(self, query: Query) -> set[str]:
        """Distinct box labels of the selected binary records."""

    # Datasets ----------------------------------------------------------------------------

    @abstractmethod
    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        """Create a dataset whose members are the union of the members of other datasets.

        Returns False and creates nothing if the organization has a dataset with this name.
        """

    @abstractmethod
    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        """Rename a dataset; False if another dataset of the organization has the name."""

    @abstractmethod
    def delete_dataset(self, dataset_id: str) -> None:
        """Delete a dataset and its memberships; the records remain."""

    @abstractmethod
    def dataset(self, dataset_id: str) -> Dataset | None:
        """The dataset with this id, if there is one."""

    @abstractmethod
    def datasets(self, organization_id: str) -> list[Dataset]:
        """The datasets of an organization, oldest first."""

    @abstractmethod
    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        """Add records to a dataset; return how many were not members before."""

    @abstractmethod
    def remove_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        """Remove records from a dataset; return how many were members."""

    # Database users ----------------------------------------------------------------------

    @abstractmethod
    def set_database_password(self, organization_id: str, password: str) -> None:
        """Create the database user of an organization, or change its password."""

    @abstractmethod
    def database_password(self, organization_id: str) -> str | None:
        """The password of an organization's database user; None if there is no user."""

    # Entities ----------------------------------------------------------------------------

    @abstractmethod
    def put_entities(self, *entities: Entity) -> bool:
        """Store entities, replacing those with the same kind and id.

        Returns False and changes nothing if a unique value is already taken.
        """

    @abstractmethod
    def swap_entities(self, before: Kind, after: Kind, *others: Entity) -> bool:
        """Replace `before` by `after`, and store others.

        Returns False and changes nothing if `before` is no longer stored, or if a unique value is
        taken. If several servers swap the same entity, one succeeds: this is compare-and-swap.
        """

    def change_entity(self, entity: Kind, change: Callable[[Kind], Kind]) -> bool:
        """Change the current version of an entity; False if it is gone or a value is taken."""
        current: Kind | None = entity
        while current is not None:
            if self.swap_entities(current, change(current)):
                return True
            latest = self.entity(type(entity), entity.id)
            current = None if latest == current else latest
        return False

    def change_entities(self, entities: Iterable[Kind], change: Callable[[Kind], Kind]) -> None:
        """Change the current versions of entities; those that are gone are skipped."""
        for entity in entities:
            self.change_entity(entity, change)

    @abstractmethod
    def drop_entities(self, *entities: Entity) -> None:
        """Delete entities that exist."""

    @abstractmethod
    def entity(self, kind: type[Kind], entity_id: str) -> Kind | None:
        """The entity with this kind and id, if there is one."""

    @abstractmethod
    def entities(self, kind: type[Kind], owner: str | None = None) -> list[Kind]:
        """The entities of a kind, of one owner or all; oldest first for each owner."""

    @abstractmethod
    def all_entities(self) -> Iterator[Entity]:
        """Every entity, oldest first for each owner."""

    # The whole store ---------------------------------------------------------------------

    def fork(self) -> Store:
        """Return an independent copy of this store, without a sink.

        The cost must not depend on the number of records.

        Raises:
            UsageError: This kind of store cannot be forked.
        """
        raise UsageError(
            f"{type(self).__name__} cannot be forked; sessions and snapshots require the "
            "in-memory store"
        )

    def view(self) -> Store:
        """A consistent store to read everything from; a shared store returns itself."""
        return self.fork()

    def emptied(self, make_store: Callable[[], Store]) -> Store:
        """The store to use after all data was deleted; `make_store` creates empty ones."""
        return make_store()

    def replaced_by(self, other: Store) -> Store:
        """The store to use so that it holds exactly what `other` holds."""
        return other.fork()

    def close(self) -> None:  # noqa: B027 - most stores hold no external resources
        """Release resources outside this process; the store is unusable afterwards."""

    @property
    def is_large(self) -> bool:
        """Whether a full scan takes more than one turn."""
        return False

    def begin_turn(self) -> None:  # noqa: B027 - for stores that keep results of a partial scan
        """From now on, raise UnfinishedError in any scan that exceeds the budget of one turn.

        Such a call has changed nothing, and what it has learned so far is cached: repeating it in
        another turn makes progress. A write ends the turn, because what follows it must not be
        repeated.
        """

    def end_turn(self) -> None:  # noqa: B027 - as above
        """From now on, scan without a budget."""

    def release_incrementally(self) -> Iterator[None]:
        """Release memory incrementally, so that the event loop is never blocked.

        For a fork whose origin was dropped; the store is unusable afterwards.
        """
        return iter(())

    @abstractmethod
    def stats(self) -> StoreStats:
        """Counts, maintained without scanning records."""

    @abstractmethod
    def binary_rows(self) -> Iterator[BinaryRow]:
        """Every binary record with its bytes, ordered by time, then arrival."""

    @abstractmethod
    def tabular_rows(self) -> Iterator[TabularRow]:
        """Every reading, ordered by time, then arrival."""

    @abstractmethod
    def all_datasets(self) -> list[Dataset]:
        """Every dataset, oldest first."""

    @abstractmethod
    def database_passwords(self) -> Mapping[str, str]:
        """The passwords of all database users, by organization."""

    @property
    @abstractmethod
    def arrivals(self) -> Arrivals:
        """The next arrival numbers."""

    def events(self) -> Iterator[StoreEvent]:
        """The complete contents, as events that recreate them in an empty store."""
        yield from map(DatasetPut, self.all_datasets())
        yield from (PasswordSet(*user) for user in self.database_passwords().items())
        yield from (EntitiesPut([each]) for each in self.all_entities())
        yield BinaryAdded(self.binary_rows())
        yield TabularAdded(self.tabular_rows())
        yield ArrivalsSet(self.arrivals)

    def apply(self, events: Iterable[StoreEvent]) -> None:
        """Apply events that another store has committed; the sink is not called.

        Raises:
            UsageError: This kind of store cannot do that.
            LookupError: An event refers to something that does not exist.
        """
        del events
        raise UsageError(f"{type(self).__name__} cannot be filled from a log")
