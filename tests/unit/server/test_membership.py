"""Which binary data belongs to which dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import Policy
from fakeviam.wire import data
from fakeviam.wire import dataset as wire

from .driver import Viam, at, file_parts, reading, stream_parts

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

UNKNOWN = "65f0000000000000000000aa"
CHANGES = ["AddBinaryDataToDatasetByIDs", "RemoveBinaryDataFromDatasetByIDs"]


def change(name: str, dataset: str, *ids: str) -> Any:
    return getattr(data, f"{name}Request")(dataset_id=dataset, binary_data_ids=ids)


async def remove(viam: Viam, dataset: str, *ids: str) -> None:
    name = "RemoveBinaryDataFromDatasetByIDs"
    await viam.rpc(name, change(name, dataset, *ids))


async def members(viam: Viam, dataset: str) -> list[str]:
    return await viam.names(data.Filter(dataset_id=dataset))


async def test_data_is_added_and_removed(viam: Viam) -> None:
    """Membership shows in dataset_ids, in the label and in the filter (DM-1, DM-2, DM-3)."""
    dataset = await viam.create_dataset()
    a, b = await viam.upload("a", requested=at(1)), await viam.upload("b", requested=at(2))
    await viam.add_members(dataset, a, b)
    assert await members(viam, dataset) == ["a", "b"]
    for record in (a, b):
        metadata = await viam.metadata_of(record)
        assert list(metadata.dataset_ids) == [dataset]
        assert list(metadata.capture_metadata.tags) == [f"VIAM_DATASET_{dataset}"]
    await remove(viam, dataset, a)
    assert await members(viam, dataset) == ["b"]
    metadata = await viam.metadata_of(a)
    assert not metadata.dataset_ids
    assert not metadata.capture_metadata.tags
    assert {"DM-1", "DM-2", "DM-3"} <= viam.cited()


async def test_members_are_references(viam: Viam) -> None:
    """Leaving a dataset leaves the data; a change shows in every dataset (DM-4)."""
    one, two = await viam.create_dataset("1"), await viam.create_dataset("2")
    a = await viam.upload("a", b"abc")
    await viam.add_members(one, a)
    await viam.add_members(two, a)
    await viam.add_tags(a, tags=["x"])
    assert list((await viam.metadata_of(a)).dataset_ids) == [one, two]
    for dataset in (one, two):
        page = await viam.binary(data.Filter(dataset_id=dataset), include_binary=True)
        assert page.data[0].binary == b"abc"
        assert "x" in page.data[0].metadata.capture_metadata.tags
    await remove(viam, one, a)
    assert list((await viam.metadata_of(a)).dataset_ids) == [two]
    assert (await viam.binary(count_only=True)).count == 1
    assert "DM-4" in viam.cited()


async def test_changing_membership_twice_changes_nothing(viam: Viam) -> None:
    """A member again, a stranger removed: OK, and as before (DM-6)."""
    dataset = await viam.create_dataset()
    a, b = await viam.upload("a"), await viam.upload("b")
    await viam.add_members(dataset, a)
    before = viam.contents()
    await viam.add_members(dataset, a)
    await remove(viam, dataset, b)
    assert viam.contents() == before
    assert "DM-6" in viam.cited()


@pytest.mark.parametrize("name", CHANGES)
async def test_an_unknown_dataset_is_not_found(viam: Viam, name: str) -> None:
    """Nothing is changed (A40)."""
    a = await viam.upload("a")
    with viam.refuses(Status.NOT_FOUND, "A40", f"no dataset {UNKNOWN!r}"):
        await viam.rpc(name, change(name, UNKNOWN, a))


@pytest.mark.parametrize("name", CHANGES)
async def test_no_dataset_is_an_error(viam: Viam, name: str) -> None:
    """An empty dataset_id names none (A40, A12)."""
    a = await viam.upload("a")
    with viam.refuses(Status.INVALID_ARGUMENT, "A40", "dataset_id must not be empty"):
        await viam.rpc(name, change(name, "", a))


@pytest.mark.parametrize("name", CHANGES)
async def test_no_ids_is_an_error(viam: Viam, name: str) -> None:
    """As in other calls by ids (DM-8, A12)."""
    dataset = await viam.create_dataset()
    await viam.upload("a", dataset_ids=[dataset])
    with viam.refuses(Status.INVALID_ARGUMENT, "DM-8", "binary_data_ids must not be empty"):
        await viam.rpc(name, change(name, dataset))


@pytest.mark.parametrize("name", CHANGES)
async def test_a_dataset_of_sequences_takes_no_binary_data(viam: Viam, name: str) -> None:
    """FAILED_PRECONDITION, by every way in (DM-5)."""
    dataset = await viam.create_dataset(type=wire.DATASET_TYPE_SEQUENCE_DATA)
    a = await viam.upload("a")
    with viam.refuses(Status.FAILED_PRECONDITION, "DM-5", "is a dataset of sequences"):
        await viam.rpc(name, change(name, dataset, a))


async def test_uploads_into_a_dataset_of_sequences_are_refused(viam: Viam) -> None:
    """Nothing is stored, by none of the three ways of uploading (DM-9)."""
    sequences = await viam.create_dataset(type=wire.DATASET_TYPE_SEQUENCE_DATA)
    into: dict[str, Any] = {"dataset_ids": [sequences]}
    with viam.refuses(Status.FAILED_PRECONDITION, "DM-9"):
        await viam.upload("a", **into)
    with viam.refuses(Status.FAILED_PRECONDITION, "DM-9"):
        await viam.rpc("FileUpload", *file_parts(b"x", **into))
    with viam.refuses(Status.FAILED_PRECONDITION, "DM-9"):
        await viam.rpc("StreamingDataCaptureUpload", *stream_parts(b"x", **into))


@pytest.mark.parametrize("name", CHANGES)
async def test_a_refused_id_leaves_the_others_out(start: Start, name: str) -> None:
    """All of the call or none of it (A13, DM-1)."""
    viam = await start(policy=Policy(unknown_ids="refuse"))
    dataset = await viam.create_dataset()
    a = await viam.upload("a")
    b = await viam.upload("b", dataset_ids=[dataset])
    with viam.refuses(Status.NOT_FOUND, "ID-7"):
        await viam.rpc(name, change(name, dataset, a, b, "x"))


async def test_data_of_another_organization_is_refused(viam: Viam) -> None:
    """A dataset takes data of its own organization only; all of the call is refused (DM-7)."""
    dataset = await viam.create_dataset()
    other = viam.cloud.fleet.add_part("p", organization="o")
    ours = await viam.upload("ours")
    theirs = await viam.upload("theirs", part_id=other.id)
    with viam.refuses(Status.INVALID_ARGUMENT, "DM-7", "belongs to organization"):
        await viam.add_members(dataset, ours, theirs)
    with viam.refuses(Status.INVALID_ARGUMENT, "DM-7", "belongs to organization"):
        await viam.upload("more", part_id=other.id, dataset_ids=[dataset])


async def test_deleted_data_leaves_its_datasets(viam: Viam) -> None:
    """The datasets stay, and a record that is uploaded anew is no member (A54, DM-4)."""
    dataset = await viam.create_dataset()
    a = await viam.upload("a", dataset_ids=[dataset])
    request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[a])
    await viam.rpc("DeleteBinaryDataByIDs", request)
    await viam.upload("a")
    assert await members(viam, dataset) == []
    found = await viam.rpc("ListDatasetsByIDs", wire.ListDatasetsByIDsRequest(ids=[dataset]))
    assert [entry.id for entry in found.datasets] == [dataset]


async def test_readings_have_no_membership(viam: Viam) -> None:
    """Their ids name nothing here (A13, UP-11)."""
    dataset = await viam.create_dataset()
    file_id = await viam.upload_readings(reading({"n": 1}), dataset_ids=[dataset])
    before = viam.contents()
    await viam.add_members(dataset, file_id)
    assert viam.contents() == before
