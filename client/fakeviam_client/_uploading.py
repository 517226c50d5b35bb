"""Common parts of all uploads: metadata, and contents in pieces."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from fakeviam.wire import datasync as wire
from fakeviam_client import _arguments as arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.wire.well_known import Timestamp
    from fakeviam_client._progress import Meter

#: The size of the pieces of a file: the same as robots use.
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
    """The common metadata of all uploads, validated."""
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
    """An extension with its dot; an empty one stays empty (UP-3)."""
    return extension if not extension or extension.startswith(".") else f".{extension}"


def id_of(
    reply: wire.DataCaptureUploadResponse
    | wire.FileUploadResponse
    | wire.StreamingDataCaptureUploadResponse,
) -> str:
    """The binary data id of an upload; None for readings, which have none (CU-4)."""
    return reply.binary_data_id or reply.file_id


def sensor_metadata(pair: tuple[Timestamp, Timestamp] | None) -> wire.SensorMetadata | None:
    """The times of a reading as a message, if there are any."""
    if pair is None:
        return None
    return wire.SensorMetadata(time_requested=pair[0], time_received=pair[1])


def pieces_of(contents: bytes | memoryview) -> Iterator[bytes]:
    """Contents in pieces; empty contents are one empty piece, as in the official SDK."""
    view = memoryview(contents)
    for start in range(0, max(len(view), 1), CHUNK):
        yield bytes(view[start : start + CHUNK])


def pieces_read(file: BinaryIO, meter: Meter) -> Iterator[bytes]:
    """A file in pieces, each read on demand; the meter counts a piece once it was sent."""
    meter.total = os.fstat(file.fileno()).st_size
    piece = file.read(CHUNK)
    yield piece
    while piece:
        meter.add(len(piece))
        piece = file.read(CHUNK)
        if piece:
            yield piece
