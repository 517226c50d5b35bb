"""The data models of log entries; `encoding.py` writes them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, Strict

from fakeviam.archive.entities import KindName, entity_of
from fakeviam.archive.lines import damaged
from fakeviam.archive.models import (
    ArrivalsRow,
    BoxRow,
    CountersRow,
    DatasetRow,
    KeyRow,
    Time,
    UserRow,
    checked_row,
    fleet_of,
)
from fakeviam.model.entities import KINDS
from fakeviam.store.events import (
    ArrivalsSet,
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
    TabularDeleted,
)
from fakeviam.store.values import Arrivals, Position
from fakeviam.validation.models import Model
from fakeviam.validation.types import Many, Omittable, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.archive.rows import Row


class HeaderRow(Model):
    """The first entry, which describes the log. The seed is text: it may exceed 64 bits."""

    n: Size
    at: str
    format: str
    version: Size
    fakeviam: str
    seed: Annotated[str, Field(pattern="^-?[0-9]{1,400}$")]


class EntryRow(Model):
    """Any other entry: rows of the initial state, or of one write.

    Attributes:
        n: Its number, from 1.
        at: When it was written, ISO 8601.
        state: Rows of the initial state.
        do: Rows of one write.
        ids: The counters of ids, if they have changed; they also end the initial state.
    """

    n: Size
    at: str
    state: Omittable[Many[dict[str, object]]] = None
    do: Omittable[Many[dict[str, object]]] = None
    ids: Omittable[CountersRow] = None


class _FilesDeleted(Model):
    file_ids: Many[str]


class _ReadingsDeleted(Model):
    positions: Many[Annotated[tuple[Time, Size], Strict(strict=False)]]


class _ListsChanged(Model):
    values: dict[str, Many[str]]


class _BoxesChanged(Model):
    file_id: str
    boxes: Many[BoxRow]


class _DatasetDropped(Model):
    id: str


class _EntitiesPut(Model):
    entities: Many[dict[str, object]]


class _EntitiesDropped(Model):
    kind: KindName
    ids: Many[str]


class _Fleet(Model):
    fleet: Many[dict[str, object]]


class _Keys(Model):
    keys: Many[dict[str, object]]


class _Nothing(Model):
    pass


#: Self-contained kinds of rows: the model of each, and the event that it represents.
_SIMPLE: Mapping[str, tuple[type[Model], Callable[[Any], Event]]] = MappingProxyType(
    {
        "delete_binary": (_FilesDeleted, lambda row: BinaryDeleted(row.file_ids)),
        "delete_tabular": (
            _ReadingsDeleted,
            lambda row: TabularDeleted([Position(*each) for each in row.positions]),
        ),
        "set_tags": (_ListsChanged, lambda row: ListChanged("tags", row.values)),
        "set_dataset_ids": (_ListsChanged, lambda row: ListChanged("dataset_ids", row.values)),
        "set_boxes": (
            _BoxesChanged,
            lambda row: BoxesChanged(row.file_id, tuple(each.box for each in row.boxes)),
        ),
        "put_dataset": (DatasetRow, lambda row: DatasetPut(row.dataset)),
        "drop_dataset": (_DatasetDropped, lambda row: DatasetDropped(row.id)),
        "drop_entities": (
            _EntitiesDropped,
            lambda row: EntitiesDropped(KINDS[row.kind], row.ids),
        ),
        "set_password": (UserRow, lambda row: PasswordSet(row.organization_id, row.password)),
        "set_arrivals": (ArrivalsRow, lambda row: ArrivalsSet(Arrivals(**dict(row)))),
        "clear": (_Nothing, lambda _: Cleared()),
    }
)


def event_of(op: str, row: Row, where: str) -> Event:
    """The event of a row other than an added record; `op` was removed from the row.

    Raises:
        DamageError: The row is invalid.
    """
    if op == "set_fleet":
        rows = checked_row(_Fleet, row, where).fleet
        return FleetSet(fleet_of((each, f"{where}, fleet") for each in rows))
    if op in ("put_part", "put_metadata"):
        kind = op.removeprefix("put_")
        fleet = fleet_of([(row, where)])
        if row["kind"] != kind:
            raise damaged(where, f"kind must be {kind!r}, got {row['kind']!r}")
        return FleetPut(fleet.parts[0] if kind == "part" else fleet.metadata[0])
    if op == "set_keys":
        keys = checked_row(_Keys, row, where).keys
        for number, each in enumerate(keys, 1):
            checked_row(KeyRow, each, f"{where}, API key {number}")
        return KeysSet(keys)
    if op == "put_entities":
        found = checked_row(_EntitiesPut, row, where).entities
        return EntitiesPut([entity_of(each, where) for each in found])
    if op not in _SIMPLE:
        raise damaged(where, f"op must be an event known to this version of fakeviam, got {op!r}")
    model, convert = _SIMPLE[op]
    return convert(checked_row(model, row, where))
