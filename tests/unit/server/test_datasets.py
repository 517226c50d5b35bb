"""DatasetService."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import Policy
from fakeviam.wire import data
from fakeviam.wire import dataset as wire

from .driver import ORGANIZATION, Viam, at, nanos, tagged

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

UNKNOWN = "65f0000000000000000000aa"
BINARY, SEQUENCES = wire.DATASET_TYPE_BINARY_DATA, wire.DATASET_TYPE_SEQUENCE_DATA


async def listed(viam: Viam, organization: str = ORGANIZATION, **fields: Any) -> list[wire.Dataset]:
    reply = await viam.rpc(
        "ListDatasetsByOrganizationID",
        wire.ListDatasetsByOrganizationIDRequest(organization_id=organization, **fields),
    )
    return list(reply.datasets)


async def by_ids(viam: Viam, *ids: str) -> list[wire.Dataset]:
    reply = await viam.rpc("ListDatasetsByIDs", wire.ListDatasetsByIDsRequest(ids=ids))
    return list(reply.datasets)


async def rename(viam: Viam, dataset: str, name: str) -> None:
    await viam.rpc("RenameDataset", wire.RenameDatasetRequest(id=dataset, name=name))


async def delete(viam: Viam, dataset: str) -> None:
    await viam.rpc("DeleteDataset", wire.DeleteDatasetRequest(id=dataset))


async def merge(viam: Viam, *sources: str, name: str = "merged", **fields: Any) -> str:
    known = {"organization_id": ORGANIZATION, **fields}
    reply = await viam.rpc(
        "MergeDatasets", wire.MergeDatasetsRequest(dataset_ids=sources, name=name, **known)
    )
    dataset: str = reply.dataset_id
    return dataset


# Create ----------------------------------------------------------------------------------


async def test_a_dataset_is_made_and_listed(viam: Viam) -> None:
    """Its id is answered; all that is known of it is listed (DS-1, DS-4, DS-5, TM-2)."""
    made = await viam.create_dataset("cats")
    assert re.fullmatch(r"[0-9a-f]{24}", made)
    (dataset,) = await listed(viam)
    assert dataset == wire.Dataset(
        id=made,
        name="cats",
        organization_id=ORGANIZATION,
        time_created=dataset.time_created,
        type=BINARY,
    )
    assert nanos(dataset.time_created) == 0
    assert await by_ids(viam, made) == [dataset]
    assert {"DS-1", "DS-4", "DS-5"} <= viam.cited()


async def test_the_id_holds_the_time_of_creation(viam: Viam) -> None:
    """As an ObjectID does: its first four bytes are seconds of the fake's clock (DS-1)."""
    viam.cloud.clock.set("2001-02-03T04:05:06Z")
    made = await viam.create_dataset()
    assert int(made[:8], 16) == 981_173_106
    assert (await by_ids(viam, made))[0].time_created.seconds == 981_173_106


@pytest.mark.parametrize("kind", [None, BINARY, SEQUENCES])
async def test_the_type_is_binary_unless_asked_otherwise(
    viam: Viam, kind: wire.DatasetTypeValue | None
) -> None:
    """And it never changes (DS-9)."""
    made = await viam.create_dataset(type=kind)
    await rename(viam, made, "other")
    (dataset,) = await by_ids(viam, made)
    assert dataset.type == (kind or BINARY)
    assert "DS-9" in viam.cited()


@pytest.mark.parametrize("name", ["", " ", "\t"])
async def test_a_blank_name_is_refused(viam: Viam, name: str) -> None:
    """Creating, renaming and merging (DS-7)."""
    made = await viam.create_dataset()
    with viam.refuses(Status.INVALID_ARGUMENT, "DS-7", f"name must not be blank, got {name!r}"):
        await viam.create_dataset(name)
    with viam.refuses(Status.INVALID_ARGUMENT, "DS-7", "name must not be blank"):
        await rename(viam, made, name)
    with viam.refuses(Status.INVALID_ARGUMENT, "DS-7", "name must not be blank"):
        await merge(viam, made, name=name)


async def test_names_are_unique_in_an_organization(viam: Viam) -> None:
    """ALREADY_EXISTS; with case; another organization may have the name (DS-8, A39)."""
    other = viam.cloud.fleet.add_part("p", organization="o").organization_id
    await viam.create_dataset("cats")
    await viam.create_dataset("Cats")
    await viam.create_dataset("cats ")
    await viam.create_dataset("cats", organization_id=other)
    for fields in ({}, {"type": SEQUENCES}):
        with viam.refuses(Status.ALREADY_EXISTS, "A39", "already has a dataset named 'cats'"):
            await viam.create_dataset("cats", **fields)
    assert "DS-8" in viam.cited()


