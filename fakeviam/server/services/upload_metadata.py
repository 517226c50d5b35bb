"""Common parts of all uploads: from upload metadata to stored records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.model.annotations import (
    BoundingBox,
    Classification,
    check_box,
    check_confidence,
)
from fakeviam.model.clock import FIRST
from fakeviam.model.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    Refusal,
    UnknownStatusError,
)
from fakeviam.model.names import check_tags
from fakeviam.model.records import (
    DOCUMENTED_EXTENSIONS,
    BinaryRecord,
    Parameter,
    Source,
    is_image,
    mime_type_of,
    with_dot,
)
from fakeviam.server.services.data.dataset_members import check_same_organization
from fakeviam.server.services.datasets import dataset_for_binary
from fakeviam.server.services.wire_values import time_from
from fakeviam.wire import data, datasync

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fakeviam.model.fleet import Part
    from fakeviam.server.state.call import Call
    from fakeviam.wire.well_known import Timestamp

#: Go's zero time, 0001-01-01T00:00:00Z, which Go clients send to mean "no time".
GO_ZERO_TIME = FIRST

NO_PART = "no robot part found"

_INVALID_PART: MappingProxyType[str, type[Refusal]] = MappingProxyType(
    {
        "UNKNOWN": UnknownStatusError,
        "NOT_FOUND": NotFoundError,
        "INVALID_ARGUMENT": InvalidArgumentError,
    }
)

_SENSOR_MIME = MappingProxyType(
    {
        datasync.MIME_TYPE_IMAGE_JPEG: "image/jpeg",
        datasync.MIME_TYPE_IMAGE_PNG: "image/png",
        datasync.MIME_TYPE_APPLICATION_PCD: "pointcloud/pcd",
        datasync.MIME_TYPE_VIDEO_MP4: "video/mp4",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """Validated upload metadata."""

    source: Source
    mime_type: str
    explicit_mime: bool
    file_name: str
    file_ext: str
    tags: tuple[str, ...]
    dataset_ids: tuple[str, ...]
    created: int | None
    internal: bool


def resolve_upload_metadata(
    call: Call, metadata: datasync.UploadMetadata, *, kind: datasync.DataTypeValue
) -> Upload:
    """Validate upload metadata, and look up its part (UP-1 … UP-12).

    Raises:
        Refusal: The part is unknown (UP-1), the type is not `kind` (A29), a tag is invalid
            (TA-4), or a dataset is unknown (A27) or does not accept such data (DM-7, DM-9).
    """
    part = _part(call, metadata.part_id)
    if metadata.type != kind:
        raise _wrong_type(metadata.type, kind)
    tags = tuple(dict.fromkeys(metadata.tags))
    check_tags(tags)
    file_ext = with_dot(metadata.file_extension)
    mime_type = metadata.mime_type or mime_type_of(file_ext)
    _time(metadata, "file_modify_time")  # not stored, but validated
    return Upload(
        source=_source(part, metadata),
        mime_type=mime_type,
        explicit_mime=bool(metadata.mime_type),
        file_name=metadata.file_name,
        file_ext=file_ext,
        tags=tags,
        dataset_ids=_datasets(call, metadata.dataset_ids, part.organization_id),
        created=_time(metadata, "file_create_time"),
        internal=part.internal,
    )


def upload_grounds(
    upload: Upload,
    metadata: datasync.UploadMetadata,
    sensors: Iterable[datasync.SensorMetadata | None],
) -> list[str]:
    """The clauses that an upload depends on because of its metadata."""
    grounds = ["UP-1", "UP-6", "UP-7", "UP-9", *_mime_grounds(upload, metadata)]
    if metadata.method_parameters:
        grounds += ("UP-8", "A31")
    if _finer_than_micros(metadata.file_create_time, metadata.file_modify_time):
        grounds.append("TM-1")
    for sensor in sensors:
        if sensor is None:
            grounds += ("A28",) if upload.created is None else ("A28", "FU-4")
        else:
            grounds += _sensor_grounds(metadata, sensor)
    return grounds


def _mime_grounds(upload: Upload, metadata: datasync.UploadMetadata) -> tuple[str, ...]:
    if upload.explicit_mime:
        return ("UP-5",)
    completed = ("UP-3", "A26") if upload.file_ext != metadata.file_extension else ()
    if metadata.type == datasync.DATA_TYPE_TABULAR_SENSOR:
        return completed
    return ("UP-4" if upload.file_ext in DOCUMENTED_EXTENSIONS else "A24", *completed)


def _sensor_grounds(
    metadata: datasync.UploadMetadata, sensor: datasync.SensorMetadata
) -> Iterator[str]:
    """The clauses that one content depends on (A28, A32)."""
    received = _time(sensor, "time_received")
    if received is None or _time(sensor, "time_requested") is None:
        yield "A28"
    if received is not None:
        yield "A32"
    if _finer_than_micros(sensor.time_requested, sensor.time_received):
        yield "TM-1"
    if metadata.type == datasync.DATA_TYPE_TABULAR_SENSOR:
        return
    if sensor.mime_type and not metadata.mime_type:
        yield "UP-12"
    if sensor.HasField("annotations"):
        yield "CU-6"
        if not all(mark.label for mark in sensor.annotations.classifications):
            yield "CU-12"


def _finer_than_micros(*stamps: Timestamp) -> bool:
    """Whether a timestamp is more precise than a Python datetime."""
    return any(stamp.nanos % 1000 for stamp in stamps)


def with_datasets_of_now(call: Call, upload: Upload) -> Upload:
    """The upload with its datasets looked up again, since they may have been deleted (A27).

    Raises:
        Refusal: A dataset no longer exists.
    """
    if not upload.dataset_ids:
        return upload
    dataset_ids = _datasets(call, upload.dataset_ids, upload.source.organization_id)
    return replace(upload, dataset_ids=dataset_ids)


def capture_times(
    upload: Upload, sensor: datasync.SensorMetadata | None, *, now: int
) -> tuple[int, int]:
    """Time requested and time received of one content (A28, A32)."""
    fallback = now if upload.created is None else upload.created
    if sensor is None:
        return fallback, fallback
    requested = _time(sensor, "time_requested")
    received = _time(sensor, "time_received")
    return fallback if requested is None else requested, (
        fallback if received is None else received
    )


def binary_record(
    call: Call, upload: Upload, size: int, sensor: datasync.SensorMetadata | None, *, now: int
) -> BinaryRecord:
    """The record of one binary content."""
    requested, received = capture_times(upload, sensor, now=now)
    record = BinaryRecord(
        file_id=call.cloud.ids.file_id(),
        source=upload.source,
        time_requested=requested,
        time_received=received,
        time_synced=now + call.hidden_for,
        mime_type=upload.mime_type,
        file_name=upload.file_name,
        file_ext=upload.file_ext,
        size=size,
        tags=upload.tags,
        dataset_ids=upload.dataset_ids,
        internal=upload.internal,
    )
    return record if sensor is None else _with_sensor_metadata(call, upload, record, sensor)


def _with_sensor_metadata(
    call: Call, upload: Upload, record: BinaryRecord, sensor: datasync.SensorMetadata
) -> BinaryRecord:
    if sensor.mime_type and not upload.explicit_mime:
        record = replace(record, mime_type=_SENSOR_MIME.get(sensor.mime_type, record.mime_type))
    if not sensor.HasField("annotations"):
        return record
    boxes = tuple(_box(call, box) for box in sensor.annotations.bboxes)
    if boxes and not is_image(record.mime_type):
        text = f"only images can have bounding boxes; the upload is {record.mime_type!r}"
        raise FailedPreconditionError(text, clause="BX-6")
    marks = tuple(_classification(call, mark) for mark in sensor.annotations.classifications)
    return replace(record, boxes=boxes, classifications=marks)


def _part(call: Call, part_id: str) -> Part:
    part, scope = call.cloud.fleet.part(part_id), call.principal.scope
    # A part that the caller may not see is reported as unknown (A51, AC-8).
    if part is None or (scope is not None and not scope.holds(part)):
        raise _INVALID_PART[call.policy.invalid_part](NO_PART, clause="A22", bare=True)
    return part


def _wrong_type(got: int, expected: datasync.DataTypeValue) -> InvalidArgumentError:
    names = datasync.DataType
    name = names.Name(got) if got in names.values() else got  # type: ignore[arg-type]
    text = f"metadata.type must be {names.Name(expected)} for these contents, got {name}"
    return InvalidArgumentError(text, clause="A29")


def _source(part: Part, metadata: datasync.UploadMetadata) -> Source:
    return Source(
        organization_id=part.organization_id,
        location_id=part.location_id,
        robot_id=part.robot_id,
        robot_name=part.robot_name,
        part_id=part.id,
        part_name=part.name,
        component_type=metadata.component_type,
        component_name=metadata.component_name,
        method_name=metadata.method_name,
        method_parameters=tuple(
            Parameter(key=key, type_url=packed.type_url, value=packed.value)
            for key, packed in sorted(metadata.method_parameters.items())
        ),
    )


def _datasets(call: Call, dataset_ids: Iterable[str], organization_id: str) -> tuple[str, ...]:
    ids: list[str] = []
    for dataset_id in dict.fromkeys(dataset_ids):
        dataset = dataset_for_binary(call, dataset_id, field="metadata.dataset_ids", clause="A27")
        if dataset is not None:
            check_same_organization(dataset, organization_id)
            ids.append(dataset.id)
    return tuple(ids)


def _time(message: datasync.UploadMetadata | datasync.SensorMetadata, field: str) -> int | None:
    if not message.HasField(field):  # type: ignore[arg-type]
        return None
    stamp: Timestamp = getattr(message, field)
    nanos = time_from(stamp, field)
    return None if nanos == GO_ZERO_TIME else nanos


def _box(call: Call, message: data.BoundingBox) -> BoundingBox:
    return check_box(
        BoundingBox(
            id=call.cloud.ids.object_id(),
            label=message.label,
            x_min_normalized=message.x_min_normalized,
            y_min_normalized=message.y_min_normalized,
            x_max_normalized=message.x_max_normalized,
            y_max_normalized=message.y_max_normalized,
            confidence=message.confidence if message.HasField("confidence") else None,
        )
    )


def _classification(call: Call, message: data.Classification) -> Classification:
    confidence = message.confidence if message.HasField("confidence") else None
    check_confidence(confidence)
    return Classification(id=call.cloud.ids.object_id(), label=message.label, confidence=confidence)
