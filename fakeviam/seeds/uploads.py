"""The uploads that a client would send for files and readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.annotations import COORDINATES
from fakeviam.wire import data, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.model.annotations import BoundingBox, Classification
    from fakeviam.seeds.values import Capture, FileSeed, SeriesSeed


def file_request(
    file: FileSeed, part_id: str, dataset_ids: Iterable[str], payload: bytes
) -> datasync.DataCaptureUploadRequest:
    """The upload of one file."""
    metadata = _metadata(file.capture, part_id, file.tags)
    metadata.MergeFrom(
        datasync.UploadMetadata(
            type=datasync.DATA_TYPE_BINARY_SENSOR,
            file_name=file.file_name,
            file_extension=file.file_ext,
            mime_type=file.mime_type,
            dataset_ids=dataset_ids,
        )
    )
    sensor = _times(file.time_requested, file.time_received)
    if file.boxes or file.classifications:
        sensor.annotations.bboxes.extend(map(_box, file.boxes))
        sensor.annotations.classifications.extend(map(_classification, file.classifications))
    content = datasync.SensorData(metadata=sensor, binary=payload)
    return datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=[content])


def readings_request(series: SeriesSeed, part_id: str) -> datasync.DataCaptureUploadRequest:
    """The upload of a series."""
    metadata = _metadata(series.capture, part_id, series.tags)
    metadata.type = datasync.DATA_TYPE_TABULAR_SENSOR
    contents = [
        datasync.SensorData(
            metadata=_times(one.time_requested, one.time_received), struct=struct_from(one.data)
        )
        for one in series.readings
    ]
    return datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)


def _metadata(capture: Capture, part_id: str, tags: Iterable[str]) -> datasync.UploadMetadata:
    return datasync.UploadMetadata(
        part_id=part_id,
        component_type=capture.component_type,
        component_name=capture.component,
        method_name=capture.method,
        tags=tags,
    )


def _times(requested: int | None, received: int | None) -> datasync.SensorMetadata:
    """The times of one content; a single one serves as both."""
    default = requested if requested is not None else received
    if default is None:
        return datasync.SensorMetadata()
    return datasync.SensorMetadata(
        time_requested=timestamp_from(default),
        time_received=timestamp_from(default if received is None else received),
    )


def _box(box: BoundingBox) -> data.BoundingBox:
    numbers = {name: getattr(box, name) for name in COORDINATES}
    return data.BoundingBox(label=box.label, confidence=box.confidence, **numbers)


def _classification(mark: Classification) -> data.Classification:
    return data.Classification(label=mark.label, confidence=mark.confidence)
