"""The store that keeps everything in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from fakeviam.store.boxes import BoxWriter
from fakeviam.store.effects import (
    BinaryAdded,
    BinaryDeleted,
    BinaryRow,
    BoxesChanged,
    Changed,
    DatasetDropped,
    DatasetPut,
    PasswordSet,
    StoreEvent,
    TabularAdded,
    TabularDeleted,
    TabularRow,
)
from fakeviam.store.protocol import Page, Position, Store, Totals, Untagged
from fakeviam.store.shelves import Shelves

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.store.boxes import Change
    from fakeviam.store.timeline import Marks


_Field = Literal["tags", "dataset_ids"]
_Change = tuple["BinaryRecord", "BinaryRecord"]


class MemoryStore(BoxWriter, Shelves, Store):
    """Answers from memory, with indexes that it builds where they pay.

    A fork costs a fraction of a millisecond however much is stored, and both sides
    then go their own way; so a fork kept aside is a snapshot.
    """

    def fork(self) -> MemoryStore:
        """Make another store that holds the same now and goes its own way."""
        twin = MemoryStore()
        twin._selector = self._selector
        twin._binary = self._binary.fork()
        twin._tabular = self._tabular.fork()
        twin._files = self._files.fork()
        twin._datasets = self._datasets.copy()
        twin._passwords = self._passwords.copy()
        return twin

    # Writing -----------------------------------------------------------------------------

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        rows = [BinaryRow(at, *pair) for at, pair in enumerate(records, self._binary.arrivals)]
        self._put_binary(rows)
        self._tell(BinaryAdded(rows))

    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        rows = [TabularRow(at, one) for at, one in enumerate(records, self._tabular.arrivals)]
        self._put_tabular(rows)
        self._tell(TabularAdded(rows))

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        return self._delete(self._known(file_ids))

    def delete_binary_matching(self, query: Query) -> int:
        return self._delete(self._matching(query))

    def _delete(self, marks: Marks) -> int:
        removed = self._remove(marks)
        if removed:
            self._tell(BinaryDeleted([record.file_id for record in removed]))
        return len(removed)

    def delete_tabular_matching(self, query: Query) -> int:
        marks = self._tabular.select(self._selector.tabular(query))
        gone = () if self.sink is None else self._tabular.positions(marks)
        count = len(self._tabular.remove(marks))
        if gone:
            self._tell(TabularDeleted(gone))
        return count

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        return self._add_tags(self._known(file_ids), tags)

    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        return self._add_tags(self._matching(query), tags)

    def _add_tags(self, marks: Marks, tags: Sequence[str]) -> int:
        def change(record: BinaryRecord) -> BinaryRecord:
            added = tuple(tag for tag in dict.fromkeys(tags) if tag not in record.tags)
            return replace(record, tags=record.tags + added) if added else record

        changes = self._binary.change(marks, "tags", change)
        self._tell(*_changed("tags", changes))
        return len(changes)

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> Untagged:
        return self._remove_tags(self._known(file_ids), tags)

    def remove_tags_matching(self, query: Query, tags: Sequence[str]) -> Untagged:
        return self._remove_tags(self._matching(query), tags)

    def _remove_tags(self, marks: Marks, tags: Sequence[str]) -> Untagged:
        unwanted = frozenset(tags)

        def change(record: BinaryRecord) -> BinaryRecord:
            if unwanted.isdisjoint(record.tags):
                return record
            return replace(record, tags=_without(record.tags, unwanted))

        changes = self._binary.change(marks, "tags", change)
        self._tell(*_changed("tags", changes))
        return Untagged(len(changes), sum(len(old.tags) - len(new.tags) for old, new in changes))

    def _change_boxes(self, file_id: str, change: Change, needed: str | None = None) -> bool:
        (record,) = self.find_binary([file_id])
        if record is None or (needed is not None and all(b.id != needed for b in record.boxes)):
            return False
        boxes = change(record.boxes)
        self._set_boxes(BoxesChanged(file_id, boxes))
        self._tell(BoxesChanged(file_id, boxes))
        return True

    # Reading -----------------------------------------------------------------------------

    def find_binary(self, file_ids: Iterable[str]) -> list[BinaryRecord | None]:
        files = map(self._files.get, file_ids)
        return [None if file is None else self._binary.find(file[0]) for file in files]

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        selection = self._selector.binary(query)
        return self._binary.page(selection, after=after, limit=limit, descending=descending)

    def tabular_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[TabularRecord]:
        selection = self._selector.tabular(query)
        return self._tabular.page(selection, after=after, limit=limit, descending=descending)

    def binary_totals(self, query: Query) -> Totals:
        return self._binary.totals(self._selector.binary(query))

    def tabular_totals(self, query: Query) -> Totals:
        return self._tabular.totals(self._selector.tabular(query))

    def binary_tags(self, query: Query) -> set[str]:
        return self._binary.values(self._selector.binary(query), "tags")

    def tabular_tags(self, query: Query) -> set[str]:
        return self._tabular.values(self._selector.tabular(query), "tags")

    def dataset_ids(self, query: Query) -> set[str]:
        return self._binary.values(self._selector.binary(query), "dataset_ids")

    def box_labels(self, query: Query) -> set[str]:
        return self._binary.values(self._selector.binary(query), "box_labels")

    def _matching(self, query: Query) -> Marks:
        return self._binary.select(self._selector.binary(query))

    # Datasets ----------------------------------------------------------------------------

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        if self._name_is_taken(dataset.organization_id, dataset.name):
            return False
        self._datasets[dataset.id] = dataset
        changes: list[_Change] = []
        if members_of:
            changes = self._add_members(self._members(members_of), dataset.id)
        self._tell(DatasetPut(dataset), *_changed("dataset_ids", changes))
        return True

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        dataset = self._datasets[dataset_id]
        if name != dataset.name and self._name_is_taken(dataset.organization_id, name):
            return False
        self._datasets[dataset_id] = renamed = replace(dataset, name=name)
        self._tell(DatasetPut(renamed))
        return True

    def delete_dataset(self, dataset_id: str) -> None:
        known = self._datasets.pop(dataset_id, None)
        changes = self._remove_members(self._members([dataset_id]), dataset_id)
        dropped = [DatasetDropped(dataset_id)] if known else []
        self._tell(*dropped, *_changed("dataset_ids", changes))

    def dataset(self, dataset_id: str) -> Dataset | None:
        return self._datasets.get(dataset_id)

    def datasets(self, organization_id: str) -> list[Dataset]:
        every = self._datasets.values()
        return [dataset for dataset in every if dataset.organization_id == organization_id]

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        changes = self._add_members(self._known(file_ids), dataset_id)
        self._tell(*_changed("dataset_ids", changes))
        return len(changes)

    def remove_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        changes = self._remove_members(self._known(file_ids), dataset_id)
        self._tell(*_changed("dataset_ids", changes))
        return len(changes)

    def _name_is_taken(self, organization_id: str, name: str) -> bool:
        return any(dataset.name == name for dataset in self.datasets(organization_id))

    def _members(self, dataset_ids: Sequence[str]) -> Marks:
        return self._binary.select(self._selector.members(dataset_ids))

    def _add_members(self, marks: Marks, dataset_id: str) -> list[_Change]:
        def change(record: BinaryRecord) -> BinaryRecord:
            if dataset_id in record.dataset_ids:
                return record
            return replace(record, dataset_ids=(*record.dataset_ids, dataset_id))

        return self._binary.change(marks, "dataset_ids", change)

    def _remove_members(self, marks: Marks, dataset_id: str) -> list[_Change]:
        gone = frozenset([dataset_id])

        def change(record: BinaryRecord) -> BinaryRecord:
            if dataset_id not in record.dataset_ids:
                return record
            return replace(record, dataset_ids=_without(record.dataset_ids, gone))

        return self._binary.change(marks, "dataset_ids", change)

    # Database users ----------------------------------------------------------------------

    def set_database_password(self, organization_id: str, password: str) -> None:
        self._passwords[organization_id] = password
        self._tell(PasswordSet(organization_id, password))

    def database_password(self, organization_id: str) -> str | None:
        return self._passwords.get(organization_id)


def _changed(field: _Field, changes: Sequence[_Change]) -> list[StoreEvent]:
    """The effect of these changes, if there are any."""
    if not changes:
        return []
    return [Changed(field, {new.file_id: getattr(new, field) for _, new in changes})]


def _without(values: tuple[str, ...], unwanted: frozenset[str]) -> tuple[str, ...]:
    return tuple(value for value in values if value not in unwanted)
