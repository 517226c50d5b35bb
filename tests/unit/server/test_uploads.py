"""What the three ways of uploading have in common, and DataCaptureUpload."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import Policy
from fakeviam.wire import data, datasync
from fakeviam.wire.well_known import Any as Packed
from fakeviam.wire.well_known import Struct

from .driver import (
    DEFAULT_PART,
    Viam,
    at,
    file_parts,
    nanos,
    reading,
    sensor,
    stream_parts,
    upload_metadata,
)

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

UPLOADS = ["DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload"]
UNKNOWN = "65f0000000000000000000aa"

BINARY = datasync.DATA_TYPE_BINARY_SENSOR
TABULAR = datasync.DATA_TYPE_TABULAR_SENSOR
FILE = datasync.DATA_TYPE_FILE


async def upload(viam: Viam, name: str, payload: bytes = b"bytes", **fields: Any) -> str:
    """Upload by one of the three ways; answer the binary data id."""
    if name == "FileUpload":
        messages: list[Any] = list(file_parts(payload, **fields))
    elif name == "StreamingDataCaptureUpload":
        messages = list(stream_parts(payload, **fields))
    else:
        metadata = upload_metadata(**{"type": BINARY, **fields})
        contents = [datasync.SensorData(binary=payload)]
        messages = [datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)]
    binary_data_id: str = (await viam.rpc(name, *messages)).binary_data_id
    return binary_data_id


async def capture(viam: Viam, *contents: datasync.SensorData, **fields: Any) -> Any:
    """A DataCaptureUpload of these contents."""
    metadata = upload_metadata(**fields)
    return await viam.rpc(
        "DataCaptureUpload",
        datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents),
    )


def content(payload: bytes = b"", **fields: Any) -> datasync.SensorData:
    """A binary content with sensor metadata."""
    return datasync.SensorData(binary=payload, metadata=sensor(**fields))


# The part --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UPLOADS)
async def test_the_part_decides_whose_it_is(viam: Viam, name: str) -> None:
    """Organization, location, robot and both names follow from it (UP-1)."""
    part = viam.cloud.fleet.add_part("p", robot="r", location="l", organization="o")
    metadata = await viam.metadata_of(await upload(viam, name, part_id=part.id))
    found = metadata.capture_metadata
    assert (found.organization_id, found.location_id) == (part.organization_id, part.location_id)
    assert (found.robot_id, found.robot_name) == (part.robot_id, "r")
    assert (found.part_id, found.part_name) == (part.id, "p")
    assert "UP-1" in viam.cited()


@pytest.mark.parametrize("name", UPLOADS)
@pytest.mark.parametrize("part", ["", "no", DEFAULT_PART.id.upper(), DEFAULT_PART.robot_id])
async def test_an_invalid_part_is_refused(viam: Viam, name: str, part: str) -> None:
    """UNKNOWN, with the text that was seen, word for word (UP-1, A22)."""
    with viam.refuses(Status.UNKNOWN, "A22", "no robot part found"):
        await upload(viam, name, part_id=part)


@pytest.mark.parametrize("status", ["UNKNOWN", "NOT_FOUND", "INVALID_ARGUMENT"])
@pytest.mark.parametrize("name", UPLOADS)
async def test_the_status_of_an_invalid_part(start: Start, name: str, status: Any) -> None:
    """invalid_part picks it; the text stays (A22)."""
    viam = await start(policy=Policy(invalid_part=status))
    with viam.refuses(Status[status], "A22", "no robot part found"):
        await upload(viam, name, part_id="no")


@pytest.mark.parametrize("name", UPLOADS)
async def test_names_are_those_of_the_moment(viam: Viam, name: str) -> None:
    """A part that is renamed keeps its old name on what it uploaded before (UP-10, UP-1)."""
    before = await upload(viam, name)
    viam.cloud.fleet.rename_part(DEFAULT_PART.id, "new")
    after = await upload(viam, name)
    assert (await viam.metadata_of(before)).capture_metadata.part_name == "fake-robot-main"
    assert (await viam.metadata_of(after)).capture_metadata.part_name == "new"
    assert len((await viam.binary(data.Filter(part_name="new"))).data) == 1
    assert "UP-10" in viam.cited()


# The type --------------------------------------------------------------------------------

RIGHT = {"DataCaptureUpload": BINARY, "FileUpload": FILE, "StreamingDataCaptureUpload": BINARY}


@pytest.mark.parametrize("name", UPLOADS)
@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, -1, 2**31 - 1])
async def test_the_type_must_fit_the_contents(viam: Viam, name: str, kind: int) -> None:
    """Unspecified, another's and unknown types: INVALID_ARGUMENT, nothing stored (UP-2, A29)."""
    if kind == RIGHT[name]:
        await upload(viam, name, type=kind)
        return
    with viam.refuses(Status.INVALID_ARGUMENT, "A29", "metadata.type must be DATA_TYPE_"):
        await upload(viam, name, type=kind)


