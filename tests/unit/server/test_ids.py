"""Naming binary records: two forms of ids, in every RPC that takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import Policy
from fakeviam.wire import data

from .driver import DEFAULT_PART, ORGANIZATION, Viam, at, id_of

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from .conftest import Start

pytestmark = pytest.mark.asyncio

#: Every RPC that takes a list of ids, with what else it needs.
BY_IDS: dict[str, dict[str, Any]] = {
    "BinaryDataByIDs": {},
    "DeleteBinaryDataByIDs": {},
    "AddTagsToBinaryDataByIDs": {"tags": ["new"]},
    "RemoveTagsFromBinaryDataByIDs": {"tags": ["old"]},
    "AddBinaryDataToDatasetByIDs": {},
    "RemoveBinaryDataFromDatasetByIDs": {},
}

#: The clause under which each refuses an empty list.
EMPTY = {
    "BinaryDataByIDs": "ID-5",
    "DeleteBinaryDataByIDs": "ID-5",
    "AddTagsToBinaryDataByIDs": "TA-2",
    "RemoveTagsFromBinaryDataByIDs": "TR-1",
    "AddBinaryDataToDatasetByIDs": "DM-8",
    "RemoveBinaryDataFromDatasetByIDs": "DM-8",
}

#: Strings that are not three parts joined by slashes.
MALFORMED = ["a", "a/b", "a/b/c/d", "a//c", "/b/c", "a/b/", "//", "/", " ", "a/b/c/"]


async def request(viam: Viam, name: str, **fields: Any) -> Message:
    """A request of that RPC that lacks nothing but ids."""
    known = dict(BY_IDS[name])
    if "Dataset" in name:
        known["dataset_id"] = await viam.create_dataset(f"for {name}")
    return getattr(data, f"{name}Request")(**known, **fields)  # type: ignore[no-any-return]


# Shapes ----------------------------------------------------------------------------------


async def test_the_shapes_of_ids(viam: Viam) -> None:
    """Organization, location and file id, joined by slashes; also told apart (ID-2, ID-3)."""
    uploaded = await viam.upload("a")
    metadata = await viam.metadata_of(uploaded)
    organization, location, file_id = uploaded.split("/")
    assert organization == metadata.capture_metadata.organization_id == ORGANIZATION
    assert location == metadata.capture_metadata.location_id == DEFAULT_PART.location_id
    assert re.fullmatch(r"[A-Za-z0-9]{64}", file_id)
    assert metadata.id == file_id
    assert metadata.binary_data_id == uploaded
    page = await viam.binary()
    assert page.data[0].metadata == metadata
    assert {"ID-2", "ID-3"} <= viam.cited()


async def test_the_documented_way_from_metadata_to_an_id(viam: Viam) -> None:
    """A BinaryID built from metadata names the record (ID-1, ID-3)."""
    await viam.upload("a")
    (entry,) = (await viam.binary()).data
    built = data.BinaryID(
        file_id=entry.metadata.id,
        organization_id=entry.metadata.capture_metadata.organization_id,
        location_id=entry.metadata.capture_metadata.location_id,
    )
    reply = await viam.rpc("BinaryDataByIDs", data.BinaryDataByIDsRequest(binary_ids=[built]))
    assert reply.data[0].metadata == entry.metadata


# Both forms ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["strings", "messages", "mixed"])
async def test_every_rpc_takes_both_forms(viam: Viam, form: str) -> None:
    """Each request has a field for both; any call may use either (ID-1, ID-4)."""
    for name in BY_IDS:
        ids = [await viam.upload(str(n), requested=at(n), tags=["old"]) for n in range(3)]
        cut = {"strings": 0, "messages": 3, "mixed": 1}[form]
        made = await request(
            viam, name, binary_ids=map(id_of, ids[:cut]), binary_data_ids=ids[cut:]
        )
        before = await viam.by_ids(*ids)
        reply = await viam.rpc(name, made)
        after = await viam.by_ids(*ids)
        if name == "BinaryDataByIDs":
            assert reply == before
        elif name == "DeleteBinaryDataByIDs":
            assert reply.deleted_count == 3
            assert not after.data
        elif name != "RemoveBinaryDataFromDatasetByIDs":
            changed = zip(before.data, after.data, strict=True)
            assert all(old != new for old, new in changed)


async def test_boxes_take_both_forms(viam: Viam) -> None:
    """binary_id and binary_data_id, for one image (ID-1, ID-4)."""
    image = await viam.upload("a")
    box = await viam.rpc(
        "AddBoundingBoxToImageByID",
        data.AddBoundingBoxToImageByIDRequest(binary_id=id_of(image), label="a"),
    )
    await viam.rpc(
        "UpdateBoundingBox",
        data.UpdateBoundingBoxRequest(binary_id=id_of(image), bbox_id=box.bbox_id, label="b"),
    )
    assert [found.label for found in await viam.boxes_of(image)] == ["b"]
    await viam.rpc(
        "RemoveBoundingBoxFromImageByID",
        data.RemoveBoundingBoxFromImageByIDRequest(binary_id=id_of(image), bbox_id=box.bbox_id),
    )
    assert await viam.boxes_of(image) == []


async def test_a_box_request_may_name_one_record_twice(viam: Viam) -> None:
    """Both fields are fine as long as they name the same record (ID-8)."""
    one, other = await viam.upload("a"), await viam.upload("b")
    both = data.AddBoundingBoxToImageByIDRequest(
        binary_id=id_of(one), binary_data_id=one, label="cat"
    )
    await viam.rpc("AddBoundingBoxToImageByID", both)
    assert len(await viam.boxes_of(one)) == 1
    both.binary_data_id = other
    text = "binary_id and binary_data_id name different records"
    with viam.refuses(Status.INVALID_ARGUMENT, "ID-8", text):
        await viam.rpc("AddBoundingBoxToImageByID", both)


async def test_both_forms_in_one_request_are_united(viam: Viam) -> None:
    """Each record once, in the order of first mention (A14, BI-3)."""
    a, b, c = [await viam.upload(name) for name in "abc"]
    reply = await viam.rpc(
        "BinaryDataByIDs",
        data.BinaryDataByIDsRequest(
            binary_ids=[id_of(b), id_of(a), id_of(b)], binary_data_ids=[a, c, c, b]
        ),
    )
    assert [entry.metadata.file_name for entry in reply.data] == ["b", "a", "c"]
    assert reply.count == 3
    assert "A14" in viam.cited()
    deleted = await viam.rpc(
        "DeleteBinaryDataByIDs",
        data.DeleteBinaryDataByIDsRequest(binary_ids=[id_of(a)], binary_data_ids=[a, a, b]),
    )
    assert deleted.deleted_count == 2


# BinaryID --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({}, True),
        ({"organization_id": ""}, True),
        ({"location_id": ""}, True),
        ({"organization_id": "", "location_id": ""}, True),
        ({"organization_id": "other"}, False),
        ({"location_id": "other"}, False),
        ({"organization_id": "", "location_id": "other"}, False),
        ({"file_id": ""}, False),
        ({"file_id": "x"}, False),
    ],
)
async def test_all_parts_of_a_binary_id_must_match(
    viam: Viam, changes: dict[str, str], *, known: bool
) -> None:
    """An empty organization or location matches any (A15)."""
    identity = id_of(await viam.upload("a"))
    for field, value in changes.items():
        setattr(identity, field, value)
    asked = data.BinaryDataByIDsRequest(binary_ids=[identity])
    assert len((await viam.rpc("BinaryDataByIDs", asked)).data) == known
    if "" in {identity.organization_id, identity.location_id}:
        assert "A15" in viam.cited()


async def test_a_file_id_alone_never_crosses_to_another_record(viam: Viam) -> None:
    """The string form must match in all three parts (ID-2, A15)."""
    organization, location, file_id = (await viam.upload("a")).split("/")
    other = viam.cloud.fleet.add_part("p", location="l", organization="o")
    for name in (
        f"{other.organization_id}/{location}/{file_id}",
        f"{organization}/{other.location_id}/{file_id}",
        f"{organization}/{location}/{file_id.swapcase()}",
    ):
        assert not (await viam.by_ids(name)).data


# Unknown, malformed and missing ids ------------------------------------------------------


@pytest.mark.parametrize("name", BY_IDS)
async def test_no_ids_is_an_error(viam: Viam, name: str) -> None:
    """An empty list of ids is INVALID_ARGUMENT everywhere (ID-5, A12, TA-2, TR-1, DM-8)."""
    await viam.upload("a", tags=["old"])
    made = await request(viam, name)
    with viam.refuses(Status.INVALID_ARGUMENT, EMPTY[name], "binary_data_ids must not be empty"):
        await viam.rpc(name, made)


@pytest.mark.parametrize(
    "name",
    ["AddBoundingBoxToImageByID", "RemoveBoundingBoxFromImageByID", "UpdateBoundingBox"],
)
async def test_no_id_for_a_box_is_an_error(viam: Viam, name: str) -> None:
    """An image must be named (ID-5, A12)."""
    image = await viam.upload("a")
    box = await viam.add_box(image)
    fields = {"label": "x"} if name.startswith("Add") else {"bbox_id": box}
    with viam.refuses(Status.INVALID_ARGUMENT, "ID-5", "must not be empty"):
        await viam.rpc(name, getattr(data, f"{name}Request")(**fields))


@pytest.mark.parametrize("name", BY_IDS)
async def test_unknown_ids_are_skipped(viam: Viam, name: str) -> None:
    """Fewer answers, no error, the counts tell; malformed ids are unknown (ID-6, ID-7, A13)."""
    known = await viam.upload("a", tags=["old"])
    unknown = f"{ORGANIZATION}/{DEFAULT_PART.location_id}/{'x' * 64}"
    made = await request(
        viam,
        name,
        binary_data_ids=["", unknown, known, *MALFORMED],
        binary_ids=[data.BinaryID(), id_of(unknown)],
    )
    reply = await viam.rpc(name, made)
    if name == "BinaryDataByIDs":
        assert [entry.metadata.binary_data_id for entry in reply.data] == [known]
        assert reply.count == 1
    elif hasattr(reply, "deleted_count"):
        assert reply.deleted_count == 1
    assert {"ID-6", "ID-7", "A13"} <= viam.cited()


@pytest.mark.parametrize("name", BY_IDS)
async def test_only_unknown_ids_change_nothing(viam: Viam, name: str) -> None:
    """An answer without records is OK; a count is 0 (ID-6, A13)."""
    await viam.upload("a", tags=["old"])
    made = await request(viam, name, binary_data_ids=[f"{ORGANIZATION}/x/y"])
    before = viam.contents()
    reply = await viam.rpc(name, made)
    assert viam.contents() == before
    assert not reply.ByteSize()


async def test_an_id_that_was_put_into_an_id_is_named(start: Start) -> None:
    """So is a file id where a whole id is meant; ids of nothing get no hint (A13, BX-8)."""
    viam = await start(policy=Policy(unknown_ids="refuse"))
    image = await viam.upload("a")
    organization, location, file_id = image.split("/")
    already = f"; {image!r} already is a binary_data_id ["
    doubled = data.BinaryID(organization_id=organization, location_id=location, file_id=image)
    box = data.AddBoundingBoxToImageByIDRequest(binary_id=doubled, label="a")
    with viam.refuses(Status.NOT_FOUND, "BX-8", already):
        await viam.rpc("AddBoundingBoxToImageByID", box)
    for meant, told in (
        (data.BinaryID(file_id=image), f"BinaryID '//{image}' does not exist{already}"),
        (f"{organization}/{location}/{image}", f"is not organization/location/file{already}"),
        (file_id, f"is not organization/location/file; did you mean {image!r}? ["),
        (f"{organization}/{file_id}", f"is not organization/location/file; did you mean {image!r}"),
        (f"{organization}/{location}/x", "/x' does not exist ["),
        (f"{organization}/x/{file_id}", f"/x/{file_id}' does not exist ["),
    ):
        ids = {"binary_data_ids": [meant]} if isinstance(meant, str) else {"binary_ids": [meant]}
        made = await request(viam, "BinaryDataByIDs", **ids)
        with viam.refuses(Status.NOT_FOUND, "ID-7" if "is not" in told else "A13", told):
            await viam.rpc("BinaryDataByIDs", made)


async def test_a_deleted_id_is_unknown(viam: Viam) -> None:
    """Deleting twice counts once (ID-6, DI-1)."""
    record = await viam.upload("a")
    asked = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[record])
    assert (await viam.rpc("DeleteBinaryDataByIDs", asked)).deleted_count == 1
    assert (await viam.rpc("DeleteBinaryDataByIDs", asked)).deleted_count == 0


@pytest.mark.parametrize("name", BY_IDS)
@pytest.mark.parametrize("unknown", [f"{ORGANIZATION}/fakelab001/none", *MALFORMED])
@pytest.mark.thinned(4)
async def test_a_strict_cloud_names_the_unknown_id(start: Start, name: str, unknown: str) -> None:
    """NOT_FOUND, nothing changed; a malformed id is told as such (A13, ID-7)."""
    viam = await start(policy="strict")
    known = await viam.upload("a", tags=["old"])
    made = await request(viam, name, binary_data_ids=[known, unknown])
    clause = "A13" if unknown.endswith("none") else "ID-7"
    with viam.refuses(Status.NOT_FOUND, clause, f"binary data {unknown!r}"):
        await viam.rpc(name, made)


@pytest.mark.parametrize("name", BY_IDS)
async def test_a_strict_cloud_refuses_the_deprecated_form(start: Start, name: str) -> None:
    """BinaryID is FAILED_PRECONDITION and the text names the new field (A14)."""
    viam = await start(policy="strict")
    known = await viam.upload("a", tags=["old"])
    made = await request(viam, name, binary_data_ids=[known], binary_ids=[id_of(known)])
    with viam.refuses(Status.FAILED_PRECONDITION, "A14", "use binary_data_ids"):
        await viam.rpc(name, made)


async def test_a_strict_cloud_refuses_the_deprecated_form_for_boxes(start: Start) -> None:
    """binary_id alike (A14)."""
    viam = await start(policy="strict")
    image = await viam.upload("a")
    made = data.AddBoundingBoxToImageByIDRequest(binary_id=id_of(image), label="x")
    with viam.refuses(Status.FAILED_PRECONDITION, "A14", "binary_data_id"):
        await viam.rpc("AddBoundingBoxToImageByID", made)
