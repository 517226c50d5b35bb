"""Long-running jobs: runs of pipelines and exports, as state machines."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from fakeviam.model.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam.model.entities import ExportStatus, RunStatus

#: Events of a job.
JobEvent = Literal["start", "complete", "fail"]

#: The transitions of a run (DP-5).
RUNS: Mapping[tuple[RunStatus, JobEvent], RunStatus] = MappingProxyType(
    {
        ("scheduled", "start"): "started",
        ("started", "complete"): "completed",
        ("started", "fail"): "failed",
    }
)

#: The transitions of an export (EJ-1).
EXPORTS: Mapping[tuple[ExportStatus, JobEvent], ExportStatus] = MappingProxyType(
    {
        ("running", "complete"): "completed",
        ("running", "fail"): "failed",
    }
)

#: The time from a tick to the start of its run (DP-5).
RUN_DELAY = 120 * SECOND
#: The time limit of a run's query (DP-6).
RUN_LIMIT = 300 * SECOND
#: The maximum number of documents that a run may write to its sink (DP-6).
MOST_DOCUMENTS = 10_000
#: How many windows without data have runs if the clock is advanced over more of them (DP-20).
MOST_IDLE = 100_000
#: How many windows a batch of back-fill has, and the time between batches (DP-7).
BATCH, BATCH_DELAY = 10, 120 * SECOND
#: How long an export takes, and how long its file is available (EJ-2).
EXPORT_TIME, EXPORT_LIFETIME = 2 * SECOND, 3600 * SECOND
