"""Jobs on the fake's clock: everything due is done before the next call is handled (DP-16)."""

from __future__ import annotations

import asyncio
import logging
import weakref
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fakeviam.model.clock import SECOND
from fakeviam.model.entities import DataPipeline, PipelineRun
from fakeviam.model.errors import Refusal
from fakeviam.model.jobs import (
    BATCH_DELAY,
)
from fakeviam.model.schedules import schedule_of
from fakeviam.server.services.job_steps import Worker
from fakeviam.server.services.turns import begin
from fakeviam.server.state.cloud import Crash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fakeviam.model.records import TabularRecord
    from fakeviam.server.services.turns import Steps
    from fakeviam.server.state.cloud import CloudState

log = logging.getLogger("fakeviam")


def due_steps(cloud: CloudState) -> Steps[None]:
    """Do all that is due, in the order of its times, and find out when to come back.

    Raises:
        Refusal: The results cannot be persisted (DD-4); the step remains due.
    """
    worker = Worker(cloud)
    now = cloud.clock.now()
    step = worker.next_step()
    while step is not None and step.time <= now:
        yield from worker.do(step)
        step = worker.next_step()
    cloud.due = None if step is None else step.time
    if cloud.store.ledgers is not None:  # another server may create a pipeline
        cloud.due = min(now + SECOND, cloud.due or now + SECOND)
    _set_alarm(cloud)


def _set_alarm(cloud: CloudState) -> None:
    """Schedule a wake-up if the clock runs; a frozen clock only moves on request."""
    if cloud.alarm is not None:
        cloud.alarm.cancel()
        cloud.alarm = None
    if cloud.due is None or cloud.clock.is_frozen:
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # without an event loop, the next call does what is due
        return
    wait = max(cloud.due - cloud.clock.now(), 0) / SECOND
    cloud.alarm = loop.call_later(wait, _wake, weakref.ref(cloud))


def _wake(reference: weakref.ref[CloudState]) -> None:
    cloud = reference()
    if cloud is None:
        return
    cloud.alarm = None
    if cloud.catching_up is not None:
        return  # who is at it sets the next alarm
    begin(cloud, due_steps(cloud)).add_done_callback(partial(_tell, cloud))


def _tell(cloud: CloudState, task: asyncio.Task[None]) -> None:
    """Say why jobs that nobody waits for could not be done."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, Refusal):  # the next call tries again, and tells its client
        log.warning("a data pipeline could not run: %s", error.text)
    elif isinstance(error, Exception):
        log.error("fakeviam crashed in a data pipeline", exc_info=error)
        cloud.crashes.append(Crash("a data pipeline", error))


def note_arrivals(cloud: CloudState, records: Iterable[TabularRecord]) -> None:
    """Let pipelines with back-fill repeat the runs that new data belongs to (DP-7)."""
    pipelines = [
        each for each in cloud.store.entities(DataPipeline) if each.enabled and each.backfills
    ]
    for pipeline in pipelines:
        late = set(_late_windows(cloud, pipeline, records)) - set(pipeline.late)
        if late:
            cloud.store.change_entity(pipeline, partial(_with_late, late, cloud.clock.now()))
            cloud.due = 0


def _with_late(late: set[int], now: int, pipeline: DataPipeline) -> DataPipeline:
    return replace(
        pipeline,
        late=tuple(sorted({*late, *pipeline.late})),
        time_batch=pipeline.time_batch or now + BATCH_DELAY,
    )


def _late_windows(
    cloud: CloudState, pipeline: DataPipeline, records: Iterable[TabularRecord]
) -> Iterator[int]:
    """The starts of windows that contain these readings and have already run."""
    schedule = schedule_of(pipeline.schedule)
    runs = (cloud.store.entity(PipelineRun, run_id) for run_id in pipeline.open)
    to_come = {run.time_data_start for run in runs if run and run.status == "scheduled"}
    end = schedule.upto(pipeline.time_next - 1)
    begin = pipeline.time_filled
    for record in records:
        time = record.time_requested
        if record.source.organization_id != pipeline.organization_id or record.internal:
            continue
        if time < end and (begin is None or time >= begin):
            window = schedule.upto(time)
            if window not in to_come:
                yield window
