"""Tags, boxes, datasets, the database and uploads, against a running fake."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_client import BinaryData, BinaryID, DataClient, connect
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import FakeViam
from fakeviam.wire import dataset as dataset_wire
from fakeviam.wire import well_known
from fakeviam.wire.values import mapping_from

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

pytestmark = pytest.mark.asyncio

ORGANIZATION = FakeViam.default_part.organization_id
PART = FakeViam.default_part.id
UNKNOWN = f"{ORGANIZATION}/fakelab001/{'x' * 64}"


async def image(client: DataClient, payload: bytes = b"", **more: Any) -> str:
    """Upload an image; its binary data id."""
    return await client.file_upload(PART, payload, file_extension=".jpg", **more)


def message_of(binary_data_id: str) -> BinaryID:
    organization_id, location_id, file_id = binary_data_id.split("/")
    return BinaryID(file_id=file_id, organization_id=organization_id, location_id=location_id)


async def only(client: DataClient) -> BinaryData:
    (file,) = await client.binary_data_by_filter()
    return file


async def refused(call: Awaitable[Any], status: Status, text: str) -> None:
    with pytest.raises(GRPCError) as caught:
        await call
    assert caught.value.status is status
    assert text in (caught.value.message or "")


# Tags -------------------------------------------------------------------------------------


async def test_tags_by_ids(client: DataClient) -> None:
    """Added once, removed and counted (TA-1, TA-2, TR-1, TR-2)."""
    first, second = await image(client), await image(client)
    await client.add_tags_to_binary_data_by_ids(["a", "b"], [first, message_of(second)])
    await client.add_tags_to_binary_data_by_ids(["a"], [first])
    assert await client.tags_by_filter() == ["a", "b"]
    removed = await client.remove_tags_from_binary_data_by_ids(["a", "x"], [first, second])
    assert removed == 2
    assert type(await client.tags_by_filter()) is list
    assert await client.tags_by_filter() == ["b"]
    await refused(
        client.add_tags_to_binary_data_by_ids([], [first]), Status.INVALID_ARGUMENT, "tags"
    )
    await refused(
        client.remove_tags_from_binary_data_by_ids([], [first]), Status.INVALID_ARGUMENT, "tags"
    )


async def test_tags_by_filter(client: DataClient) -> None:
    """Without a filter everything is meant (TA-3, TR-1, TG-1)."""
    await image(client, tags=["a"])
    await image(client)
    some = client.create_filter(tags=["a"])
    await client.add_tags_to_binary_data_by_filter(["b"], some)
    assert await client.tags_by_filter(some) == ["a", "b"]
    await client.add_tags_to_binary_data_by_filter(["c"])
    assert len(await client.binary_data_by_filter(client.create_filter(tags=["c"]))) == 2
    assert await client.remove_tags_from_binary_data_by_filter(["c"], some) == 1
    assert await client.remove_tags_from_binary_data_by_filter(["c"]) == 1
    assert await client.tags_by_filter(client.create_filter(tagged=False)) == []
    for call in (
        client.add_tags_to_binary_data_by_filter([]),
        client.remove_tags_from_binary_data_by_filter([]),
    ):
        await refused(call, Status.INVALID_ARGUMENT, "tags")


# Ids --------------------------------------------------------------------------------------


async def test_what_uploads_answer_works_wherever_ids_do(
    client: DataClient, tmp_path: Path
) -> None:
    """As it is, and in a BinaryID, as programs for older releases pass it on (CU-4, ID-1, ID-2)."""
    (tmp_path / "dog.jpg").write_bytes(b"dog")
    dogs = await client.create_dataset("dogs", ORGANIZATION)
    for uploaded in (
        await client.file_upload(PART, b"", file_extension=".jpg"),
        await client.file_upload_from_path(str(tmp_path / "dog.jpg"), PART),
        await client.binary_data_capture_upload(b"", PART, "camera", "eye", "m", "jpg"),
        await client.streaming_data_capture_upload(b"", PART, "jpg"),
    ):
        organization, location, _ = uploaded.split("/")
        for one in (
            uploaded,
            BinaryID(file_id=uploaded),
            BinaryID(file_id=uploaded, organization_id=organization, location_id=location),
        ):
            (file,) = await client.binary_data_by_ids([one])
            assert file.metadata.binary_data_id == uploaded
            await client.add_tags_to_binary_data_by_ids(["t"], [one])
            assert await client.remove_tags_from_binary_data_by_ids(["t"], [one]) == 1
            await client.add_binary_data_to_dataset_by_ids([one], dogs)
            box = await client.add_bounding_box_to_image_by_id(one, "dog", 0, 0, 1, 1)
            await client.remove_bounding_box_from_image_by_id(box, one)
        assert await client.delete_binary_data_by_ids([BinaryID(file_id=uploaded)]) == 1


async def test_an_id_in_the_wrong_organization_is_not_repaired(client: DataClient) -> None:
    """The two contradict each other, so the server decides (A15)."""
    uploaded = await image(client)
    for other in ("organization_id", "location_id"):
        wrong = BinaryID(file_id=uploaded, **{other: "elsewhere"})
        assert await client.binary_data_by_ids([wrong]) == []


@pytest.mark.parametrize(
    ("id_of", "told"),
    [
        (lambda whole: whole.rpartition("/")[2], "; did you mean {whole!r}?"),
        (lambda whole: f"acme/lab/{whole}", "; {whole!r} already is a binary_data_id"),
        (lambda _: UNKNOWN, ""),
        (lambda _: "n\xe4", ""),
    ],
)
async def test_ids_that_match_nothing_are_logged(
    client: DataClient, caplog: pytest.LogCaptureFixture, id_of: Any, told: str
) -> None:
    """Where the answer cannot tell, the fake's note does; what matches is not logged (A13)."""
    whole = await image(client)
    asked, dogs = id_of(whole), await client.create_dataset("dogs", ORGANIZATION)
    await client.add_tags_to_binary_data_by_ids(["t"], [whole])
    await client.add_tags_to_binary_data_by_ids(["t"], [whole, asked])
    assert not [each for each in caplog.records if each.levelname == "WARNING"]
    await client.add_tags_to_binary_data_by_ids(["t"], [asked])
    await client.add_binary_data_to_dataset_by_ids([asked, "x"], dogs)
    shown, note = ascii(asked), told.format(whole=whole)
    assert [each.message for each in caplog.records if each.levelname == "WARNING"] == [
        f"AddTagsToBinaryDataByIDs: no binary data has the id {shown}{note} [A13]",
        f"AddBinaryDataToDatasetByIDs: no binary data has the id {shown} or 1 more{note} [A13]",
    ]


