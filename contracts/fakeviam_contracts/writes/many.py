"""Uploading more than a page at once."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from fakeviam.wire import data, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from
from fakeviam_contracts import pages
from fakeviam_contracts.model import File, FilterSpec, Row
from fakeviam_contracts.operations import operation
from fakeviam_contracts.pages import LARGEST_SURE
from fakeviam_contracts.reads import check_by_ids
from fakeviam_contracts.session import Ground, permission
from fakeviam_contracts.writes.uploads import WAY, file_because, origin_of_upload, upload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.model import Origin
    from fakeviam_contracts.session import Session

#: 2024-01-01T00:00:00Z in ns.
FIRST = 1_704_067_200 * 1_000_000_000
SECOND = 1_000_000_000


@operation
def upload_many(session: Session, count: int, *, tags: Sequence[str] = ()) -> None:
    """Upload images a second apart, without a look at each (CU-1)."""
    origin = origin_of_upload(session, 0, "cam", "camera", "ReadImage")
    for number in range(count):
        time, content = FIRST + number * SECOND, b"%d" % len(session.handles.files)
        metadata = _metadata(origin, tags)
        reply = session.answered(
            "CU-1", WAY, session.wire.call(WAY, _request(metadata, time, content))
        )
        is_new = reply.binary_data_id not in session.handles.files
        session.require("UP-9", "the id is new", expected=True, observed=is_new)
        file = _file(len(session.handles.files), origin, time, content, tags)
        session.handles.files.append(reply.binary_data_id)
        session.model.files.append(file)


@operation
def upload_several(
    session: Session,
    contents: Sequence[bytes],
    *,
    part: int,
    at: int,
    component: str,
    component_type: str,
    method: str,
    tags: Sequence[str] = (),
) -> None:
    """Upload images in one capture, a second apart and with the same metadata (CU-1, A23)."""
    origin = origin_of_upload(session, part, component, component_type, method)
    metadata = _metadata(origin, tags)
    times = [at + number * SECOND for number in range(len(contents))]
    request = datasync.DataCaptureUploadRequest(metadata=metadata)
    for time, content in zip(times, contents, strict=True):
        request.sensor_contents.extend(_request(metadata, time, content).sensor_contents)
    grounds = [permission("A23")]
    if any(not tag.strip() for tag in tags):
        grounds.append(Ground("TA-4"))
    if session.outcome("CU-1", WAY, session.wire.call(WAY, request), grounds) is None:
        return
    listed = pages.all_entries(session, "BinaryDataByFilter", session.within(FilterSpec()))
    ids = [entry.metadata.binary_data_id for entry in listed]
    new = [each for each in ids if each not in session.handles.files]
    session.require("A23", "files of a capture of several", len(contents), len(new))
    first = len(session.handles.files)
    session.handles.files.extend(new)
    session.model.files += [
        _file(first + number, origin, time, content, tags)
        for number, (time, content) in enumerate(zip(times, contents, strict=True))
    ]
    check_by_ids(session, range(first, first + len(new)), clause="CU-1")


def _metadata(origin: Origin, tags: Sequence[str]) -> datasync.UploadMetadata:
    return datasync.UploadMetadata(
        part_id=origin.part_id,
        type=datasync.DATA_TYPE_BINARY_SENSOR,
        component_name=origin.component_name,
        component_type=origin.component_type,
        method_name=origin.method,
        file_extension=".png",
        tags=tags,
    )


def _file(handle: int, origin: Origin, time: int, content: bytes, tags: Sequence[str]) -> File:
    """What the model keeps of an image with that metadata."""
    return File(
        handle=handle,
        origin=origin,
        requested=time,
        received=time,
        data=content,
        mime_type="image/png",
        file_ext=".png",
        tags=list(dict.fromkeys(tags)),
        because=file_because(WAY, ".png", "", 1, given=True),
    )


def _request(
    metadata: datasync.UploadMetadata, time: int, content: bytes
) -> datasync.DataCaptureUploadRequest:
    moment = timestamp_from(time)
    sensor = datasync.SensorMetadata(time_requested=moment, time_received=moment)
    contents = [datasync.SensorData(metadata=sensor, binary=content)]
    return datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)


@operation
def upload_many_rows(session: Session, count: int) -> None:
    """Upload readings a second apart (CU-2)."""
    origin = origin_of_upload(session, 0, "sensor", "sensor", "Readings")
    contents = []
    for number in range(count):
        moment, row = FIRST + number * SECOND, {"readings": {"n": float(number)}}
        stamp = timestamp_from(moment)
        sensor = datasync.SensorMetadata(time_requested=stamp, time_received=stamp)
        contents.append(datasync.SensorData(metadata=sensor, struct=struct_from(row)))
        session.model.rows.append(
            Row(
                handle=session.handles.rows,
                origin=origin,
                requested=moment,
                received=moment,
                data=row,
            )
        )
        session.handles.rows += 1
    metadata = datasync.UploadMetadata(
        part_id=origin.part_id,
        type=datasync.DATA_TYPE_TABULAR_SENSOR,
        component_name=origin.component_name,
        component_type=origin.component_type,
        method_name=origin.method,
    )
    request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
    session.answered("CU-2", WAY, session.wire.call(WAY, request))
    bare = session.within(FilterSpec())
    data_request = data.DataRequest(filter=session.filter(bare))
    counting = data.TabularDataByFilterRequest(data_request=data_request, count_only=True)
    rpc = "TabularDataByFilter"
    reply = session.answered("PG-8", rpc, session.wire.call(rpc, counting))
    stored = len(session.model.rows)
    if reply.count < stored and count > LARGEST_SURE:
        what = "records of an upload of many readings"
        session.expect("CU-2", what, stored, len(pages.all_entries(session, rpc, bare)))
    session.comparisons["CU-2"] += 1


@operation
def upload_pieces(
    session: Session, *, way: str, sizes: Sequence[int], order: Sequence[int], seed: int = 1
) -> int | None:
    """Upload random bytes: pieces of these sizes, in this order, some perhaps twice."""
    pieces = [Random(f"{seed} {at}").randbytes(size) for at, size in enumerate(sizes)]  # noqa: S311 - no secrets
    return upload(
        session, way=way, part=0, chunks=[pieces[at] for at in order], times=(FIRST, FIRST)
    )
