"""DataPipelinesService."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.entities import CustomIndex, DataPipeline, PipelineRun, SourceType
from fakeviam.model.errors import AlreadyExistsError, InvalidArgumentError
from fakeviam.model.jobs import BATCH_DELAY
from fakeviam.model.names import check_name
from fakeviam.model.schedules import Schedule, ScheduleError, schedule_of
from fakeviam.server.services.arguments import visible
from fakeviam.server.services.data.queries import checked_stages
from fakeviam.server.services.datasets import check_organization
from fakeviam.server.services.encoding import set_time
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.lists import ListPage, list_page
from fakeviam.wire import data
from fakeviam.wire import datapipelines as wire

if TYPE_CHECKING:
    from fakeviam.server.state.call import Call

_SOURCES: MappingProxyType[int, SourceType] = MappingProxyType(
    {
        data.TABULAR_DATA_SOURCE_TYPE_UNSPECIFIED: "standard",
        data.TABULAR_DATA_SOURCE_TYPE_STANDARD: "standard",
        data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE: "hot_storage",
    }
)


@rpc("CreateDataPipeline", rests_on=["DP-1", "DP-3"])
def create_data_pipeline(
    call: Call, request: wire.CreateDataPipelineRequest
) -> wire.CreateDataPipelineResponse:
    """Create a pipeline, whose first run covers the current window (DP-1 … DP-3, DP-11)."""
    check_organization(call, request.organization_id)
    schedule = _schedule(request.schedule)
    source = _SOURCES.get(request.data_source_type)
    if source is None:
        text = (
            "data_source_type must be TABULAR_DATA_SOURCE_TYPE_STANDARD (1) or "
            f"TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE (2), got {request.data_source_type}"
        )
        raise InvalidArgumentError(text, clause="DP-11")
    if not request.mql_binary:
        raise InvalidArgumentError("mql_binary must not be empty", clause="DP-11")
    now = call.clock.now()
    pipeline = DataPipeline(
        id=call.cloud.ids.uuid(),
        organization_id=request.organization_id,
        name=check_name(request.name, clause="DP-11"),
        stages=checked_stages(call, request.mql_binary),
        schedule=request.schedule,
        source=source,
        time_created=now,
        time_updated=now,
        time_next=schedule.after(now),
        backfills=request.enable_backfill,
        time_filled=schedule.upto(now) if request.enable_backfill else None,
        time_batch=now + BATCH_DELAY if request.enable_backfill else None,
    )
    if not call.store.put_entities(pipeline):
        raise _taken(pipeline.name)
    call.cloud.due = 0
    return wire.CreateDataPipelineResponse(id=pipeline.id)


@rpc("GetDataPipeline", rests_on=["DP-1"])
def get_data_pipeline(
    call: Call, request: wire.GetDataPipelineRequest
) -> wire.GetDataPipelineResponse:
    """The pipeline with this id (DP-1, DP-12)."""
    return wire.GetDataPipelineResponse(data_pipeline=_message(_required(call, request.id)))


@rpc("ListDataPipelines", rests_on=["DP-1"])
def list_data_pipelines(
    call: Call, request: wire.ListDataPipelinesRequest
) -> wire.ListDataPipelinesResponse:
    """The pipelines of an organization, oldest first (DP-1)."""
    check_organization(call, request.organization_id)
    pipelines = call.store.entities(DataPipeline, request.organization_id)
    return wire.ListDataPipelinesResponse(data_pipelines=map(_message, pipelines))


@rpc("RenameDataPipeline", rests_on=["DP-1", "DP-3"])
def rename_data_pipeline(
    call: Call, request: wire.RenameDataPipelineRequest
) -> wire.RenameDataPipelineResponse:
    """Rename a pipeline (DP-1, DP-3)."""
    pipeline = _required(call, request.id)
    _change(call, pipeline, name=check_name(request.name, clause="DP-11"))
    return wire.RenameDataPipelineResponse()


@rpc("DeleteDataPipeline", rests_on=["DP-1", "DP-10"])
def delete_data_pipeline(
    call: Call, request: wire.DeleteDataPipelineRequest
) -> wire.DeleteDataPipelineResponse:
    """Delete a pipeline with its runs, its sink and the sink's indexes (DP-10)."""
    pipeline = _required(call, request.id)
    runs = call.store.entities(PipelineRun, pipeline.id)
    indexes = call.store.entities(CustomIndex, pipeline.organization_id)
    on_sink = [index for index in indexes if index.pipeline_id == pipeline.id]
    call.store.drop_entities(pipeline, *runs, *on_sink)
    return wire.DeleteDataPipelineResponse()


