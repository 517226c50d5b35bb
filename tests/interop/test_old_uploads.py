"""How the clients of many years and languages upload.

Times may be missing or Go's zero, extensions come with and without a dot, and a stream's
contents in one piece, in many, in an empty one or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grpclib.const import Status

from fakeviam.model.clock import nanos_of
from fakeviam.wire import data, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from
from fakeviam.wire.well_known import Timestamp

from .old_client import OldClient, Raw, refused, store_file, store_readings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam import FakeViam

pytestmark = pytest.mark.asyncio

SECOND = 1_000_000_000
NOON = 1_714_996_800 * SECOND  # 2024-05-06T12:00:00Z
CHUNK = 64 * 1024  # what robots, Go and TypeScript send at a time


def go_zero_time() -> Timestamp:
    """0001-01-01T00:00:00Z, which a Go program sends where it has no time."""
    return Timestamp(seconds=-62_135_596_800)


async def only_file(raw: Raw) -> data.BinaryData:
    (file,) = await OldClient(raw).binary_data_by_filter()
    return file


async def only_metadata(raw: Raw) -> data.BinaryMetadata:
    return (await only_file(raw)).metadata


def file_metadata(cloud: FakeViam, **more: str) -> datasync.UploadMetadata:
    return datasync.UploadMetadata(
        part_id=cloud.default_part.id,
        type=datasync.DATA_TYPE_FILE,
        file_name=more.get("file_name", ""),
        file_extension=more.get("file_extension", ""),
    )


async def upload_file(
    raw: Raw, metadata: datasync.UploadMetadata, pieces: Sequence[bytes]
) -> datasync.FileUploadResponse:
    messages = [datasync.FileUploadRequest(metadata=metadata)]
    messages += [
        datasync.FileUploadRequest(file_contents=datasync.FileData(data=piece)) for piece in pieces
    ]
    return await raw.stream(messages, datasync.FileUploadResponse)


async def upload_stream(
    raw: Raw,
    cloud: FakeViam,
    pieces: Sequence[bytes],
    sensor: datasync.SensorMetadata | None = None,
) -> datasync.StreamingDataCaptureUploadResponse:
    metadata = datasync.UploadMetadata(
        part_id=cloud.default_part.id,
        component_type="camera",
        component_name="eye",
        method_name="GetImages",
        type=datasync.DATA_TYPE_BINARY_SENSOR,
        file_extension=".png",
    )
    opening = datasync.DataCaptureUploadMetadata(upload_metadata=metadata, sensor_metadata=sensor)
    messages = [datasync.StreamingDataCaptureUploadRequest(metadata=opening)]
    messages += [datasync.StreamingDataCaptureUploadRequest(data=piece) for piece in pieces]
    return await raw.stream(messages, datasync.StreamingDataCaptureUploadResponse)


# Times -------------------------------------------------------------------------------------


async def test_binary_upload_without_times_is_captured_now(cloud: FakeViam, raw: Raw) -> None:
    """0.15.0 sends sensor metadata only if it was given times (A28, TM-2)."""
    await store_file(raw, cloud.default_part, b"picture")
    metadata = await only_metadata(raw)
    now = nanos_of(cloud.clock.moment())
    assert metadata.time_requested.ToNanoseconds() == now
    assert metadata.time_received.ToNanoseconds() == now


async def test_empty_sensor_metadata_is_as_none(cloud: FakeViam, raw: Raw) -> None:
    """`streaming_data_capture_upload` always sends it (SU-1, SU-2, A28)."""
    await upload_stream(raw, cloud, [b"picture"], datasync.SensorMetadata())
    metadata = await only_metadata(raw)
    assert metadata.time_requested.ToNanoseconds() == nanos_of(cloud.clock.moment())


async def test_readings_without_times_are_captured_now(cloud: FakeViam, raw: Raw) -> None:
    """To 0.28 times were optional for readings too (A28, CU-2)."""
    request = datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=cloud.default_part.id, type=datasync.DATA_TYPE_TABULAR_SENSOR
        ),
        sensor_contents=[datasync.SensorData(struct=struct_from({"n": n})) for n in range(3)],
    )
    await raw(request, datasync.DataCaptureUploadResponse)
    readings = await OldClient(raw).tabular_data_by_filter()
    now = nanos_of(cloud.clock.moment())
    assert sorted(reading.values["n"] for reading in readings) == [0, 1, 2]  # type: ignore[type-var]
    assert {(r.time_requested, r.time_received) for r in readings} == {(now, now)}


async def test_go_zero_time_is_no_time(cloud: FakeViam, raw: Raw) -> None:
    """A robot without a clock value sends the year 1 (A28)."""
    sensor = datasync.SensorMetadata(time_requested=go_zero_time(), time_received=go_zero_time())
    await upload_stream(raw, cloud, [b"picture"], sensor)
    metadata = await only_metadata(raw)
    now = nanos_of(cloud.clock.moment())
    assert metadata.time_requested.ToNanoseconds() == now
    assert metadata.time_received.ToNanoseconds() == now


async def test_one_time_may_be_missing_alone(cloud: FakeViam, raw: Raw) -> None:
    """The other one is kept (A28, A32)."""
    sensor = datasync.SensorMetadata(
        time_requested=timestamp_from(NOON), time_received=go_zero_time()
    )
    await upload_stream(raw, cloud, [b"picture"], sensor)
    metadata = await only_metadata(raw)
    assert metadata.time_requested.ToNanoseconds() == NOON
    assert metadata.time_received.ToNanoseconds() == nanos_of(cloud.clock.moment())


async def test_creation_time_of_a_robots_file_is_its_capture_time(
    cloud: FakeViam, raw: Raw
) -> None:
    """Only robots send it, with FileUpload (FU-4, A28)."""
    metadata = file_metadata(cloud)
    metadata.file_create_time.CopyFrom(timestamp_from(NOON - 7))
    metadata.file_modify_time.CopyFrom(timestamp_from(NOON))
    await upload_file(raw, metadata, [b"log"])
    found = await only_metadata(raw)
    assert found.time_requested.ToNanoseconds() == NOON - 7
    assert found.time_received.ToNanoseconds() == NOON - 7


async def test_times_keep_their_nanoseconds(cloud: FakeViam, raw: Raw) -> None:
    """Robots have them, Python does not (TM-1, A32, TD-3)."""
    moment = NOON + 123_456_789
    await store_file(raw, cloud.default_part, b"picture", moment)
    await store_readings(raw, cloud.default_part, [({"n": 1}, moment)])
    metadata = await only_metadata(raw)
    (reading,) = await OldClient(raw).tabular_data_by_filter()
    assert metadata.time_requested.ToNanoseconds() == reading.time_requested == moment
    assert metadata.time_received.ToNanoseconds() == reading.time_received == moment + 1_000_000


# Names and answers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "stored", "mime_type"),
    [
        (".png", ".png", "image/png"),
        ("png", ".png", "image/png"),
        (".JPG", ".JPG", "image/jpeg"),
        ("jpeg", ".jpeg", "image/jpeg"),
        (".gz", ".gz", "application/octet-stream"),
        ("", "", "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("call", ["DataCaptureUpload", "FileUpload"])
async def test_extension_with_and_without_dot(
    cloud: FakeViam, raw: Raw, call: str, sent: str, stored: str, mime_type: str
) -> None:
    """The server sees `png` and `.png` (UP-3, UP-4, A24, A26)."""
    if call == "FileUpload":
        await upload_file(raw, file_metadata(cloud, file_extension=sent), [b"contents"])
    else:
        await store_file(raw, cloud.default_part, b"contents", extension=sent)
    metadata = await only_metadata(raw)
    assert (metadata.file_ext, metadata.capture_metadata.mime_type) == (stored, mime_type)


async def test_upload_from_path_of_two_extensions_arrives_as_stem_and_suffix(
    cloud: FakeViam, raw: Raw
) -> None:
    """`pic.tar.gz` is `pic.tar` and `.gz` on the wire, and both are kept (UP-6, UP-3)."""
    await upload_file(
        raw, file_metadata(cloud, file_name="pic.tar", file_extension=".gz"), [b"contents"]
    )
    metadata = await only_metadata(raw)
    assert (metadata.file_name, metadata.file_ext) == ("pic.tar", ".gz")


async def test_binary_uploads_answer_both_ids_and_tabular_ones_the_file_id(
    cloud: FakeViam, raw: Raw
) -> None:
    """To 0.43 clients read file_id, later ones binary_data_id (CU-4, ID-2, ID-3)."""
    part = cloud.default_part
    captured = await store_file(raw, part, b"1")
    streamed = await upload_stream(raw, cloud, [b"2"])
    filed = await upload_file(raw, file_metadata(cloud), [b"3"])
    for reply in (captured, streamed, filed):
        assert len(reply.file_id) == 64
        assert reply.binary_data_id == f"{part.organization_id}/{part.location_id}/{reply.file_id}"
    assert len({captured.file_id, streamed.file_id, filed.file_id}) == 3
    assert len(await store_readings(raw, part, [({"n": 1}, NOON)])) == 64


async def test_part_that_does_not_exist_is_refused_with_the_observed_text(
    cloud: FakeViam, raw: Raw
) -> None:
    """By each of the three uploads, and nothing is stored (UP-1, A22)."""
    nobody = datasync.UploadMetadata(part_id="nobody", type=datasync.DATA_TYPE_FILE)
    with refused(Status.UNKNOWN, "no robot part found"):
        await upload_file(raw, nobody, [b"contents"])
    capture = datasync.UploadMetadata(type=datasync.DATA_TYPE_BINARY_SENSOR)
    with refused(Status.UNKNOWN, "no robot part found"):
        await raw(
            datasync.DataCaptureUploadRequest(
                metadata=capture, sensor_contents=[datasync.SensorData(binary=b"1")]
            ),
            datasync.DataCaptureUploadResponse,
        )
    opening = datasync.DataCaptureUploadMetadata(upload_metadata=capture)
    with refused(Status.UNKNOWN, "no robot part found"):
        await raw.stream(
            [datasync.StreamingDataCaptureUploadRequest(metadata=opening)],
            datasync.StreamingDataCaptureUploadResponse,
        )
    assert await OldClient(raw).binary_data_by_filter() == []
    assert cloud.crashes == ()


# Streams -------------------------------------------------------------------------------------


def halves(contents: bytes) -> list[bytes]:
    return [contents[: len(contents) // 2], contents[len(contents) // 2 :]]


def chunks(contents: bytes) -> list[bytes]:
    return [contents[start : start + CHUNK] for start in range(0, len(contents), CHUNK)]


CONTENTS = bytes(range(256)) * 1000 + b"the end"  # four pieces of 64 KiB, the last one short


@pytest.mark.parametrize(
    "cut",
    [
        lambda contents: [contents],
        halves,
        chunks,
        lambda contents: [b"", *chunks(contents), b""],
    ],
    ids=["one", "two", "64 KiB", "64 KiB and empty ones"],
)
@pytest.mark.parametrize("call", ["FileUpload", "StreamingDataCaptureUpload"])
async def test_pieces_are_joined_in_their_order(
    cloud: FakeViam, raw: Raw, call: str, cut: Callable[[bytes], list[bytes]]
) -> None:
    """However many there are (FU-1, FU-2, FU-3, SU-1)."""
    pieces = cut(CONTENTS)
    if call == "FileUpload":
        await upload_file(raw, file_metadata(cloud), pieces)
    else:
        await upload_stream(raw, cloud, pieces)
    file = await only_file(raw)
    assert file.binary == CONTENTS
    assert file.metadata.file_size_bytes == len(CONTENTS)


@pytest.mark.parametrize("pieces", [[], [b""]], ids=["TypeScript and Go", "Python"])
@pytest.mark.parametrize("call", ["FileUpload", "StreamingDataCaptureUpload"])
async def test_empty_file_is_no_piece_or_an_empty_one(
    cloud: FakeViam, raw: Raw, call: str, pieces: list[bytes]
) -> None:
    """A stream of metadata alone is a file of no bytes (FU-2, A30)."""
    if call == "FileUpload":
        reply: datasync.FileUploadResponse | datasync.StreamingDataCaptureUploadResponse
        reply = await upload_file(raw, file_metadata(cloud, file_name="empty"), pieces)
    else:
        reply = await upload_stream(raw, cloud, pieces, datasync.SensorMetadata())
    file = await only_file(raw)
    assert file.metadata.id == reply.file_id
    assert (file.binary, file.metadata.file_size_bytes) == (b"", 0)


async def test_captured_bytes_may_be_empty(cloud: FakeViam, raw: Raw) -> None:
    """`binary` is part of a oneof, so that empty bytes are on the wire (CU-1, CU-8)."""
    await store_file(raw, cloud.default_part, b"")
    assert (await only_file(raw)).binary == b""


async def test_several_contents_of_one_upload_keep_their_own_times(
    cloud: FakeViam, raw: Raw
) -> None:
    """No client sends this any more; old robots did (CU-1, A23)."""
    request = datasync.DataCaptureUploadRequest(
        metadata=datasync.UploadMetadata(
            part_id=cloud.default_part.id,
            type=datasync.DATA_TYPE_BINARY_SENSOR,
            file_extension="jpg",
        ),
        sensor_contents=[
            datasync.SensorData(
                metadata=datasync.SensorMetadata(time_requested=timestamp_from(NOON + n)),
                binary=b"%d" % n,
            )
            for n in range(3)
        ],
    )
    reply = await raw(request, datasync.DataCaptureUploadResponse)
    files = await OldClient(raw).binary_data_by_filter()
    assert [file.binary for file in files] == [b"2", b"1", b"0"]
    assert [f.metadata.time_requested.ToNanoseconds() for f in files] == [NOON + 2, NOON + 1, NOON]
    assert files[-1].metadata.id == reply.file_id