# Boxes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [str, message_of])
async def test_boxes(form: Any, client: DataClient) -> None:
    """Added, listed, removed (BX-1, BX-4, BX-5, BR-1, BL-1)."""
    binary_id = form(await image(client))
    box = await client.add_bounding_box_to_image_by_id(
        binary_id, "dog", 0.0, 0.25, 0.5, 1, confidence=0.75
    )
    plain = await client.add_bounding_box_to_image_by_id(binary_id, "cat", 0, 0, 1, 1)
    first, second = (await only(client)).metadata.annotations.bboxes
    assert (first.id, first.label, first.confidence) == (box, "dog", 0.75)
    assert (first.x_min_normalized, first.y_min_normalized) == (0, 0.25)
    assert (first.x_max_normalized, first.y_max_normalized) == (0.5, 1)
    assert second.id == plain
    assert not second.HasField("confidence")
    labels = await client.bounding_box_labels_by_filter()
    assert (type(labels), labels) == (list, ["cat", "dog"])
    cats = client.create_filter(bbox_labels=["cow"])
    assert await client.bounding_box_labels_by_filter(cats) == []
    await client.remove_bounding_box_from_image_by_id(box, binary_id)
    assert await client.bounding_box_labels_by_filter() == ["cat"]


async def test_boxes_that_are_refused(client: DataClient) -> None:
    """Outside 0 to 1 (BX-2), and boxes that are not there (BR-2)."""
    binary_id = await image(client)
    for corners in ((-0.1, 0, 1, 1), (0, 0, 1, 1.5), (0, float("nan"), 1, 1)):
        call = client.add_bounding_box_to_image_by_id(binary_id, "dog", *corners)
        await refused(call, Status.INVALID_ARGUMENT, "normalized")
    call = client.add_bounding_box_to_image_by_id(binary_id, "dog", 0, 0, 1, 1, confidence=2)
    await refused(call, Status.INVALID_ARGUMENT, "confidence")
    missing = client.remove_bounding_box_from_image_by_id("0" * 24, binary_id)
    await refused(missing, Status.NOT_FOUND, "")
    nowhere = client.add_bounding_box_to_image_by_id(UNKNOWN, "dog", 0, 0, 1, 1)
    await refused(nowhere, Status.NOT_FOUND, "")


