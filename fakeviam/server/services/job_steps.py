"""The steps of jobs: ticks, runs, back-fill and exports, in sequence."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam import wire
from fakeviam.model.clock import moment_of
from fakeviam.model.entities import DataPipeline, PipelineRun, SequenceExport
from fakeviam.model.errors import Refusal
from fakeviam.model.filters import Interval, Query
from fakeviam.model.jobs import (
    BATCH,
    BATCH_DELAY,
    EXPORT_TIME,
    EXPORTS,
    MOST_DOCUMENTS,
    MOST_IDLE,
    RUN_DELAY,
    RUN_LIMIT,
    RUNS,
    JobEvent,
)
from fakeviam.model.schedules import NEVER, schedule_of
from fakeviam.server.services.turns import has_many, still
from fakeviam.server.state.call import Call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.server.services.turns import Steps
    from fakeviam.server.state.cloud import CloudState

log = logging.getLogger("fakeviam")


class _Due(NamedTuple):
    """A step and when it is due; at equal times, the older pipeline comes first."""

    time: int
    number: int
    what: str
    pipeline: DataPipeline | None = None
    run: PipelineRun | None = None
    export: SequenceExport | None = None


class _Walk(NamedTuple):
    """The next tick of a pipeline, the one before it, and those after it."""

    tick: int
    before: int
    ticks: Iterator[int]


class _TimedOut(Exception):  # noqa: N818 - one way for a run to end, rather than an error
    """The query takes longer than the limit of runs."""


class Worker:
    """Executes the steps of one cloud's jobs in sequence."""

    def __init__(self, cloud: CloudState) -> None:
        self._cloud = cloud
        self._is_shared = cloud.store.ledgers is not None
        self._method = wire.method("TabularDataByMQL")
        # By sink: the unique keys, and the start of the window that each came from.
        self._keys: dict[str, dict[bytes, int]] = {}
        self._walks: dict[str, _Walk] = {}
        # Pipelines that are known to produce nothing from no readings.
        self._idle: set[str] = set()
        # By organization: a period without readings.
        self._gaps: dict[str, tuple[int, int]] = {}

    def next_step(self) -> _Due | None:
        """The earliest step, due or not."""
        return min(self._steps(), key=lambda step: step[:2], default=None)

    def _steps(self) -> Iterator[_Due]:
        store = self._cloud.store
        for number, export in enumerate(store.entities(SequenceExport)):
            if export.status == "running":
                time = export.time_created + EXPORT_TIME
                yield _Due(time, number, "export", export=export)
        for number, pipeline in enumerate(store.entities(DataPipeline)):
            for run_id in pipeline.open:
                run = store.entity(PipelineRun, run_id)
                if run is None or run.time_end is not None:
                    continue  # another server has just changed it
                if run.status == "started":
                    yield _Due(self._begun(run) + RUN_LIMIT, number, "give up", pipeline, run)
                else:
                    yield _Due(run.time_start, number, "start", pipeline, run)
            if pipeline.enabled and pipeline.time_next < NEVER:
                yield _Due(pipeline.time_next, number, "schedule", pipeline)
                if pipeline.time_batch is not None:
                    yield _Due(pipeline.time_batch, number, "fill", pipeline)

    def _begun(self, run: PipelineRun) -> int:
        """When a run started, as far as this server knows: other servers' clocks may differ."""
        if not self._is_shared:
            return run.time_start
        return self._cloud.runs_seen.setdefault(run.id, self._cloud.clock.now())

    def do(self, step: _Due) -> Steps[None]:
        """Do one step; what takes long of it is done aside, and finds others' writes beside it."""
        if step.export is not None:
            yield from self._export(step.export, step.time)
        elif step.pipeline is None:
            raise TypeError(step)
        elif step.what == "schedule":
            self._schedule(step.pipeline, step.time)
        elif step.what == "fill":
            self._fill(step.pipeline, step.time)
        elif step.run is not None and step.what == "start":
            yield from self._start(step.pipeline, step.run, step.time)
        elif step.run is not None:
            ended = _after(step.run, "fail", step.time, error="query timed out")
            self._keep(step.pipeline, ended)

    def _export(self, export: SequenceExport, at: int) -> Steps[None]:
        """Make the file of an export (EJ-2, EJ-3)."""
        from fakeviam.server.services.data.sequences import sequences_in  # noqa: PLC0415 - few export
        from fakeviam.server.services.sequence_files import file_of  # noqa: PLC0415

        store = self._cloud.store
        ended = replace(export, time_completed=at)
        dataset = store.dataset(export.dataset_id)
        if dataset is None:
            status = EXPORTS[export.status, "fail"]
            store.swap_entities(
                export, replace(ended, status=status, error="the dataset was deleted")
            )
            return
        status = EXPORTS[export.status, "complete"]
        until = self._cloud.visible_until(at)
        file = yield partial(file_of, store.view(), sequences_in(store, dataset), until=until)
        result = replace(ended, status=status, file=file)
        store.swap_entities(export, result)

    def _schedule(self, pipeline: DataPipeline, tick: int) -> None:
        """Schedule the run of a tick."""
        before, following = self._ticks_around(pipeline, tick)
        run = self._new_run(pipeline, before, tick, start=tick + RUN_DELAY, at=tick)
        if self._is_done_at_once(pipeline, run):
            later = self._passed_over(pipeline, before, tick)
            if later is not None:
                self._cloud.store.swap_entities(pipeline, replace(pipeline, time_next=later))
                return
            run = _after(_after(run, "start", run.time_start), "complete", run.time_start)
            changed = replace(pipeline, time_next=following)
        else:
            changed = replace(pipeline, time_next=following, open=(*pipeline.open, run.id))
        self._cloud.store.swap_entities(pipeline, changed, run)

    def _ticks_around(self, pipeline: DataPipeline, tick: int) -> tuple[int, int]:
        """The ticks before and after `tick`, which mostly follows the previous one."""
        walk = self._walks.get(pipeline.id)
        if walk is None or walk.tick != tick:
            schedule = schedule_of(pipeline.schedule)
            walk = _Walk(tick, schedule.upto(tick - 1), schedule.ticks_after(tick))
        following = next(walk.ticks)
        self._walks[pipeline.id] = _Walk(following, tick, walk.ticks)
        return walk.before, following

    def _is_done_at_once(self, pipeline: DataPipeline, run: PipelineRun) -> bool:
        """Whether a due run has no results; advancing the clock far creates very many of these."""
        return (
            pipeline.id in self._idle
            and run.time_start <= self._cloud.clock.now()
            and self._is_empty(pipeline, run)
        )

    def _passed_over(self, pipeline: DataPipeline, before: int, tick: int) -> int | None:
        """The tick to continue with if far too many windows without data are due (DP-20)."""
        _, end_of_gap = self._gaps[pipeline.organization_id]
        last = min(self._cloud.clock.now(), end_of_gap) - MOST_IDLE * (tick - before)
        later = schedule_of(pipeline.schedule).upto(last) if last > tick else tick
        if later <= tick:
            return None
        log.warning(
            "data pipeline %r: no runs of the windows from %s to %s, which hold no data (DP-20)",
            *(pipeline.name, _date(before), _date(later)),
        )
        return later

    def _is_empty(self, pipeline: DataPipeline, run: PipelineRun) -> bool:
        """Whether a window has no readings; other servers may have added some."""
        if self._is_shared:
            return False
        start, owner = run.time_data_start, pipeline.organization_id
        begin, end = self._gaps.get(owner, (0, 0))
        if not begin <= start < end:
            query = Query(
                organization_ids=frozenset({owner}),
                interval=Interval(start=start),
                include_internal=True,
            )
            page = self._cloud.store.tabular_page(query, after=None, limit=1, descending=False)
            end = page.records[0].time_requested if page.records else NEVER
            self._gaps[owner] = start, end
        return run.time_data_end <= end

    def _new_run(
        self, pipeline: DataPipeline, data_start: int, data_end: int, *, start: int, at: int
    ) -> PipelineRun:
        return PipelineRun(
            id=self._cloud.ids.object_id(at=at),
            pipeline_id=pipeline.id,
            status="scheduled",
            source=pipeline.source,
            time_start=start,
            time_data_start=data_start,
            time_data_end=data_end,
        )

    def _start(self, pipeline: DataPipeline, run: PipelineRun, at: int) -> Steps[None]:
        """Run the query; one that takes too long is left alone until its time is up."""
        started = _after(run, "start", at)
        # Of several servers, only the one that starts a run executes it (MG-7).
        if self._is_shared and not self._cloud.store.swap_entities(run, started):
            return
        is_empty = self._is_empty(pipeline, run)
        try:
            if is_empty and pipeline.id in self._idle:
                documents: tuple[bytes, ...] = ()
            else:
                documents = yield from self._results(pipeline, started, at)
        except _TimedOut:
            self._cloud.store.put_entities(started)
        except ValueError as error:
            self._keep(pipeline, _after(started, "fail", at, error=str(error)))
        else:
            if is_empty and not documents:
                self._idle.add(pipeline.id)
            self._keep(pipeline, replace(_after(started, "complete", at), documents=documents))

    def _keep(self, pipeline: DataPipeline, run: PipelineRun) -> None:
        """Store a finished run; its results replace the previous results of its window."""
        store = self._cloud.store
        self._cloud.runs_seen.pop(run.id, None)
        known = store.entity(PipelineRun, run.id)
        if known is None or known.time_end is not None:
            return  # another server timed it out, or deleted it
        replaced: list[PipelineRun] = []
        if run.status == "completed" and pipeline.backfills:  # only these repeat windows
            replaced = [
                replace(other, documents=())
                for other in store.entities(PipelineRun, pipeline.id)
                if other.time_data_start == run.time_data_start and other.documents
            ]
        current: DataPipeline | None = pipeline
        while current is not None:
            still_open = tuple(run_id for run_id in current.open if run_id != run.id)
            ended = replace(current, open=still_open)
            if store.swap_entities(current, ended, *replaced, run):
                return
            current = store.entity(DataPipeline, pipeline.id)

    def _fill(self, pipeline: DataPipeline, at: int) -> None:
        """Schedule a batch of past windows, newest first, to start immediately."""
        schedule = schedule_of(pipeline.schedule)
        windows = list(self._windows(pipeline))
        runs = [
            self._new_run(pipeline, start, schedule.after(start), start=at, at=at)
            for start in windows
        ]
        never_run = [start for start in windows if start not in pipeline.late]
        changed = replace(
            pipeline,
            late=tuple(start for start in pipeline.late if start not in windows),
            time_filled=min(never_run, default=pipeline.time_filled),
            open=(*pipeline.open, *(run.id for run in runs)),
        )
        if next(self._windows(changed), None) is None:
            changed = replace(changed, time_filled=None, time_batch=None)
        else:
            changed = replace(changed, time_batch=at + BATCH_DELAY)
        self._cloud.store.swap_entities(pipeline, changed, *runs)

    def _windows(self, pipeline: DataPipeline) -> Iterator[int]:
        """The starts of the windows in the next batch, newest first."""
        left = BATCH
        for start in sorted(pipeline.late, reverse=True)[:BATCH]:
            left -= 1
            yield start
        before = pipeline.time_filled
        while left and before is not None:
            before = self._window_before(pipeline, before)
            if before is not None:
                left -= 1
                yield before

    def _window_before(self, pipeline: DataPipeline, time: int) -> int | None:
        """The start of the newest window before a time that contains data (DP-14)."""
        query = Query(
            organization_ids=frozenset({pipeline.organization_id}),
            interval=Interval(end=time, end_inside=False),
        )
        page = self._cloud.store.tabular_page(query, after=None, limit=1, descending=True)
        if not page.records:
            return None
        return schedule_of(pipeline.schedule).upto(page.records[0].time_requested)

    def _results(
        self, pipeline: DataPipeline, run: PipelineRun, at: int
    ) -> Steps[tuple[bytes, ...]]:
        """What a run puts into the sink.

        Raises:
            ValueError: The run fails; the message explains why.
            _TimedOut: The query takes too long.
        """
        from fakeviam.query.bson_documents import encode_any  # noqa: PLC0415 - with the first run
        from fakeviam.query.errors import QueryError, QueryTimeoutError  # noqa: PLC0415
        from fakeviam.server.services.data.queries import run_pipeline, stages_of  # noqa: PLC0415

        owner = pipeline.organization_id
        call = Call.detached(self._cloud.detached(), self._method)
        start, end = _date(run.time_data_start), _date(run.time_data_end)
        window = {"$match": {"time_requested": {"$gte": start, "$lt": end}}}
        try:
            stages = [window, *stages_of(call, pipeline.stages)]
            if has_many(call.store):
                query = partial(run_pipeline, organization_id=owner, stages=stages)
                answer = yield still(call, query)
                self._keys.pop(pipeline.id, None)  # who looks in may have run something
            else:
                answer = run_pipeline(call, owner, stages)
        except QueryTimeoutError:
            raise _TimedOut from None
        except (QueryError, Refusal) as error:
            raise ValueError(str(error)) from None
        if len(answer) > MOST_DOCUMENTS:
            text = f"the query has {len(answer)} results; a run may have {MOST_DOCUMENTS}"
            raise ValueError(text)
        mark = {
            "id": run.id,
            "interval": {"start": start, "end": end},
            "organization_id": owner,
        }
        documents = [self._marked(document, mark, at) for document in answer]
        self._check_keys(pipeline, run, documents)
        try:
            return tuple(encode_any(document)[0] for document in documents)
        except QueryError as error:
            raise ValueError(str(error)) from None

    def _marked(self, document: dict[str, Any], mark: dict[str, Any], at: int) -> dict[str, Any]:
        from bson import ObjectId  # noqa: PLC0415 - with the first run

        if "_id" not in document:
            document = {"_id": ObjectId(self._cloud.ids.object_id(at=at)), **document}
        return {**document, "_viam_pipeline_run": mark}

    def _check_keys(
        self, pipeline: DataPipeline, run: PipelineRun, documents: list[dict[str, Any]]
    ) -> None:
        """Refuse results whose `_id` is already in the sink (DP-8)."""
        keys = self._keys.get(pipeline.id)
        if keys is None or self._is_shared:  # another server may have added results
            keys = self._keys[pipeline.id] = self._keys_of(pipeline)
        window = run.time_data_start
        added: dict[bytes, int] = {}
        for document in documents:
            key = _key(document["_id"])
            if key in added or keys.get(key, window) != window:
                raise ValueError(
                    "E11000 duplicate key error collection: sensorData.sink-"
                    f"{pipeline.id} index: _id_ dup key: {{ _id: {document['_id']!r} }}"
                )
            added[key] = window
        if pipeline.backfills:
            for key in [key for key, start in keys.items() if start == window]:
                del keys[key]  # the window's own results, which will be replaced
        keys.update(added)

    def _keys_of(self, pipeline: DataPipeline) -> dict[bytes, int]:
        from fakeviam.query.bson_documents import decode  # noqa: PLC0415 - with the first run

        return {
            _key(decode(document)["_id"]): run.time_data_start
            for run in self._cloud.store.entities(PipelineRun, pipeline.id)
            for document in run.documents
        }


def _key(value: object) -> bytes:
    """A hashable form of an `_id`; whole numbers of different types are equal."""
    from fakeviam.query.bson_documents import encode_any  # noqa: PLC0415 - with the first run

    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return encode_any({"": value})[0]


def _after(run: PipelineRun, event: JobEvent, at: int, *, error: str = "") -> PipelineRun:
    """A run after an event."""
    status = RUNS[run.status, event]
    if event == "start":
        return replace(run, status=status)
    return replace(run, status=status, time_end=at, error=error)


def _date(nanos: int) -> datetime:
    return moment_of(nanos).astimezone(timezone.utc)