@pytest.mark.parametrize("kind", [0, 1, 3, 4])
async def test_readings_need_their_type(viam: Viam, kind: int) -> None:
    """Only TABULAR_SENSOR is (A29, UP-2)."""
    with viam.refuses(Status.INVALID_ARGUMENT, "A29", "must be DATA_TYPE_TABULAR_SENSOR"):
        await viam.upload_readings(reading({"n": 1}), type=kind)


# File extension, MIME type, name ---------------------------------------------------------


@pytest.mark.parametrize("name", UPLOADS)
@pytest.mark.parametrize(
    ("sent", "stored", "mime_type"),
    [
        (".jpg", ".jpg", "image/jpeg"),
        ("jpg", ".jpg", "image/jpeg"),
        (".jpeg", ".jpeg", "image/jpeg"),
        (".png", ".png", "image/png"),
        ("PNG", ".PNG", "image/png"),
        (".pcd", ".pcd", "pointcloud/pcd"),
        (".mp4", ".mp4", "video/mp4"),
        (".wav", ".wav", "audio/wav"),
        (".mp3", ".mp3", "audio/mpeg"),
        (".txt", ".txt", "text/plain"),
        (".Json", ".Json", "application/json"),
        (".gz", ".gz", "application/octet-stream"),
        ("tar.gz", ".tar.gz", "application/octet-stream"),
        (".", ".", "application/octet-stream"),
        ("", "", "application/octet-stream"),
    ],
)
@pytest.mark.thinned(3)
async def test_the_extension_and_what_follows_from_it(
    viam: Viam, name: str, sent: str, stored: str, mime_type: str
) -> None:
    """With or without its dot; stored with one; the type by a table (UP-3, UP-4, A24, A26)."""
    metadata = await viam.metadata_of(await upload(viam, name, file_extension=sent))
    assert metadata.file_ext == stored
    assert metadata.capture_metadata.mime_type == mime_type
    documented = stored in {".jpg", ".jpeg", ".png"}
    assert ("UP-4" in viam.cited()) is documented
    assert ("A24" in viam.cited()) is not documented
    assert ("A26" in viam.cited()) is (sent != stored)


@pytest.mark.parametrize("name", UPLOADS)
async def test_an_explicit_mime_type_wins(viam: Viam, name: str) -> None:
    """Over the extension, as it is (UP-5)."""
    record = await upload(viam, name, file_extension=".jpg", mime_type="X/y; z=1")
    metadata = await viam.metadata_of(record)
    assert metadata.capture_metadata.mime_type == "X/y; z=1"
    assert metadata.file_ext == ".jpg"
    assert "UP-5" in viam.cited()


