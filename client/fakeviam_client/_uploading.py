"""What all uploads share: their metadata, and contents in pieces."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from fakeviam.wire import datasync as wire
from fakeviam_client import _arguments as arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.wire.well_known import Timestamp
    from fakeviam_client._progress import Meter

#: How much of a file one message holds: what robots send.
CHUNK = 64 * 1024


def upload_metadata(
    kind: wire.DataTypeValue,
    *,
    part_id: object,
    component_type: object,
    component_name: object,
    method_name: object,
    method_parameters: object,
    tags: object,
    dataset_ids: object = None,
    mime_type: object = None,
    file_name: str = "",
    file_extension: str = "",
) -> wire.UploadMetadata:
    """What every upload says about its data, checked."""
    return wire.UploadMetadata(
        part_id=arguments.text("part_id", part_id),
        type=kind,
        component_type=arguments.optional_text("component_type", component_type),
        component_name=arguments.optional_text("component_name", component_name),
        method_name=arguments.optional_text("method_name", method_name),
        method_parameters=arguments.parameters("method_parameters", method_parameters),
        file_name=file_name,
        file_extension=file_extension,
        tags=arguments.optional_texts("tags", tags),
        dataset_ids=arguments.optional_texts("dataset_ids", dataset_ids),
        mime_type=arguments.optional_text("mime_type", mime_type),
    )


def dotted(extension: str) -> str:
    """An extension with its dot; none stays none (UP-3)."""
    return extension if not extension or extension.startswith(".") else f".{extension}"


def id_of(
    reply: wire.DataCaptureUploadResponse
    | wire.FileUploadResponse
    | wire.StreamingDataCaptureUploadResponse,
) -> str:
    """The id that calls by ids take, if there is one: readings have none (CU-4)."""
    return reply.binary_data_id or reply.file_id


def sensor_metadata(pair: tuple[Timestamp, Timestamp] | None) -> wire.SensorMetadata | None:
    """The times of a reading as it travels, if there are any."""
    if pair is None:
        return None
    return wire.SensorMetadata(time_requested=pair[0], time_received=pair[1])


def pieces_of(contents: bytes | memoryview) -> Iterator[bytes]:
    """Contents in pieces; no contents are one empty piece, as the official SDK sends."""
    view = memoryview(contents)
    for start in range(0, max(len(view), 1), CHUNK):
        yield bytes(view[start : start + CHUNK])


def pieces_read(file: BinaryIO, meter: Meter) -> Iterator[bytes]:
    """A file in pieces, each read when it is asked for; the meter runs behind by what is sent."""
    meter.total = os.fstat(file.fileno()).st_size
    piece = file.read(CHUNK)
    yield piece
    while piece:
        meter.add(len(piece))
        piece = file.read(CHUNK)
        if piece:
            yield piece
