"""Who may call, and what a key sees."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam.wire import data, methods
from fakeviam.wire import dataset as wire

from .driver import (
    DEFAULT_PART,
    KEY,
    KEY_ID,
    METHODS,
    ORGANIZATION,
    As,
    Viam,
    at,
    file_parts,
    id_of,
    login,
    reading,
    refused,
    signed_in,
    stream_parts,
    tagged,
)

if TYPE_CHECKING:
    from fakeviam import Part

    from .conftest import Start

pytestmark = pytest.mark.asyncio

# Mode any --------------------------------------------------------------------------------


async def test_everyone_is_served(viam: Viam) -> None:
    """Without a header, with a wrong one, with a token (AU-1, AU-2, A51)."""
    token = await login(viam, "anyone", "anything", "location-secret")
    assert token
    request = data.TagsByFilterRequest()
    for headers in ({}, {"authorization": "nonsense"}, {"authorization": f"Bearer {token}"}):
        await viam.rpc("TagsByFilter", request, metadata=headers)
    assert "AU-1" in viam.cited()


async def test_authenticating_twice_is_harmless(viam: Viam) -> None:
    """Each time there is a token (AU-3)."""
    first, second = await login(viam), await login(viam)
    assert first
    assert second
    assert first != second


# Mode keys -------------------------------------------------------------------------------


async def test_the_default_key_is_let_in(start: Start) -> None:
    """Its token is good for every later call, and so is an older one (AU-1, AU-2, AU-3, AU-4)."""
    viam = await start(auth="keys")
    one, two = await signed_in(viam), await signed_in(viam)
    for client in (one, two, one):
        await client.upload("a")
    assert len((await one.binary()).data) == 3
    assert {"AU-4", "A51"} <= viam.cited()


@pytest.mark.parametrize(
    ("key_id", "key", "kind"),
    [
        (KEY_ID, "wrong", "api-key"),
        (KEY_ID, "", "api-key"),
        (KEY_ID, KEY.upper(), "api-key"),
        (KEY_ID, "ключ", "api-key"),
        ("", KEY, "api-key"),
        ("wrong", KEY, "api-key"),
        (KEY_ID.upper(), KEY, "api-key"),
        (KEY_ID, KEY, ""),
        (KEY_ID, KEY, "location-secret"),
    ],
)
async def test_a_wrong_key_is_refused(start: Start, key_id: str, key: str, kind: str) -> None:
    """UNAUTHENTICATED (AU-4)."""
    viam = await start(auth="keys")
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4"):
        await login(viam, key_id, key, kind)


async def test_one_text_for_both_mistakes(start: Start) -> None:
    """It does not tell which half was right (AU-4)."""
    viam = await start(auth="keys")
    text = "the API key id or the API key is invalid [AU-4]"
    for key_id, key in ((KEY_ID, "wrong"), ("wrong", KEY)):
        with refused(Status.UNAUTHENTICATED, "AU-4", text):
            await login(viam, key_id, key)


@pytest.mark.parametrize(
    "header",
    [None, "x", "Bearer", "Bearer ", "Bearer x", "Basic {token}", "{token}", "Bearer {token}x"],
)
async def test_a_call_needs_a_live_token(start: Start, header: str | None) -> None:
    """Without one every data call is UNAUTHENTICATED (AU-2, AU-4)."""
    viam = await start(auth="keys")
    token = await login(viam)
    headers = {} if header is None else {"authorization": header.format(token=token)}
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "authorization"):
        await viam.rpc("TagsByFilter", data.TagsByFilterRequest(), metadata=headers)
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "authorization"):
        await viam.rpc("FileUpload", *file_parts(b"x"), metadata=headers)


async def test_the_scheme_has_no_case(start: Start) -> None:
    """HTTP says so (AU-2)."""
    viam = await start(auth="keys")
    headers = {"authorization": f"bearer {await login(viam)}"}
    await viam.rpc("TagsByFilter", data.TagsByFilterRequest(), metadata=headers)


@pytest.mark.parametrize("name", [method.name for method in methods()])
@pytest.mark.thinned(4)
async def test_every_rpc_but_the_login_asks_for_a_token(start: Start, name: str) -> None:
    """Also those that are not built yet (AU-4)."""
    viam = await start(auth="keys")
    if name == "Authenticate":
        await login(viam)
        return
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "call Authenticate first"):
        await viam.rpc(name, METHODS[name].request())


async def test_tokens_of_another_cloud_are_unknown(start: Start) -> None:
    """They are signed with another seed (AU-4)."""
    one, other = await start(auth="keys", seed=1), await start(auth="keys", seed=2)
    headers = {"authorization": f"Bearer {await login(one)}"}
    with other.refuses(Status.UNAUTHENTICATED, "AU-4", "did not issue"):
        await other.rpc("TagsByFilter", data.TagsByFilterRequest(), metadata=headers)


async def test_tokens_expire_by_the_fakes_clock(start: Start) -> None:
    """When that is asked for; a new login helps (AU-4)."""
    viam = await start(auth="keys", token_lifetime=timedelta(minutes=5))
    client = await signed_in(viam)
    viam.cloud.clock.advance(minutes=4, seconds=59.999999)
    await client.tags_by_filter()
    viam.cloud.clock.advance(seconds=0.000001)
    with viam.refuses(Status.UNAUTHENTICATED, "AU-4", "has expired; call Authenticate again"):
        await client.tags_by_filter()
    await (await signed_in(viam)).tags_by_filter()


async def test_tokens_live_for_ever_otherwise(start: Start) -> None:
    """By the fake's clock, and past a reset (AU-4)."""
    viam = await start(auth="keys")
    client = await signed_in(viam)
    viam.cloud.clock.advance(days=365_000)
    viam.cloud.reset()
    await client.tags_by_filter()


