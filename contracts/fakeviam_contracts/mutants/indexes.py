"""Wrong servers: custom indexes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import MemoryStore
from fakeviam.model.entities import CustomIndex
from fakeviam.wire import data
from fakeviam_contracts.mutants.access import empty_reply
from fakeviam_contracts.mutants.base import (
    Mutant,
    on_exchange,
    on_refusal,
    on_reply,
    on_request,
    only_first,
    refusing,
    with_store,
)
from fakeviam_contracts.mutants.entities import changing, in_list, undeletable

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.entities import Entity
    from fakeviam_contracts.mutants.base import Memory, ReplyEdit

CREATE, LIST, DELETE = "CreateIndex", "ListIndexes", "DeleteIndex"


class _DropsAll(MemoryStore):
    def drop_entities(self, *entities: Entity) -> None:
        super().drop_entities(*entities)
        for entity in entities:
            if isinstance(entity, CustomIndex):
                super().drop_entities(*self.entities(CustomIndex, entity.owner))


def _on_the_hot_store(_: MemoryStore, index: CustomIndex) -> CustomIndex:
    return replace(index, collection="hot_store", pipeline_id="")


def _custom(change: Callable[[Any], object]) -> ReplyEdit:
    """An edit of each custom index in a reply."""

    def edit(indexes: list[Any]) -> None:
        for index in indexes:
            if index.index_name != "_id_":
                change(index)

    return in_list("indexes", edit)


def _only(*names: str) -> Callable[[list[Any]], object]:
    def change(indexes: list[Any]) -> None:
        indexes[:] = [each for each in indexes if each.index_name in names]

    return change


def _without(name: str) -> Callable[[list[Any]], object]:
    def change(indexes: list[Any]) -> None:
        indexes[:] = [each for each in indexes if each.index_name != name]

    return change


def _in_json(index: Any) -> None:
    import bson  # noqa: PLC0415 - with the first index

    specs = [each for each in index.index_spec if not each.startswith(b"{")]
    index.index_spec[:] = [json.dumps(bson.decode(each)).encode() for each in specs]


def _in_bson(message: Any, _: Memory) -> None:
    if any(each.startswith(b"{") for each in message.index_spec):
        raise GRPCError(Status.INVALID_ARGUMENT, "an index is specified in BSON")


def _first_key(message: Any, _: Memory) -> None:
    import bson  # noqa: PLC0415
    from bson.errors import BSONError  # noqa: PLC0415

    try:
        first = bson.decode(message.index_spec[0])
    except (BSONError, IndexError):
        return
    if len(first) > 1 and "key" not in first:
        message.index_spec[0] = bson.encode(dict([next(iter(first.items()))]))


#: Servers that deviate without breaking a binding clause.
LEGAL: tuple[Mutant, ...] = (
    on_reply("shows indexes in JSON", "IX-2", _custom(_in_json), LIST),
    on_request("takes indexes in BSON alone", "IX-3", _in_bson, CREATE),
    on_refusal("does not mind that an index is there", "IX-6", empty_reply),
)

MUTANTS: tuple[Mutant, ...] = (
    with_store("keeps indexes that were deleted", "IX-1", undeletable(CustomIndex)),
    with_store("deletes all indexes at once", "IX-1", _DropsAll),
    with_store("puts all indexes on the hot store", "IX-1",
               changing(CustomIndex, _on_the_hot_store)),
    on_reply("lists no custom indexes", "IX-1", in_list("indexes", _only("_id_")), LIST),
    on_reply("takes custom indexes for Viam's", "IX-1",
             _custom(lambda i: setattr(i, "created_by", data.INDEX_CREATOR_VIAM)), LIST),
    on_reply("does not say where indexes are", "IX-1",
             _custom(lambda i: i.ClearField("collection_type")), LIST),
    on_reply("does not say whose sink has indexes", "IX-1",
             _custom(lambda i: i.ClearField("pipeline_name")), LIST),
    on_request("indexes the first key alone", "IX-2", _first_key, CREATE),
    on_request("ignores options of indexes", "IX-2", only_first("index_spec"), CREATE),
    on_exchange("calls indexes otherwise", "IX-3",
                {DELETE: lambda m, _: setattr(m, "index_name", m.index_name.removeprefix("ix "))},
                {LIST: _custom(lambda i: setattr(i, "index_name", f"ix {i.index_name}"))}),
    on_refusal("makes indexes of anything", "IX-3", empty_reply),
    on_refusal("has indexes anywhere", "IX-4", empty_reply),
    on_reply("has no index of MongoDB's", "IX-5",
             in_list("indexes", _without("_id_")), LIST),
    on_refusal("deletes MongoDB's index", "IX-5", empty_reply),
    on_refusal("deletes indexes of nobody", "IX-7", empty_reply),
    on_refusal("does not say which indexes there are", "IX-7", refusing(Status.NOT_FOUND)),
    *LEGAL,
)  # fmt: skip
