"""Datasets and their members, and the organization's database."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest
from grpclib.const import Status
from viam.app.data_client import DataClient
from viam.proto.app.data import Filter, TagsFilter

from fakeviam.wire import data, dataset

from .official import Camera, binaries, count, in_form, refused

if TYPE_CHECKING:
    from fakeviam import FakeViam, Part

    from ..old_client import Raw  # noqa: TID252 - test folders have no name of their own

pytestmark = pytest.mark.asyncio

NO_SUCH_DATASET = "0123456789abcdef01234567"
NOBODY = "f4ce0000-0000-4000-8000-0000000000ff"


async def names(client: DataClient, organization_id: str) -> list[str]:
    return [one.name for one in await client.list_datasets_by_organization_id(organization_id)]


async def members(client: DataClient, dataset_id: str) -> list[bytes]:
    return await binaries(client, Filter(dataset_id=dataset_id))


# Datasets ----------------------------------------------------------------------------------------


@pytest.mark.every_way
async def test_created_dataset_is_listed(cloud: FakeViam, client: DataClient, part: Part) -> None:
    """By its id and by its organization (DS-1, DS-4, DS-5, DS-9, TM-2)."""
    dataset_id = await client.create_dataset("cats", part.organization_id)
    assert len(dataset_id) == 24
    (by_id,) = await client.list_dataset_by_ids([dataset_id])
    (by_organization,) = await client.list_datasets_by_organization_id(part.organization_id)
    assert by_id == by_organization
    assert by_id.id == dataset_id
    assert by_id.name == "cats"
    assert by_id.organization_id == part.organization_id
    assert by_id.time_created.ToDatetime() == cloud.clock.moment().replace(tzinfo=None)


async def test_datasets_of_an_organization_are_its_own(
    cloud: FakeViam, client: DataClient, part: Part
) -> None:
    """Names are unique in an organization only (DS-4, DS-8, A39)."""
    other = cloud.fleet.add_part("p", organization="another").organization_id
    for name in ("cats", "dogs", "Cats"):
        await client.create_dataset(name, part.organization_id)
    await client.create_dataset("cats", other)
    assert sorted(await names(client, part.organization_id)) == ["Cats", "cats", "dogs"]
    assert await names(client, other) == ["cats"]
    assert await names(client, NOBODY) == []
    with refused(Status.ALREADY_EXISTS, "'cats' [A39]"):
        await client.create_dataset("cats", part.organization_id)


async def test_list_by_ids_keeps_the_order_and_leaves_unknown_ones_out(
    client: DataClient, part: Part
) -> None:
    """Each once; no ids, no datasets (DS-5, DS-6, A41)."""
    ids = [await client.create_dataset(name, part.organization_id) for name in ("a", "b", "c")]
    found = await client.list_dataset_by_ids([ids[2], NO_SUCH_DATASET, ids[0], ids[2]])
    assert [one.name for one in found] == ["c", "a"]
    assert list(await client.list_dataset_by_ids([])) == []


@pytest.mark.every_way
async def test_renamed_dataset_keeps_its_id_and_members(
    client: DataClient, camera: Camera, part: Part
) -> None:
    """The old name is free again; a taken one is refused (DS-3, DS-8, A39)."""
    dataset_id = await client.create_dataset("cats", part.organization_id)
    await client.create_dataset("dogs", part.organization_id)
    await client.add_binary_data_to_dataset_by_ids([await camera.picture(b"tom")], dataset_id)
    await client.rename_dataset(dataset_id, "tomcats")
    (found,) = await client.list_dataset_by_ids([dataset_id])
    assert found.name == "tomcats"
    assert await members(client, dataset_id) == [b"tom"]
    with refused(Status.ALREADY_EXISTS, "'dogs' [A39]"):
        await client.rename_dataset(dataset_id, "dogs")
    await client.create_dataset("cats", part.organization_id)


@pytest.mark.every_way
async def test_deleted_dataset_leaves_its_data(
    client: DataClient, camera: Camera, part: Part
) -> None:
    """Without membership and label (DS-2, DM-2, DM-4, A10)."""
    dataset_id = await client.create_dataset("cats", part.organization_id)
    named = await camera.picture(b"tom", tags=["own"])
    await client.add_binary_data_to_dataset_by_ids([named], dataset_id)
    await client.delete_dataset(dataset_id)
    assert list(await client.list_dataset_by_ids([dataset_id])) == []
    assert await members(client, dataset_id) == []
    (found,) = await client.binary_data_by_ids([named])
    assert found.binary == b"tom"
    assert list(found.metadata.dataset_ids) == []
    assert found.metadata.capture_metadata.tags == ["own"]


async def test_unknown_datasets_are_not_found(
    client: DataClient, camera: Camera, part: Part
) -> None:
    """To rename, delete, merge, add and remove (A40)."""
    named = await camera.picture()
    with refused(Status.NOT_FOUND, f"no dataset {NO_SUCH_DATASET!r} [A40]"):
        await client.rename_dataset(NO_SUCH_DATASET, "new")
    with refused(Status.NOT_FOUND, "[A40]"):
        await client.delete_dataset(NO_SUCH_DATASET)
    with refused(Status.NOT_FOUND, "[A40]"):
        await client.merge_datasets("new", part.organization_id, [NO_SUCH_DATASET])
    with refused(Status.NOT_FOUND, "[A40]"):
        await client.add_binary_data_to_dataset_by_ids([named], NO_SUCH_DATASET)
    with refused(Status.NOT_FOUND, "[A40]"):
        await client.remove_binary_data_from_dataset_by_ids([named], NO_SUCH_DATASET)


async def test_bad_names_and_organizations_are_refused(client: DataClient, part: Part) -> None:
    """And nothing is made (DS-7, DS-11, A48)."""
    for blank in ("", " "):
        with refused(Status.INVALID_ARGUMENT, "[DS-7]"):
            await client.create_dataset(blank, part.organization_id)
    with refused(Status.INVALID_ARGUMENT, "[A48]"):
        await client.create_dataset("cats", "")
    with refused(Status.NOT_FOUND, "[DS-11]"):
        await client.create_dataset("cats", NOBODY)
    dataset_id = await client.create_dataset("cats", part.organization_id)
    with refused(Status.INVALID_ARGUMENT, "[DS-7]"):
        await client.rename_dataset(dataset_id, " ")
    assert await names(client, part.organization_id) == ["cats"]


@pytest.mark.every_way
async def test_merged_dataset_unites_and_leaves_its_sources(
    client: DataClient, camera: Camera, part: Part
) -> None:
    """A member of both is one member (DS-10, A42, DM-4)."""
    pictures = await camera.pictures(3)
    ids = [await client.create_dataset(name, part.organization_id) for name in ("a", "b")]
    await client.add_binary_data_to_dataset_by_ids(pictures[:2], ids[0])
    await client.add_binary_data_to_dataset_by_ids(pictures[1:], ids[1])
    merged = await client.merge_datasets("both", part.organization_id, ids)
    assert await members(client, merged) == [b"2", b"1", b"0"]
    assert await members(client, ids[0]) == [b"1", b"0"]
    assert await members(client, ids[1]) == [b"2", b"1"]
    with refused(Status.ALREADY_EXISTS, "[A39]"):
        await client.merge_datasets("both", part.organization_id, ids)


LISTING = inspect.signature(DataClient.list_datasets_by_organization_id)

if "dataset_type" in LISTING.parameters:  # creating with a type came a little earlier

    async def test_dataset_types(client: DataClient, part: Part, camera: Camera) -> None:
        """Unset lists all, 0 is a type too, sequences take no files (DS-9, A43, DM-5)."""
        from viam.proto.app.dataset import DatasetType  # noqa: PLC0415 - not in older releases

        files, sequences = (
            DatasetType.DATASET_TYPE_BINARY_DATA,
            DatasetType.DATASET_TYPE_SEQUENCE_DATA,
        )
        await client.create_dataset("default", part.organization_id)
        await client.create_dataset("files", part.organization_id, type=files)
        of_sequences = await client.create_dataset("sequences", part.organization_id, sequences)
        listed = {
            kind: sorted(
                one.name
                for one in await client.list_datasets_by_organization_id(part.organization_id, kind)
            )
            for kind in (None, files, sequences)
        }
        assert listed == {
            None: ["default", "files", "sequences"],
            files: ["default", "files"],
            sequences: ["sequences"],
        }
        with refused(Status.FAILED_PRECONDITION, "[DM-5]"):
            await client.add_binary_data_to_dataset_by_ids([await camera.picture()], of_sequences)


async def test_type_of_a_dataset_reaches_releases_that_do_not_know_it(
    client: DataClient, raw: Raw, part: Part
) -> None:
    """An unknown field does no harm to them (DS-4, DS-9)."""
    request = dataset.CreateDatasetRequest(
        name="sequences",
        organization_id=part.organization_id,
        type=dataset.DATASET_TYPE_SEQUENCE_DATA,
    )
    made = await raw(request, dataset.CreateDatasetResponse)
    (found,) = await client.list_datasets_by_organization_id(part.organization_id)
    assert (found.id, found.name) == (made.id, "sequences")


# Members -----------------------------------------------------------------------------------------


@pytest.mark.every_way
async def test_members_come_and_go(
    client: DataClient, camera: Camera, part: Part, form: str
) -> None:
    """With the label, in dataset_ids and for the filter (DM-1, DM-2, DM-3, DM-4, DM-6, FI-11)."""
    ids = await camera.pictures(3, tags=["own"])
    dataset_id = await client.create_dataset("cats", part.organization_id)
    label = f"VIAM_DATASET_{dataset_id}"
    some = [in_form(form, named) for named in ids[:2]]
    await client.add_binary_data_to_dataset_by_ids(some, dataset_id)
    await client.add_binary_data_to_dataset_by_ids(some[:1], dataset_id)
    assert await members(client, dataset_id) == [b"1", b"0"]
    found = await client.binary_data_by_ids(ids)
    assert [list(one.metadata.dataset_ids) for one in found] == [[dataset_id], [dataset_id], []]
    assert [list(one.metadata.capture_metadata.tags) for one in found] == [
        ["own", label],
        ["own", label],
        ["own"],
    ]
    await client.remove_binary_data_from_dataset_by_ids(
        [some[0], in_form(form, ids[2])], dataset_id
    )
    assert await members(client, dataset_id) == [b"1"]
    (left,) = await client.binary_data_by_ids(ids[:1])
    assert left.metadata.capture_metadata.tags == ["own"]
    assert await count(client) == 3


async def test_label_can_be_matched_and_listed_but_not_removed(
    client: DataClient, camera: Camera, part: Part
) -> None:
    """It follows from membership (A10, DM-2)."""
    named = await camera.picture(b"tom")
    dataset_id = await client.create_dataset("cats", part.organization_id)
    label = f"VIAM_DATASET_{dataset_id}"
    await client.add_binary_data_to_dataset_by_ids([named], dataset_id)
    assert await client.tags_by_filter() == [label]
    assert await binaries(client, Filter(tags_filter=TagsFilter(tags=[label]))) == [b"tom"]
    assert await client.remove_tags_from_binary_data_by_ids([label], [named]) == 0
    assert await members(client, dataset_id) == [b"tom"]


async def test_deleted_data_leaves_its_datasets(
    client: DataClient, camera: Camera, part: Part
) -> None:
    """The dataset stays (A54)."""
    ids = await camera.pictures(2)
    dataset_id = await client.create_dataset("cats", part.organization_id)
    await client.add_binary_data_to_dataset_by_ids(ids, dataset_id)
    assert await client.delete_binary_data_by_ids(ids[:1]) == 1
    assert await members(client, dataset_id) == [b"1"]
    assert await names(client, part.organization_id) == ["cats"]


async def test_members_of_another_organization_are_refused(
    cloud: FakeViam, client: DataClient, camera: Camera, part: Part
) -> None:
    """None of the others is added either (DM-7)."""
    other = Camera(client, cloud.fleet.add_part("p", organization="another"))
    ids = [await camera.picture(), await other.picture()]
    dataset_id = await client.create_dataset("cats", part.organization_id)
    with refused(Status.INVALID_ARGUMENT, "[DM-7]"):
        await client.add_binary_data_to_dataset_by_ids(ids, dataset_id)
    assert await members(client, dataset_id) == []


async def test_no_members_are_an_error(client: DataClient, part: Part) -> None:
    """Adding and removing (DM-8, A12)."""
    dataset_id = await client.create_dataset("cats", part.organization_id)
    with refused(Status.INVALID_ARGUMENT, "[DM-8]"):
        await client.add_binary_data_to_dataset_by_ids([], dataset_id)
    with refused(Status.INVALID_ARGUMENT, "[DM-8]"):
        await client.remove_binary_data_from_dataset_by_ids([], dataset_id)


# Database ----------------------------------------------------------------------------------------


@pytest.mark.every_way
async def test_database_connection_is_where_the_fake_is(
    cloud: FakeViam, client: DataClient, part: Part
) -> None:
    """Which tells organizations apart by their users (DB-1, A46)."""
    other = cloud.fleet.add_part("p", organization="another").organization_id
    for organization in (part.organization_id, other):
        host = await client.get_database_connection(organization)
        assert host == f"{cloud.host}:{cloud.port}"


async def test_database_of_an_unknown_organization(client: DataClient) -> None:
    """The `viam` CLI looks for that word (DB-2, DB-6)."""
    with refused(Status.NOT_FOUND, "NotFound"):
        await client.get_database_connection(NOBODY)
    with refused(Status.INVALID_ARGUMENT, "[DB-6]"):
        await client.get_database_connection("")


@pytest.mark.every_way
async def test_database_user_is_configured(client: DataClient, raw: Raw, part: Part) -> None:
    """has_database_user tells; the client hides it (DB-3, DB-4, DB-5)."""

    async def has_user() -> bool:
        request = data.GetDatabaseConnectionRequest(organization_id=part.organization_id)
        reply = await raw(request, data.GetDatabaseConnectionResponse)
        return reply.has_database_user

    with refused(Status.INVALID_ARGUMENT, "[DB-5]"):
        await client.configure_database_user(part.organization_id, "")
    assert not await has_user()
    for password in ("first", "another"):
        await client.configure_database_user(part.organization_id, password)
        assert await has_user()
    with refused(Status.NOT_FOUND, "[DB-2]"):
        await client.configure_database_user(NOBODY, "secret")