# What a key sees -------------------------------------------------------------------------


async def two_organizations(start: Start) -> tuple[As, As, Part]:
    """The default key, another organization's key, and that organization's part."""
    viam = await start(auth="keys")
    part = viam.cloud.fleet.add_part("p", robot="r", location="l", organization="o")
    key = viam.cloud.add_api_key(organizations=[part.organization_id])
    return await signed_in(viam), await signed_in(viam, key.id, key.key), part


async def test_lists_show_only_ones_own(start: Start) -> None:
    """Others' data is silently left out (A51)."""
    ours, theirs, part = await two_organizations(start)
    a = await ours.upload("ours", tags=["x"])
    b = await theirs.upload("theirs", tags=["y"], part_id=part.id)
    await ours.add_box(a, "cat")
    await theirs.add_box(b, "dog")
    await ours.upload_readings(reading({"n": 1}), tags=["t"])
    await theirs.upload_readings(reading({"n": 2}), tags=["u"], part_id=part.id)
    for client, name, number, tags, label in (
        (ours, "ours", 1, ["t", "x"], "cat"),
        (theirs, "theirs", 2, ["u", "y"], "dog"),
    ):
        assert await client.names() == [name]
        assert await client.numbers() == [number]
        assert (await client.binary(count_only=True)).count == 1
        assert (await client.tabular(count_only=True)).count == 1
        assert await client.tags_by_filter() == tags
        found = await client.rpc(
            "BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest()
        )
        assert list(found.labels) == [label]
    for hidden in (
        data.Filter(part_id=part.id),
        data.Filter(location_ids=[part.location_id]),
        tagged("y"),
    ):
        assert await ours.names(hidden) == []


