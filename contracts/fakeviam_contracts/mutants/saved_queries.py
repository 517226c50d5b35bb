"""Wrong servers: saved queries."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from grpclib.const import Status

from fakeviam import MemoryStore
from fakeviam.model.entities import SavedQuery
from fakeviam_contracts.mutants.access import empty_reply
from fakeviam_contracts.mutants.base import (
    Mutant,
    in_each,
    on_exchange,
    on_refusal,
    on_reply,
    on_request,
    only_first,
    refusing,
    with_store,
)
from fakeviam_contracts.mutants.entities import (
    changing,
    in_list,
    make_unique,
    plain_name,
    undeletable,
)

if TYPE_CHECKING:
    from fakeviam.model.entities import Entity, Kind
    from fakeviam_contracts.mutants.base import Memory

CREATE, UPDATE, DELETE = "CreateSavedQuery", "UpdateSavedQuery", "DeleteSavedQuery"
GET, LIST, MQL = "GetSavedQuery", "ListSavedQueries", "TabularDataByMQL"

#: An edit of each query in a reply.
_query = partial(in_each, "queries", "saved_query")


class _ChangesAll(MemoryStore):
    """Changing the stages of one query changes all of them."""

    def put_entities(self, *entities: Entity) -> bool:
        for changed in entities:
            if isinstance(changed, SavedQuery) and self.entity(SavedQuery, changed.id):
                others = self.entities(SavedQuery, changed.owner)
                super().put_entities(*(replace(one, stages=changed.stages) for one in others))
        return super().put_entities(*entities)


class _Everybodys(MemoryStore):
    """All organizations share one list of saved queries."""

    def entities(self, kind: type[Kind], owner: str | None = None) -> list[Kind]:
        return super().entities(kind, None if kind is SavedQuery else owner)


class _NamesOnce(MemoryStore):
    """Names are unique across organizations."""

    def put_entities(self, *entities: Entity) -> bool:
        names = {(one.name, one.owner) for one in self.entities(SavedQuery)}
        for new in entities:
            if isinstance(new, SavedQuery) and any(
                name == new.name and owner != new.owner for name, owner in names
            ):
                return False
        return super().put_entities(*entities)


def _created_again(_: MemoryStore, query: SavedQuery) -> SavedQuery:
    return replace(query, time_created=query.time_updated)


def _wants_both(message: Any, _: Memory) -> None:
    if not (message.name and message.mql_binary):
        refusing(Status.INVALID_ARGUMENT)()


def _remember(message: Any, memory: Memory) -> None:
    memory[message.name] = list(message.mql_binary)


def _behind(message: Any, memory: Memory) -> None:
    if message.query_prefix_name in memory:
        message.mql_binary.extend(memory[message.query_prefix_name])
        message.ClearField("query_prefix_name")


#: Servers that deviate without breaking a binding clause.
LEGAL: tuple[Mutant, ...] = (
    on_reply("lists the newest saved query first", "SA-6", in_list("queries", list.reverse), LIST),
    on_request("wants names and stages for saved queries", "SA-5", _wants_both, UPDATE),
)


def _never_free() -> Mutant:
    """The former name of a saved query remains taken."""

    def created(request: Any, reply: Any, memory: Memory) -> None:
        memory[reply.id] = request.name

    def changed(request: Any, _: object, memory: Memory) -> None:
        if request.name:
            memory.setdefault("taken", set()).add(memory[request.id])
            memory[request.id] = request.name

    def creating(message: Any, memory: Memory) -> None:
        if message.name in memory.get("taken", ()):
            refusing(Status.ALREADY_EXISTS)()

    return on_exchange("never frees the name of a saved query", "SA-1", {CREATE: creating},
                       {CREATE: created, UPDATE: changed})  # fmt: skip


MUTANTS: tuple[Mutant, ...] = (
    on_request("saves the first stage alone", "SA-1", only_first("mql_binary"), CREATE),
    on_request("changes the first stage alone", "SA-1", only_first("mql_binary"), UPDATE),
    with_store("keeps saved queries that were deleted", "SA-1", undeletable(SavedQuery)),
    with_store("changes the stages of all saved queries", "SA-1", _ChangesAll),
    with_store("shows saved queries to all organizations", "SA-1", _Everybodys),
    with_store("has names of saved queries once for all", "SA-2", _NamesOnce),
    with_store("forgets when queries were saved", "SA-1",
               changing(SavedQuery, _created_again)),
    on_reply("saves names in capitals", "SA-1",
             _query(lambda q: setattr(q, "name", q.name.upper())), GET, LIST),
    on_reply("does not say whose saved queries are", "SA-1",
             _query(lambda q: q.ClearField("organization_id")), GET, LIST),
    on_reply("does not say when queries were saved", "SA-1",
             _query(lambda q: q.ClearField("created_on")), GET),
    on_reply("lists saved queries without stages", "SA-1",
             _query(lambda q: q.ClearField("mql_binary")), LIST),
    on_reply("lists all saved queries but the last", "SA-1",
             in_list("queries", lambda q: q.pop()), LIST),
    on_exchange("saves queries of one name", "SA-2",
                {CREATE: make_unique, UPDATE: make_unique},
                dict.fromkeys((GET, LIST), _query(plain_name))),
    on_refusal("saves what is no query", "SA-3", empty_reply),
    on_refusal("gets saved queries of nobody", "SA-4", empty_reply),
    on_request("changes names of saved queries alone", "SA-1",
               lambda m, _: m.ClearField("mql_binary"), UPDATE),
    on_refusal("lists fewer saved queries than none", "SA-6", empty_reply),
    on_request("lists saved queries without a limit", "SA-6",
               lambda m, _: m.ClearField("limit"), LIST),
    on_refusal("puts nothing before queries for unknown names", "MQ-9", empty_reply),
    on_request("asks without the saved query", "MQ-12",
               lambda m, _: m.ClearField("query_prefix_name"), MQL),
    on_exchange("asks the saved query last", "MQ-12", {CREATE: _remember, MQL: _behind}, {}),
    on_reply("does not say when queries were changed", "SA-5",
             _query(lambda q: q.updated_at.CopyFrom(q.created_on)), GET),
    _never_free(),
    *LEGAL,
)  # fmt: skip
