"""Data pipelines in random programs; none of them runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datapipelines
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import queries
from fakeviam_contracts.assertions import AnyError, AnyOf
from fakeviam_contracts.descriptions import pipeline_seen
from fakeviam_contracts.kept import Pipeline, of_handle
from fakeviam_contracts.newer.common import check_created, end_if_doubtful, found, new_handle
from fakeviam_contracts.newer.saved_queries import can_run
from fakeviam_contracts.operations import operation
from fakeviam_contracts.session import Ground, permission
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session

CREATE, GET, LIST = "CreateDataPipeline", "GetDataPipeline", "ListDataPipelines"
RENAME, DELETE = "RenameDataPipeline", "DeleteDataPipeline"

ASPECTS: dict[str, str] = dict.fromkeys(
    ("id", "organization", "name", "stages", "schedule", "enabled", "source", "dated"), "DP-1"
)
#: Once a year, so that no server runs these pipelines.
SCHEDULES = ("0 0 1 1 *", "30 4 1 1 *")
BAD_SCHEDULES = ("", "hourly", "61 * * * *", "* * * * * *")
STANDARD = data.TABULAR_DATA_SOURCE_TYPE_STANDARD
SINK = data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK


@operation
def create_pipeline(
    session: Session,
    name: str,
    stages: Sequence[dict[str, Any]],
    *,
    schedule: str = SCHEDULES[0],
    source: int | None = None,
) -> None:
    """Create a pipeline (DP-1, DP-3, DP-11)."""
    encoded = queries.encoded(session, stages) if stages else []
    request = datapipelines.CreateDataPipelineRequest(
        organization_id=session.place.organization_id,
        name=name,
        schedule=schedule,
        mql_binary=encoded,
        data_source_type=source,  # type: ignore[arg-type]
    )
    grounds = [] if name.strip() else [Ground("DP-11")]
    if schedule in BAD_SCHEDULES or source == SINK or not can_run(stages):
        grounds.append(Ground("DP-11"))
    answer = session.wire.call(CREATE, request)
    if _is_taken(session, name):
        _check_refused(session, CREATE, answer)
    elif (reply := session.outcome("DP-1", CREATE, answer, grounds)) is not None:
        handle = new_handle(session, "DP-1", session.handles.pipelines, reply.id, grounds)
        session.model.kept.pipelines.append(
            Pipeline(handle=handle, name=name, encoded=encoded, schedule=schedule, source=source)
        )
    check_pipelines(session)


@operation
def rename_pipeline(session: Session, pipeline: int, name: str) -> None:
    """Rename a pipeline (DP-1, DP-3, DP-11, DP-12)."""
    model_pipeline = of_handle(session.model.kept.pipelines, pipeline)
    request = datapipelines.RenameDataPipelineRequest(
        id=session.handles.pipelines[pipeline], name=name
    )
    grounds = [] if model_pipeline else [Ground("DP-12", "NOT_FOUND")]
    grounds += [] if name.strip() else [Ground("DP-11")]
    if model_pipeline is not None and model_pipeline.name == name:
        grounds.append(permission("DP-3"))
    answer = session.wire.call(RENAME, request)
    if model_pipeline is not None and _is_taken(session, name, but=pipeline):
        _check_refused(session, RENAME, answer)
    elif session.outcome("DP-1", RENAME, answer, grounds) is not None:
        end_if_doubtful(grounds)
        if model_pipeline is not None:
            model_pipeline.name, model_pipeline.renamed = name, True
    check_pipelines(session)


@operation
def toggle_pipeline(session: Session, pipeline: int, *, enable: bool) -> None:
    """Enable or disable a pipeline, possibly again (DP-1, DP-12, DP-15)."""
    model_pipeline, rpc = (
        of_handle(session.model.kept.pipelines, pipeline),
        "EnableDataPipeline" if enable else "DisableDataPipeline",
    )
    request = getattr(datapipelines, f"{rpc}Request")(id=session.handles.pipelines[pipeline])
    grounds = [] if model_pipeline else [Ground("DP-12", "NOT_FOUND")]
    if model_pipeline is not None and model_pipeline.enabled == enable:
        grounds.append(permission("DP-15"))
    answer = session.wire.call(rpc, request)
    if session.outcome("DP-1", rpc, answer, grounds) is not None and model_pipeline is not None:
        model_pipeline.enabled = enable
    check_pipelines(session)


@operation
def delete_pipeline(session: Session, pipeline: int) -> None:
    """Delete a pipeline and the indexes of its sink (DP-1, DP-10, DP-12)."""
    everything = session.model.kept
    model_pipeline = of_handle(everything.pipelines, pipeline)
    request = datapipelines.DeleteDataPipelineRequest(id=session.handles.pipelines[pipeline])
    grounds = [] if model_pipeline else [Ground("DP-12", "NOT_FOUND")]
    reply = session.outcome("DP-1", DELETE, session.wire.call(DELETE, request), grounds)
    if reply is not None and model_pipeline is not None:
        everything.pipelines.remove(model_pipeline)
        everything.indexes = [each for each in everything.indexes if each.pipeline != pipeline]
        lookup = datapipelines.GetDataPipelineRequest(id=request.id)
        session.outcome(
            "DP-12", GET, session.wire.call(GET, lookup), [Ground("DP-12", "NOT_FOUND")]
        )
    check_pipelines(session)


@operation
def check_pipelines(session: Session) -> None:
    """Pipelines by id and in the list (DP-1)."""
    ids, pipelines = session.handles.pipelines, session.model.kept.pipelines
    for pipeline in pipelines:
        request = datapipelines.GetDataPipelineRequest(id=ids[pipeline.handle])
        reply = session.answered("DP-1", GET, session.wire.call(GET, request)).data_pipeline
        session.expect_all(
            ASPECTS, _expected(session, pipeline), pipeline_seen(reply), "a pipeline"
        )
        check_created(session, "DP-1", pipeline, nanos_from(reply.created_on), "a pipeline")
    organization_id = session.place.organization_id
    listing = datapipelines.ListDataPipelinesRequest(organization_id=organization_id)
    listed = session.answered("DP-1", LIST, session.wire.call(LIST, listing)).data_pipelines
    observed = sorted(found(pipeline_seen, listed, ids), key=lambda each: ids.index(each["id"]))
    expected = [_expected(session, pipeline) for pipeline in pipelines]
    session.expect("DP-1", "pipelines in the list", expected, observed)


def _is_taken(session: Session, name: str, *, but: int | None = None) -> bool:
    others = [each for each in session.model.kept.pipelines if each.handle != but]
    return bool(name.strip()) and any(each.name == name for each in others)


def _check_refused(session: Session, rpc: str, answer: object) -> None:
    """A taken name is an error, whose status is not documented."""
    status = answer.status if isinstance(answer, Refused) else "OK"
    session.require("DP-3", f"status of {rpc} with a taken name", AnyError(), status)


def _expected(session: Session, pipeline: Pipeline) -> dict[str, object]:
    unsaid = AnyOf(STANDARD, data.TABULAR_DATA_SOURCE_TYPE_UNSPECIFIED)
    return {
        "id": session.handles.pipelines[pipeline.handle],
        "organization": session.place.organization_id,
        "name": pipeline.name,
        "stages": pipeline.encoded,
        "schedule": pipeline.schedule,
        "enabled": pipeline.enabled,
        "source": unsaid if pipeline.source is None else pipeline.source,
        "dated": True,
    }