async def test_changes_by_filter_reach_only_ones_own(start: Start) -> None:
    """Tagging and deleting everything leaves others' data alone (A51)."""
    ours, theirs, part = await two_organizations(start)
    await ours.upload("ours")
    record = await theirs.upload("theirs", part_id=part.id, tags=["x"])
    before = await theirs.by_ids(record)
    add = data.AddTagsToBinaryDataByFilterRequest(tags=["y"])
    await ours.rpc("AddTagsToBinaryDataByFilter", add)
    drop = data.RemoveTagsFromBinaryDataByFilterRequest(tags=["x", "y"])
    assert (await ours.rpc("RemoveTagsFromBinaryDataByFilter", drop)).deleted_count == 1
    delete = data.DeleteBinaryDataByFilterRequest()
    assert (await ours.rpc("DeleteBinaryDataByFilter", delete)).deleted_count == 1
    assert await theirs.by_ids(record) == before


DENIED: dict[str, Any] = {
    "BinaryDataByFilter": lambda organization: data.BinaryDataByFilterRequest(
        data_request=data.DataRequest(filter=_of(organization))
    ),
    "TabularDataByFilter": lambda organization: data.TabularDataByFilterRequest(
        data_request=data.DataRequest(filter=_of(organization))
    ),
    "DeleteBinaryDataByFilter": lambda organization: data.DeleteBinaryDataByFilterRequest(
        filter=_of(organization)
    ),
    "AddTagsToBinaryDataByFilter": lambda organization: data.AddTagsToBinaryDataByFilterRequest(
        filter=_of(organization), tags=["new"]
    ),
    "RemoveTagsFromBinaryDataByFilter": (
        lambda organization: data.RemoveTagsFromBinaryDataByFilterRequest(
            filter=_of(organization), tags=["x"]
        )
    ),
    "TagsByFilter": lambda organization: data.TagsByFilterRequest(filter=_of(organization)),
    "BoundingBoxLabelsByFilter": lambda organization: data.BoundingBoxLabelsByFilterRequest(
        filter=_of(organization)
    ),
    "DeleteTabularData": lambda organization: data.DeleteTabularDataRequest(
        organization_id=organization
    ),
    "GetDatabaseConnection": lambda organization: data.GetDatabaseConnectionRequest(
        organization_id=organization
    ),
    "ConfigureDatabaseUser": lambda organization: data.ConfigureDatabaseUserRequest(
        organization_id=organization,
        password="p",  # noqa: S106 - of the fake
    ),
    "CreateDataset": lambda organization: wire.CreateDatasetRequest(
        organization_id=organization, name="new"
    ),
    "ListDatasetsByOrganizationID": lambda organization: wire.ListDatasetsByOrganizationIDRequest(
        organization_id=organization
    ),
    "MergeDatasets": lambda organization: wire.MergeDatasetsRequest(
        organization_id=organization, name="new", dataset_ids=["x"]
    ),
}


def _of(organization: str) -> data.Filter:
    return data.Filter(organization_ids=[ORGANIZATION, organization])


@pytest.mark.parametrize("name", DENIED)
@pytest.mark.parametrize("organization", ["theirs", "nobody's"])
@pytest.mark.thinned(3)
async def test_naming_another_organization_is_denied(
    start: Start, name: str, organization: str
) -> None:
    """PERMISSION_DENIED, also for one that does not exist, so that nothing leaks (A51)."""
    ours, theirs, part = await two_organizations(start)
    await theirs.upload("theirs", part_id=part.id, tags=["x"])
    named = part.organization_id if organization == "theirs" else "nobody"
    with ours.refuses(Status.PERMISSION_DENIED, "A51", f"has no access to organization {named!r}"):
        await ours.rpc(name, DENIED[name](named))