@pytest.mark.parametrize("name", UPLOADS)
@pytest.mark.parametrize(
    "sent", ["", "pic", "pic.tar", "/data/tag=x/dataset=y/ü.jpg", "a" * 5000, "../x\n"]
)
async def test_the_file_name_is_kept(viam: Viam, name: str, sent: str) -> None:
    """As it was sent, and it gives no tag; without one it is empty (UP-6, UP-13)."""
    metadata = await viam.metadata_of(await upload(viam, name, file_name=sent))
    assert metadata.file_name == sent
    assert not metadata.capture_metadata.tags


async def test_a_name_with_its_extension_is_not_given_it_again(viam: Viam) -> None:
    """viam-server sends whole paths, and the extension beside them (UP-13)."""
    await upload(viam, "FileUpload", file_name="/data/ü.jpg", file_extension=".jpg")
    await upload(viam, "FileUpload", file_name="ü", file_extension=".jpg")
    assert [file.name for file in viam.cloud.files] == ["/data/ü.jpg", "ü.jpg"]


@pytest.mark.parametrize(
    ("number", "mime_type"),
    [
        (datasync.MIME_TYPE_IMAGE_JPEG, "image/jpeg"),
        (datasync.MIME_TYPE_IMAGE_PNG, "image/png"),
        (datasync.MIME_TYPE_APPLICATION_PCD, "pointcloud/pcd"),
        (datasync.MIME_TYPE_VIDEO_MP4, "video/mp4"),
        (0, "text/plain"),
        (99, "text/plain"),
    ],
)
async def test_the_deprecated_mime_enum(viam: Viam, number: Any, mime_type: str) -> None:
    """It counts where no explicit type came; a number without meaning does not (UP-12)."""
    contents = content(mime_type=number)
    stored = await capture(viam, contents, type=BINARY, file_extension=".txt")
    metadata = await viam.metadata_of(stored.binary_data_id)
    assert metadata.capture_metadata.mime_type == mime_type
    parts = stream_parts(sensor_metadata=contents.metadata, file_extension=".txt")
    stored = await viam.rpc("StreamingDataCaptureUpload", *parts)
    metadata = await viam.metadata_of(stored.binary_data_id)
    assert metadata.capture_metadata.mime_type == mime_type
    stored = await capture(viam, contents, type=BINARY, mime_type="a/b")
    metadata = await viam.metadata_of(stored.binary_data_id)
    assert metadata.capture_metadata.mime_type == "a/b"


# Tags, datasets, parameters --------------------------------------------------------------


@pytest.mark.parametrize("name", UPLOADS)
async def test_tags_and_datasets_apply_to_the_record(viam: Viam, name: str) -> None:
    """Each once, in the order they came (UP-7)."""
    one, two = await viam.create_dataset("1"), await viam.create_dataset("2")
    record = await upload(viam, name, tags=["b", "a", "b"], dataset_ids=[two, one, two])
    metadata = await viam.metadata_of(record)
    labels = [f"VIAM_DATASET_{dataset}" for dataset in (two, one)]
    assert list(metadata.capture_metadata.tags) == ["b", "a", *labels]
    assert list(metadata.dataset_ids) == [two, one]
    assert "UP-7" in viam.cited()


@pytest.mark.parametrize("name", UPLOADS)
async def test_an_unknown_dataset_is_not_found(viam: Viam, name: str) -> None:
    """Nothing is stored, not even into the datasets that exist (A27)."""
    known = await viam.create_dataset()
    with viam.refuses(Status.NOT_FOUND, "A27", f"no dataset {UNKNOWN!r}"):
        await upload(viam, name, dataset_ids=[known, UNKNOWN])
    with viam.refuses(Status.INVALID_ARGUMENT, "A27", "metadata.dataset_ids must not be empty"):
        await upload(viam, name, dataset_ids=[""])


@pytest.mark.parametrize("name", UPLOADS)
async def test_an_unknown_dataset_may_be_skipped(start: Start, name: str) -> None:
    """unknown_dataset=skip stores the record into those that exist (A27)."""
    viam = await start(policy=Policy(unknown_dataset="skip"))
    known = await viam.create_dataset()
    record = await upload(viam, name, dataset_ids=[UNKNOWN, known])
    assert list((await viam.metadata_of(record)).dataset_ids) == [known]
    assert "A27" in viam.cited()