@pytest.mark.parametrize("kind", [2, -1, 2**31 - 1])
async def test_an_unknown_type_is_refused(viam: Viam, kind: int) -> None:
    """Creating and listing (DS-13)."""
    await viam.create_dataset()
    with viam.refuses(Status.INVALID_ARGUMENT, "DS-13", f"type must be 0 or 1, got {kind}"):
        await viam.create_dataset("other", type=kind)
    with viam.refuses(Status.INVALID_ARGUMENT, "DS-13", f"type must be 0 or 1, got {kind}"):
        await listed(viam, type=kind)


async def test_the_organization_must_be_named_and_exist(viam: Viam) -> None:
    """Creating and merging (A48, DS-11)."""
    made = await viam.create_dataset()
    for organization, status, clause in (
        ("", Status.INVALID_ARGUMENT, "A48"),
        ("no", Status.NOT_FOUND, "DS-11"),
    ):
        with viam.refuses(status, clause, "organization"):
            await viam.create_dataset("other", organization_id=organization)
        with viam.refuses(status, clause, "organization"):
            await merge(viam, made, organization_id=organization)


# Rename and delete -----------------------------------------------------------------------


async def test_a_dataset_gets_another_name(viam: Viam) -> None:
    """All else stays; the old name is free again (DS-3)."""
    made = await viam.create_dataset("old")
    record = await viam.upload("a", dataset_ids=[made])
    await rename(viam, made, "new")
    (dataset,) = await listed(viam)
    assert (dataset.id, dataset.name) == (made, "new")
    assert list((await viam.metadata_of(record)).dataset_ids) == [made]
    await viam.create_dataset("old")
    assert "DS-3" in viam.cited()


async def test_a_dataset_may_keep_its_name(viam: Viam) -> None:
    """Its own name is not taken by another (DS-14, A39)."""
    made = await viam.create_dataset("cats")
    await rename(viam, made, "cats")
    assert "DS-14" in viam.cited()
    assert [dataset.name for dataset in await listed(viam)] == ["cats"]


async def test_a_name_that_is_taken_is_refused(viam: Viam) -> None:
    """Renaming and merging are no way around (A39, DS-8)."""
    made = await viam.create_dataset("one")
    await viam.create_dataset("two")
    with viam.refuses(Status.ALREADY_EXISTS, "A39", "'two'"):
        await rename(viam, made, "two")
    with viam.refuses(Status.ALREADY_EXISTS, "A39", "'two'"):
        await merge(viam, made, name="two")


async def test_deleting_a_dataset_keeps_its_data(viam: Viam) -> None:
    """Membership and label go with it (DS-2, DM-2)."""
    made, other = await viam.create_dataset("a"), await viam.create_dataset("b")
    record = await viam.upload("a", b"abc", dataset_ids=[made, other], tags=["x"])
    await delete(viam, made)
    assert [dataset.id for dataset in await listed(viam)] == [other]
    reply = await viam.by_ids(record, include_binary=True)
    assert reply.data[0].binary == b"abc"
    assert list(reply.data[0].metadata.dataset_ids) == [other]
    assert await viam.tags_of(record) == ["x", f"VIAM_DATASET_{other}"]
    assert await viam.names(data.Filter(dataset_id=made)) == []
    assert await viam.names(tagged(f"VIAM_DATASET_{made}")) == []
    assert await viam.tags_by_filter() == sorted(["x", f"VIAM_DATASET_{other}"])
    assert "DS-2" in viam.cited()


@pytest.mark.parametrize("name", [UNKNOWN, "", "x" * 100_000])
async def test_an_unknown_dataset_is_not_found(viam: Viam, name: str) -> None:
    """Renaming, deleting, merging (A40)."""
    made = await viam.create_dataset()
    with viam.refuses(Status.NOT_FOUND, "A40", f"no dataset {name[:50]!r}"[:-1]):
        await rename(viam, name, "new")
    with viam.refuses(Status.NOT_FOUND, "A40", "no dataset"):
        await delete(viam, name)
    with viam.refuses(Status.NOT_FOUND, "A40", "no dataset"):
        await merge(viam, made, name, name="new")


async def test_a_deleted_dataset_is_unknown(viam: Viam) -> None:
    """Deleting twice is NOT_FOUND (A40, DS-2)."""
    made = await viam.create_dataset()
    await delete(viam, made)
    with viam.refuses(Status.NOT_FOUND, "A40", f"no dataset {made!r}"):
        await delete(viam, made)


# List ------------------------------------------------------------------------------------


async def test_all_datasets_of_an_organization(viam: Viam) -> None:
    """And of no other (DS-4, FI-15)."""
    other = viam.cloud.fleet.add_part("p", organization="o").organization_id
    ours = [await viam.create_dataset(str(n)) for n in range(60)]
    theirs = await viam.create_dataset("x", organization_id=other)
    assert [dataset.id for dataset in await listed(viam)] == ours
    assert [dataset.id for dataset in await listed(viam, other)] == [theirs]
    assert await listed(viam, "no") == []


