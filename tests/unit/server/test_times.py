"""Times on the wire."""

from __future__ import annotations

import pytest
from grpclib.const import Status

from fakeviam.wire import data, datasync
from fakeviam.wire.well_known import Timestamp

from .driver import (
    Viam,
    at,
    file_parts,
    interval,
    nanos,
    reading,
    sensor,
    stream_parts,
    upload_metadata,
)

pytestmark = pytest.mark.asyncio

FIRST, LAST = -62_135_596_800, 253_402_300_799

#: The edges of what a Timestamp can say, and the epoch with its neighbours.
EDGES = [
    Timestamp(seconds=FIRST, nanos=1),
    Timestamp(seconds=FIRST + 1),
    Timestamp(seconds=-1, nanos=999_999_999),
    Timestamp(),
    Timestamp(nanos=1),
    Timestamp(seconds=1_773_144_000, nanos=123_456_789),
    Timestamp(seconds=2**31, nanos=999_999_999),
    Timestamp(seconds=LAST, nanos=999_999_999),
]

IMPOSSIBLE = [
    Timestamp(seconds=FIRST - 1),
    Timestamp(seconds=LAST + 1),
    Timestamp(seconds=2**63 - 1),
    Timestamp(seconds=-(2**63)),
    Timestamp(nanos=-1),
    Timestamp(nanos=1_000_000_000),
    Timestamp(seconds=FIRST, nanos=-1),
]


@pytest.mark.parametrize("time", EDGES, ids=range(len(EDGES)))
async def test_times_keep_their_nanoseconds(viam: Viam, time: Timestamp) -> None:
    """Every instant from year 1 to 9999 comes back exactly, the epoch too (TM-1, TM-2)."""
    other = at(0, 1)
    image = await viam.upload("a", requested=time, received=other)
    await viam.upload_readings(reading({"n": 1}, other, time))
    metadata = await viam.metadata_of(image)
    assert metadata.HasField("time_requested")
    assert (metadata.time_requested, metadata.time_received) == (time, other)
    (entry,) = (await viam.tabular()).data
    assert entry.HasField("time_received")
    assert (entry.time_requested, entry.time_received) == (other, time)
    wanted = data.Filter(interval=interval(time, time))
    assert await viam.names(wanted) == ["a"]
    assert "TM-1" in viam.cited()


async def test_replies_set_every_time(viam: Viam) -> None:
    """Also where nothing was uploaded: an unset time would show as 1970 (TM-2, A28)."""
    image = await viam.upload("a")
    await viam.upload_readings(reading({"n": 1}))
    await viam.create_dataset()
    metadata = await viam.metadata_of(image)
    (entry,) = (await viam.tabular()).data
    for message in (metadata, entry):
        assert message.HasField("time_requested")
        assert message.HasField("time_received")
        assert nanos(message.time_requested) == nanos(message.time_received) == 0


@pytest.mark.parametrize("time", IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
@pytest.mark.parametrize("field", ["time_requested", "time_received"])
async def test_impossible_times_of_sensors_are_refused(
    viam: Viam, field: str, time: Timestamp
) -> None:
    """In readings, binary contents and streams; nothing is stored (TM-3)."""
    times = {"requested": at(), field.removeprefix("time_"): time}
    metadata = sensor(**times)
    with viam.refuses(Status.INVALID_ARGUMENT, "TM-3", f"{field}: timestamp"):
        await viam.upload("a", **times)  # type: ignore[arg-type]
    with viam.refuses(Status.INVALID_ARGUMENT, "TM-3", f"{field}: timestamp"):
        await viam.upload_readings(
            reading({"n": 1}, at()),
            reading({"n": 2}, metadata.time_requested, metadata.time_received),
        )
    with viam.refuses(Status.INVALID_ARGUMENT, "TM-3", f"{field}: timestamp"):
        await viam.rpc("StreamingDataCaptureUpload", *stream_parts(b"x", sensor_metadata=metadata))


@pytest.mark.parametrize("time", IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
@pytest.mark.parametrize("field", ["file_create_time", "file_modify_time"])
async def test_impossible_times_of_files_are_refused(
    viam: Viam, field: str, time: Timestamp
) -> None:
    """Also in upload metadata, where the modification time is used for nothing (TM-3)."""
    times = {field: time}
    with viam.refuses(Status.INVALID_ARGUMENT, "TM-3", f"{field}: timestamp"):
        await viam.rpc("FileUpload", *file_parts(b"x", **times))
    with viam.refuses(Status.INVALID_ARGUMENT, "TM-3", f"{field}: timestamp"):
        await viam.upload("a", **times)  # type: ignore[arg-type]


@pytest.mark.parametrize("time", IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
@pytest.mark.parametrize("end", ["start", "end"])
async def test_impossible_times_of_intervals_are_refused(
    viam: Viam, end: str, time: Timestamp
) -> None:
    """In a filter too (TM-3)."""
    await viam.upload("a")
    wanted = data.Filter(interval=interval(**{end: time}))
    for read in (viam.names, viam.numbers, viam.tags_by_filter):
        with viam.refuses(Status.INVALID_ARGUMENT, "TM-3", f"interval.{end}: timestamp"):
            await read(wanted)
    with viam.refuses(Status.INVALID_ARGUMENT, "TM-3", f"interval.{end}: timestamp"):
        await viam.rpc(
            "DeleteBinaryDataByFilter", data.DeleteBinaryDataByFilterRequest(filter=wanted)
        )


async def test_years_one_and_9999_bound_everything(viam: Viam) -> None:
    """An interval over all there can be holds everything (TM-1, FI-13)."""
    for time in EDGES:
        await viam.upload("a", requested=time)
    first, last = Timestamp(seconds=FIRST), Timestamp(seconds=LAST, nanos=999_999_999)
    wanted = data.Filter(interval=interval(first, last))
    assert (await viam.binary(wanted, count_only=True)).count == len(EDGES)
    page = await viam.binary(limit=3, sort_order=data.ORDER_ASCENDING)
    times = [entry.metadata.time_requested for entry in page.data]
    page = await viam.binary(limit=100, last=page.last, sort_order=data.ORDER_ASCENDING)
    times += [entry.metadata.time_requested for entry in page.data]
    assert times == EDGES


async def test_go_zero_time_is_no_time(viam: Viam) -> None:
    """0001-01-01T00:00:00Z, which Go clients send for none, becomes the fake's clock (A28)."""
    zero = Timestamp(seconds=FIRST)
    image = await viam.upload("a", requested=zero, received=zero)
    metadata = await viam.metadata_of(image)
    assert nanos(metadata.time_requested) == nanos(metadata.time_received) == 0
    parts = file_parts(b"", file_create_time=zero)
    stored = await viam.rpc("FileUpload", *parts)
    assert nanos((await viam.metadata_of(stored.binary_data_id)).time_requested) == 0
    assert "A28" in viam.cited()


async def test_times_of_the_wrong_upload_are_not_looked_at(viam: Viam) -> None:
    """A refused upload is refused for its part first, whatever else is wrong (UP-1, A22)."""
    metadata = upload_metadata(part_id="no", file_create_time=IMPOSSIBLE[0])
    with viam.refuses(Status.UNKNOWN, "A22", "no robot part found"):
        await viam.rpc(
            "DataCaptureUpload",
            datasync.DataCaptureUploadRequest(
                metadata=metadata, sensor_contents=[reading({"n": 1})]
            ),
        )