async def test_readings_cannot_be_members(viam: Viam) -> None:
    """Their dataset ids must exist and have no effect (UP-11)."""
    known = await viam.create_dataset()
    await viam.upload_readings(reading({"n": 1}), dataset_ids=[known], tags=["x"])
    assert "UP-11" in viam.cited()
    assert await viam.tags_by_filter() == ["x"]
    assert await viam.numbers(data.Filter(dataset_id=known)) == []
    with viam.refuses(Status.NOT_FOUND, "A27", f"no dataset {UNKNOWN!r}"):
        await viam.upload_readings(reading({"n": 1}), dataset_ids=[UNKNOWN])


@pytest.mark.parametrize("name", UPLOADS)
async def test_method_parameters_are_kept(viam: Viam, name: str) -> None:
    """They come back as they were uploaded, packed as they are (UP-8, A31)."""
    struct = Struct()
    struct.update({"a": [1, {"b": None}]})
    packed = Packed()
    packed.Pack(struct)
    strange = Packed(type_url="no/such.Type", value=b"\xff\x00")
    parameters = {"z": packed, "a": strange, "": Packed()}
    record = await upload(viam, name, method_parameters=parameters)
    found = (await viam.metadata_of(record)).capture_metadata.method_parameters
    assert dict(found) == parameters
    assert {"UP-8", "A31"} <= viam.cited()


async def test_method_parameters_of_readings_are_kept(viam: Viam) -> None:
    """And tell sources apart (A31, TD-4)."""
    for number in (1, 2, 1):
        parameters = {"n": Packed(type_url="t", value=bytes([number]))}
        await viam.upload_readings(reading({"n": number}), method_parameters=parameters)
    page = await viam.tabular()
    assert len(page.metadata) == 2
    for entry in page.data:
        found = page.metadata[entry.metadata_index].method_parameters
        number = int(entry.data.fields["n"].number_value)
        assert found["n"] == Packed(type_url="t", value=bytes([number]))


@pytest.mark.parametrize("name", UPLOADS)
async def test_the_same_bytes_twice_are_two_records(viam: Viam, name: str) -> None:
    """Nothing is deduplicated (UP-9)."""
    first, second = [await upload(viam, name, b"same") for _ in range(2)]
    assert first != second
    reply = await viam.by_ids(first, second, include_binary=True)
    assert [entry.binary for entry in reply.data] == [b"same", b"same"]
    assert "UP-9" in viam.cited()


# Times -----------------------------------------------------------------------------------


async def test_both_times_are_the_uploaded_ones(viam: Viam) -> None:
    """The moment of storing is a third time and shows nowhere here (A32)."""
    viam.cloud.clock.advance(hours=1)
    record = await viam.upload("a", requested=at(5), received=at(7))
    metadata = await viam.metadata_of(record)
    assert (metadata.time_requested, metadata.time_received) == (at(5), at(7))
    assert "A32" in viam.cited()


@pytest.mark.parametrize("name", UPLOADS)
async def test_missing_times_are_the_fakes_clock(viam: Viam, name: str) -> None:
    """Both, for every way of uploading (A28)."""
    viam.cloud.clock.advance(seconds=42)
    metadata = await viam.metadata_of(await upload(viam, name))
    assert metadata.time_requested == metadata.time_received == at(42)
    assert "A28" in viam.cited()


@pytest.mark.parametrize(
    ("requested", "received"), [(at(5), None), (None, at(5))], ids=["received", "requested"]
)
async def test_one_missing_time_is_the_fakes_clock(
    viam: Viam, requested: Any, received: Any
) -> None:
    """Of readings and bytes, alone (A28)."""
    await viam.upload("a", requested=requested, received=received)
    await viam.upload_readings(reading({"n": 1}, requested, received))
    file, row = (await viam.binary()).data[0].metadata, (await viam.tabular()).data[0]
    for message in (file, row):
        assert message.time_requested == (requested or at())
        assert message.time_received == (received or at())