@rpc("EnableDataPipeline", rests_on=["DP-1", "DP-9"])
def enable_data_pipeline(
    call: Call, request: wire.EnableDataPipelineRequest
) -> wire.EnableDataPipelineResponse:
    """Resume a pipeline at its next tick (DP-9, DP-15)."""
    pipeline = _required(call, request.id)
    if pipeline.enabled:
        call.cite(["DP-15"])
        return wire.EnableDataPipelineResponse()
    now = call.clock.now()
    waits = pipeline.time_filled is not None or pipeline.late
    _change(
        call,
        pipeline,
        enabled=True,
        time_next=schedule_of(pipeline.schedule).after(now),
        time_batch=now + BATCH_DELAY if waits else None,
    )
    return wire.EnableDataPipelineResponse()


@rpc("DisableDataPipeline", rests_on=["DP-1", "DP-9"])
def disable_data_pipeline(
    call: Call, request: wire.DisableDataPipelineRequest
) -> wire.DisableDataPipelineResponse:
    """Pause a pipeline (DP-9, DP-15)."""
    pipeline = _required(call, request.id)
    if not pipeline.enabled:
        call.cite(["DP-15"])
        return wire.DisableDataPipelineResponse()
    _change(call, pipeline, enabled=False, time_batch=None)
    return wire.DisableDataPipelineResponse()


@rpc("ListDataPipelineRuns", rests_on=["DP-5", "DP-13"])
def list_data_pipeline_runs(
    call: Call, request: wire.ListDataPipelineRunsRequest
) -> wire.ListDataPipelineRunsResponse:
    """A page of the runs of a pipeline, newest first (DP-5, DP-13)."""
    pipeline = _required(call, request.id)
    runs = call.store.entities(PipelineRun, pipeline.id)
    page: ListPage[PipelineRun] = list_page(
        call,
        runs,
        lambda run: (run.time_start, run.id),
        size=request.page_size,
        token=request.page_token,
        clause="DP-13",
        newest_first=True,
    )
    return wire.ListDataPipelineRunsResponse(
        pipeline_id=pipeline.id,
        runs=map(_run_message, page.entries),
        next_page_token=page.next_token,
    )


def _schedule(text: str) -> Schedule:
    try:
        return schedule_of(text)
    except ScheduleError as error:
        message = (
            f"schedule must be a cron expression in UTC such as '0 * * * *', got {text!r:.100}"
        )
        raise InvalidArgumentError(f"{message}: {error}", clause="DP-11") from None


def _change(call: Call, pipeline: DataPipeline, **fields: Any) -> None:
    changes = {**fields, "time_updated": call.clock.now()}
    if not call.store.change_entity(pipeline, lambda current: replace(current, **changes)):
        _required(call, pipeline.id)  # another server may have deleted it
        raise _taken(fields["name"])
    call.cloud.due = 0


def _taken(name: str) -> AlreadyExistsError:
    text = f"the organization already has a data pipeline named {name!r}"
    return AlreadyExistsError(text, clause="DP-3")


def _required(call: Call, pipeline_id: str) -> DataPipeline:
    """The pipeline with this id, if it is visible to the caller (DP-12)."""
    pipeline = call.store.entity(DataPipeline, pipeline_id)
    return visible(call, pipeline, f"data pipeline {pipeline_id!r}", clause="DP-12")


def _source_type(source: SourceType) -> data.TabularDataSourceTypeValue:
    if source == "standard":
        return data.TABULAR_DATA_SOURCE_TYPE_STANDARD
    return data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE


def _message(pipeline: DataPipeline) -> wire.DataPipeline:
    message = wire.DataPipeline(
        id=pipeline.id,
        organization_id=pipeline.organization_id,
        name=pipeline.name,
        mql_binary=pipeline.stages,
        schedule=pipeline.schedule,
        enabled=pipeline.enabled,
        data_source_type=_source_type(pipeline.source),
    )
    set_time(message.created_on, pipeline.time_created)
    set_time(message.updated_at, pipeline.time_updated)
    return message


def _run_message(run: PipelineRun) -> wire.DataPipelineRun:
    message = wire.DataPipelineRun(
        id=run.id,
        status=wire.DataPipelineRunStatus.Value(f"DATA_PIPELINE_RUN_STATUS_{run.status.upper()}"),
        error_message=run.error,
        data_source_type=_source_type(run.source),
    )
    set_time(message.data_start_time, run.time_data_start)
    set_time(message.data_end_time, run.time_data_end)
    if run.status != "scheduled":
        set_time(message.start_time, run.time_start)
    if run.time_end is not None:
        set_time(message.end_time, run.time_end)
    return message
