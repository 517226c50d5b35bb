"""The in-memory store."""

from __future__ import annotations

import itertools
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from fakeviam.model.checks import check_whole_number
from fakeviam.store.entities import EntityStore
from fakeviam.store.events import (
    ArrivalsSet,
    BinaryAdded,
    BinaryDeleted,
    BoxesChanged,
    DatasetDropped,
    DatasetPut,
    EntitiesDropped,
    EntitiesPut,
    ListChanged,
    PasswordSet,
    StoreEvent,
    TabularAdded,
    TabularDeleted,
)
from fakeviam.store.list_changes import adding, list_changed, removing
from fakeviam.store.selection import Selections, members_of
from fakeviam.store.shards import ShardedDict
from fakeviam.store.timeline import Timeline, key_of
from fakeviam.store.values import Arrivals, BinaryRow, StoreStats, TabularRow, TagRemoval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.store.base import BoxChange
    from fakeviam.store.block import Block
    from fakeviam.store.list_changes import Changes, ListChange
    from fakeviam.store.timeline import Marks, Revision
    from fakeviam.store.values import ListField, Page, Position, Totals

#: The key of a binary record, and its bytes. A plain tuple, because the garbage collector
#: untracks those.
_File = tuple[int, bytes]


#: How many blocks one turn may scan: some milliseconds.
_BLOCKS_A_TURN = 2