@pytest.mark.parametrize("name", UPLOADS)
async def test_the_creation_time_of_the_file(viam: Viam, name: str) -> None:
    """Capture time where nothing else says it; the modification time never (FU-4, A28)."""
    record = await upload(viam, name, file_create_time=at(-9, 5), file_modify_time=at(-3))
    metadata = await viam.metadata_of(record)
    assert metadata.time_requested == metadata.time_received == at(-9, 5)
    assert "FU-4" in viam.cited()


async def test_sensor_times_win_over_the_creation_time(viam: Viam) -> None:
    """What the sensor says is nearer (FU-4, A32)."""
    record = await viam.upload("a", requested=at(1), received=at(2), file_create_time=at(-9))
    metadata = await viam.metadata_of(record)
    assert (metadata.time_requested, metadata.time_received) == (at(1), at(2))
    record = await viam.upload("b", requested=at(1), file_create_time=at(-9))
    metadata = await viam.metadata_of(record)
    assert (metadata.time_requested, metadata.time_received) == (at(1), at(-9))


# DataCaptureUpload -----------------------------------------------------------------------


async def test_readings_become_records_that_share_their_metadata(viam: Viam) -> None:
    """n readings, n records, each with its own times (CU-1, CU-2)."""
    file_id = await viam.upload_readings(
        *(reading({"n": n}, at(n), at(n + 0.5)) for n in range(5)),
        component_name="c",
        tags=["x"],
    )
    assert re.fullmatch(r"[A-Za-z0-9]{64}", file_id)
    page = await viam.tabular(sort_order=data.ORDER_ASCENDING)
    assert [entry.data.fields["n"].number_value for entry in page.data] == [0, 1, 2, 3, 4]
    times = [(nanos(e.time_requested), nanos(e.time_received)) for e in page.data]
    assert times == [(n * 10**9, n * 10**9 + 5 * 10**8) for n in range(5)]
    (metadata,) = page.metadata
    assert (metadata.component_name, list(metadata.tags)) == ("c", ["x"])
    assert {"CU-1", "CU-2"} <= viam.cited()


async def test_readings_without_metadata_of_their_own(viam: Viam) -> None:
    """They are taken beside those that have some (A28, CU-1)."""
    await viam.upload_readings(reading({"n": 1}, at(-5)), reading({"n": 2}))
    assert await viam.numbers() == [1, 2]


async def test_what_uploads_answer(viam: Viam) -> None:
    """Both ids for bytes, only the file id for readings (CU-4)."""
    stored = await capture(viam, content(b"x"), type=BINARY)
    assert stored.binary_data_id.endswith(f"/{stored.file_id}")
    assert (await viam.metadata_of(stored.binary_data_id)).id == stored.file_id
    stored = await capture(viam, reading({"n": 1}), type=TABULAR)
    assert stored.file_id
    assert stored.binary_data_id == ""
    for name, parts in (
        ("FileUpload", file_parts(b"x")),
        ("StreamingDataCaptureUpload", stream_parts(b"x")),
    ):
        stored = await viam.rpc(name, *parts)
        assert (await viam.metadata_of(stored.binary_data_id)).id == stored.file_id
    assert "CU-4" in viam.cited()


async def test_several_bytes_are_several_records(viam: Viam) -> None:
    """Each with its own times; the id of the first is answered (A23, CU-1)."""
    stored = await capture(
        viam,
        *(content(bytes([65 + n]), requested=at(-n)) for n in range(3)),
        type=BINARY,
        tags=["x"],
    )
    assert "A23" in viam.cited()
    page = await viam.binary(include_binary=True, sort_order=data.ORDER_DESCENDING)
    assert [entry.binary for entry in page.data] == [b"A", b"B", b"C"]
    assert page.data[0].metadata.binary_data_id == stored.binary_data_id
    assert {tuple(entry.metadata.capture_metadata.tags) for entry in page.data} == {("x",)}


