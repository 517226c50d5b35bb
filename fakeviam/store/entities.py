"""Entities in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fakeviam.store.base import Store
from fakeviam.store.events import EntitiesDropped, EntitiesPut
from fakeviam.store.shards import ShardedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fakeviam.model.entities import Entity, Kind
    from fakeviam.store.events import StoreEvent

    #: The kind and the owner of some entities.
    _Group = tuple[type[object], str]


class Entities:
    """Entities by id, and per owner in order of creation.

    Forks share both levels; a write copies the tables of the owner it changes (copy-on-write).
    """

    def __init__(self) -> None:
        """Create an empty collection."""
        self._by_id: ShardedDict[Entity] = ShardedDict()
        self._groups: dict[_Group, dict[str, Entity]] = {}
        self._own: set[_Group] = set()

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def __iter__(self) -> Iterator[Entity]:
        # Sorted, so that stores with equal contents give equal replies (AR-1).
        for group in sorted(self._groups, key=lambda group: (group[0].__name__, group[1])):
            yield from self._groups[group].values()

    def fork(self) -> Entities:
        """Return an independent copy."""
        twin = Entities()
        twin._by_id = self._by_id.fork()
        twin._groups = self._groups.copy()
        self._own = set()
        return twin

    def get(self, kind: type[object], entity_id: str) -> Entity | None:
        """The entity with this kind and id, if there is one."""
        return self._by_id.get(_key(kind, entity_id))

    def of(self, kind: type[object], owner: str | None) -> Iterator[Entity]:
        """The entities of a kind, of one owner or all."""
        if owner is not None:
            yield from self._groups.get((kind, owner), {}).values()
            return
        for (its_kind, _), group in self._groups.items():
            if its_kind is kind:
                yield from group.values()

    def is_taken(self, entity: Entity) -> bool:
        """Whether another entity of its kind and owner has the same unique value."""
        others = self.of(type(entity), entity.owner) if entity.unique else ()
        return any(one.unique == entity.unique and one.id != entity.id for one in others)

    def put(self, entities: Iterable[Entity]) -> None:
        """Store entities, replacing those with the same id."""
        for entity in entities:
            self._by_id.put(_key(type(entity), entity.id), entity)
            self._writable((type(entity), entity.owner))[entity.id] = entity

    def drop(self, kind: type[object], ids: Iterable[str]) -> None:
        """Delete entities; a KeyError names one that does not exist."""
        for entity_id in ids:
            entity = self.get(kind, entity_id)
            if entity is None:
                raise KeyError(entity_id)
            self._by_id.drop(_key(kind, entity_id))
            group = self._writable((kind, entity.owner))
            del group[entity_id]
            if not group:
                del self._groups[kind, entity.owner]

    def _writable(self, group: _Group) -> dict[str, Entity]:
        if group not in self._own or group not in self._groups:
            self._own.add(group)
            self._groups[group] = self._groups.get(group, {}).copy()
        return self._groups[group]


def _key(kind: type[object], entity_id: str) -> str:
    return f"{kind.__name__} {entity_id}"


class EntityStore(Store):
    """The part of an in-memory store that holds entities."""

    def __init__(self) -> None:
        """Create a store without entities."""
        self._entities = Entities()

    def _commit(self, events: Iterable[StoreEvent], apply: Callable[[], object]) -> None:
        """Persist a write, then apply it. Without a sink, the events are not even built."""
        if self.sink is not None and (entries := list(events)):
            self.sink.commit(entries, apply)
        else:
            apply()

    def put_entities(self, *entities: Entity) -> bool:
        if any(map(self._entities.is_taken, entities)):
            return False
        self._commit([EntitiesPut(entities)], lambda: self._entities.put(entities))
        return True

    def swap_entities(self, before: Kind, after: Kind, *others: Entity) -> bool:
        is_there = self._entities.get(type(before), before.id) == before
        return is_there and self.put_entities(after, *others)

    def change_entities(self, entities: Iterable[Kind], change: Callable[[Kind], Kind]) -> None:
        # This store has a single writer, so one commit makes the swap atomic.
        self.put_entities(*map(change, entities))

    def drop_entities(self, *entities: Entity) -> None:
        dropped = list(_dropped(entities))

        def apply() -> None:
            for event in dropped:
                self._entities.drop(event.kind, event.ids)

        self._commit(dropped, apply)

    def entity(self, kind: type[Kind], entity_id: str) -> Kind | None:
        return cast("Kind | None", self._entities.get(kind, entity_id))

    def entities(self, kind: type[Kind], owner: str | None = None) -> list[Kind]:
        return cast("list[Kind]", list(self._entities.of(kind, owner)))

    def all_entities(self) -> Iterator[Entity]:
        return iter(self._entities)


def _dropped(entities: Iterable[Entity]) -> Iterator[EntitiesDropped]:
    by_kind: dict[type[Entity], list[str]] = {}
    for entity in entities:
        by_kind.setdefault(type(entity), []).append(entity.id)
    for kind, ids in by_kind.items():
        yield EntitiesDropped(kind, ids)