# Datasets ---------------------------------------------------------------------------------


async def test_datasets(client: DataClient) -> None:
    """Made, listed, renamed, deleted (DS-1, DS-2, DS-3, DS-4, DS-5, DS-6)."""
    pets = await client.create_dataset("pets", ORGANIZATION)
    cars = await client.create_dataset("cars", ORGANIZATION)
    listed = await client.list_dataset_by_ids([cars, "0" * 24, pets])
    assert type(listed) is list
    assert [(one.id, one.name) for one in listed] == [(cars, "cars"), (pets, "pets")]
    await client.rename_dataset(pets, "animals")
    owned = await client.list_datasets_by_organization_id(ORGANIZATION)
    assert type(owned) is list
    assert {one.name for one in owned} == {"animals", "cars"}
    await client.delete_dataset(cars)
    assert len(await client.list_datasets_by_organization_id(ORGANIZATION)) == 1
    assert await client.list_dataset_by_ids([]) == []


async def test_datasets_that_are_refused(client: DataClient) -> None:
    """Taken names, unknown ids (DS-8, A39, A40)."""
    pets = await client.create_dataset("pets", ORGANIZATION)
    await refused(client.create_dataset("pets", ORGANIZATION), Status.ALREADY_EXISTS, "pets")
    for call in (client.rename_dataset("0" * 24, "x"), client.delete_dataset("0" * 24)):
        await refused(call, Status.NOT_FOUND, "0" * 24)
    stranger = client.add_binary_data_to_dataset_by_ids([await image(client)], "0" * 24)
    await refused(stranger, Status.NOT_FOUND, "0" * 24)
    await refused(
        client.add_binary_data_to_dataset_by_ids([], pets), Status.INVALID_ARGUMENT, "ids"
    )


async def test_types_of_datasets(client: DataClient) -> None:
    """Binary data unless asked otherwise (DS-9, A43)."""
    sequences = dataset_wire.DATASET_TYPE_SEQUENCE_DATA
    binary = dataset_wire.DATASET_TYPE_BINARY_DATA
    await client.create_dataset("plain", ORGANIZATION)
    await client.create_dataset("sequences", ORGANIZATION, type=sequences)
    for wanted, names in (
        (None, {"plain", "sequences"}),
        (sequences, {"sequences"}),
        (binary, {"plain"}),
    ):
        found = await client.list_datasets_by_organization_id(ORGANIZATION, dataset_type=wanted)
        assert {one.name for one in found} == names


async def test_members_of_datasets(client: DataClient) -> None:
    """A member carries the label until it is removed; the data stays (DM-1, DM-2, DM-4)."""
    pets = await client.create_dataset("pets", ORGANIZATION)
    dog, cat = await image(client), await image(client)
    await client.add_binary_data_to_dataset_by_ids([dog, message_of(cat)], pets)
    members = client.create_filter(dataset_id=pets)
    assert len(await client.binary_data_by_filter(members)) == 2
    assert await client.tags_by_filter() == [f"VIAM_DATASET_{pets}"]
    await client.remove_binary_data_from_dataset_by_ids([dog], pets)
    (left,) = await client.binary_data_by_filter(members)
    assert left.metadata.binary_data_id == cat
    assert len(await client.binary_data_by_filter()) == 2


# The database -----------------------------------------------------------------------------


async def test_the_database(cloud: FakeViam, client: DataClient) -> None:
    """Its host, and its user (DB-1, DB-2, DB-3)."""
    host = await client.get_database_connection(ORGANIZATION)
    assert isinstance(host, str)
    assert host
    await client.configure_database_user(ORGANIZATION, "secret")
    assert cloud._cloud.store.database_password(ORGANIZATION) == "secret"
    await refused(client.get_database_connection("nobody"), Status.NOT_FOUND, "nobody")
    await refused(client.configure_database_user(ORGANIZATION, ""), Status.INVALID_ARGUMENT, "")


# Uploads ----------------------------------------------------------------------------------

MORNING = datetime(2026, 3, 10, 8, tzinfo=timezone.utc)