async def test_a_type_that_is_present_is_asked_for(viam: Viam) -> None:
    """Absent means all; 0 that is present means binary data only (A43)."""
    one = await viam.create_dataset("1")
    two = await viam.create_dataset("2", type=SEQUENCES)
    assert [dataset.id for dataset in await listed(viam)] == [one, two]
    assert [dataset.id for dataset in await listed(viam, type=BINARY)] == [one]
    assert [dataset.id for dataset in await listed(viam, type=SEQUENCES)] == [two]
    assert "A43" in viam.cited()


async def test_ids_in_request_order_once_each(viam: Viam) -> None:
    """Unknown ones are left out; none in, none out (A41, DS-6)."""
    a, b = await viam.create_dataset("a"), await viam.create_dataset("b")
    found = await by_ids(viam, b, UNKNOWN, a, b, "", a)
    assert [dataset.id for dataset in found] == [b, a]
    assert await by_ids(viam) == []
    assert await by_ids(viam, UNKNOWN) == []
    assert {"A41", "DS-6"} <= viam.cited()


# Merge -----------------------------------------------------------------------------------


async def test_a_merge_unites(viam: Viam) -> None:
    """A new dataset with the members of all; the sources stay as they are (DS-10, A42)."""
    one, two = await viam.create_dataset("1"), await viam.create_dataset("2")
    await viam.upload("a", requested=at(1), dataset_ids=[one])
    await viam.upload("b", requested=at(2), dataset_ids=[one, two])
    await viam.upload("c", requested=at(3), dataset_ids=[two])
    await viam.upload("d", requested=at(4))
    merged = await merge(viam, one, two, one)
    assert merged not in {one, two}
    assert await viam.names(data.Filter(dataset_id=merged)) == ["a", "b", "c"]
    assert await viam.names(data.Filter(dataset_id=one)) == ["a", "b"]
    assert await viam.names(data.Filter(dataset_id=two)) == ["b", "c"]
    (dataset,) = await by_ids(viam, merged)
    assert (dataset.name, dataset.type) == ("merged", BINARY)
    await delete(viam, one)
    assert await viam.names(data.Filter(dataset_id=merged)) == ["a", "b", "c"]
    assert {"DS-10", "A42"} <= viam.cited()


async def test_one_dataset_can_be_merged(viam: Viam) -> None:
    """Which is a copy; sequences with sequences too (DS-15, A42)."""
    one = await viam.create_dataset("1")
    await viam.upload("a", dataset_ids=[one])
    copy = await merge(viam, one)
    assert "DS-15" in viam.cited()
    assert await viam.names(data.Filter(dataset_id=copy)) == ["a"]
    two = await viam.create_dataset("2", type=SEQUENCES)
    three = await viam.create_dataset("3", type=SEQUENCES)
    (dataset,) = await by_ids(viam, await merge(viam, two, three, name="4"))
    assert dataset.type == SEQUENCES


async def test_types_do_not_mix(viam: Viam) -> None:
    """A merge of both is INVALID_ARGUMENT (A42)."""
    one = await viam.create_dataset("1")
    two = await viam.create_dataset("2", type=SEQUENCES)
    with viam.refuses(Status.INVALID_ARGUMENT, "A42", "must all be of one type"):
        await merge(viam, one, two)


async def test_merging_nothing_is_refused(viam: Viam) -> None:
    """There must be something to merge (DS-12)."""
    with viam.refuses(Status.INVALID_ARGUMENT, "DS-12", "dataset_ids must not be empty"):
        await merge(viam)


async def test_datasets_of_another_organization_do_not_merge(viam: Viam) -> None:
    """They are unknown in this one (A40, A42)."""
    other = viam.cloud.fleet.add_part("p", organization="o").organization_id
    ours = await viam.create_dataset("1")
    theirs = await viam.create_dataset("2", organization_id=other)
    with viam.refuses(Status.NOT_FOUND, "A40", f"no dataset {theirs!r}"):
        await merge(viam, ours, theirs)


# Policy ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ALREADY_EXISTS", "INVALID_ARGUMENT", "UNKNOWN"])
async def test_the_status_of_a_name_that_is_taken(start: Start, name: Any) -> None:
    """duplicate_dataset_name picks it, for creating, renaming and merging (A39)."""
    viam = await start(policy=Policy(duplicate_dataset_name=name))
    one, _ = await viam.create_dataset("1"), await viam.create_dataset("2")
    with viam.refuses(Status[name], "A39", "already has a dataset named"):
        await viam.create_dataset("2")
    with viam.refuses(Status[name], "A39", "already has a dataset named"):
        await rename(viam, one, "2")
    with viam.refuses(Status[name], "A39", "already has a dataset named"):
        await merge(viam, one, name="2")
