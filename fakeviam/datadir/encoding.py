"""Converts events to JSON objects and back."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from fakeviam.archive.entity_rows import entity_row
from fakeviam.archive.lines import time_text
from fakeviam.archive.models import BinaryRecordRow, SourceRow, TabularRecordRow, checked_row
from fakeviam.archive.rows import (
    Sources,
    annotation_row,
    binary_row,
    dataset_row,
    fleet_row,
    fleet_rows,
    source_row,
    tabular_row,
)
from fakeviam.datadir.models import event_of
from fakeviam.model.entities import KIND_NAMES
from fakeviam.store.events import (
    ArrivalsSet,
    BinaryAdded,
    BinaryDeleted,
    BoxesChanged,
    Cleared,
    DatasetDropped,
    DatasetPut,
    EntitiesDropped,
    EntitiesPut,
    Event,
    FleetPut,
    FleetSet,
    KeysSet,
    ListChanged,
    PasswordSet,
    TabularAdded,
    TabularDeleted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fakeviam.archive.blobs import Blobs
    from fakeviam.archive.rows import Row
    from fakeviam.model.records import Source


class EventCoder:
    """Encodes and decodes the events of one log, which describes each source once."""

    def __init__(self, blobs: Blobs) -> None:
        """Store bytes in `blobs`."""
        self._blobs = blobs
        self._sources = Sources()
        self._written: set[str] = set()
        self._new: set[str] = set()

    def rows(self, event: Event) -> Iterator[Row]:
        """Encode an event. Bytes are stored before a row refers to them."""
        match event:
            case BinaryAdded(rows):
                for row in rows:
                    yield from self._source(row.record.source)
                    digest = self._blobs.put(row.data)
                    yield {"op": "add_binary"} | binary_row(row, self._sources, digest)
            case TabularAdded(rows):
                for reading in rows:
                    yield from self._source(reading.record.source)
                    yield {"op": "add_tabular"} | tabular_row(reading, self._sources)
            case _:
                yield _row(event)

    def settle(self) -> None:
        """Confirm that all rows so far were written."""
        self._written |= self._new
        self._new.clear()
        self._blobs.settle()

    def undo(self) -> None:
        """Forget the rows since the last `settle`: they were not written."""
        self._new.clear()
        self._blobs.undo()

    def _source(self, source: Source) -> Iterator[Row]:
        name = self._sources.name(source)
        if name not in self._written and name not in self._new:
            self._new.add(name)
            yield {"op": "source", "name": name, **source_row(source)}

    def events(self, rows: Iterable[Row], where: str) -> Iterator[Event]:
        """Decode rows at `where`; adjacent rows that add records are combined into one event.

        Raises:
            DamageError: A row is invalid.
        """
        for op, group in groupby(self._without_sources(rows, where), key=itemgetter(0)):
            if op == "add_binary":
                models = [checked_row(BinaryRecordRow, row, where) for _, row in group]
                yield BinaryAdded([m.stored(self._sources, self._blobs, where) for m in models])
            elif op == "add_tabular":
                readings = [checked_row(TabularRecordRow, row, where) for _, row in group]
                yield TabularAdded([reading.stored(self._sources, where) for reading in readings])
            else:
                for _, row in group:
                    yield event_of(op, row, where)

    def _without_sources(self, rows: Iterable[Row], where: str) -> Iterator[tuple[str, Row]]:
        """Remember the rows that describe sources; yield the others with their operation."""
        for row in rows:
            op = str(row.pop("op", ""))
            if op == "source":
                model = checked_row(SourceRow, row, where)
                self._sources.put(model.name, model.source)
                self._written.add(model.name)
            else:
                yield op, row


def _row(event: Event) -> Row:  # noqa: PLR0911 - a table
    """What happened to data."""
    match event:
        case BinaryDeleted(file_ids):
            return {"op": "delete_binary", "file_ids": list(file_ids)}
        case TabularDeleted(positions):
            places = [[time_text(one.time), one.arrival] for one in positions]
            return {"op": "delete_tabular", "positions": places}
        case ListChanged(field, values):
            return {"op": f"set_{field}", "values": {key: list(of) for key, of in values.items()}}
        case BoxesChanged(file_id, boxes):
            return {
                "op": "set_boxes",
                "file_id": file_id,
                "boxes": [annotation_row(b) for b in boxes],
            }
        case DatasetPut(dataset):
            return {"op": "put_dataset", **dataset_row(dataset)}
        case DatasetDropped(dataset_id):
            return {"op": "drop_dataset", "id": dataset_id}
        case EntitiesPut(entities):
            return {"op": "put_entities", "entities": [entity_row(each) for each in entities]}
        case EntitiesDropped(kind, ids):
            return {"op": "drop_entities", "kind": KIND_NAMES[kind], "ids": list(ids)}
        case ArrivalsSet(arrivals):
            return {"op": "set_arrivals", **arrivals._asdict()}
    return _account_row(event)


def _account_row(event: Event) -> Row:
    """What happened to those who own data, or to everything."""
    match event:
        case FleetSet(fleet):
            return {"op": "set_fleet", "fleet": list(fleet_rows(fleet))}
        case FleetPut(one):
            row = fleet_row(one)
            return {"op": f"put_{row['kind']}", **row}
        case PasswordSet(organization_id, password):
            return {"op": "set_password", "organization_id": organization_id, "password": password}
        case KeysSet(keys):
            return {"op": "set_keys", "keys": list(keys)}
        case Cleared():
            return {"op": "clear"}
    raise TypeError(event)