async def test_binary_data_of_a_sensor(client: DataClient) -> None:
    """One record with everything that was said about it (CU-1, CU-4, UP-3, UP-4, UP-7, UP-8)."""
    pets = await client.create_dataset("pets", ORGANIZATION)
    binary_data_id = await client.binary_data_capture_upload(
        b"\xff\xd8",
        PART,
        "camera",
        "eye",
        "GetImages",
        "jpg",
        {"mime": "jpeg", "size": {"w": 4}},
        ["t"],
        (MORNING, MORNING + timedelta(seconds=1)),
        dataset_ids=[pets],
    )
    file = await only(client)
    known, source = file.metadata, file.metadata.capture_metadata
    assert (file.data, known.binary_data_id) == (b"\xff\xd8", binary_data_id)
    assert (known.file_ext, source.mime_type) == (".jpg", "image/jpeg")
    assert (source.component_type, source.component_name) == ("camera", "eye")
    assert (source.method_name, list(known.dataset_ids)) == ("GetImages", [pets])
    assert "t" in source.tags
    assert known.time_requested.ToDatetime(timezone.utc) == MORNING
    assert known.time_received.ToDatetime(timezone.utc) == MORNING + timedelta(seconds=1)
    parameters = source.method_parameters
    assert parameters.keys() == {"mime", "size"}
    unpacked = well_known.Value()
    assert parameters["mime"].Unpack(unpacked)
    assert unpacked.string_value == "jpeg"
    assert parameters["size"].Unpack(unpacked)
    assert mapping_from(unpacked.struct_value) == {"w": 4}


async def test_parameters_that_are_packed_already(client: DataClient) -> None:
    """They come back as they were (A31)."""
    packed = well_known.Any(type_url="example.com/type", value=b"\x00")
    await client.file_upload(PART, b"", method_parameters={"a": packed})
    assert (await only(client)).metadata.capture_metadata.method_parameters["a"] == packed


async def test_a_stream_of_sensor_data(client: DataClient) -> None:
    """The same by the streaming RPC (SU-1, UP-5)."""
    contents = bytes(range(256)) * 1000
    binary_data_id = await client.streaming_data_capture_upload(
        contents,
        PART,
        ".pcd",
        "camera",
        "lidar",
        "NextPointCloud",
        None,
        (MORNING, MORNING),
        ["t"],
        mime_type="application/x-points",
    )
    file = await only(client)
    assert (file.data, file.metadata.binary_data_id) == (contents, binary_data_id)
    assert file.metadata.capture_metadata.mime_type == "application/x-points"
    assert file.metadata.capture_metadata.method_name == "NextPointCloud"
    assert list(file.metadata.capture_metadata.tags) == ["t"]
    assert file.metadata.time_requested.ToDatetime(timezone.utc) == MORNING


async def test_a_file_from_memory(client: DataClient) -> None:
    """Name and extension as they were sent (UP-4, UP-5, UP-6, FU-1)."""
    pets = await client.create_dataset("pets", ORGANIZATION)
    binary_data_id = await client.file_upload(
        PART, b"text", "camera", "eye", "m", "notes", None, ".txt", ["t"],
        dataset_ids=[pets], mime_type="text/markdown",
    )  # fmt: skip
    known = (await only(client)).metadata
    assert known.binary_data_id == binary_data_id
    assert (known.file_name, known.file_ext) == ("notes", ".txt")
    assert known.capture_metadata.mime_type == "text/markdown"
    assert known.capture_metadata.component_name == "eye"
    assert list(known.dataset_ids) == [pets]
    assert "t" in known.capture_metadata.tags


@pytest.mark.parametrize(
    ("path", "name", "extension"),
    [
        ("dog.jpg", "dog", ".jpg"),
        ("scan.tar.gz", "scan.tar", ".gz"),
        ("README", "README", ""),
        (".hidden", ".hidden", ""),
        ("naïve 日本.png", "naïve 日本", ".png"),
    ],
)
async def test_a_file_from_disk(
    path: str, name: str, extension: str, client: DataClient, tmp_path: Path
) -> None:
    """Name and extension are those of the path (UP-6)."""
    (tmp_path / path).write_bytes(b"from disk")
    binary_data_id = await client.file_upload_from_path(str(tmp_path / path), PART, tags=["t"])
    file = await only(client)
    assert (file.data, file.metadata.binary_data_id) == (b"from disk", binary_data_id)
    assert (file.metadata.file_name, file.metadata.file_ext) == (name, extension)
    assert list(file.metadata.capture_metadata.tags) == ["t"]


