"""The store that keeps everything in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam.store.protocol import Page, Position, Store, Totals, Untagged
from fakeviam.store.selection import Selector
from fakeviam.store.shards import ShardedDict
from fakeviam.store.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.store.timeline import Marks


#: Key of a binary record in the order of records, and its bytes. A plain tuple, because
#: the garbage collector stops looking at those.
_File = tuple[int, bytes]


class MemoryStore(Store):
    """Two timelines, the bytes of the files, datasets and database users.

    A fork costs a fraction of a millisecond however much is stored, and both sides
    then go their own way; so a fork kept aside is a snapshot.
    """

    def __init__(self, *, block_size: int = 2048) -> None:
        """Make an empty store; tests make `block_size` small to have many blocks."""
        self._selector = Selector()
        self._binary: Timeline[BinaryRecord] = Timeline(block_size=block_size)
        self._tabular: Timeline[TabularRecord] = Timeline(block_size=block_size)
        self._files: ShardedDict[_File] = ShardedDict()
        self._datasets: dict[str, Dataset] = {}
        self._passwords: dict[str, str] = {}

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

    @property
    def work(self) -> int:
        """What all calls so far have cost: records looked at and blocks consulted."""
        return self._binary.work + self._tabular.work

    # Writing -----------------------------------------------------------------------------

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        keys = self._binary.add([record for record, _ in records])
        for key, (record, data) in zip(keys, records, strict=True):
            self._files.put(record.file_id, (key, data))

    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        self._tabular.add(records)

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        return self._delete(self._known(file_ids))

    def delete_binary_matching(self, query: Query) -> int:
        return self._delete(self._matching(query))

    def _delete(self, marks: Marks) -> int:
        removed = self._binary.remove(marks)
        for record in removed:
            self._files.drop(record.file_id)
        return len(removed)

    def delete_tabular_matching(self, query: Query) -> int:
        marks = self._tabular.select(self._selector.tabular(query))
        return len(self._tabular.remove(marks))

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        return self._add_tags(self._known(file_ids), tags)

    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        return self._add_tags(self._matching(query), tags)

    def _add_tags(self, marks: Marks, tags: Sequence[str]) -> int:
        def change(record: BinaryRecord) -> BinaryRecord:
            added = tuple(tag for tag in dict.fromkeys(tags) if tag not in record.tags)
            return replace(record, tags=record.tags + added) if added else record

        return len(self._binary.change(marks, "tags", change))

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
        return Untagged(len(changes), sum(len(old.tags) - len(new.tags) for old, new in changes))

    def add_box(self, file_id: str, box: BoundingBox) -> bool:
        return self._change_boxes(file_id, lambda boxes: (*boxes, box))

    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        return self._change_boxes(
            file_id,
            lambda boxes: tuple(change(box) if box.id == box_id else box for box in boxes),
            box_id,
        )

    def remove_box(self, file_id: str, box_id: str) -> bool:
        return self._change_boxes(
            file_id, lambda boxes: tuple(box for box in boxes if box.id != box_id), box_id
        )

    def _change_boxes(
        self,
        file_id: str,
        change: Callable[[tuple[BoundingBox, ...]], tuple[BoundingBox, ...]],
        needed: str | None = None,
    ) -> bool:
        """Change the boxes of a record, if there is one and it has the needed box."""
        (record,) = self.find_binary([file_id])
        if record is None or (needed is not None and all(b.id != needed for b in record.boxes)):
            return False
        self._binary.change(
            self._known([file_id]), "box_labels", lambda r: replace(r, boxes=change(r.boxes))
        )
        return True

    # Reading -----------------------------------------------------------------------------

    def find_binary(self, file_ids: Iterable[str]) -> list[BinaryRecord | None]:
        files = map(self._files.get, file_ids)
        return [None if file is None else self._binary.find(file[0]) for file in files]

    def read(self, file_id: str) -> bytes:
        file = self._files.get(file_id)
        if file is None:
            raise KeyError(file_id)
        return file[1]

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
        return self._binary.totals(self._matching(query))

    def tabular_totals(self, query: Query) -> Totals:
        return self._tabular.totals(self._tabular.select(self._selector.tabular(query)))

    def binary_tags(self, query: Query) -> set[str]:
        return self._binary.values(self._matching(query), "tags")

    def tabular_tags(self, query: Query) -> set[str]:
        marks = self._tabular.select(self._selector.tabular(query))
        return self._tabular.values(marks, "tags")

    def dataset_ids(self, query: Query) -> set[str]:
        return self._binary.values(self._matching(query), "dataset_ids")

    def box_labels(self, query: Query) -> set[str]:
        return self._binary.values(self._matching(query), "box_labels")

    def _matching(self, query: Query) -> Marks:
        return self._binary.select(self._selector.binary(query))

    def _known(self, file_ids: Iterable[str]) -> Marks:
        """Those of the files that there are."""
        files = map(self._files.get, file_ids)
        return self._binary.locate(file[0] for file in files if file is not None)

    # Datasets ----------------------------------------------------------------------------

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        if self._name_is_taken(dataset.organization_id, dataset.name):
            return False
        self._datasets[dataset.id] = dataset
        if members_of:
            self._add_members(self._members(members_of), dataset.id)
        return True

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        dataset = self._datasets[dataset_id]
        if name != dataset.name and self._name_is_taken(dataset.organization_id, name):
            return False
        self._datasets[dataset_id] = replace(dataset, name=name)
        return True

    def delete_dataset(self, dataset_id: str) -> None:
        self._datasets.pop(dataset_id, None)
        self._remove_members(self._members([dataset_id]), dataset_id)

    def dataset(self, dataset_id: str) -> Dataset | None:
        return self._datasets.get(dataset_id)

    def datasets(self, organization_id: str) -> list[Dataset]:
        every = self._datasets.values()
        return [dataset for dataset in every if dataset.organization_id == organization_id]

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        return self._add_members(self._known(file_ids), dataset_id)

    def remove_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        return self._remove_members(self._known(file_ids), dataset_id)

    def _name_is_taken(self, organization_id: str, name: str) -> bool:
        return any(dataset.name == name for dataset in self.datasets(organization_id))

    def _members(self, dataset_ids: Sequence[str]) -> Marks:
        return self._binary.select(self._selector.members(dataset_ids))

    def _add_members(self, marks: Marks, dataset_id: str) -> int:
        def change(record: BinaryRecord) -> BinaryRecord:
            if dataset_id in record.dataset_ids:
                return record
            return replace(record, dataset_ids=(*record.dataset_ids, dataset_id))

        return len(self._binary.change(marks, "dataset_ids", change))

    def _remove_members(self, marks: Marks, dataset_id: str) -> int:
        gone = frozenset([dataset_id])

        def change(record: BinaryRecord) -> BinaryRecord:
            if dataset_id not in record.dataset_ids:
                return record
            return replace(record, dataset_ids=_without(record.dataset_ids, gone))

        return len(self._binary.change(marks, "dataset_ids", change))

    # Database users ----------------------------------------------------------------------

    def set_database_password(self, organization_id: str, password: str) -> None:
        self._passwords[organization_id] = password

    def database_password(self, organization_id: str) -> str | None:
        return self._passwords.get(organization_id)


def _without(values: tuple[str, ...], unwanted: frozenset[str]) -> tuple[str, ...]:
    return tuple(value for value in values if value not in unwanted)
