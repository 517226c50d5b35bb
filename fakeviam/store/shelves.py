"""What a store in memory is made of, taken as a whole: forked, counted, walked, filled, freed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

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
from fakeviam.store.protocol import Arrivals, Holdings
from fakeviam.store.selection import Selector
from fakeviam.store.shards import ShardedDict
from fakeviam.store.timeline import Timeline, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.records import BinaryRecord, TabularRecord
    from fakeviam.store.effects import Sink, StoreEvent
    from fakeviam.store.timeline import Marks

#: Key of a binary record in the order of records, and its bytes. A plain tuple, because
#: the garbage collector stops looking at those.
_File = tuple[int, bytes]


class Shelves:
    """Two timelines, the bytes of the files, datasets and database users."""

    def __init__(self, *, block_size: int = 2048) -> None:
        """Make an empty store; tests make `block_size` small to have many blocks."""
        self.sink: Sink | None = None
        self._selector = Selector()
        self._binary: Timeline[BinaryRecord] = Timeline(block_size=block_size)
        self._tabular: Timeline[TabularRecord] = Timeline(block_size=block_size)
        self._files: ShardedDict[_File] = ShardedDict()
        self._datasets: dict[str, Dataset] = {}
        self._passwords: dict[str, str] = {}

    @property
    def work(self) -> int:
        """What all calls so far have cost: records looked at and blocks consulted."""
        return self._binary.work + self._tabular.work

    # The whole of it ---------------------------------------------------------------------

    def read(self, file_id: str) -> bytes:
        file = self._files.get(file_id)
        if file is None:
            raise KeyError(file_id)
        return file[1]

    def holdings(self) -> Holdings:
        return Holdings(
            self._binary.held, self._tabular.held, len(self._datasets), len(self._passwords)
        )

    def binary_rows(self) -> Iterator[BinaryRow]:
        for arrival, record in self._binary.rows():
            yield BinaryRow(arrival, record, self.read(record.file_id))

    def tabular_rows(self) -> Iterator[TabularRow]:
        return itertools.starmap(TabularRow, self._tabular.rows())

    def all_datasets(self) -> list[Dataset]:
        return list(self._datasets.values())

    def database_passwords(self) -> Mapping[str, str]:
        return self._passwords.copy()

    @property
    def arrivals(self) -> Arrivals:
        return Arrivals(self._binary.arrivals, self._tabular.arrivals)

    def dismantle(self) -> Iterator[None]:
        """Let go of everything, a piece at each step; the store is of no use afterwards."""
        yield from self._binary.dismantle()
        yield from self._tabular.dismantle()
        yield from self._files.dismantle()

    # Effects ------------------------------------------------------------------------------

    def _tell(self, *effects: StoreEvent) -> None:
        """Tell the sink what one write did; the write is answered when it has taken it."""
        if self.sink is not None and effects:
            self.sink.write(effects)

    def apply(self, effects: Iterable[StoreEvent]) -> None:
        sink, self.sink = self.sink, None
        try:
            for effect in effects:
                self._apply(effect)
        finally:
            self.sink = sink

    def _apply(self, effect: StoreEvent) -> None:  # noqa: C901 - a table of effects
        match effect:
            case BinaryAdded(rows):
                self._put_binary(list(rows))
            case TabularAdded(rows):
                self._put_tabular(list(rows))
            case BinaryDeleted(file_ids):
                self._remove(self._known(file_ids))
            case TabularDeleted(positions):
                self._tabular.remove(self._tabular.locate(map(key_of, positions)))
            case Changed(field, values):
                self._set_values(field, values)
            case BoxesChanged():
                self._set_boxes(effect)
            case DatasetPut(dataset):
                self._datasets[dataset.id] = dataset
            case DatasetDropped(dataset_id):
                del self._datasets[dataset_id]
            case PasswordSet(organization_id, password):
                self._passwords[organization_id] = password
            case ArrivalsSet(arrivals):
                self._binary.arrivals, self._tabular.arrivals = arrivals

    def _set_values(self, field: str, values: Mapping[str, tuple[str, ...]]) -> None:
        def change(record: BinaryRecord) -> BinaryRecord:
            return replace(record, **{field: values[record.file_id]})  # type: ignore[arg-type]

        self._binary.change(self._known(values), field, change)

    def _put_binary(self, rows: Sequence[BinaryRow]) -> None:
        keys = self._binary.put([row.arrival for row in rows], [row.record for row in rows])
        for key, row in zip(keys, rows, strict=True):
            self._files.put(row.record.file_id, (key, row.data))

    def _put_tabular(self, rows: Sequence[TabularRow]) -> None:
        self._tabular.put([row.arrival for row in rows], [row.record for row in rows])

    def _remove(self, marks: Marks) -> list[BinaryRecord]:
        removed = self._binary.remove(marks)
        for record in removed:
            self._files.drop(record.file_id)
        return removed

    def _set_boxes(self, effect: BoxesChanged) -> None:
        self._binary.change(
            self._known([effect.file_id]), "box_labels", lambda r: replace(r, boxes=effect.boxes)
        )

    def _known(self, file_ids: Iterable[str]) -> Marks:
        """Those of the files that there are."""
        files = map(self._files.get, file_ids)
        return self._binary.locate(file[0] for file in files if file is not None)
