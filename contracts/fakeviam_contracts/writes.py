"""Changing the subject and the model alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, dataset, datasync
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam.wire.values import struct_from
from fakeviam_contracts.model import Ask, Box, File, Row
from fakeviam_contracts.model import Dataset as ModelDataset
from fakeviam_contracts.reads import check_by_ids, wrong_ids
from fakeviam_contracts.session import Wrong
from fakeviam_contracts.steps import operation

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


# Uploads ---------------------------------------------------------------------------------


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
    origin = _origin(session, part, component, component_type, method)
    metadata = _metadata(session, origin, way, file_name, extension, mime_type, tags, datasets)
    answer = _send(session, way, metadata, chunks, times)
    gone = any(session.model.dataset(handle) is None for handle in datasets)
    if session.refused(way, answer, [Wrong("NOT_FOUND", ("A27",))] if gone else []):
        return None
    reply = session.answered(("UP-1", "CU-4"), way, answer)
    ext = extension if not extension or extension.startswith(".") else f".{extension}"
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
        datasets=list(dict.fromkeys(datasets)),
    )
    session.handles.files.append(reply.binary_data_id)
    session.expect(("CU-4", "ID-2"), "file_id is the end of binary_data_id", reply.file_id,
                   reply.binary_data_id.rpartition("/")[2])  # fmt: skip
    if times is None or way == "FileUpload":
        file.requested, file.received = _stored_times(session, file)
    else:
        file.requested, file.received = times
    session.model.files.append(file)
    check_by_ids(session, [file.handle])
    return file.handle


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
    origin = _origin(session, part, component, component_type, method)
    metadata = _metadata(session, origin, "rows", "", "", "", tags, ())
    contents = []
    for row, pair in zip(rows, times, strict=True):
        content = datasync.SensorData(struct=struct_from(row))
        _set_times(content.metadata, pair)
        contents.append(content)
    request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
    reply = session.answered(
        ("CU-2",), "DataCaptureUpload", session.wire.call("DataCaptureUpload", request)
    )
    session.expect(
        ("CU-4",), "a tabular upload has a file id", expected=True, observed=bool(reply.file_id)
    )
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


def _origin(
    session: Session, part: int, component: str, component_type: str, method: str
) -> Origin:
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
) -> Any:
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
    reply = session.answered(
        ("BI-1",), "BinaryDataByIDs", session.wire.call("BinaryDataByIDs", request)
    )
    session.expect(("BI-1",), "files answered", 1, len(reply.data))
    metadata = reply.data[0].metadata
    requested, received = nanos_from(metadata.time_requested), nanos_from(metadata.time_received)
    session.expect(("A28",), "times of an upload without times are one", requested, received)
    return requested, received


# Deleting --------------------------------------------------------------------------------


@operation
def delete_files(session: Session, files: Sequence[int], *, form: str = "string") -> None:
    """Delete files by their ids (DI-1)."""
    rpc = "DeleteBinaryDataByIDs"
    answer = session.wire.call(rpc, data.DeleteBinaryDataByIDsRequest(**session.names(files, form)))
    if not session.refused(rpc, answer, wrong_ids(session, files, form)):
        reply = session.answered(("DI-1",), rpc, answer)
        session.expect(("DI-1",), "deleted", session.model.delete_files(files), reply.deleted_count)


@operation
def delete_matching(session: Session, ask: Ask) -> None:
    """Delete the files that a filter selects (DF-1, A16)."""
    ask = session.within(ask)
    rpc = "DeleteBinaryDataByFilter"
    answer = session.wire.call(
        rpc, data.DeleteBinaryDataByFilterRequest(filter=session.filter(ask))
    )
    refused = not ask.organization_ids and session.reading.empty_delete == "refused"
    if session.refused(rpc, answer, [Wrong("INVALID_ARGUMENT", ("A16",))] if refused else []):
        return
    reply = session.answered(("DF-1",), rpc, answer)
    gone = [file.handle for file in session.model.matching_files(ask)]
    session.expect(
        ("DF-1", "DF-4"), "deleted", session.model.delete_files(gone), reply.deleted_count
    )


@operation
def delete_rows(session: Session, days: int, ask: Ask) -> None:
    """Delete readings older than some days (DT-1 … DT-4). Needs the subject's clock."""
    if session.place.now is None:
        return
    ask = session.within(replace(ask, box_labels=(), dataset=None, mime_types=(), label_of=()))
    filter_ = session.filter(ask)
    request = data.DeleteTabularDataRequest(
        organization_id=session.place.organization_id,
        delete_older_than_days=days,
        filter=data.DeleteTabularFilter(
            location_ids=filter_.location_ids,
            robot_id=filter_.robot_id,
            part_id=filter_.part_id,
            component_type=filter_.component_type,
            component_name=filter_.component_name,
            method=filter_.method,
            tags_filter=filter_.tags_filter,
        ),
    )
    narrow = Ask(
        location_ids=ask.location_ids,
        robot_id=ask.robot_id,
        part_id=ask.part_id,
        component_type=ask.component_type,
        component_name=ask.component_name,
        method=ask.method,
        tag_rule=ask.tag_rule,
        tags=ask.tags,
    )
    now = session.place.now()
    reply = session.answered(
        ("DT-1",), "DeleteTabularData", session.wire.call("DeleteTabularData", request)
    )
    gone = session.model.delete_rows(session.place.organization_id, days, now, narrow)
    session.expect(("DT-1", "DT-2", "DT-3", "DT-4"), "deleted", gone, reply.deleted_count)


