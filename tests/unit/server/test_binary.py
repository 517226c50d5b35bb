"""Reading and deleting binary data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import Policy
from fakeviam.wire import data

from .driver import DEFAULT_PART, ORGANIZATION, Viam, at, interval, reading, tagged

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio


async def fill(viam: Viam, *names: str) -> list[str]:
    """Records of these names whose bytes are their names."""
    return [
        await viam.upload(name, name.encode(), requested=at(number))
        for number, name in enumerate(names)
    ]


# BinaryDataByFilter and BinaryDataByIDs --------------------------------------------------


async def test_metadata_always_comes_along(viam: Viam) -> None:
    """Bytes only when they are asked for (BF-1, BF-2)."""
    await fill(viam, "a", "b")
    bare = await viam.binary()
    full = await viam.binary(include_binary=True)
    assert [entry.binary for entry in bare.data] == [b"", b""]
    assert [entry.binary for entry in full.data] == [b"b", b"a"]
    assert [entry.metadata for entry in bare.data] == [entry.metadata for entry in full.data]
    assert {"BF-1", "BF-2"} <= viam.cited()


async def test_bytes_by_ids(viam: Viam) -> None:
    """include_binary decides there too (BI-1, BI-2)."""
    ids = await fill(viam, "a", "b")
    bare = await viam.by_ids(*ids)
    full = await viam.by_ids(*ids, include_binary=True)
    assert [entry.binary for entry in bare.data] == [b"", b""]
    assert [entry.binary for entry in full.data] == [b"a", b"b"]
    assert [entry.metadata for entry in bare.data] == [entry.metadata for entry in full.data]
    assert {"BI-1", "BI-2"} <= viam.cited()


async def test_answers_stand_in_the_order_of_the_request(viam: Viam) -> None:
    """Answer i belongs to id i (BI-3, BI-4)."""
    a, b, c = await fill(viam, "a", "b", "c")
    reply = await viam.by_ids(c, a, b)
    assert [entry.metadata.file_name for entry in reply.data] == ["c", "a", "b"]
    assert reply.count == 3
    assert "BI-3" in viam.cited()


async def test_metadata_tells_everything(viam: Viam) -> None:
    """Every field a client reads is filled, and uri leads to the file (ID-3, TM-2, A52)."""
    dataset = await viam.create_dataset()
    record = await viam.upload(
        "pic.tar",
        b"12345",
        requested=at(1),
        received=at(2),
        ext=".png",
        component_type="camera",
        component_name="cam",
        method_name="GetImages",
        tags=["x"],
        dataset_ids=[dataset],
    )
    assert await viam.metadata_of(record) == data.BinaryMetadata(
        id=record.rpartition("/")[2],
        binary_data_id=record,
        capture_metadata=data.CaptureMetadata(
            organization_id=ORGANIZATION,
            location_id=DEFAULT_PART.location_id,
            robot_id=DEFAULT_PART.robot_id,
            robot_name=DEFAULT_PART.robot_name,
            part_id=DEFAULT_PART.id,
            part_name=DEFAULT_PART.name,
            component_type="camera",
            component_name="cam",
            method_name="GetImages",
            tags=["x", f"VIAM_DATASET_{dataset}"],
            mime_type="image/png",
        ),
        time_requested=at(1),
        time_received=at(2),
        file_name="pic.tar",
        file_ext=".png",
        uri=f"http://{viam.cloud.target}/files/{record}",
        dataset_ids=[dataset],
        file_size_bytes=5,
    )


async def test_more_than_a_page_of_ids(viam: Viam) -> None:
    """Ids are not paged: all are answered (BI-1)."""
    ids = await fill(viam, *map(str, range(150)))
    reply = await viam.by_ids(*ids)
    assert [entry.metadata.file_name for entry in reply.data] == list(map(str, range(150)))


async def test_internal_data_is_found_by_its_id(viam: Viam) -> None:
    """Whoever has the id may read it: only filters hide internal data (BI-1, PG-10)."""
    part = viam.cloud.fleet.add_part("slam", internal=True)
    record = await viam.upload("internal", part_id=part.id)
    assert (await viam.metadata_of(record)).file_name == "internal"


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 70_000, 3_000_000])
async def test_bytes_of_any_length_come_back(viam: Viam, size: int) -> None:
    """Exactly, in both reads, together with others (BF-2, BI-2)."""
    payload = bytes(range(256)) * (size // 256) + b"\xff" * (size % 256)
    ids = [await viam.upload("a", payload), await viam.upload("b", b"b")]
    page = await viam.binary(include_binary=True, sort_order=data.ORDER_ASCENDING)
    assert [entry.binary for entry in page.data] == [payload, b"b"]
    assert page.total_size_bytes == size + 1
    reply = await viam.by_ids(*ids, include_binary=True)
    assert [entry.binary for entry in reply.data] == [payload, b"b"]
    assert reply.data[0].metadata.file_size_bytes == size


async def test_too_many_bytes_for_one_reply(start: Start) -> None:
    """Above the ceiling: RESOURCE_EXHAUSTED with the word clients look for (BI-6, A53)."""
    viam = await start(policy=Policy(max_response_bytes=10))
    ids = [await viam.upload(name, b"x" * 5, requested=at()) for name in "abc"]
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "BI-6", "INCLUDE_BINARY_TOO_LARGE"):
        await viam.binary(include_binary=True)
    with viam.refuses(Status.RESOURCE_EXHAUSTED, "BI-6", "INCLUDE_BINARY_TOO_LARGE"):
        await viam.by_ids(*ids, include_binary=True)
    assert len((await viam.binary(limit=2, include_binary=True)).data) == 2
    assert len((await viam.by_ids(*ids[:2], include_binary=True)).data) == 2
    assert len((await viam.binary()).data) == 3
    assert len((await viam.by_ids(*ids)).data) == 3
    assert (await viam.binary(include_binary=True, count_only=True)).count == 3


# DeleteBinaryDataByFilter ----------------------------------------------------------------


async def delete(viam: Viam, wanted: data.Filter | None = None, **fields: Any) -> int:
    reply = await viam.rpc(
        "DeleteBinaryDataByFilter", data.DeleteBinaryDataByFilterRequest(filter=wanted, **fields)
    )
    count: int = reply.deleted_count
    return count


@pytest.mark.parametrize("wanted", [None, data.Filter()])
async def test_an_empty_filter_deletes_everything(viam: Viam, wanted: data.Filter | None) -> None:
    """As the documentation has it; the count is of files (DF-1, DF-4, A16)."""
    await fill(viam, "a", "b")
    assert await delete(viam, wanted) == 2
    assert await viam.names() == []
    assert await delete(viam, wanted) == 0
    assert {"DF-1", "DF-4", "A16"} <= viam.cited()


async def test_a_filter_deletes_what_it_selects(viam: Viam) -> None:
    """And nothing else (DF-1)."""
    await fill(viam, "a", "b", "c")
    await viam.upload("d", requested=at(1), tags=["x"])
    assert await delete(viam, data.Filter(interval=interval(at(1), at(1)))) == 2
    assert await viam.names() == ["a", "c"]
    assert await delete(viam, tagged("x")) == 0


async def test_a_delete_that_names_its_organization(viam: Viam) -> None:
    """The newer texts ask for one; it is no assumption then (DF-2, A16)."""
    other = viam.cloud.fleet.add_part("p", organization="o")
    await viam.upload("ours")
    await viam.upload("theirs", part_id=other.id)
    assert await delete(viam, data.Filter(organization_ids=[other.organization_id])) == 1
    assert await viam.names() == ["ours"]
    assert "A16" not in viam.cited()


async def test_internal_data_is_deleted_only_when_asked(viam: Viam) -> None:
    """include_internal_data decides (DF-3)."""
    part = viam.cloud.fleet.add_part("slam", internal=True)
    await viam.upload("ours")
    await viam.upload("internal", part_id=part.id)
    assert await delete(viam) == 1
    assert await viam.names(include_internal_data=True) == ["internal"]
    assert await delete(viam, include_internal_data=True) == 1
    assert await viam.names(include_internal_data=True) == []
    assert "DF-3" in viam.cited()


async def test_deleting_files_leaves_readings_and_datasets(viam: Viam) -> None:
    """Deleted data leaves its datasets; the datasets stay (A54, DF-1)."""
    dataset = await viam.create_dataset()
    await viam.upload("a", dataset_ids=[dataset])
    await viam.upload_readings(reading({"n": 1}))
    before = viam.contents()
    assert await delete(viam) == 1
    assert viam.contents() == before._replace(binary=[])
    assert await viam.names(data.Filter(dataset_id=dataset)) == []
    assert await viam.tags_by_filter() == []
    assert "A54" in viam.cited()


# DeleteBinaryDataByIDs -------------------------------------------------------------------


async def test_ids_delete_their_records(viam: Viam) -> None:
    """And count them; bytes, tags, boxes and memberships go along (DI-1, A54)."""
    dataset = await viam.create_dataset()
    one = await viam.upload("1", tags=["x"], dataset_ids=[dataset])
    await viam.add_box(one, "cat")
    two, three = await viam.upload("2"), await viam.upload("3")
    request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[one, three, one])
    assert (await viam.rpc("DeleteBinaryDataByIDs", request)).deleted_count == 2
    assert await viam.names() == ["2"]
    assert not (await viam.by_ids(one, three)).data
    assert await viam.tags_by_filter() == []
    labels = await viam.rpc("BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest())
    assert list(labels.labels) == []
    assert (await viam.binary(count_only=True)).count == 1
    assert (await viam.by_ids(two)).count == 1
    assert {"DI-1", "A54"} <= viam.cited()
