"""Exports of sequence datasets: jobs, and their files."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.model.entities import ExportStatus, SequenceExport
from fakeviam.model.errors import FailedPreconditionError, InvalidArgumentError
from fakeviam.model.jobs import EXPORT_LIFETIME
from fakeviam.server.services.arguments import visible
from fakeviam.server.services.data.sequences import sequence_dataset
from fakeviam.server.services.encoding import set_time
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.links import EXPORTS, Links
from fakeviam.server.services.sequence_files import is_available
from fakeviam.wire import dataset as wire

if TYPE_CHECKING:
    from fakeviam.server.state.call import Call

_STATUS: MappingProxyType[ExportStatus, wire.SequenceDatasetExportStatusValue] = MappingProxyType(
    {
        "running": wire.SEQUENCE_DATASET_EXPORT_STATUS_RUNNING,
        "completed": wire.SEQUENCE_DATASET_EXPORT_STATUS_COMPLETED,
        "failed": wire.SEQUENCE_DATASET_EXPORT_STATUS_FAILED,
    }
)


@rpc("StartSequenceDatasetExport", rests_on=["EJ-1", "EJ-2"])
def start_sequence_dataset_export(
    call: Call, request: wire.StartSequenceDatasetExportRequest
) -> wire.StartSequenceDatasetExportResponse:
    """Start a job, which ends two seconds later by the fake's clock (EJ-1, EJ-2, EJ-5)."""
    dataset = sequence_dataset(call, request.dataset_id)
    if not is_available():
        text = "an export is made of Parquet files, which need pyarrow: install fakeviam[parquet]"
        raise FailedPreconditionError(text, clause="EJ-5")
    job = SequenceExport(
        id=call.cloud.ids.uuid(),
        organization_id=dataset.organization_id,
        dataset_id=dataset.id,
        status="running",
        time_created=call.clock.now(),
    )
    call.store.put_entities(job)
    call.cloud.due = 0
    return wire.StartSequenceDatasetExportResponse(job_id=job.id)


@rpc("GetSequenceDatasetExport", rests_on=["EJ-1", "EJ-2"])
def get_sequence_dataset_export(
    call: Call, request: wire.GetSequenceDatasetExportRequest
) -> wire.GetSequenceDatasetExportResponse:
    """The state of a job, and the link to its file once it is done (EJ-1, EJ-2, EJ-4)."""
    if not request.job_id:
        raise InvalidArgumentError("job_id must not be empty", clause="EJ-4")
    export = call.store.entity(SequenceExport, request.job_id)
    job = visible(call, export, f"export {request.job_id!r}", clause="EJ-4")
    reply = wire.GetSequenceDatasetExportResponse(
        job_id=job.id, status=_STATUS[job.status], error_message=job.error
    )
    set_time(reply.created_at, job.time_created)
    if job.time_completed is None:
        return reply
    set_time(reply.completed_at, job.time_completed)
    if job.status == "completed":
        expires = job.time_completed + EXPORT_LIFETIME
        links = Links(call.address, call.cloud.name)
        reply.download_url = links.signed(call.cloud.ids, f"{EXPORTS}{job.id}", expires)
        set_time(reply.expires_at, expires)
    return reply