# Tags ------------------------------------------------------------------------------------


@operation
def tag(session: Session, files: Sequence[int], tags: Sequence[str], *, form: str = "string",
        remove: bool = False) -> None:  # fmt: skip
    """Add or remove tags by ids (TA-1, TA-2, TR-1, TR-2, A8)."""
    rpc = "RemoveTagsFromBinaryDataByIDs" if remove else "AddTagsToBinaryDataByIDs"
    request = getattr(data, f"{rpc}Request")(tags=tags, **session.names(files, form))
    answer = session.wire.call(rpc, request)
    wrongs = wrong_ids(session, files, form) + _wrong_tags(tags, remove=remove)
    if not session.refused(rpc, answer, wrongs):
        known = [f for f in map(session.model.file, dict.fromkeys(files)) if f is not None]
        _tagged(session, rpc, answer, known, tags, remove=remove)


@operation
def tag_matching(session: Session, ask: Ask, tags: Sequence[str], *, remove: bool = False) -> None:
    """Add or remove tags by filter (TA-3, TR-1)."""
    ask = session.within(ask)
    rpc = "RemoveTagsFromBinaryDataByFilter" if remove else "AddTagsToBinaryDataByFilter"
    request = getattr(data, f"{rpc}Request")(tags=tags, filter=session.filter(ask))
    answer = session.wire.call(rpc, request)
    if session.refused(rpc, answer, _wrong_tags(tags, remove=remove)):
        return
    _tagged(session, rpc, answer, session.model.matching_files(ask), tags, remove=remove)


def _wrong_tags(tags: Sequence[str], *, remove: bool) -> list[Wrong]:
    if tags:
        return []
    return [Wrong("INVALID_ARGUMENT", ("TR-1" if remove else "TA-2", "A12"))]


def _tagged(
    session: Session, rpc: str, answer: Any, files: list[File], tags: Sequence[str], *, remove: bool
) -> None:
    reply = session.answered(("TR-1",) if remove else ("TA-1",), rpc, answer)
    if remove:
        count = session.model.remove_tags(files, tags)
        session.expect(("TR-2", "A8"), "count of removed tags", count, reply.deleted_count)
    else:
        session.model.add_tags(files, tags)


# Boxes -----------------------------------------------------------------------------------

CORNERS = ("x_min_normalized", "y_min_normalized", "x_max_normalized", "y_max_normalized")


@operation
def box(
    session: Session,
    file: int,
    label: str,
    corners: tuple[float, float, float, float],
    *,
    confidence: float | None = None,
) -> None:
    """Put a box on an image; a bad one must be refused (BX-1 … BX-8)."""
    rpc = "AddBoundingBoxToImageByID"
    request = data.AddBoundingBoxToImageByIDRequest(
        binary_data_id=session.handles.files[file],
        label=label,
        x_min_normalized=corners[0],
        y_min_normalized=corners[1],
        x_max_normalized=corners[2],
        y_max_normalized=corners[3],
    )
    if confidence is not None:
        request.confidence = confidence
    answer = session.wire.call(rpc, request)
    target = session.model.file(file)
    wrongs = wrong_box(label, corners, confidence)
    if target is None:
        wrongs.append(Wrong("NOT_FOUND", ("BX-8",)))
    elif not target.mime_type.startswith("image/"):
        wrongs.append(Wrong("FAILED_PRECONDITION", ("BX-6",)))
    if not session.refused(rpc, answer, wrongs) and target is not None:
        reply = session.answered(("BX-1",), rpc, answer)
        fresh = reply.bbox_id not in ("", *session.handles.boxes)
        session.expect(("BX-1",), "the box has a new id", expected=True, observed=fresh)
        handle = len(session.handles.boxes)
        session.handles.boxes.append(reply.bbox_id)
        target.boxes.append(Box(handle=handle, label=label, corners=corners, confidence=confidence))