async def test_an_empty_file_is_a_file(viam: Viam) -> None:
    """Bytes that are present and none (CU-8, FU-2)."""
    for name in UPLOADS:
        record = await upload(viam, name, b"")
        reply = await viam.by_ids(record, include_binary=True)
        assert reply.data[0].binary == b""
        assert reply.data[0].metadata.file_size_bytes == 0


@pytest.mark.parametrize("kind", [BINARY, TABULAR])
async def test_contents_do_not_mix(viam: Viam, kind: int) -> None:
    """Readings and bytes in one request: INVALID_ARGUMENT (CU-3)."""
    for contents in ([reading({"n": 1}), content()], [content(), content(), reading({"n": 1})]):
        with viam.refuses(Status.INVALID_ARGUMENT, "CU-3", "mix readings (struct) and bytes"):
            await capture(viam, *contents, type=kind)


async def test_contents_there_must_be(viam: Viam) -> None:
    """An upload without sensor contents is refused (CU-7)."""
    for kind in (BINARY, TABULAR, FILE):
        with viam.refuses(Status.INVALID_ARGUMENT, "CU-7", "sensor_contents must not be empty"):
            await capture(viam, type=kind)


async def test_a_content_must_hold_something(viam: Viam) -> None:
    """A reading or bytes, each of them (CU-8)."""
    for contents in (
        [datasync.SensorData()],
        [datasync.SensorData(metadata=sensor(at()))],
        [reading({"n": 1}), datasync.SensorData()],
        [content(), datasync.SensorData()],
    ):
        with viam.refuses(Status.INVALID_ARGUMENT, "CU-8", "neither a reading (struct) nor"):
            await capture(viam, *contents, type=TABULAR)


async def test_metadata_there_must_be(viam: Viam) -> None:
    """A request without upload metadata is refused (A30)."""
    request = datasync.DataCaptureUploadRequest(sensor_contents=[content()])
    with viam.refuses(Status.INVALID_ARGUMENT, "A30", "metadata is missing"):
        await viam.rpc("DataCaptureUpload", request)


async def test_one_bad_content_refuses_them_all(viam: Viam) -> None:
    """Nothing of the request is stored (TM-3, CU-9)."""
    bad = sensor(at())
    bad.time_requested.nanos = -1
    good = [content(b"x", requested=at())] * 3
    with viam.refuses(Status.INVALID_ARGUMENT, "TM-3", "time_requested"):
        await capture(viam, *good, datasync.SensorData(binary=b"", metadata=bad), type=BINARY)
    readings = [reading({"n": n}, at()) for n in range(3)]
    annotated = reading({"n": 4}, at())
    annotated.metadata.annotations.SetInParent()
    with viam.refuses(Status.INVALID_ARGUMENT, "CU-9", "a reading cannot have annotations"):
        await capture(viam, *readings, annotated, type=TABULAR)


# Annotations -----------------------------------------------------------------------------

ANNOTATIONS = data.Annotations(
    bboxes=[
        data.BoundingBox(id="theirs", label="cat", x_max_normalized=1, y_max_normalized=1),
        data.BoundingBox(label="dog", x_min_normalized=0.5, x_max_normalized=0.5, confidence=0),
    ],
    classifications=[
        data.Classification(id="theirs", label="indoors", confidence=0.5),
        data.Classification(label="day"),
    ],
)


