"""Wrong servers: runs of data pipelines, and the contents of sinks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from fakeviam import MemoryStore
from fakeviam.model.entities import CustomIndex, DataPipeline, PipelineRun
from fakeviam.wire import data, datapipelines
from fakeviam_contracts.mutants.base import Mutant, in_each, on_reply, on_request, with_store
from fakeviam_contracts.mutants.entities import changing, in_list
from fakeviam_contracts.mutants.queried import edited_documents

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.entities import Entity
    from fakeviam_contracts.mutants.base import Memory, ReplyEdit

CREATE, RUNS, MQL = "CreateDataPipeline", "ListDataPipelineRuns", "TabularDataByMQL"
SINK = data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK
MARK = "_viam_pipeline_run"
MINUTE = 60 * 1_000_000_000


class _Revives(MemoryStore):
    """A new pipeline inherits entities of a kind from a deleted one with the same name."""

    kind: type[Any]

    def drop_entities(self, *entities: Entity) -> None:
        pipelines = [each for each in entities if isinstance(each, DataPipeline)]
        for pipeline in pipelines:
            inherited = [each for each in entities if isinstance(each, self.kind)]
            vars(self).setdefault("_kept", {})[pipeline.name] = inherited
        super().drop_entities(*entities)

    def put_entities(self, *entities: Entity) -> bool:
        is_put = super().put_entities(*entities)
        for each in entities:
            if isinstance(each, DataPipeline):
                for old in self.__dict__.get("_kept", {}).pop(each.name, ()):
                    super().put_entities(replace(old, pipeline_id=each.id))
        return is_put


class _RevivesRuns(_Revives):
    kind = PipelineRun


class _RevivesIndexes(_Revives):
    kind = CustomIndex


def _is_new(store: MemoryStore, run: PipelineRun) -> bool:
    return store.entity(PipelineRun, run.id) is None


def _shifted(start: int = 0, end: int = 0) -> Any:
    """A store with other bounds of windows."""

    def change(store: MemoryStore, run: PipelineRun) -> PipelineRun:
        if not _is_new(store, run):
            return run
        return replace(
            run,
            time_data_start=run.time_data_start + start,
            time_data_end=run.time_data_end + end,
        )

    return changing(PipelineRun, change)


def _started_at_once(store: MemoryStore, run: PipelineRun) -> PipelineRun:
    return replace(run, time_start=run.time_data_end) if _is_new(store, run) else run


def _completed(word: str) -> Any:
    """A store that completes runs that must fail for some reason."""

    def change(_: MemoryStore, run: PipelineRun) -> PipelineRun:
        return replace(run, status="completed", error="") if word in run.error else run

    return changing(PipelineRun, change)


def _both_windows(store: MemoryStore, run: PipelineRun) -> PipelineRun:
    """Results that must be replaced remain."""
    old = store.entity(PipelineRun, run.id)
    return replace(run, documents=old.documents) if old and not run.documents else run


def _one_document(_: MemoryStore, run: PipelineRun) -> PipelineRun:
    return replace(run, documents=run.documents[:1])


def _never_late(_: MemoryStore, pipeline: DataPipeline) -> DataPipeline:
    return replace(pipeline, late=())


def _one_batch(store: MemoryStore, pipeline: DataPipeline) -> DataPipeline:
    """Only the first batch of past windows is run."""
    old = store.entity(DataPipeline, pipeline.id)
    if old is None or old.time_batch == pipeline.time_batch:
        return pipeline
    return replace(pipeline, time_filled=None, time_batch=None)


def _catches_up(store: MemoryStore, pipeline: DataPipeline) -> DataPipeline:
    """An enabled pipeline continues where it was disabled."""
    old = store.entity(DataPipeline, pipeline.id)
    is_back = old is not None and pipeline.enabled and not old.enabled
    return replace(pipeline, time_next=old.time_next) if old and is_back else pipeline


def _never_stops(_: MemoryStore, pipeline: DataPipeline) -> DataPipeline:
    return replace(pipeline, enabled=True)


def _drops_open(_: MemoryStore, pipeline: DataPipeline) -> DataPipeline:
    return pipeline if pipeline.enabled else replace(pipeline, open=())


#: An edit of each run in a list.
_run = partial(in_each, "runs", "")


def _fills_gaps(_: object, reply: Any, __: Memory) -> None:
    """Past windows without data have runs too."""
    starts = {run.data_start_time.seconds for run in reply.runs}
    for run in list(reply.runs):
        before = run.data_start_time.seconds - 3600
        if before not in starts and before - 3600 in starts:
            more = reply.runs.add()
            more.CopyFrom(run)
            more.id = "e" * 24
            more.data_end_time.CopyFrom(run.data_start_time)
            more.data_start_time.seconds = before


def _in_sink(change: Callable[[dict[str, Any]], object]) -> ReplyEdit:
    """An edit of each document read from a sink."""

    def every(documents: list[dict[str, Any]]) -> None:
        for document in documents:
            if MARK in document:
                change(document)

    edit = edited_documents(every)

    def of_sink(request: Any, reply: Any, memory: Memory) -> None:
        if request.data_source.type == SINK:
            edit(request, reply, memory)

    return of_sink


def _ends_late(document: dict[str, Any]) -> None:
    interval = document[MARK]["interval"]
    interval["start"] = interval["end"]


STARTED = datapipelines.DATA_PIPELINE_RUN_STATUS_STARTED
SCHEDULED = datapipelines.DATA_PIPELINE_RUN_STATUS_SCHEDULED


def _already_started(run: Any) -> None:
    if run.status == SCHEDULED:
        run.status = STARTED


#: Servers that deviate without breaking a binding clause.
LEGAL: tuple[Mutant, ...] = (
    with_store(
        "drops scheduled runs of disabled pipelines", "DP-15", changing(DataPipeline, _drops_open)
    ),
    on_reply("back-fills windows without data", "DP-14", _fills_gaps, RUNS),
)


MUTANTS: tuple[Mutant, ...] = (
    with_store("begins windows a second early", "DP-2", _shifted(start=-1_000_000_000)),
    with_store("begins windows a second late", "DP-2", _shifted(start=1_000_000_000)),
    with_store("has windows of two ticks", "DP-2", _shifted(start=-60 * MINUTE)),
    with_store("has windows until a run starts", "DP-2", _shifted(end=2 * MINUTE)),
    with_store("has the end inside windows", "DP-2", _shifted(end=1_000_000)),
    with_store("keeps one result of a run", "DP-2", changing(PipelineRun, _one_document)),
    on_reply("does not mark what runs put into sinks", "DP-4", _in_sink(lambda d: d.pop(MARK)),
             MQL),
    on_reply("marks results without a run", "DP-4", _in_sink(lambda d: d[MARK].pop("id")), MQL),
    on_reply("marks results without an organization", "DP-4",
             _in_sink(lambda d: d[MARK].pop("organization_id")), MQL),
    on_reply("marks results with another interval", "DP-4", _in_sink(_ends_late), MQL),
    on_request("reads readings for sinks", "DP-4",
               lambda m, _: m.ClearField("data_source"), MQL),
    with_store("starts runs at their ticks", "DP-5", changing(PipelineRun, _started_at_once)),
    on_reply("does not say why runs fail", "DP-5", _run(lambda r: r.ClearField("error_message")),
             RUNS),
    on_reply("calls scheduled runs started", "DP-5", _run(_already_started), RUNS),
    on_reply("does not say when runs started", "DP-5", _run(lambda r: r.ClearField("start_time")),
             RUNS),
    on_reply("does not say when runs ended", "DP-5", _run(lambda r: r.ClearField("end_time")),
             RUNS),
    with_store("completes runs with too many results", "DP-6", _completed("results")),
    with_store("completes runs with two results of one id", "DP-8", _completed("E11000")),
    on_request("does not back-fill", "DP-7", lambda m, _: m.ClearField("enable_backfill"), CREATE),
    on_request("always back-fills", "DP-7", lambda m, _: setattr(m, "enable_backfill", True),
               CREATE),
    with_store("back-fills ten windows alone", "DP-7", changing(DataPipeline, _one_batch)),
    with_store("does not mind late data", "DP-7", changing(DataPipeline, _never_late)),
    with_store("keeps results that were replaced", "DP-7", changing(PipelineRun, _both_windows)),
    with_store("catches up when enabled", "DP-9", changing(DataPipeline, _catches_up)),
    with_store("runs what is disabled", "DP-9", changing(DataPipeline, _never_stops)),
    with_store("keeps runs of pipelines that were deleted", "DP-10", _RevivesRuns),
    with_store("keeps indexes of sinks that were deleted", "DP-10", _RevivesIndexes),
    on_reply("lists the oldest runs first", "DP-13", in_list("runs", list.reverse), RUNS),
    on_request("lists all runs at once", "DP-13", lambda m, _: m.ClearField("page_size"), RUNS),
    on_reply("has one page of runs", "DP-13", lambda _, r, __: r.ClearField("next_page_token"),
             RUNS),
    on_reply("does not say whose runs are", "DP-13", lambda _, r, __: r.ClearField("pipeline_id"),
             RUNS),
    on_reply("does not say where runs read", "DP-1",
             _run(lambda run: run.ClearField("data_source_type")), RUNS),
    *LEGAL,
)  # fmt: skip
