"""Helpers for wrong servers that store entities wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.entities import Entity
    from fakeviam_contracts.mutants.base import Memory, ReplyEdit


def changing(kind: type[Any], change: Callable[[MemoryStore, Any], Any]) -> type[MemoryStore]:
    """A store that changes entities of a kind before it stores them."""

    class Changing(MemoryStore):
        def put_entities(self, *entities: Entity) -> bool:
            return super().put_entities(
                *(change(self, each) if isinstance(each, kind) else each for each in entities)
            )

    return Changing


def undeletable(kind: type[Any]) -> type[MemoryStore]:
    """A store that never deletes entities of a kind."""

    class Undeletable(MemoryStore):
        def drop_entities(self, *entities: Entity) -> None:
            super().drop_entities(*(each for each in entities if not isinstance(each, kind)))

    return Undeletable


def in_list(name: str, change: Callable[[list[Any]], object]) -> ReplyEdit:
    """An edit of a whole list in a reply."""

    def edit(_: object, reply: object, __: Memory) -> None:
        field = getattr(reply, name)
        entries = [type(each).FromString(each.SerializeToString()) for each in field]
        change(entries)
        del field[:]
        field.extend(entries)

    return edit


def make_unique(message: Any, memory: Memory) -> None:
    """Make a name unique, so that it is never taken; `plain_name` restores it."""
    if message.name.strip():
        memory["number"] = memory.get("number", 0) + 1
        message.name += f"\n{memory['number']}"


def plain_name(entity: Any) -> None:
    """Restore a name that was made unique."""
    entity.name = entity.name.partition("\n")[0]
