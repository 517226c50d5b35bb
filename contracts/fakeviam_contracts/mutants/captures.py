"""Wrong servers: everything besides contents in uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.wire import datasync
from fakeviam_contracts.mutants.base import (
    CAPTURE,
    FILE,
    FILES,
    STREAM,
    Mutant,
    metadata_edit,
    on_refusal,
    on_reply,
    on_request,
)

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Memory


def _times_of_the_first(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents[1:]:
        content.metadata.CopyFrom(message.sensor_contents[0].metadata)


def _last_first(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    """Reverses the contents, so that the reply has the id of the last one."""
    contents = [
        type(c).FromString(c.SerializeToString()) for c in reversed(message.sensor_contents)
    ]
    if all(content.HasField("binary") for content in contents):
        del message.sensor_contents[:]
        message.sensor_contents.extend(contents)


def _no_annotations(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents:
        content.metadata.ClearField("annotations")


def _no_annotations_of_readings(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents:
        if content.HasField("struct"):
            content.metadata.ClearField("annotations")


def _drop_empty_contents(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents:
        if content.WhichOneof("data") is None:
            content.binary = b""


def _skip_nothing(message: datasync.FileUploadRequest, _: Memory) -> None:
    if message.WhichOneof("upload_packet") is None:
        message.file_contents.data = b""


def _no_parameters(message: Any, _: Memory) -> None:
    message.metadata.ClearField("method_parameters")


def _plain_parameters(message: Any, _: Memory) -> None:
    for packed in message.metadata.method_parameters.values():
        packed.ClearField("type_url")


def _no_datasets_of_readings(message: Any, _: Memory) -> None:
    if message.metadata.type == datasync.DATA_TYPE_TABULAR_SENSOR:
        message.metadata.ClearField("dataset_ids")


def _no_enum(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents:
        content.metadata.ClearField("mime_type")


def _no_creation(message: Any, _: Memory) -> None:
    if message.HasField("metadata"):
        message.metadata.ClearField("file_create_time")


def _epoch_for_none(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents:
        for field in ("time_requested", "time_received"):
            if not content.metadata.HasField(field):
                getattr(content.metadata, field).seconds = 0
                getattr(content.metadata, field).SetInParent()


def _epoch_for_empty(message: Any, _: Memory) -> None:
    sensor = message.metadata.sensor_metadata
    if message.metadata.HasField("sensor_metadata") and not sensor.ByteSize():
        sensor.time_requested.SetInParent()
        sensor.time_received.SetInParent()


def _possible(time: Any) -> None:
    time.seconds = min(max(time.seconds, -62_135_596_799), 253_402_300_799)
    time.nanos = min(max(time.nanos, 0), 10**9 - 1)


def _clamp_times(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents:
        for field in ("time_requested", "time_received"):
            if content.metadata.HasField(field):
                _possible(getattr(content.metadata, field))


def _without_times(metadata: Any) -> None:
    if metadata.time_requested == metadata.time_received:
        metadata.ClearField("time_received")


def _refuse_parameters(message: Any, _: Memory) -> None:
    if message.metadata.method_parameters:
        raise GRPCError(Status.INVALID_ARGUMENT, "parameters are no longer used")


def _refuse_nameless(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents:
        if not all(mark.label for mark in content.metadata.annotations.classifications):
            raise GRPCError(Status.INVALID_ARGUMENT, "a classification wants a label")


MUTANTS: tuple[Mutant, ...] = (
    on_request("gives all contents the first one's times", "CU-1", _times_of_the_first, CAPTURE),
    on_request("answers the id of the last content", "A23", _last_first, CAPTURE),
    on_request("forgets annotations of uploads", "CU-6", _no_annotations, CAPTURE),
    on_request("wants labels of classifications", "CU-12", _refuse_nameless, CAPTURE),
    on_refusal(
        "takes uploads of no contents",
        "CU-7",
        lambda _, __: datasync.DataCaptureUploadResponse(file_id="x"),
    ),
    on_request("takes contents without data for empty ones", "CU-8", _drop_empty_contents, CAPTURE),
    on_request("drops annotations of readings", "CU-9", _no_annotations_of_readings, CAPTURE),
    on_request("skips messages that say nothing", "FU-5", _skip_nothing, FILE),
    on_request("forgets parameters of methods", "A31", _no_parameters, CAPTURE),
    on_request("refuses parameters of methods", "UP-8", _refuse_parameters, CAPTURE),
    on_request("forgets the types of parameters", "A31", _plain_parameters, CAPTURE),
    on_request("does not look at datasets of readings", "UP-11", _no_datasets_of_readings, CAPTURE),
    on_request("ignores the older types of sensors", "UP-12", _no_enum, CAPTURE),
    on_request("forgets when files were created", "FU-4", _no_creation, FILE),
    on_request("gives 1970 to captures without times", "A28", _epoch_for_none, CAPTURE),
    on_request("gives 1970 for empty sensor metadata", "SU-2", _epoch_for_empty, STREAM),
    on_request("clamps times instead of refusing", "TM-3", _clamp_times, CAPTURE),
    on_reply(
        "leaves a time out that is as the other", "TM-2", metadata_edit(_without_times), *FILES
    ),
)
