"""The five uploads: what goes up comes back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.struct_pb2 import Struct
from grpclib.const import Status

from fakeviam.wire import data
from fakeviam.wire.values import mapping_from

from .official import MORNING, SECOND, Camera, binaries, count, in_form, refused, size_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from viam.app.data_client import DataClient
    from viam.proto.app.data import BinaryData

    from fakeviam import FakeViam, Part

    from ..old_client import Raw  # noqa: TID252 - test folders have no name of their own

    Upload = Callable[..., Awaitable[str]]

pytestmark = pytest.mark.asyncio

CONTENTS = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


async def only(client: DataClient) -> BinaryData:
    found, total, _ = await client.binary_data_by_filter()
    assert total == 1
    return found[0]


# One function a method, with the same arguments, so that what they share is tested once.


async def capture(client: DataClient, contents: bytes, extension: str, **more: Any) -> str:
    arguments: dict[str, Any] = {
        "component_type": "camera",
        "component_name": "eye",
        "method_name": "GetImages",
        **more,
    }
    return await client.binary_data_capture_upload(contents, file_extension=extension, **arguments)


async def stream(client: DataClient, contents: bytes, extension: str, **more: Any) -> str:
    return await client.streaming_data_capture_upload(contents, file_ext=extension, **more)


async def file(client: DataClient, contents: bytes, extension: str, **more: Any) -> str:
    return await client.file_upload(data=contents, file_extension=extension, **more)


BINARY_UPLOADS = [capture, stream, file]


@pytest.fixture(params=BINARY_UPLOADS, ids=lambda upload: str(upload.__name__))
def upload(request: pytest.FixtureRequest, client: DataClient, part: Part) -> Upload:
    async def call(contents: bytes = CONTENTS, extension: str = ".png", **more: Any) -> str:
        result: str = await request.param(
            client, contents, extension, **{"part_id": part.id, **more}
        )
        return result

    return call


@pytest.mark.every_way
async def test_bytes_come_back_equal(client: DataClient, upload: Upload) -> None:
    """Through either read, and the id names them (CU-1, FU-1, FU-3, SU-1, CU-4, BF-2, BI-2)."""
    named = await upload(CONTENTS)
    found = await only(client)
    assert found.binary == CONTENTS
    assert found.metadata.binary_data_id == named
    (again,) = await client.binary_data_by_ids([named])
    assert again == found


async def test_metadata_comes_back_as_sent(client: DataClient, upload: Upload, part: Part) -> None:
    """The part decides where it belongs (UP-1, UP-2, UP-7, UP-8, UP-10, A31, ID-2, ID-3)."""
    dataset_id = await client.create_dataset("cats", part.organization_id)
    parameters = AnyMessage()
    parameters.Pack(Struct(fields={}))
    named = await upload(
        component_type="camera",
        component_name="eye",
        method_name="GetImages",
        method_parameters={"filter": parameters},
        tags=["b", "a", "b"],
        dataset_ids=[dataset_id],
    )
    metadata = (await only(client)).metadata
    assert named == f"{part.organization_id}/{part.location_id}/{metadata.id}"
    assert metadata.binary_data_id == named
    captured = metadata.capture_metadata
    assert (captured.organization_id, captured.location_id) == (
        part.organization_id,
        part.location_id,
    )
    assert (captured.robot_id, captured.robot_name) == (part.robot_id, part.robot_name)
    assert (captured.part_id, captured.part_name) == (part.id, part.name)
    assert captured.component_type == "camera"
    assert captured.component_name == "eye"
    assert captured.method_name == "GetImages"
    assert dict(captured.method_parameters) == {"filter": parameters}
    assert captured.tags == ["b", "a", f"VIAM_DATASET_{dataset_id}"]
    assert metadata.dataset_ids == [dataset_id]
    assert size_of(metadata) == len(CONTENTS)


EXTENSIONS = [
    (".png", ".png", "image/png"),
    ("png", ".png", "image/png"),
    (".jpg", ".jpg", "image/jpeg"),
    (".jpeg", ".jpeg", "image/jpeg"),
    (".pcd", ".pcd", "pointcloud/pcd"),
    (".TXT", ".TXT", "text/plain"),
    (".unheard-of", ".unheard-of", "application/octet-stream"),
]


async def test_mime_type_follows_from_the_extension(client: DataClient, upload: Upload) -> None:
    """With or without its dot (UP-3, UP-4, A24, A26)."""
    sent = [await upload(extension=extension) for extension, _, _ in EXTENSIONS]
    found = [one.metadata for one in await client.binary_data_by_ids(sent)]
    assert [(one.file_ext, one.capture_metadata.mime_type) for one in found] == [
        (stored, mime_type) for _, stored, mime_type in EXTENSIONS
    ]


async def test_explicit_mime_type_wins_where_the_client_sends_it(
    client: DataClient, part: Part, tmp_path: Path
) -> None:
    """`file_upload` takes the argument and drops it (UP-5)."""
    path = tmp_path / "scan.png"
    path.write_bytes(CONTENTS)
    tiff: dict[str, Any] = {"part_id": part.id, "mime_type": "image/tiff"}
    sent = [
        await capture(client, CONTENTS, ".png", **tiff),
        await stream(client, CONTENTS, ".png", **tiff),
        await client.file_upload_from_path(str(path), **tiff),
        await file(client, CONTENTS, ".png", **tiff),
    ]
    found = await client.binary_data_by_ids(sent)
    assert [one.metadata.capture_metadata.mime_type for one in found] == [
        *["image/tiff"] * 3,
        "image/png",
    ]


async def test_same_bytes_twice_are_two_records(client: DataClient, upload: Upload) -> None:
    """Each with an id of its own (UP-9)."""
    first, second = await upload(), await upload()
    assert first != second
    assert await binaries(client) == [CONTENTS] * 2


async def test_any_size_comes_back(client: DataClient, upload: Upload) -> None:
    """Also nothing, and more than a connection's window or gRPC's usual 4 MiB (FU-2, BF-2)."""
    for size in (0, 1, 100_000, 5_000_000):
        contents = (CONTENTS * (size // len(CONTENTS) + 1))[:size]
        (found,) = await client.binary_data_by_ids([await upload(contents)])
        assert found.binary == contents
        assert size_of(found.metadata) == size


async def test_invalid_part_is_an_error(client: DataClient, upload: Upload) -> None:
    """And nothing is stored (UP-1, A22)."""
    for part_id in ("", "no-such-part", "f4ce0000-0000-4000-8000-0000000000ff"):
        with refused(Status.UNKNOWN, "no robot part found"):
            await upload(part_id=part_id)
    assert await count(client) == 0


async def test_blank_tag_is_an_error(client: DataClient, upload: Upload) -> None:
    """And nothing is stored (TA-4)."""
    with refused(Status.INVALID_ARGUMENT, "[TA-4]"):
        await upload(tags=["good", " "])
    assert await count(client) == 0


async def test_unknown_dataset_is_an_error(client: DataClient, upload: Upload) -> None:
    """And nothing is stored (A27)."""
    with refused(Status.NOT_FOUND, "[A27]"):
        await upload(dataset_ids=["0123456789abcdef01234567"])
    assert await count(client) == 0


async def test_times_come_back(client: DataClient, part: Part) -> None:
    """To the microsecond, as naive UTC, whatever zone they came in (TM-1, A32)."""
    moment = datetime(2024, 5, 6, 10, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))
    times = (moment, moment + SECOND)
    sent = [
        await capture(client, b"1", ".png", part_id=part.id, data_request_times=times),
        await stream(client, b"2", ".png", part_id=part.id, data_request_times=times),
    ]
    expected = MORNING.replace(microsecond=123_456)
    for one in await client.binary_data_by_ids(sent):
        assert one.metadata.time_requested.ToDatetime() == expected
        assert one.metadata.time_received.ToDatetime() == expected + SECOND


async def test_upload_without_times_happens_now(
    cloud: FakeViam, client: DataClient, upload: Upload
) -> None:
    """By the fake's clock (A28, TM-2)."""
    await upload()
    metadata = (await only(client)).metadata
    now = cloud.clock.moment().replace(tzinfo=None)
    assert metadata.time_requested.ToDatetime() == now
    assert metadata.time_received.ToDatetime() == now


