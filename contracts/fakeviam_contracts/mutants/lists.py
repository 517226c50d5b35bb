"""Wrong servers: lists, pages and queries, in points that only fixed checks ask about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam import MemoryStore
from fakeviam.model.entities import DataPipeline, PipelineRun, Sequence
from fakeviam.store.values import Page, Position
from fakeviam_contracts.mutants.base import (
    Mutant,
    in_each,
    on_exchange,
    on_reply,
    on_request,
    with_store,
)
from fakeviam_contracts.mutants.entities import changing
from fakeviam_contracts.mutants.queried import LATEST, MQL

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.records import TabularRecord
    from fakeviam_contracts.mutants.base import Memory, ReplyEdit, RequestEdit

ROWS, SQL = "TabularDataByFilter", "TabularDataBySQL"


class _Offsets(MemoryStore):
    """Tokens of readings count the readings before them."""

    def tabular_page(
        self, query: Any, *, after: Position | None, limit: int, descending: bool
    ) -> Page[TabularRecord]:
        skipped = after.arrival if after else 0
        most = skipped + limit
        page = super().tabular_page(query, after=None, limit=most, descending=descending)
        records = page.records[skipped:]
        last = Position(0, skipped + len(records)) if records else None
        return Page(records, last)


class _LosesRuns(MemoryStore):
    """A pipeline that is renamed loses its runs."""

    def put_entities(self, *entities: Any) -> bool:
        for each in entities:
            old = self.entity(DataPipeline, each.id) if isinstance(each, DataPipeline) else None
            if old is not None and old.name != each.name:
                runs = [run for run in self.entities(PipelineRun) if run.pipeline_id == each.id]
                self.drop_entities(*runs)
        return super().put_entities(*entities)


def _another_size(rpc: str) -> Mutant:
    """Begins again where the size of the page is another one."""

    def ask(message: Any, memory: Memory) -> None:
        if memory.get(message.page_token, message.page_size) != message.page_size:
            message.page_token = ""
        memory["size"] = message.page_size

    def keep(_: object, reply: Any, memory: Memory) -> None:
        memory[reply.next_page_token] = memory["size"]

    return on_exchange(f"has tokens for one size of pages in {rpc}", "SQ-5", {rpc: ask},
                       {rpc: keep})  # fmt: skip


def _first_organization(message: Any, memory: Memory) -> None:
    """Answers every organization as the first that asked."""
    if message.organization_id:
        message.organization_id = memory.setdefault("first", message.organization_id)


def _sharing(field: str) -> ReplyEdit:
    """Shares metadata between readings that differ in one field alone."""

    def edit(_: object, reply: Any, __: Memory) -> None:
        places: dict[bytes, int] = {}
        shared = []
        for at, metadata in enumerate(reply.metadata):
            same = type(metadata).FromString(metadata.SerializeToString())
            same.ClearField(field)
            shared.append(places.setdefault(same.SerializeToString(deterministic=True), at))
        for entry in reply.data:
            entry.metadata_index = shared[entry.metadata_index]

    return edit


def _earlier_metadata(_: object, reply: Any, memory: Memory) -> None:
    if reply.metadata:
        memory["metadata"] = list(reply.metadata)
    else:
        reply.metadata.extend(memory.get("metadata", []))


def _where(condition: Callable[[Any], bool], change: Callable[[Any], object]) -> RequestEdit:
    return lambda message, _: change(message) if condition(message) else None


def _first_sync(request: Any, reply: Any, memory: Memory) -> None:
    if reply.HasField("time_synced"):
        time = memory.setdefault(request.SerializeToString(), reply.time_synced.ToNanoseconds())
        reply.time_synced.FromNanoseconds(time)


def _in_microseconds(store: MemoryStore, sequence: Sequence) -> Sequence:
    if store.entity(Sequence, sequence.id) is None:
        return sequence
    start, end = (time // 1000 * 1000 for time in (sequence.time_start, sequence.time_end))
    return replace(sequence, time_start=start, time_end=end)


MUTANTS: tuple[Mutant, ...] = (
    with_store("has offsets for tokens of readings", "PG-7", _Offsets),
    on_request("gives 100 readings by default with a filter", "PG-1", _where(
        lambda m: not m.data_request.limit and m.data_request.filter.ByteSize() > 0,
        lambda m: setattr(m.data_request, "limit", 100)), ROWS),
    on_reply("has metadata past the end", "PG-5", _earlier_metadata, ROWS),
    *(on_reply(f"shares metadata whatever the {field}", "TD-2", _sharing(field), ROWS)
      for field in ("method_name", "component_type", "component_name")),
    *(_another_size(rpc) for rpc in ("ListSequences", "SequencesByDatasetID",
                                     "GetSequenceBinaryData")),
    *(on_request(f"has one organization for {rpc}", clause, _first_organization, rpc)
      for rpc, clause in ((MQL, "MQ-1"), (SQL, "SL-1"), ("ListSequences", "SQ-1"),
                          ("ListDataPipelines", "DP-1"), ("ListLocations", "AP-1"))),
    on_request("forgets a prefix without stages", "MQ-12", _where(
        lambda m: not m.mql_binary, lambda m: m.ClearField("query_prefix_name")), MQL),
    on_request("forgets a prefix beside a source", "MQ-12", _where(
        lambda m: m.HasField("data_source"), lambda m: m.ClearField("query_prefix_name")), MQL),
    with_store("loses runs of renamed pipelines", "DP-1", _LosesRuns),
    on_reply("calls every source of runs standard", "DP-1",
             in_each("runs", "", lambda run: setattr(run, "data_source_type", 1)),
             "ListDataPipelineRuns"),
    on_reply("says to the second when the latest was captured", "GL-1",
             lambda _, reply, __: setattr(reply.time_captured, "nanos", 0), LATEST),
    on_reply("keeps the first time of sync", "GL-1", _first_sync, LATEST),
    with_store("cuts changed windows of sequences", "SQ-2", changing(Sequence, _in_microseconds)),
    on_reply("hides datasets in lists of sequences", "SQ-9",
             in_each("sequences", "", lambda each: each.ClearField("dataset_ids")),
             "ListSequences"),
)  # fmt: skip