@pytest.mark.parametrize("name", ["DataCaptureUpload", "StreamingDataCaptureUpload"])
async def test_annotations_that_come_along_are_stored(viam: Viam, name: str) -> None:
    """Under ids of the fake, and boxes can be found and changed (CU-6)."""
    if name == "DataCaptureUpload":
        contents = content(b"x", annotations=ANNOTATIONS)
        stored = await capture(viam, contents, type=BINARY, file_extension=".png")
    else:
        metadata = sensor(annotations=ANNOTATIONS)
        parts = stream_parts(b"x", sensor_metadata=metadata, file_extension=".png")
        stored = await viam.rpc(name, *parts)
    found = (await viam.metadata_of(stored.binary_data_id)).annotations
    ids = [box.id for box in found.bboxes] + [mark.id for mark in found.classifications]
    assert len(set(ids)) == 4
    assert all(re.fullmatch(r"[0-9a-f]{24}", one) for one in ids)
    expected = data.Annotations()
    expected.CopyFrom(ANNOTATIONS)
    for at_, one in enumerate(ids):
        marks: Any = expected.bboxes if at_ < 2 else expected.classifications
        marks[at_ % 2].id = one
    assert found == expected
    assert not found.classifications[1].HasField("confidence")
    assert len((await viam.binary(data.Filter(bbox_labels=["dog"]))).data) == 1
    await viam.rpc(
        "RemoveBoundingBoxFromImageByID",
        data.RemoveBoundingBoxFromImageByIDRequest(
            binary_data_id=stored.binary_data_id, bbox_id=ids[0]
        ),
    )
    assert [box.label for box in await viam.boxes_of(stored.binary_data_id)] == ["dog"]
    assert "CU-6" in viam.cited()


@pytest.mark.parametrize(
    ("annotations", "clause"),
    [
        (data.Annotations(bboxes=[data.BoundingBox(label="")]), "BX-3"),
        (data.Annotations(bboxes=[data.BoundingBox(label="a", y_max_normalized=2)]), "BX-2"),
        (data.Annotations(bboxes=[data.BoundingBox(label="a", y_min_normalized=1)]), "BX-7"),
        (data.Annotations(bboxes=[data.BoundingBox(label="a", confidence=-1)]), "BX-4"),
        (
            data.Annotations(classifications=[data.Classification(label="a", confidence=2)]),
            "BX-4",
        ),
    ],
)
async def test_annotations_must_be_valid(
    viam: Viam, annotations: data.Annotations, clause: str
) -> None:
    """As those that are added later (CU-6, BX-2, BX-3, BX-4, BX-7)."""
    with viam.refuses(Status.INVALID_ARGUMENT, clause):
        await viam.upload("a", annotations=annotations)
    parts = stream_parts(
        b"x", sensor_metadata=sensor(annotations=annotations), file_extension=".png"
    )
    with viam.refuses(Status.INVALID_ARGUMENT, clause):
        await viam.rpc("StreamingDataCaptureUpload", *parts)


async def test_a_classification_may_say_nothing(viam: Viam) -> None:
    """viam-server labels images with the name of their source, which may be empty (CU-12)."""
    nameless = data.Annotations(classifications=[data.Classification(label="")])
    record = await viam.upload("a", annotations=nameless)
    found = (await viam.metadata_of(record)).annotations.classifications
    assert [mark.label for mark in found] == [""]
    assert "CU-12" in viam.cited()


async def test_boxes_come_along_with_images_only(viam: Viam) -> None:
    """Classifications come with anything (BX-6, CU-6)."""
    boxes = data.Annotations(bboxes=ANNOTATIONS.bboxes)
    with viam.refuses(Status.FAILED_PRECONDITION, "BX-6", "only images can have bounding boxes"):
        await viam.upload("a", ext=".txt", annotations=boxes)
    marks = data.Annotations(classifications=ANNOTATIONS.classifications)
    record = await viam.upload("a", ext=".txt", annotations=marks)
    found = (await viam.metadata_of(record)).annotations.classifications
    assert [mark.label for mark in found] == ["indoors", "day"]
    # The deprecated enum decides what is an image, too.
    image = content(annotations=boxes, mime_type=datasync.MIME_TYPE_IMAGE_PNG)
    await capture(viam, image, type=BINARY, file_extension=".txt")