# Files by name ---------------------------------------------------------------------------------


PATHS = [
    ("photo.jpeg", "photo", ".jpeg"),
    ("pic.tar.gz", "pic.tar", ".gz"),
    ("README", "README", ""),
    (".hidden", ".hidden", ""),
    ("with space é.png", "with space é", ".png"),
]


@pytest.mark.every_way
async def test_upload_from_path_takes_name_and_extension_from_it(
    client: DataClient, part: Part, tmp_path: Path
) -> None:
    """The name is the stem (UP-6, UP-4, FU-1, FU-3)."""
    for name, stem, extension in PATHS:
        path = tmp_path / name
        path.write_bytes(name.encode())
        named = await client.file_upload_from_path(str(path), part_id=part.id, tags=["from-path"])
        (found,) = await client.binary_data_by_ids([named])
        assert found.binary == name.encode()
        assert (found.metadata.file_name, found.metadata.file_ext) == (stem, extension)
        assert found.metadata.capture_metadata.tags == ["from-path"]


async def test_upload_from_path_of_an_empty_file(
    client: DataClient, part: Part, tmp_path: Path
) -> None:
    """One empty piece on the wire (FU-2)."""
    path = tmp_path / "empty.txt"
    path.touch()
    await client.file_upload_from_path(str(path), part_id=part.id)
    found = await only(client)
    assert (found.binary, size_of(found.metadata)) == (b"", 0)