def wrong_box(label: str, corners: tuple[float, ...], confidence: float | None) -> list[Wrong]:
    """What no box may be (BX-2, BX-3, BX-4, BX-7)."""
    broken = []
    if not label.strip():
        broken.append("BX-3")
    if not all(0 <= corner <= 1 for corner in corners):
        broken.append("BX-2")
    elif corners[0] > corners[2] or corners[1] > corners[3]:
        broken.append("BX-7")
    if confidence is not None and not 0 <= confidence <= 1:
        broken.append("BX-4")
    return [Wrong("INVALID_ARGUMENT", tuple(broken))] if broken else []


@operation
def update_box(session: Session, file: int, handle: int, changes: dict[str, Any]) -> None:
    """Change the fields of a box that are given (BU-1 … BU-4)."""
    rpc = "UpdateBoundingBox"
    answer = session.wire.call(
        rpc,
        data.UpdateBoundingBoxRequest(
            binary_data_id=session.handles.files[file],
            bbox_id=session.handles.boxes[handle],
            **changes,
        ),
    )
    target = session.model.file(file)
    old = next((b for b in target.boxes if b.handle == handle), None) if target else None
    if target is None or old is None:
        clauses = ("BX-8",) if target is None else ("BU-4",)
        session.refused(rpc, answer, [Wrong("NOT_FOUND", clauses)])
        return
    new = replace(
        old,
        label=changes.get("label", old.label),
        corners=tuple(
            changes.get(name, value) for name, value in zip(CORNERS, old.corners, strict=True)
        ),
        confidence=changes.get("confidence", old.confidence),
    )
    if not session.refused(rpc, answer, wrong_box(new.label, new.corners, new.confidence)):
        session.answered(("BU-1",), rpc, answer)
        session.model.change_box(target, handle, lambda _: new)
    check_by_ids(session, [file], with_bytes=False)


@operation
def remove_box(session: Session, file: int, handle: int) -> None:
    """Remove one box (BR-1, BR-2)."""
    rpc = "RemoveBoundingBoxFromImageByID"
    answer = session.wire.call(
        rpc,
        data.RemoveBoundingBoxFromImageByIDRequest(
            binary_data_id=session.handles.files[file], bbox_id=session.handles.boxes[handle]
        ),
    )
    target = session.model.file(file)
    if target is None or all(b.handle != handle for b in target.boxes):
        clauses = ("BX-8",) if target is None else ("BR-2",)
        session.refused(rpc, answer, [Wrong("NOT_FOUND", clauses)])
    else:
        session.answered(("BR-1",), rpc, answer)
        session.model.remove_box(target, handle)
        check_by_ids(session, [file], with_bytes=False)


# Datasets --------------------------------------------------------------------------------


@operation
def create_dataset(session: Session, name: str) -> None:
    """Create a dataset (DS-1, DS-7, DS-8)."""
    organization_id = session.place.organization_id
    answer = session.wire.call(
        "CreateDataset", dataset.CreateDatasetRequest(name=name, organization_id=organization_id)
    )
    if session.refused("CreateDataset", answer, _wrong_name(session, name)):
        return
    reply = session.answered(("DS-1",), "CreateDataset", answer)
    _new_dataset(session, name, reply.id)


@operation
def rename_dataset(session: Session, handle: int, name: str) -> None:
    """Rename a dataset (DS-3, A40)."""
    request = dataset.RenameDatasetRequest(id=session.handles.datasets[handle], name=name)
    answer = session.wire.call("RenameDataset", request)
    known = session.model.dataset(handle)
    wrongs = _wrong_name(session, name, but=handle) + _gone(session, [handle])
    if not session.refused("RenameDataset", answer, wrongs) and known:
        session.answered(("DS-3",), "RenameDataset", answer)
        known.name = name
    check_datasets(session)


