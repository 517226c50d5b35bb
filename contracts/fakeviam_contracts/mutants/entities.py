"""What is wrong about what an organization keeps besides data and datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.entities import Entity
    from fakeviam_contracts.mutants.base import Memory, ReplyEdit


def changing(kind: type[Any], change: Callable[[MemoryStore, Any], Any]) -> type[MemoryStore]:
    """A store that changes entities of a kind before it keeps them."""

    class Changing(MemoryStore):
        def put_entities(self, *entities: Entity) -> bool:
            return super().put_entities(
                *(change(self, each) if isinstance(each, kind) else each for each in entities)
            )

    return Changing


def undeletable(kind: type[Any]) -> type[MemoryStore]:
    """A store that keeps entities of a kind for ever."""

    class Undeletable(MemoryStore):
        def drop_entities(self, *entities: Entity) -> None:
            super().drop_entities(*(each for each in entities if not isinstance(each, kind)))

    return Undeletable


def in_list(name: str, change: Callable[[list[Any]], object]) -> ReplyEdit:
    """An edit of a list of a reply as a whole."""

    def edit(_: object, reply: object, __: Memory) -> None:
        field = getattr(reply, name)
        entries = [type(each).FromString(each.SerializeToString()) for each in field]
        change(entries)
        del field[:]
        field.extend(entries)

    return edit


def make_unique(message: Any, memory: Memory) -> None:
    """Let a name be taken by nobody; `plain_name` shows it as it was sent."""
    if message.name.strip():
        memory["number"] = memory.get("number", 0) + 1
        message.name += f"\n{memory['number']}"


def plain_name(entity: Any) -> None:
    """Show a name as it was before it was made unique."""
    entity.name = entity.name.partition("\n")[0]