async def test_a_file_from_disk_under_another_name(client: DataClient, tmp_path: Path) -> None:
    pets = await client.create_dataset("pets", ORGANIZATION)
    (tmp_path / "dog.jpg").write_bytes(b"")
    await client.file_upload_from_path(
        str(tmp_path / "dog.jpg"), PART, "camera", "eye", "m", {"a": 1}, ["t"],
        file_name="", dataset_ids=[pets], mime_type="image/webp",
    )  # fmt: skip
    known = (await only(client)).metadata
    assert (known.file_name, known.file_ext) == ("", ".jpg")
    assert known.capture_metadata.mime_type == "image/webp"
    assert list(known.dataset_ids) == [pets]
    assert known.capture_metadata.method_parameters.keys() == {"a"}


async def test_an_unknown_part_is_refused(client: DataClient, tmp_path: Path) -> None:
    """By every upload, in the server's words (UP-1, A22)."""
    path = tmp_path / "large"
    path.write_bytes(bytes(5_000_000))
    for call in (
        client.binary_data_capture_upload(b"", "nobody", "c", "n", "m", ""),
        client.tabular_data_capture_upload([{}], "nobody", "c", "n", "m"),
        client.streaming_data_capture_upload(bytes(5_000_000), "nobody", ""),
        client.file_upload("nobody", bytes(5_000_000)),
        client.file_upload_from_path(str(path), "nobody"),
    ):
        with pytest.raises(GRPCError) as caught:
            await call
        assert caught.value.status is Status.UNKNOWN
        assert caught.value.message == "no robot part found"
    assert await client.binary_data_by_filter() == []


# Connecting -------------------------------------------------------------------------------


async def test_every_form_of_address(cloud: FakeViam) -> None:
    for target in (cloud.target, cloud.url, f"{cloud.url}/", cloud.unix_socket):
        async with connect(target) as client:
            assert await client.tags_by_filter() == []


async def test_what_is_no_address() -> None:
    with pytest.raises(ValueError, match=r"^target 'ftp://h' is not an address; write host, "):
        await connect("ftp://h").__aenter__()


async def test_tls_with_a_server_that_has_none(cloud: FakeViam) -> None:
    async with connect(f"https://{cloud.target}") as client:
        with pytest.raises(ConnectionError, match="cannot reach the server"):
            await client.tags_by_filter()


async def test_logging_in() -> None:
    """A key becomes a token, which later calls carry (AU-1, AU-2, AU-4)."""
    async with FakeViam(auth="keys") as cloud:
        key, key_id = cloud.api_key, cloud.api_key_id
        async with connect(cloud.target, api_key=key, api_key_id=key_id) as client:
            assert await client.tags_by_filter() == []
            await client.file_upload(PART, b"")
        async with connect(cloud.target) as client:
            await refused(client.tags_by_filter(), Status.UNAUTHENTICATED, "")
        with pytest.raises(GRPCError) as caught:
            await connect(cloud.target, api_key="wrong", api_key_id=key_id).__aenter__()
        assert caught.value.status is Status.UNAUTHENTICATED


async def test_what_connect_does_not_take() -> None:
    with pytest.raises(ValueError, match="must be used together"):
        await connect("localhost:1", api_key="key").__aenter__()
    with pytest.raises(ValueError, match="must be used together"):
        await connect("localhost:1", api_key_id="id").__aenter__()
    wrong: list[tuple[str, tuple[Any, Any, Any]]] = [
        ("target must be a string", (8080, None, None)),
        ("api_key must be a string, got bytes", ("localhost:1", b"secret", "id")),
        ("api_key_id must be a string", ("localhost:1", "key", 5)),
    ]
    for text, (target, key, key_id) in wrong:
        with pytest.raises(TypeError, match=text) as caught:
            await connect(target, api_key=key, api_key_id=key_id).__aenter__()
        assert "secret" not in str(caught.value)
    for metadata, text in (
        ("a", "metadata must be a mapping of strings"),
        ({"a": 1}, "metadata\\['a'\\] must be a string"),
    ):
        with pytest.raises(TypeError, match=text):
            await connect("localhost:1", metadata=metadata).__aenter__()  # type: ignore[arg-type]


async def test_a_session_by_its_metadata() -> None:
    async with FakeViam() as cloud:
        session = cloud.session("mine")
        async with connect(cloud.target, metadata=session.metadata) as client:
            await client.file_upload(PART, b"")
        assert (len(session.calls), len(cloud.calls)) == (1, 0)