@pytest.mark.parametrize(
    "name",
    [
        "BinaryDataByIDs",
        "DeleteBinaryDataByIDs",
        "AddTagsToBinaryDataByIDs",
        "RemoveTagsFromBinaryDataByIDs",
        "AddBinaryDataToDatasetByIDs",
        "RemoveBinaryDataFromDatasetByIDs",
    ],
)
async def test_ids_of_another_organization_are_denied(start: Start, name: str) -> None:
    """In both forms; a BinaryID that leaves the organization open finds nothing (A51, A15)."""
    ours, theirs, part = await two_organizations(start)
    mine = await ours.upload("ours")
    record = await theirs.upload("theirs", part_id=part.id, tags=["x"])
    known: dict[str, Any] = {}
    if "Tags" in name:
        known["tags"] = ["x"]
    if "Dataset" in name:
        known["dataset_id"] = await ours.create_dataset()
    message = getattr(data, f"{name}Request")
    for form in ({"binary_data_ids": [mine, record]}, {"binary_ids": [id_of(mine), id_of(record)]}):
        with ours.refuses(Status.PERMISSION_DENIED, "A51", part.organization_id):
            await ours.rpc(name, message(**form, **known))
    open_id = data.BinaryID(file_id=record.rpartition("/")[2])
    before = ours.contents()
    assert not (await ours.rpc(name, message(binary_ids=[open_id], **known))).ByteSize()
    assert ours.contents() == before


async def test_boxes_of_another_organization_are_denied(start: Start) -> None:
    """By whole id denied, by file id alone unknown (A51, BX-8)."""
    ours, theirs, part = await two_organizations(start)
    record = await theirs.upload("theirs", part_id=part.id)
    box = await theirs.add_box(record)
    with ours.refuses(Status.PERMISSION_DENIED, "A51"):
        await ours.add_box(record)
    open_id = data.BinaryID(file_id=record.rpartition("/")[2])
    with ours.refuses(Status.NOT_FOUND, "BX-8"):
        await ours.rpc(
            "RemoveBoundingBoxFromImageByID",
            data.RemoveBoundingBoxFromImageByIDRequest(binary_id=open_id, bbox_id=box),
        )


async def test_parts_and_datasets_of_another_organization_are_unknown(start: Start) -> None:
    """Their ids name no organization, so nothing tells that they exist (A51, A22, A40)."""
    ours, theirs, part = await two_organizations(start)
    dataset = await theirs.create_dataset(organization_id=part.organization_id)
    mine = await ours.upload("ours")
    with ours.refuses(Status.UNKNOWN, "A22", "no robot part found"):
        await ours.upload("a", part_id=part.id)
    with ours.refuses(Status.UNKNOWN, "A22", "no robot part found"):
        await ours.rpc("StreamingDataCaptureUpload", *stream_parts(b"x", part_id=part.id))
    with ours.refuses(Status.NOT_FOUND, "A40"):
        await ours.add_members(dataset, mine)
    with ours.refuses(Status.NOT_FOUND, "A27"):
        await ours.upload("a", dataset_ids=[dataset])
    with ours.refuses(Status.NOT_FOUND, "A40"):
        await ours.rpc("DeleteDataset", wire.DeleteDatasetRequest(id=dataset))
    with ours.refuses(Status.NOT_FOUND, "A40"):
        await ours.rpc("RenameDataset", wire.RenameDatasetRequest(id=dataset, name="x"))
    with ours.refuses(Status.NOT_FOUND, "A40"):
        await ours.rpc(
            "MergeDatasets",
            wire.MergeDatasetsRequest(
                organization_id=ORGANIZATION, name="x", dataset_ids=[dataset]
            ),
        )
    found = await ours.rpc("ListDatasetsByIDs", wire.ListDatasetsByIDsRequest(ids=[dataset]))
    assert not found.datasets
    assert await ours.names(data.Filter(dataset_id=dataset)) == []


async def test_a_key_may_see_several_organizations(start: Start) -> None:
    """And then both show (A51)."""
    viam = await start(auth="keys")
    part = viam.cloud.fleet.add_part("p", organization="o")
    key = viam.cloud.add_api_key(organizations=[part.organization_id, ORGANIZATION])
    client = await signed_in(viam, key.id, key.key)
    await client.upload("ours", requested=at(1))
    await client.upload("theirs", requested=at(2), part_id=part.id)
    assert await client.names() == ["ours", "theirs"]
    assert await client.names(_of(part.organization_id)) == ["ours", "theirs"]
    assert DEFAULT_PART.organization_id in key.organization_ids
