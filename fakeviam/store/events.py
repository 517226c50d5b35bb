"""The outcomes of writes, as values.

A write is requested with filters and functions; an event describes its outcome with ids and
values only. Events can therefore be stored and replayed, even by a later version: nothing in them
is evaluated again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.entities import Entity
    from fakeviam.model.fleet import FleetState, Metadata, Part
    from fakeviam.store.values import Arrivals, BinaryRow, ListField, Position, TabularRow


@dataclass(frozen=True, slots=True)
class BinaryAdded:
    """New binary records."""

    rows: Iterable[BinaryRow]


@dataclass(frozen=True, slots=True)
class TabularAdded:
    """New readings."""

    rows: Iterable[TabularRow]


@dataclass(frozen=True, slots=True)
class BinaryDeleted:
    """Deleted binary records, with their bytes."""

    file_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class TabularDeleted:
    """Deleted readings."""

    positions: Sequence[Position]


@dataclass(frozen=True, slots=True)
class ListChanged:
    """A changed list field of binary records: file id → the new value."""

    field: ListField
    values: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class BoxesChanged:
    """The complete new list of boxes of a binary record."""

    file_id: str
    boxes: tuple[BoundingBox, ...]


@dataclass(frozen=True, slots=True)
class DatasetPut:
    """A new or renamed dataset."""

    dataset: Dataset


@dataclass(frozen=True, slots=True)
class DatasetDropped:
    """A deleted dataset."""

    dataset_id: str


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """A new database user, or a new password."""

    organization_id: str
    password: str


@dataclass(frozen=True, slots=True)
class EntitiesPut:
    """New or changed entities."""

    entities: Sequence[Entity]


@dataclass(frozen=True, slots=True)
class EntitiesDropped:
    """Deleted entities of one kind."""

    kind: type[Entity]
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class ArrivalsSet:
    """The next arrival numbers; deleting the newest records does not decrease them (PG-7)."""

    arrivals: Arrivals


StoreEvent = (
    BinaryAdded
    | TabularAdded
    | BinaryDeleted
    | TabularDeleted
    | ListChanged
    | BoxesChanged
    | DatasetPut
    | DatasetDropped
    | PasswordSet
    | EntitiesPut
    | EntitiesDropped
    | ArrivalsSet
)


@dataclass(frozen=True, slots=True)
class FleetSet:
    """The complete fleet."""

    fleet: FleetState


@dataclass(frozen=True, slots=True)
class FleetPut:
    """A new or renamed part, or new or replaced metadata."""

    one: Part | Metadata


@dataclass(frozen=True, slots=True)
class KeysSet:
    """All API keys, each as a JSON object."""

    keys: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Cleared:
    """The deletion of all data, datasets, database users and entities."""


#: An event of a cloud: of its store or of its fleet and keys.
Event = StoreEvent | FleetSet | FleetPut | KeysSet | Cleared


class Sink(Protocol):
    """Persists writes."""

    def commit(self, events: Sequence[Event], apply: Callable[[], object]) -> None:
        """Persist the events of one write, then call `apply`: both succeed, or neither happens.

        Raises:
            Refusal: The events cannot be persisted; `apply` was not called.
        """
