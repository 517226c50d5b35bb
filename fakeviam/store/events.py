"""What writes do, as values.

A write is requested with filters and functions; its outcome is described here with ids and
values alone. So events can be kept and applied again later, by another version too: nothing in
them is evaluated anew.
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
    """Binary records that are gone, with their bytes."""

    file_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class TabularDeleted:
    """Readings that are gone."""

    positions: Sequence[Position]


@dataclass(frozen=True, slots=True)
class ListChanged:
    """One list of some binary records: file id → the new value."""

    field: ListField
    values: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class BoxesChanged:
    """The boxes of a binary record, all of them."""

    file_id: str
    boxes: tuple[BoundingBox, ...]


@dataclass(frozen=True, slots=True)
class DatasetPut:
    """A dataset that is new, or has another name."""

    dataset: Dataset


@dataclass(frozen=True, slots=True)
class DatasetDropped:
    """A dataset that is gone."""

    dataset_id: str


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """A database user, new or with another password."""

    organization_id: str
    password: str


@dataclass(frozen=True, slots=True)
class EntitiesPut:
    """Entities that are new, or have changed."""

    entities: Sequence[Entity]


@dataclass(frozen=True, slots=True)
class EntitiesDropped:
    """Entities of one kind that are gone."""

    kind: type[Entity]
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class ArrivalsSet:
    """Which arrivals come next; they count on when the newest records are deleted (PG-7)."""

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
    """The whole fleet."""

    fleet: FleetState


@dataclass(frozen=True, slots=True)
class FleetPut:
    """A part that is new or has another name; or metadata, new or replaced."""

    one: Part | Metadata


@dataclass(frozen=True, slots=True)
class KeysSet:
    """All API keys, each as a JSON object."""

    keys: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Cleared:
    """All data, datasets, database users and entities are gone."""


#: What a write does to a cloud.
Event = StoreEvent | FleetSet | FleetPut | KeysSet | Cleared


class Sink(Protocol):
    """Keeps what is written."""

    def commit(self, events: Sequence[Event], apply: Callable[[], object]) -> None:
        """Keep the events of one write, then call `apply`: both happen, or neither does.

        Raises:
            Refusal: They cannot be kept; `apply` was not called.
        """