async def test_upload_from_path_that_does_not_exist(
    client: DataClient, part: Part, tmp_path: Path
) -> None:
    """The client sees it before the server does."""
    with pytest.raises(FileNotFoundError):
        await client.file_upload_from_path(str(tmp_path / "nothing.png"), part_id=part.id)
    assert await count(client) == 0


async def test_file_upload_without_names_has_none(client: DataClient, part: Part) -> None:
    """Name and extension are empty then, and the type is not known (UP-6, A24, A26)."""
    await client.file_upload(part_id=part.id, data=CONTENTS)
    metadata = (await only(client)).metadata
    assert (metadata.file_name, metadata.file_ext) == ("", "")
    assert metadata.capture_metadata.mime_type == "application/octet-stream"


async def test_file_upload_keeps_the_name(client: DataClient, part: Part) -> None:
    """As sent, path and all (UP-6)."""
    await client.file_upload(part_id=part.id, data=b"x", file_name="logs/Tue 7/a.b")
    assert (await only(client)).metadata.file_name == "logs/Tue 7/a.b"


# Readings ----------------------------------------------------------------------------------------


READINGS: list[dict[str, Any]] = [
    {"celsius": 21.5, "ok": True, "off": False, "note": "ünïcode"},
    {"nested": {"list": [1, "two", [3.0, {"four": "4"}], {}, []], "empty": {}}},
    {},
    {"negative": -1e-300, "large": 1e300, "": "a key without letters"},
]


@pytest.mark.every_way
async def test_readings_come_back_equal(client: DataClient, camera: Camera, part: Part) -> None:
    """Every shape that JSON has, one record each (CU-1, CU-2, CU-4, TD-1, TD-3, UP-1, UP-7)."""
    file_id = await camera.readings(*READINGS, tags=["a", "b"])
    assert len(file_id) == 64
    found, total, last = await client.tabular_data_by_filter()
    assert total == len(READINGS)
    assert last
    assert [one.data for one in found] == READINGS[::-1]
    assert [one.time_requested for one in found] == [
        MORNING + n * SECOND for n in reversed(range(len(READINGS)))
    ]
    assert all(one.time_received == one.time_requested + SECOND / 4 for one in found)
    for one in found:
        assert one.metadata.organization_id == part.organization_id
        assert one.metadata.location_id == part.location_id
        assert one.metadata.robot_name == part.robot_name
        assert one.metadata.part_id == part.id
        assert one.metadata.component_type == "sensor"
        assert one.metadata.component_name == "thermometer"
        assert one.metadata.method_name == "Readings"
        assert one.metadata.tags == ["a", "b"]


async def test_null_is_kept_though_the_client_shows_zero(
    client: DataClient, camera: Camera, raw: Raw
) -> None:
    """viam-sdk turns the null of a Struct into the number of its enum value (TD-3)."""
    await camera.readings({"nothing": None, "list": [None]})
    ((shown,), _, _) = await client.tabular_data_by_filter()
    assert shown.data == {"nothing": 0, "list": [0]}
    reply = await raw(data.TabularDataByFilterRequest(), data.TabularDataByFilterResponse)
    assert mapping_from(reply.data[0].data) == {"nothing": None, "list": [None]}


async def test_readings_of_an_invalid_part_are_refused(client: DataClient, camera: Camera) -> None:
    """And nothing is stored (UP-1, A22)."""
    with refused(Status.UNKNOWN, "no robot part found"):
        await camera.readings({"n": 1}, part_id="nobody")
    assert (await client.tabular_data_by_filter())[1] == 0


async def test_times_and_readings_must_be_as_many(client: DataClient, camera: Camera) -> None:
    """The client counts by itself (CU-2)."""
    with pytest.raises(ValueError, match="lengths must be equal"):
        await camera.readings({"n": 1}, {"n": 2}, data_request_times=[(MORNING, MORNING)])
    assert (await client.tabular_data_by_filter())[1] == 0


async def test_no_readings_are_an_error(camera: Camera) -> None:
    """There would be nothing to answer an id for (CU-7)."""
    with refused(Status.INVALID_ARGUMENT, "[CU-7]"):
        await camera.readings()


async def test_bytes_and_readings_are_kept_apart(client: DataClient, camera: Camera) -> None:
    """Neither shows among the other (TD-1, BF-1)."""
    named = await camera.picture(b"picture")
    await camera.readings({"n": 1})
    assert await binaries(client) == [b"picture"]
    found, total, _ = await client.tabular_data_by_filter()
    assert ([one.data for one in found], total) == ([{"n": 1}], 1)
    (found_file,) = await client.binary_data_by_ids([in_form("BinaryID", named)])
    assert found_file.binary == b"picture"
