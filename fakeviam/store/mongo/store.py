"""The store in a MongoDB database, which several servers may use at once (MG-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UsageError
from fakeviam.store.boxes import BoxWriter
from fakeviam.store.effects import (
    ArrivalsSet,
    BinaryAdded,
    BinaryDeleted,
    BinaryRow,
    BoxesChanged,
    Changed,
    DatasetDropped,
    DatasetPut,
    PasswordSet,
    TabularAdded,
    TabularDeleted,
    TabularRow,
)
from fakeviam.store.mongo import editing
from fakeviam.store.mongo.blobs import a_day_ago
from fakeviam.store.mongo.database import BINARY, READINGS
from fakeviam.store.mongo.keys import position_from
from fakeviam.store.mongo.ledgers import MongoLedgers
from fakeviam.store.mongo.queries import binary_filter, tabular_filter
from fakeviam.store.mongo.reading import Readings
from fakeviam.store.mongo.writing import Writings
from fakeviam.store.protocol import Untagged
from fakeviam.store.shared import SharedStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Literal, NoReturn

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.store.boxes import Change
    from fakeviam.store.effects import StoreEvent
    from fakeviam.store.mongo.database import Database
    from fakeviam.store.mongo.queries import Filter
    from fakeviam.store.protocol import Store


class MongoStore(BoxWriter, Writings, Readings, SharedStore):
    """Answers from a database, one atomic step for each record.

    What concerns many records is not one step: other servers may see some of them changed and
    others not yet.
    """

    def __init__(self, database: Database) -> None:
        """Use this database, and what it holds."""
        super().__init__(database)
        self.ledgers = MongoLedgers(database)

    # Writing -----------------------------------------------------------------------------

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        first = self._database.take(BINARY, len(records))
        rows = [BinaryRow(arrival, *pair) for arrival, pair in enumerate(records, first)]
        self._put_binary(rows)
        self._tell(BinaryAdded(rows))
        members = {one for record, _ in records for one in record.dataset_ids}
        self._end_dangling(members, _ids(record.file_id for record, _ in records))

    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        first = self._database.take(READINGS, len(records))
        rows = [TabularRow(arrival, one) for arrival, one in enumerate(records, first)]
        self._put_tabular(rows)
        self._tell(TabularAdded(rows))

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        return self._delete(_ids(file_ids))

    def delete_binary_matching(self, query: Query) -> int:
        return self._delete(binary_filter(query))

    def _delete(self, chosen: Filter) -> int:
        count, gone = self._database.delete_binary(chosen)
        if gone:
            self._tell(BinaryDeleted(gone))
        return count

    def delete_tabular_matching(self, query: Query) -> int:
        count, gone = self._database.delete_tabular(tabular_filter(query))
        if gone:
            self._tell(TabularDeleted([position_from(key) for key in gone]))
        return count

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        return self._append("tags", _ids(file_ids), tags)

    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        return self._append("tags", binary_filter(query), tags)

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> Untagged:
        return self._take("tags", _ids(file_ids), tags)

    def remove_tags_matching(self, query: Query, tags: Sequence[str]) -> Untagged:
        return self._take("tags", binary_filter(query), tags)

    def _change_boxes(self, file_id: str, change: Change, needed: str | None = None) -> bool:
        boxes = self._set_boxes(file_id, change, needed)
        if boxes is None:
            return False
        self._tell(BoxesChanged(file_id, boxes))
        return True

    # Datasets and database users ---------------------------------------------------------

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        if not self._insert_dataset(dataset):
            return False
        self._tell(DatasetPut(dataset))
        if members_of:
            members: Filter = {"dataset_ids": {"$in": list(members_of)}}
            self._append("dataset_ids", members, [dataset.id])
        return True

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        if not self._rename_dataset(dataset_id, name):
            return False
        renamed = self.dataset(dataset_id)
        if renamed is not None:
            self._tell(DatasetPut(renamed))
        return True

    def delete_dataset(self, dataset_id: str) -> None:
        # The dataset first: who adds members looks for it afterwards.
        if self._database.datasets.delete_one({"_id": dataset_id}).deleted_count:
            self._tell(DatasetDropped(dataset_id))
        self._take("dataset_ids", {"dataset_ids": dataset_id}, [dataset_id])

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        chosen = _ids(file_ids)
        added = self._append("dataset_ids", chosen, [dataset_id])
        self._end_dangling([dataset_id], chosen)
        return added

    def remove_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        return self._take("dataset_ids", _ids(file_ids), [dataset_id]).records

    def set_database_password(self, organization_id: str, password: str) -> None:
        self._set_password(organization_id, password)
        self._tell(PasswordSet(organization_id, password))

    def _end_dangling(self, dataset_ids: Iterable[str], chosen: Filter) -> None:
        """End memberships in datasets that are gone.

        Another server may have deleted one after it was looked for, and may have ended its
        memberships before these began.
        """
        for dataset_id in dataset_ids:
            if not self._has_dataset(dataset_id):
                self._take("dataset_ids", chosen, [dataset_id])

    # Lists -------------------------------------------------------------------------------

    def _append(
        self, field: Literal["tags", "dataset_ids"], chosen: Filter, values: Sequence[str]
    ) -> int:
        edited = editing.append(self._binary, field, chosen, values)
        self._tell_changed(field, edited.ids)
        return edited.records

    def _take(
        self, field: Literal["tags", "dataset_ids"], chosen: Filter, values: Sequence[str]
    ) -> Untagged:
        edited = editing.take(self._binary, field, chosen, values)
        self._tell_changed(field, edited.ids)
        return Untagged(edited.records, edited.values)

    # The whole of it ---------------------------------------------------------------------

    def fork(self) -> NoReturn:
        """Refuse: copying a database would take as long as it is large.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            "a store in a database cannot be forked; sessions and snapshots need the store in "
            "memory"
        )

    def dismantle(self) -> Iterator[None]:
        """Do nothing: it holds nothing in memory."""
        return iter(())

    def clear(self) -> None:
        self._database.clear(old=a_day_ago())

    def replace(self, other: Store) -> None:
        self.clear()
        self.apply(_effects_of(other))

    def close(self) -> None:
        self._database.close()

    # Effects -----------------------------------------------------------------------------

    def _tell(self, *effects: StoreEvent) -> None:
        if self.sink is not None:
            self.sink.write(effects)

    def _tell_changed(self, field: Literal["tags", "dataset_ids"], ids: list[str]) -> None:
        if self.sink is None or not ids:
            return
        found = self._binary.find({"_id": {"$in": ids}}, {field: 1})
        self._tell(Changed(field, {one["_id"]: tuple(one[field]) for one in found}))


def _ids(file_ids: Iterable[str]) -> dict[str, Any]:
    return {"_id": {"$in": list(dict.fromkeys(file_ids))}}


def _effects_of(store: Store) -> Iterator[StoreEvent]:
    """All that a store holds."""
    yield from map(DatasetPut, store.all_datasets())
    yield from (PasswordSet(*user) for user in store.database_passwords().items())
    yield BinaryAdded(store.binary_rows())
    yield TabularAdded(store.tabular_rows())
    yield ArrivalsSet(store.arrivals)
