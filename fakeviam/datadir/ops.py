"""Effects as JSON objects, and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from fakeviam.archive.lines import Fields, time_text
from fakeviam.archive.rows import (
    Sources,
    annotation_row,
    binary_from,
    binary_row,
    boxes_from,
    dataset_from,
    dataset_row,
    fleet_row,
    part_from,
    source_from,
    source_row,
    tabular_from,
    tabular_row,
)
from fakeviam.store.events import (
    BinaryAdded,
    BinaryDeleted,
    BoxesChanged,
    DatasetDropped,
    DatasetPut,
    ListChanged,
    PasswordSet,
    StoreEvent,
    TabularAdded,
    TabularDeleted,
)
from fakeviam.store.values import BinaryRow, Position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fakeviam.archive.blobs import Blobs
    from fakeviam.archive.rows import Row
    from fakeviam.model.fleet import Part
    from fakeviam.model.records import Source


@dataclass(frozen=True, slots=True)
class PartPut:
    """A part that is new, or has another name."""

    part: Part


@dataclass(frozen=True, slots=True)
class KeysSet:
    """All API keys, each as a JSON object."""

    keys: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Cleared:
    """All data, datasets and database users are gone."""


Step = StoreEvent | PartPut | KeysSet | Cleared


class Coder:
    """Writes and reads the steps of one log, in which each source is told once."""

    def __init__(self, blobs: Blobs) -> None:
        """Keep bytes in `blobs`."""
        self._blobs = blobs
        self._sources = Sources()

    def rows(self, step: Step) -> Iterator[Row]:
        """The objects that say a step. Bytes are kept before they are named."""
        match step:
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
                yield _row(step)

    def _source(self, source: Source) -> Iterator[Row]:
        if source not in self._sources:
            yield {"op": "source", "name": self._sources.name(source), **source_row(source)}

    def steps(self, fields: Fields) -> Iterator[Step]:
        """The step that an object says; none if it only tells a source.

        Raises:
            DamageError: It says none.
        """
        op = fields.text("op")
        if op == "source":
            self._sources.put(fields.text("name"), source_from(fields))
        elif op == "add_binary":
            digest = fields.text("sha256")
            data = self._blobs.get(digest, fields.where)
            yield BinaryAdded([BinaryRow(*binary_from(fields, self._sources), data)])
        elif op == "add_tabular":
            yield TabularAdded([tabular_from(fields, self._sources)])
        elif op in _READ:
            yield _READ[op](fields)
        else:
            raise fields.wrong("op", "a step that this fakeviam knows", op)
        fields.done()


def _row(step: Step) -> Row:  # noqa: C901, PLR0911 - a table
    match step:
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
        case PasswordSet(organization_id, password):
            return {"op": "set_password", "organization_id": organization_id, "password": password}
        case PartPut(part):
            return {"op": "put_part", **fleet_row(part)}
        case KeysSet(keys):
            return {"op": "set_keys", "keys": list(keys)}
        case Cleared():
            return {"op": "clear"}
    raise TypeError(step)


def _positions_from(fields: Fields) -> TabularDeleted:
    places = [
        Fields({"time": time, "arrival": arrival}, f"{fields.where}, positions")
        for time, arrival in fields.pairs("positions")
    ]
    return TabularDeleted([Position(one.time("time"), one.number("arrival")) for one in places])


def _changed_from(field: Literal["tags", "dataset_ids"], fields: Fields) -> ListChanged:
    inner = fields.inner("values")
    return ListChanged(field, {name: inner.texts(name) for name in inner.names()})


def _part_from(fields: Fields) -> PartPut:
    kind = fields.text("kind")
    if kind != "part":
        raise fields.wrong("kind", "'part'", kind)
    return PartPut(part_from(fields))


def _keys_from(fields: Fields) -> KeysSet:
    keys = [Fields(one, f"{fields.where}, keys") for one in fields.items("keys")]
    return KeysSet(tuple(one.rest() for one in keys))


_READ: MappingProxyType[str, Callable[[Fields], Step]] = MappingProxyType(
    {
        "delete_binary": lambda fields: BinaryDeleted(fields.texts("file_ids")),
        "delete_tabular": _positions_from,
        "set_tags": partial(_changed_from, "tags"),
        "set_dataset_ids": partial(_changed_from, "dataset_ids"),
        "set_boxes": lambda fields: BoxesChanged(fields.text("file_id"), boxes_from(fields)),
        "put_dataset": lambda fields: DatasetPut(dataset_from(fields)),
        "drop_dataset": lambda fields: DatasetDropped(fields.text("id")),
        "set_password": lambda fields: PasswordSet(
            fields.text("organization_id"), fields.text("password")
        ),
        "put_part": _part_from,
        "set_keys": _keys_from,
        "clear": lambda _: Cleared(),
    }
)
