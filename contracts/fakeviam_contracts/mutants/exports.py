"""Wrong servers: exports of readings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import MemoryStore
from fakeviam.wire import data
from fakeviam_contracts.mutants.base import (
    Mutant,
    on_refusal,
    on_reply,
    on_request,
    with_store,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.filters import Query
    from fakeviam.store.values import Page
    from fakeviam_contracts.mutants.base import Memory, ReplyEdit

EXPORT = "ExportTabularData"
_NAMES = ("part_id", "component_name", "component_type", "method_name")


def _is_of_one(query: Query) -> bool:
    """Whether a query selects a single resource, like those of exports."""
    return all(getattr(query, name) for name in _NAMES)


class _Backwards(MemoryStore):
    def tabular_page(self, query: Query, **how: Any) -> Page[Any]:
        # Only the query for the latest reading is descending; filters have other fields.
        if _is_of_one(query) and not (query.location_ids or query.robot_id or query.part_name):
            how["descending"] = True
        return super().tabular_page(query, **how)


def _ignoring(name: str) -> type[MemoryStore]:
    class Ignoring(MemoryStore):
        def tabular_page(self, query: Query, **how: Any) -> Page[Any]:
            if _is_of_one(query):
                without: dict[str, Any] = {name: ""}
                query = replace(query, **without)
            return super().tabular_page(query, **how)

    return Ignoring


def _point(change: Callable[[Any], object]) -> ReplyEdit:
    return lambda _, point, __: change(point)


def _break_off(_: object, __: object, memory: Memory) -> None:
    memory["points"] = memory.get("points", 0) + 1
    if memory["points"] > 200:
        raise GRPCError(Status.RESOURCE_EXHAUSTED, "no more than 200 points")


def _bare(point: Any) -> None:
    inner = point.payload.fields["readings"].struct_value
    copy = type(inner)()
    copy.CopyFrom(inner)
    point.payload.CopyFrom(copy)


def _unset_empty(name: str) -> Callable[[Any], None]:
    def change(point: Any) -> None:
        if not getattr(point, name).fields:
            point.ClearField(name)

    return change


def _empty_is_none(message: Any, _: Memory) -> None:
    if not message.additional_parameters.fields:
        message.ClearField("additional_parameters")


def _wants_both_ends(message: Any, _: Memory) -> None:
    if not (message.interval.HasField("start") and message.interval.HasField("end")):
        raise GRPCError(Status.INVALID_ARGUMENT, "from when until when?")


def _in_upper_case(point: Any) -> None:
    for value in point.method_parameters.fields.values():
        value.string_value = value.string_value.upper()


#: Servers that deviate without breaking a binding clause.
LEGAL: tuple[Mutant, ...] = (
    with_store("exports the newest first", "EX-6", _Backwards),
    on_request("takes empty parameters for none", "A34", _empty_is_none, EXPORT),
)

MUTANTS: tuple[Mutant, ...] = (
    *(with_store(f"exports readings of any {name}", "EX-1", _ignoring(name)) for name in _NAMES),
    on_reply("exports no more than 200 points", "EX-1", _break_off, EXPORT),
    on_reply("exports seconds alone", "EX-1",
             _point(lambda p: p.time_captured.ClearField("nanos")), EXPORT),
    on_reply("exports no tags", "EX-1", _point(lambda p: p.ClearField("tags")), EXPORT),
    on_reply("exports no names of parts", "EX-1", _point(lambda p: p.ClearField("part_name")),
             EXPORT),
    on_reply("exports no location", "EX-1", _point(lambda p: p.ClearField("location_id")), EXPORT),
    on_reply("exports what is inside readings", "EX-1", _point(_bare), EXPORT),
    on_request("exports the past of any start", "EX-2",
               lambda m, _: m.interval.ClearField("start"), EXPORT),
    on_request("exports up to now", "EX-2", lambda m, _: m.interval.ClearField("end"), EXPORT),
    on_request("exports with both ends alone", "EX-2", _wants_both_ends, EXPORT),
    on_request("exports whatever the parameters", "EX-3",
               lambda m, _: m.ClearField("additional_parameters"), EXPORT),
    on_reply("exports the subtype for the name", "EX-4",
             _point(lambda p: setattr(p, "resource_name", p.resource_subtype)), EXPORT),
    on_reply("exports no parameters", "EX-5", _point(lambda p: p.method_parameters.Clear()),
             EXPORT),
    on_reply("exports parameters in upper case", "EX-5", _point(_in_upper_case), EXPORT),
    on_reply("leaves empty payloads out", "EX-7", _point(_unset_empty("payload")), EXPORT),
    on_reply("leaves empty parameters out", "EX-7", _point(_unset_empty("method_parameters")),
             EXPORT),
    on_refusal("exports what is not named in full", "EX-8",
               lambda _, __: data.ExportTabularDataResponse()),
    *LEGAL,
)  # fmt: skip