class MemoryStore(EntityStore):
    """Keeps everything in memory, with indexes that are built once they pay off.

    A fork takes a fraction of a millisecond regardless of size, and is independent afterwards;
    a snapshot is simply a fork that is kept.

    A write is prepared, then persisted by the sink, and only then applied: blocks are immutable,
    so that a failure before the last step has changed nothing.
    """

    def __init__(self, *, block_size: int = 2048) -> None:
        """Create an empty store; tests use a small `block_size` to get many blocks."""
        check_whole_number("block_size", block_size, minimum=1)
        super().__init__()
        self._turn = _BLOCKS_A_TURN * block_size
        self._selections = Selections(tabular=False)
        self._tabular_selections = Selections(tabular=True)
        self._binary: Timeline[BinaryRecord] = Timeline(block_size=block_size)
        self._tabular: Timeline[TabularRecord] = Timeline(block_size=block_size)
        self._files: ShardedDict[_File] = ShardedDict()
        # What turns have prepared of one change, which is begun anew until it is whole.
        self._prepared: tuple[object, dict[int, Revision[BinaryRecord]]] = None, {}
        self._datasets: dict[str, Dataset] = {}
        self._passwords: dict[str, str] = {}

    @property
    def work(self) -> int:
        """The total cost of all calls so far: records read and blocks consulted."""
        return self._binary.work + self._tabular.work

    # Records -----------------------------------------------------------------------------

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        rows = [BinaryRow(at, *pair) for at, pair in enumerate(records, self._binary.arrivals)]
        if self.sink is None:  # the fast path of `_commit`
            self.end_turn()
            self._put_binary(rows)
        else:
            self._commit([BinaryAdded(rows)], lambda: self._put_binary(rows))

    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        rows = [TabularRow(at, one) for at, one in enumerate(records, self._tabular.arrivals)]
        self._commit([TabularAdded(rows)], lambda: self._put_tabular(rows))

    def _put_binary(self, rows: Sequence[BinaryRow]) -> None:
        keys = self._binary.put([row.arrival for row in rows], [row.record for row in rows])
        for key, row in zip(keys, rows, strict=True):
            self._files.put(row.record.file_id, (key, row.data))

    def _put_tabular(self, rows: Sequence[TabularRow]) -> None:
        self._tabular.put([row.arrival for row in rows], [row.record for row in rows])

    def delete_binary(self, file_ids: Iterable[str]) -> int:
        return self._delete(self._known(file_ids))

    def delete_binary_matching(self, query: Query) -> int:
        return self._delete(self._matching(query))

    def _delete(self, marks: Marks) -> int:
        count = _count(marks)
        if count:
            self._commit(self._deletion(marks), lambda: self._remove(marks))
        return count

    def _deletion(self, marks: Marks) -> Iterator[StoreEvent]:
        yield BinaryDeleted([record.file_id for record in self._binary.records(marks)])

    def _remove(self, marks: Marks) -> None:
        for record in self._binary.remove(marks):
            self._files.drop(record.file_id)

    def delete_tabular_matching(self, query: Query) -> int:
        marks = self._tabular.select(self._tabular_selections[query])
        count = _count(marks)
        if count:
            self._commit(self._tabular_deletion(marks), lambda: self._tabular.remove(marks))
        return count

    def _tabular_deletion(self, marks: Marks) -> Iterator[StoreEvent]:
        yield TabularDeleted(self._tabular.positions(marks))

    # Tags, memberships and boxes ---------------------------------------------------------

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        return len(self._change("tags", self._known(file_ids), adding(tags)))

    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        return len(self._change("tags", self._matching(query), adding(tags)))

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        return self._remove_tags(self._known(file_ids), tags)

    def remove_tags_matching(self, query: Query, tags: Sequence[str]) -> TagRemoval:
        return self._remove_tags(self._matching(query), tags)

    def _remove_tags(self, marks: Marks, tags: Sequence[str]) -> TagRemoval:
        changes = self._change("tags", marks, removing(tags))
        return TagRemoval(len(changes), sum(len(old.tags) - len(new.tags) for old, new in changes))

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        return len(self._change("dataset_ids", self._known(file_ids), adding([dataset_id])))

    def remove_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        return len(self._change("dataset_ids", self._known(file_ids), removing([dataset_id])))

    def _change(self, field: ListField, marks: Marks, change: ListChange) -> Changes:
        """Change a list field of the marked records; return the pairs (old, new)."""
        # The events are generated from the prepared blocks, before anything is visible to
        # readers.
        blocks, changes = self._revised(field, marks, change)
        self._commit(list_changed(field, changes), lambda: self._binary.adopt(blocks))
        return changes

    def _revised(
        self, field: ListField, marks: Marks, change: ListChange
    ) -> tuple[list[Block[BinaryRecord]], Changes]:
        def revised(record: BinaryRecord) -> BinaryRecord:
            old: tuple[str, ...] = getattr(record, field)
            new = change(old)
            return record if new is old else record.with_list(field, new)

        if self._prepared[0] != (field, change):
            self._prepared = (field, change), {}
        answer = self._binary.revised(marks, field, revised, self._prepared[1])
        self._prepared = None, {}
        return answer

    def change_boxes(self, file_id: str, change: BoxChange, needed: str | None = None) -> bool:
        (record,) = self.find_binary([file_id])
        if record is None or (needed is not None and all(b.id != needed for b in record.boxes)):
            return False
        event = BoxesChanged(file_id, change(record.boxes))
        self._commit([event], lambda: self._set_boxes(event))
        return True

    def _set_boxes(self, event: BoxesChanged) -> None:
        marks = self._existing([event.file_id])
        blocks, _ = self._binary.revised(
            marks, "box_labels", lambda record: replace(record, boxes=event.boxes)
        )
        self._binary.adopt(blocks)

    def _known(self, file_ids: Iterable[str]) -> Marks:
        """Mark those of the files that exist."""
        files = map(self._files.get, file_ids)
        return self._binary.locate(file[0] for file in files if file is not None)

    def _existing(self, file_ids: Iterable[str]) -> Marks:
        """Mark all of the files; a KeyError names one that does not exist."""
        return self._binary.locate(self._file(file_id)[0] for file_id in file_ids)

    def _file(self, file_id: str) -> _File:
        file = self._files.get(file_id)
        if file is None:
            raise KeyError(file_id)
        return file

    def _matching(self, query: Query) -> Marks:
        return self._binary.select(self._selections[query])

    # Reading -----------------------------------------------------------------------------

    def find_binary(self, file_ids: Iterable[str]) -> list[BinaryRecord | None]:
        files = map(self._files.get, file_ids)
        return [None if file is None else self._binary.find(file[0]) for file in files]

    def read(self, file_id: str) -> bytes:
        return self._file(file_id)[1]

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        selection = self._selections[query]
        return self._binary.page(selection, after=after, limit=limit, descending=descending)

    def tabular_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[TabularRecord]:
        selection = self._tabular_selections[query]
        return self._tabular.page(selection, after=after, limit=limit, descending=descending)

    def first_received(
        self, query: Query, *, limit: int, descending: bool
    ) -> Sequence[TabularRecord]:
        selection = self._tabular_selections[query]
        return self._tabular.first(selection, "time_received", limit=limit, descending=descending)

    def binary_totals(self, query: Query) -> Totals:
        return self._binary.totals(self._selections[query])

    def tabular_totals(self, query: Query) -> Totals:
        return self._tabular.totals(self._tabular_selections[query])

    def binary_tags(self, query: Query) -> set[str]:
        return self._binary.values(self._selections[query], "tags")

    def tabular_tags(self, query: Query) -> set[str]:
        return self._tabular.values(self._tabular_selections[query], "tags")

    def dataset_ids(self, query: Query) -> set[str]:
        return self._binary.values(self._selections[query], "dataset_ids")

    def box_labels(self, query: Query) -> set[str]:
        return self._binary.values(self._selections[query], "box_labels")

    # Datasets and database users ---------------------------------------------------------

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        if self._is_taken(dataset.organization_id, dataset.name):
            return False
        members = self._members(members_of) if members_of else []
        blocks, changes = self._revised("dataset_ids", members, adding([dataset.id]))

        def apply() -> None:
            self._datasets[dataset.id] = dataset
            self._binary.adopt(blocks)

        self._commit([DatasetPut(dataset), *list_changed("dataset_ids", changes)], apply)
        return True

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        dataset = self._datasets[dataset_id]
        if name != dataset.name and self._is_taken(dataset.organization_id, name):
            return False
        event = DatasetPut(replace(dataset, name=name))
        self._commit([event], lambda: self._apply(event))
        return True

    def delete_dataset(self, dataset_id: str) -> None:
        members = self._members([dataset_id])
        blocks, changes = self._revised("dataset_ids", members, removing([dataset_id]))
        removal = [DatasetDropped(dataset_id)] if dataset_id in self._datasets else []

        def apply() -> None:
            self._datasets.pop(dataset_id, None)
            self._binary.adopt(blocks)

        self._commit([*removal, *list_changed("dataset_ids", changes)], apply)

    def dataset(self, dataset_id: str) -> Dataset | None:
        return self._datasets.get(dataset_id)

    def datasets(self, organization_id: str) -> list[Dataset]:
        every = self._datasets.values()
        return [dataset for dataset in every if dataset.organization_id == organization_id]

    def all_datasets(self) -> list[Dataset]:
        return list(self._datasets.values())

    def _is_taken(self, organization_id: str, name: str) -> bool:
        return any(dataset.name == name for dataset in self.datasets(organization_id))

    def _members(self, dataset_ids: Sequence[str]) -> Marks:
        return self._binary.select(members_of(dataset_ids))

    def set_database_password(self, organization_id: str, password: str) -> None:
        event = PasswordSet(organization_id, password)
        self._commit([event], lambda: self._apply(event))

    def database_password(self, organization_id: str) -> str | None:
        return self._passwords.get(organization_id)

    def database_passwords(self) -> Mapping[str, str]:
        return self._passwords.copy()

    # The whole store ---------------------------------------------------------------------

    def fork(self) -> MemoryStore:
        """Return an independent copy of this store."""
        twin = MemoryStore()
        # Shared on purpose: blocks cache answers by a selection's identity, and forks share the
        # blocks.
        twin._selections = self._selections
        twin._tabular_selections = self._tabular_selections
        twin._binary = self._binary.fork()
        twin._tabular = self._tabular.fork()
        twin._files = self._files.fork()
        twin._datasets = self._datasets.copy()
        twin._passwords = self._passwords.copy()
        twin._entities = self._entities.fork()
        return twin

    @property
    def is_large(self) -> bool:
        return self._binary.held.records + self._tabular.held.records > self._turn

    def begin_turn(self) -> None:
        self._binary.patience = self._tabular.patience = self._turn

    def end_turn(self) -> None:
        self._binary.patience = self._tabular.patience = inf

    def _commit(self, events: Iterable[StoreEvent], apply: Callable[[], object]) -> None:
        self.end_turn()
        super()._commit(events, apply)

    def release_incrementally(self) -> Iterator[None]:
        yield from self._binary.release_incrementally()
        yield from self._tabular.release_incrementally()
        yield from self._files.release_incrementally()

    def stats(self) -> StoreStats:
        return StoreStats(
            self._binary.held,
            self._tabular.held,
            len(self._datasets),
            len(self._passwords),
            len(self._entities),
        )

    def binary_rows(self) -> Iterator[BinaryRow]:
        for arrival, record in self._binary.rows():
            yield BinaryRow(arrival, record, self.read(record.file_id))

    def tabular_rows(self) -> Iterator[TabularRow]:
        return itertools.starmap(TabularRow, self._tabular.rows())

    @property
    def arrivals(self) -> Arrivals:
        return Arrivals(self._binary.arrivals, self._tabular.arrivals)

    def apply(self, events: Iterable[StoreEvent]) -> None:
        for event in events:
            self._apply(event)

    def _apply(self, event: StoreEvent) -> None:  # noqa: C901 - a table of events
        match event:
            case BinaryAdded(rows):
                self._put_binary(list(rows))
            case TabularAdded(rows):
                self._put_tabular(list(rows))
            case BinaryDeleted(file_ids):
                self._remove(self._existing(file_ids))
            case TabularDeleted(positions):
                self._tabular.remove(self._tabular.locate(map(key_of, positions)))
            case ListChanged(field, values):
                self._set_lists(field, values)
            case BoxesChanged():
                self._set_boxes(event)
            case DatasetPut(dataset):
                self._datasets[dataset.id] = dataset
            case DatasetDropped(dataset_id):
                del self._datasets[dataset_id]
            case PasswordSet(organization_id, password):
                self._passwords[organization_id] = password
            case EntitiesPut(entities):
                self._entities.put(entities)
            case EntitiesDropped(kind, ids):
                self._entities.drop(kind, ids)
            case ArrivalsSet(arrivals):
                self._binary.arrivals, self._tabular.arrivals = arrivals

    def _set_lists(self, field: ListField, values: Mapping[str, tuple[str, ...]]) -> None:
        def changed(record: BinaryRecord) -> BinaryRecord:
            return replace(record, **{field: values[record.file_id]})  # type: ignore[arg-type]

        blocks, _ = self._binary.revised(self._existing(values), field, changed)
        self._binary.adopt(blocks)


def _count(marks: Marks) -> int:
    return sum(mask.bit_count() for _, mask in marks)