@operation
def delete_dataset(session: Session, handle: int) -> None:
    """Delete a dataset; its data stays (DS-2, A40)."""
    request = dataset.DeleteDatasetRequest(id=session.handles.datasets[handle])
    answer = session.wire.call("DeleteDataset", request)
    if session.refused("DeleteDataset", answer, _gone(session, [handle])):
        return
    members = [file.handle for file in session.model.members(handle)]
    session.answered(("DS-2",), "DeleteDataset", answer)
    session.model.delete_dataset(handle)
    check_datasets(session)
    if members:
        check_by_ids(session, members, with_bytes=False)


@operation
def change_members(
    session: Session, handle: int, files: Sequence[int], *, form: str = "string",
    remove: bool = False,
) -> None:  # fmt: skip
    """Add files to a dataset, or take them out (DM-1 … DM-6, A40)."""
    verb = "RemoveBinaryDataFromDatasetByIDs" if remove else "AddBinaryDataToDatasetByIDs"
    request = getattr(data, f"{verb}Request")(
        dataset_id=session.handles.datasets[handle], **session.names(files, form)
    )
    answer = session.wire.call(verb, request)
    wrongs = _gone(session, [handle]) + wrong_ids(session, files, form)
    if session.refused(verb, answer, wrongs):
        return
    session.answered(("DM-1",), verb, answer)
    known = [f for f in map(session.model.file, dict.fromkeys(files)) if f is not None]
    if remove:
        session.model.remove_members(handle, known)
    else:
        session.model.add_members(handle, known)
    if known:
        check_by_ids(session, [file.handle for file in known], with_bytes=False)


@operation
def merge_datasets(session: Session, handles: Sequence[int], name: str) -> None:
    """Make a dataset of the members of others (DS-10, A42)."""
    request = dataset.MergeDatasetsRequest(
        dataset_ids=[session.handles.datasets[handle] for handle in handles],
        name=name,
        organization_id=session.place.organization_id,
    )
    answer = session.wire.call("MergeDatasets", request)
    wrongs = _gone(session, handles) + _wrong_name(session, name)
    if session.refused("MergeDatasets", answer, wrongs):
        return
    reply = session.answered(("DS-10",), "MergeDatasets", answer)
    merged = _new_dataset(session, name, reply.dataset_id)
    members = {f.handle: f for handle in handles for f in session.model.members(handle)}
    session.model.add_members(merged, members.values())
    if members:
        check_by_ids(session, list(members), with_bytes=False)


@operation
def check_datasets(session: Session) -> None:
    """The datasets of the organization, and those of their ids (DS-4, DS-5, DS-6, A41)."""
    ids = list(reversed(session.handles.datasets))
    by_ids = session.answered(
        ("DS-5",),
        "ListDatasetsByIDs",
        session.wire.call("ListDatasetsByIDs", dataset.ListDatasetsByIDsRequest(ids=ids)),
    )
    wanted = [(d.handle, d.name) for d in reversed(session.model.datasets)]
    got = [(session.handles.dataset(d.id), d.name) for d in by_ids.datasets]
    session.expect(
        ("DS-5", "DS-6", "DS-3"), "datasets by ids", sorted(wanted, key=str), sorted(got, key=str)
    )
    session.expect(("A41",), "their order", wanted, got)
    rpc = "ListDatasetsByOrganizationID"
    request = dataset.ListDatasetsByOrganizationIDRequest(
        organization_id=session.place.organization_id
    )
    listed = session.answered(("DS-4",), rpc, session.wire.call(rpc, request)).datasets
    ours = {
        session.handles.dataset(d.id): d.name
        for d in listed
        if session.place.exclusive or d.id in session.handles.datasets
    }
    session.expect(("DS-4",), "datasets of the organization", dict(wanted), ours)


def _wrong_name(session: Session, name: str, *, but: int | None = None) -> list[Wrong]:
    if not name.strip():
        return [Wrong("INVALID_ARGUMENT", ("DS-7",))]
    if session.model.name_is_taken(name, session.place.organization_id, but=but):
        return [Wrong("ALREADY_EXISTS", ("DS-8", "A39"))]
    return []


def _gone(session: Session, handles: Sequence[int]) -> list[Wrong]:
    if any(session.model.dataset(handle) is None for handle in handles):
        return [Wrong("NOT_FOUND", ("A40", "A42"))]
    return []


def _new_dataset(session: Session, name: str, dataset_id: str) -> int:
    handle = len(session.handles.datasets)
    session.handles.datasets.append(dataset_id)
    session.model.datasets.append(
        ModelDataset(handle=handle, name=name, organization_id=session.place.organization_id)
    )
    return handle
