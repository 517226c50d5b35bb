"""The view of data pipelines: definition, schedule, runs and sink."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.entities import DataPipeline, PipelineRun
from fakeviam.web.page.documents import stages_text
from fakeviam.web.page.rendering import show_moment
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from fakeviam.web.page.visit import Visit

#: How many runs are listed.
SHOWN = 200


class _Pipeline(NamedTuple):
    """A pipeline in the list."""

    pipeline: DataPipeline
    owner: str
    next: str
    runs: int
    failed: int


def show_list(visit: Visit) -> tuple[str, dict[str, object]]:
    """The pipelines of all organizations, oldest first."""
    store, owners = visit.store, visit.organizations
    rows = []
    for each in store.entities(DataPipeline):
        runs = store.entities(PipelineRun, each.id)
        owner = owners.get(each.organization_id, each.organization_id)
        failed = sum(run.status == "failed" for run in runs)
        rows.append(_Pipeline(each, owner, _next(each), len(runs), failed))
    return "pipelines.html", {"rows": rows}


def _next(pipeline: DataPipeline) -> str:
    """The time of its next tick."""
    return show_moment(pipeline.time_next) if pipeline.enabled else "disabled"


def show_one(visit: Visit) -> tuple[str, dict[str, object]]:
    """One pipeline: definition, schedule, runs, and how to query its sink."""
    store = visit.store
    pipeline = store.entity(DataPipeline, visit.path)
    if pipeline is None:
        raise HttpProblem(404, f"there is no data pipeline {visit.path!r}")
    runs = sorted(store.entities(PipelineRun, pipeline.id), key=lambda run: run.time_start)[::-1]
    return "pipeline.html", {
        "pipeline": pipeline,
        "stages": stages_text(pipeline.stages),
        "next": _next(pipeline),
        "owner": visit.organizations.get(pipeline.organization_id, pipeline.organization_id),
        "runs": runs[:SHOWN],
        "total": len(runs),
        "documents": sum(len(run.documents) for run in runs),
    }
