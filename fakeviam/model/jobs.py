"""Jobs that take time: runs of pipelines and exports, as tables of states."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from fakeviam.model.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam.model.entities import ExportStatus, RunStatus

#: What happens to a job.
JobEvent = Literal["start", "complete", "fail"]

#: How a run goes on (DP-5).
RUNS: Mapping[tuple[RunStatus, JobEvent], RunStatus] = MappingProxyType(
    {
        ("scheduled", "start"): "started",
        ("started", "complete"): "completed",
        ("started", "fail"): "failed",
    }
)

#: How an export goes on (EJ-1).
EXPORTS: Mapping[tuple[ExportStatus, JobEvent], ExportStatus] = MappingProxyType(
    {
        ("running", "complete"): "completed",
        ("running", "fail"): "failed",
    }
)

#: From a tick to the start of its run (DP-5).
RUN_DELAY = 120 * SECOND
#: How long the query of a run may take (DP-6).
RUN_LIMIT = 300 * SECOND
#: How many documents a run may put into its sink (DP-6).
MOST_DOCUMENTS = 10_000
#: How many windows without data have runs when the clock is moved over more of them (DP-20).
MOST_IDLE = 100_000
#: How many windows are back-filled at a time, and how long after each other (DP-7).
BATCH, BATCH_DELAY = 10, 120 * SECOND
#: How long an export takes, and how long its file can be had (EJ-2).
EXPORT_TIME, EXPORT_LIFETIME = 2 * SECOND, 3600 * SECOND
