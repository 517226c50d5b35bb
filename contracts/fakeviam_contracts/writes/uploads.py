"""Uploading files and readings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datasync
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam.wire.values import struct_from
from fakeviam_contracts.descriptions import ASPECTS
from fakeviam_contracts.model import File, Row
from fakeviam_contracts.operations import operation
from fakeviam_contracts.reads import check_by_ids
from fakeviam_contracts.session import Ground, permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.model import Origin
    from fakeviam_contracts.session import Session


#: MIME types by extension; only the first three are documented (UP-4, A24).
MIME = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".pcd": "pointcloud/pcd",
    ".mp4": "video/mp4",
    ".txt": "text/plain",
    ".json": "application/json",
}


@operation
def upload(  # noqa: PLR0913 - what an upload can say
    session: Session,
    *,
    way: str,
    part: int,
    chunks: Sequence[bytes],
    times: tuple[int, int] | None = None,
    component: str = "",
    component_type: str = "",
    method: str = "",
    file_name: str = "",
    extension: str = "",
    mime_type: str = "",
    tags: Sequence[str] = (),
    datasets: Sequence[int] = (),
) -> int | None:
    """Upload one file by one of the three ways; the answer is its handle (UP-1 … UP-9)."""
    origin = origin_of_upload(session, part, component, component_type, method)
    metadata = _metadata(session, origin, way, file_name, extension, mime_type, tags, datasets)
    answer = _send(session, way, metadata, chunks, times)
    grounds = _grounds(session, tags, datasets)
    if times is None and way != "FileUpload" and not grounds:
        grounds.append(permission("A28"))
    success = _ACCEPTS[way] if len(chunks) == 1 else "FU-2"
    reply = session.outcome(success, way, answer, grounds)
    if reply is None:
        return None
    ext = _with_dot(extension)
    file = File(
        handle=len(session.handles.files),
        origin=origin,
        requested=0,
        received=0,
        data=b"".join(chunks),
        mime_type=mime_type or MIME.get(ext.lower(), "application/octet-stream"),
        file_name=file_name,
        file_ext=ext,
        tags=list(dict.fromkeys(tags)),
        datasets=[d for d in dict.fromkeys(datasets) if session.model.dataset(d) is not None],
        because=file_because(
            way,
            extension,
            mime_type,
            len(chunks),
            given=times is not None and way != "FileUpload",
            named=bool(file_name),
        ),
    )
    whole = reply.binary_data_id
    session.require("UP-9", "the id is new", True, whole not in session.handles.files)  # noqa: FBT003
    session.require("ID-2", "segments of the whole id", 3, len(whole.split("/")))
    session.handles.files.append(whole)
    last = whole.rpartition("/")[2]
    session.expect("CU-4", "file_id is the end of binary_data_id", last, reply.file_id)
    if times is None or way == "FileUpload":
        file.requested, file.received = _stored_times(session, file)
    else:
        file.requested, file.received = times
    same = any(other.data == file.data for other in session.model.files)
    session.model.files.append(file)
    check_by_ids(session, [file.handle], clause="UP-9" if same else "BI-1")
    return file.handle


def _with_dot(extension: str) -> str:
    return extension if not extension or extension.startswith(".") else f".{extension}"


def _grounds(session: Session, tags: Sequence[str], datasets: Sequence[int]) -> list[Ground]:
    """Why an upload may be refused."""
    grounds = []
    if any(session.model.dataset(handle) is None for handle in datasets):
        grounds.append(Ground("A27", "NOT_FOUND", point="unknown_dataset", accepting="skip"))
    if any(not tag.strip() for tag in tags):
        grounds.append(Ground("TA-4"))
    return grounds


#: What most uploads go by.
WAY = "DataCaptureUpload"

#: The clause by which each way takes an upload.
_ACCEPTS = {
    "DataCaptureUpload": "CU-1",
    "FileUpload": "FU-1",
    "StreamingDataCaptureUpload": "SU-1",
}


def file_because(
    way: str, extension: str, mime_type: str, pieces: int, *, given: bool, named: bool = False
) -> dict[str, str]:
    """The clause that each aspect of a new file rests on."""
    with_dot = extension.startswith(".")
    documented = f".{extension.lstrip('.')}" in (".jpg", ".jpeg", ".png")
    by_extension = ("UP-4" if with_dot else "UP-3") if documented else "A24"
    joined = {0: "FU-2", 1: _ACCEPTS[way]}.get(pieces, "FU-3")
    return {
        **ASPECTS,
        "source": _ACCEPTS[way],
        "requested": "TM-1" if given else "A28",
        "file_name": "UP-6" if named or way == "FileUpload" else "UP-14",
        "mime_type": "UP-5" if mime_type else by_extension,
        "size": "CU-1" if way == "DataCaptureUpload" else joined,
    }


@operation
def upload_rows(
    session: Session,
    *,
    part: int,
    rows: Sequence[dict[str, Any]],
    times: Sequence[tuple[int, int]],
    component: str = "",
    component_type: str = "",
    method: str = "",
    tags: Sequence[str] = (),
) -> None:
    """Upload readings that share their metadata (CU-2)."""
    origin = origin_of_upload(session, part, component, component_type, method)
    metadata = _metadata(session, origin, "rows", "", "", "", tags, ())
    contents = []
    for row, pair in zip(rows, times, strict=True):
        content = datasync.SensorData(struct=struct_from(row))
        _set_times(content.metadata, pair)
        contents.append(content)
    request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
    grounds = [permission("CU-10")] if any("readings" not in row for row in rows) else []
    answer = session.wire.call("DataCaptureUpload", request)
    reply = session.outcome("CU-2", "DataCaptureUpload", answer, grounds)
    if reply is None:
        return
    has_id = bool(reply.file_id)
    session.expect("CU-4", "a tabular upload has a file id", expected=True, observed=has_id)
    for row, (requested, received) in zip(rows, times, strict=True):
        session.model.rows.append(
            Row(
                handle=session.handles.rows,
                origin=origin,
                requested=requested,
                received=received,
                data=dict(row),
                tags=list(dict.fromkeys(tags)),
            )
        )
        session.handles.rows += 1


def origin_of_upload(
    session: Session, part: int, component: str, component_type: str, method: str
) -> Origin:
    """What captured an upload for a part."""
    return replace(
        session.place.parts[part],
        component_name=session.place.component or component,
        component_type=component_type,
        method=method,
    )


_TYPES = {
    "rows": datasync.DATA_TYPE_TABULAR_SENSOR,
    "DataCaptureUpload": datasync.DATA_TYPE_BINARY_SENSOR,
    "StreamingDataCaptureUpload": datasync.DATA_TYPE_BINARY_SENSOR,
    "FileUpload": datasync.DATA_TYPE_FILE,
}


def _metadata(
    session: Session,
    origin: Origin,
    way: str,
    file_name: str,
    extension: str,
    mime_type: str,
    tags: Sequence[str],
    datasets: Sequence[int],
) -> datasync.UploadMetadata:
    return datasync.UploadMetadata(
        part_id=origin.part_id,
        type=_TYPES[way],
        component_name=origin.component_name,
        component_type=origin.component_type,
        method_name=origin.method,
        file_name=file_name,
        file_extension=extension,
        mime_type=mime_type,
        tags=tags,
        dataset_ids=[session.handles.datasets[handle] for handle in datasets],
    )


def _send(
    session: Session,
    way: str,
    metadata: datasync.UploadMetadata,
    chunks: Sequence[bytes],
    times: tuple[int, int] | None,
) -> object:
    sensor = datasync.SensorMetadata()
    _set_times(sensor, times)
    if way == "DataCaptureUpload":
        content = datasync.SensorData(metadata=sensor, binary=b"".join(chunks))
        return session.wire.call(
            way, datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=[content])
        )
    if way == "FileUpload":
        return session.wire.stream(way, [
            datasync.FileUploadRequest(metadata=metadata),
            *(datasync.FileUploadRequest(file_contents=datasync.FileData(data=c)) for c in chunks),
        ])  # fmt: skip
    opening = datasync.DataCaptureUploadMetadata(upload_metadata=metadata, sensor_metadata=sensor)
    return session.wire.stream(way, [
        datasync.StreamingDataCaptureUploadRequest(metadata=opening),
        *(datasync.StreamingDataCaptureUploadRequest(data=c) for c in chunks),
    ])  # fmt: skip


def _set_times(sensor: datasync.SensorMetadata, times: tuple[int, int] | None) -> None:
    if times is not None:
        sensor.time_requested.CopyFrom(timestamp_from(times[0]))
        sensor.time_received.CopyFrom(timestamp_from(times[1]))


def _stored_times(session: Session, file: File) -> tuple[int, int]:
    """The times the subject gave a file that came without: one moment (A28)."""
    request = data.BinaryDataByIDsRequest(binary_data_ids=[session.handles.files[file.handle]])
    reply = session.answered("BI-1", "BinaryDataByIDs",
                             session.wire.call("BinaryDataByIDs", request))  # fmt: skip
    session.require("BI-1", "files answered", 1, len(reply.data))
    metadata = reply.data[0].metadata
    requested, received = nanos_from(metadata.time_requested), nanos_from(metadata.time_received)
    session.expect("A28", "times of an upload without times are one", requested, received)
    return requested, received
