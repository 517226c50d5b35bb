"""Wrong servers: creating, listing and changing data pipelines."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from grpclib.const import Status

from fakeviam import MemoryStore
from fakeviam.model.entities import DataPipeline
from fakeviam_contracts.mutants.access import LOGIN, empty_reply, first_key
from fakeviam_contracts.mutants.base import (
    Mutant,
    in_each,
    on_exchange,
    on_refusal,
    on_reply,
    on_request,
    refusing,
    with_store,
)
from fakeviam_contracts.mutants.entities import changing, make_unique, plain_name, undeletable

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Memory

CREATE, GET, LIST = "CreateDataPipeline", "GetDataPipeline", "ListDataPipelines"
RENAME, ENABLE, DISABLE = "RenameDataPipeline", "EnableDataPipeline", "DisableDataPipeline"

#: An edit of each pipeline in a reply.
_pipeline = partial(in_each, "data_pipelines", "data_pipeline")


def _disables_others(store: MemoryStore, pipeline: DataPipeline) -> DataPipeline:
    if not pipeline.enabled:
        others = store.entities(DataPipeline, pipeline.owner)
        MemoryStore.put_entities(store, *(replace(one, enabled=False) for one in others))
    return pipeline


def _enabled_by_name(store: MemoryStore, pipeline: DataPipeline) -> DataPipeline:
    """A renamed pipeline gets a new id."""
    old = store.entity(DataPipeline, pipeline.id)
    renamed = old is not None and old.name != pipeline.name
    return replace(pipeline, schedule="0 * * * *") if renamed else pipeline


def _taken_for_ever(message: Any, memory: Memory) -> None:
    names = memory.setdefault("names", set())
    if message.name in names:
        refusing(Status.ALREADY_EXISTS)()
    if message.name.strip():
        names.add(message.name)


def _last_stage(message: Any, _: Memory) -> None:
    del message.mql_binary[:-1]


def _toggle(message: Any, memory: Memory) -> None:
    """Refuse to disable a pipeline that is already disabled."""
    if memory.get("disabled") == message.id:
        refusing(Status.FAILED_PRECONDITION)()
    memory["disabled"] = message.id


#: Servers that deviate without breaking a binding clause.
LEGAL: tuple[Mutant, ...] = (
    on_exchange("does not disable pipelines twice", "DP-15",
                {DISABLE: _toggle, ENABLE: lambda _, memory: memory.clear()}, {}),
    on_refusal("calls pipelines of nobody INVALID_ARGUMENT", "DP-12",
               refusing(Status.INVALID_ARGUMENT)),
)  # fmt: skip

MUTANTS: tuple[Mutant, ...] = (
    with_store("keeps pipelines that were deleted", "DP-1", undeletable(DataPipeline)),
    with_store("creates pipelines disabled", "DP-1", changing(DataPipeline,
        lambda store, p: p if store.entity(DataPipeline, p.id) else replace(p, enabled=False))),
    with_store("disables all pipelines at once", "DP-1", changing(DataPipeline, _disables_others)),
    with_store("has another schedule after a rename", "DP-1",
               changing(DataPipeline, _enabled_by_name)),
    on_request("keeps the last stage of a pipeline alone", "DP-1", _last_stage, CREATE),
    on_request("runs all pipelines on the standard store", "DP-1",
               lambda m, _: m.ClearField("data_source_type"), CREATE),
    on_reply("keeps names of pipelines in capitals", "DP-1",
             _pipeline(lambda p: setattr(p, "name", p.name.upper())), GET, LIST),
    on_reply("does not say when pipelines run", "DP-1",
             _pipeline(lambda p: p.ClearField("schedule")), GET),
    on_reply("does not say which pipelines are enabled", "DP-1",
             _pipeline(lambda p: p.ClearField("enabled")), LIST),
    on_reply("lists the newest pipeline alone", "DP-1",
             lambda _, reply, __: reply.data_pipelines.__delitem__(slice(0, -1)), LIST),
    on_reply("does not say whose pipelines are", "DP-1",
             _pipeline(lambda p: p.ClearField("organization_id")), GET, LIST),
    on_exchange("has pipelines of one name", "DP-3",
                {CREATE: make_unique, RENAME: make_unique},
                dict.fromkeys((GET, LIST), _pipeline(plain_name))),
    on_request("keeps names that were given up", "DP-3", _taken_for_ever, CREATE, RENAME),
    on_refusal("has pipelines that cannot run", "DP-11", empty_reply),
    on_refusal("has pipelines of nobody", "DP-12", empty_reply),
    on_refusal("takes any token for runs", "DP-13", empty_reply),
    on_request("takes operators for owners of pipelines", "DP-17", first_key, LOGIN),
    on_request("takes machines for owners of sinks", "DP-19", first_key, LOGIN),
    on_request("takes machines for owners of saved queries", "SA-7", first_key, LOGIN),
    *LEGAL,
)  # fmt: skip
