"""Tags on binary data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam.wire import data
from fakeviam.wire import dataset as dataset_wire

from .driver import Viam, at, interval, reading, tagged

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

CHANGES = [
    "AddTagsToBinaryDataByIDs",
    "AddTagsToBinaryDataByFilter",
    "RemoveTagsFromBinaryDataByIDs",
    "RemoveTagsFromBinaryDataByFilter",
]


async def remove(viam: Viam, *ids: str, tags: list[str]) -> int:
    reply = await viam.rpc(
        "RemoveTagsFromBinaryDataByIDs",
        data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=ids, tags=tags),
    )
    count: int = reply.deleted_count
    return count


async def remove_matching(viam: Viam, wanted: data.Filter | None, *tags: str) -> int:
    reply = await viam.rpc(
        "RemoveTagsFromBinaryDataByFilter",
        data.RemoveTagsFromBinaryDataByFilterRequest(filter=wanted, tags=tags),
    )
    count: int = reply.deleted_count
    return count


async def add_matching(viam: Viam, wanted: data.Filter | None, *tags: str) -> None:
    await viam.rpc(
        "AddTagsToBinaryDataByFilter",
        data.AddTagsToBinaryDataByFilterRequest(filter=wanted, tags=tags),
    )


# Adding ----------------------------------------------------------------------------------


async def test_every_tag_is_added_to_every_record(viam: Viam) -> None:
    """One that is there already is not added again, and the order stays (TA-1, TA-6)."""
    a, b = await viam.upload("a", tags=["z", "x"]), await viam.upload("b")
    await viam.add_tags(a, b, tags=["x", "y", "y", "a"])
    assert await viam.tags_of(a) == ["z", "x", "y", "a"]
    assert await viam.tags_of(b) == ["x", "y", "a"]
    await viam.add_tags(a, b, tags=["x", "y"])
    assert await viam.tags_of(b) == ["x", "y", "a"]
    assert {"TA-1", "TA-6"} <= viam.cited()


async def test_tags_are_kept_as_sent(viam: Viam) -> None:
    """With case, spaces and any letter (TA-5)."""
    tags = ["Cat", "cat", " cat ", "a/b:c", "ёж", "\U0001f408", "a\nb", "x" * 5000]
    record = await viam.upload("a")
    await viam.add_tags(record, tags=tags)
    assert await viam.tags_of(record) == tags
    assert "TA-5" in viam.cited()
    for tag in tags:
        assert await viam.names(tagged(tag)) == ["a"]
    assert await viam.names(tagged("CAT")) == []


async def test_adding_by_filter(viam: Viam) -> None:
    """What the filter selects gets the tags, and the reply is empty (TA-1)."""
    a = await viam.upload("a", requested=at(1))
    b = await viam.upload("b", requested=at(2))
    await add_matching(viam, data.Filter(interval=interval(at(2), None)), "x", "y")
    assert await viam.tags_of(a) == []
    assert await viam.tags_of(b) == ["x", "y"]


@pytest.mark.parametrize("wanted", [None, data.Filter()])
async def test_adding_by_no_filter_tags_everything(viam: Viam, wanted: data.Filter | None) -> None:
    """Absent or empty (TA-3); readings take no tags afterwards."""
    a, b = await viam.upload("a"), await viam.upload("b")
    await viam.upload_readings(reading({"n": 1}), tags=["old"])
    await add_matching(viam, wanted, "x")
    assert await viam.tags_of(a) == await viam.tags_of(b) == ["x"]
    (metadata,) = (await viam.tabular()).metadata
    assert list(metadata.tags) == ["old"]
    assert "TA-3" in viam.cited()


async def test_a_filter_that_its_own_tags_change(viam: Viam) -> None:
    """What is selected is decided before anything is written (TA-1, TR-1)."""
    a, b = await viam.upload("a", tags=["x"]), await viam.upload("b")
    untagged = tagged(kind=data.TAGS_FILTER_TYPE_UNTAGGED)
    await add_matching(viam, untagged, "y")
    assert await viam.tags_of(a) == ["x"]
    assert await viam.tags_of(b) == ["y"]
    assert await remove_matching(viam, tagged("x", "y"), "x", "y") == 2


# Removing --------------------------------------------------------------------------------


async def test_tags_are_removed_and_counted(viam: Viam) -> None:
    """The count is of tags, summed over records (TR-1, TR-2, A8)."""
    a = await viam.upload("a", tags=["x", "y", "z"])
    b = await viam.upload("b", tags=["y"])
    c = await viam.upload("c", tags=["z"])
    assert await remove(viam, a, b, c, tags=["x", "y", "no"]) == 3
    assert await viam.tags_of(a) == await viam.tags_of(c) == ["z"]
    assert await viam.tags_of(b) == []
    assert await remove(viam, a, b, c, tags=["x", "y"]) == 0
    assert {"TR-1", "TR-2", "A8"} <= viam.cited()


async def test_removing_by_filter(viam: Viam) -> None:
    """The same for what a filter selects; none at all is everything (TR-1, TR-2, A8)."""
    await viam.upload("a", requested=at(1), tags=["x", "y"])
    await viam.upload("b", requested=at(2), tags=["x", "y"])
    wanted = data.Filter(interval=interval(at(2), None))
    assert await remove_matching(viam, wanted, "x", "y", "x") == 2
    assert await remove_matching(viam, None, "x") == 1
    assert await viam.tags_by_filter() == ["y"]


async def test_a_tag_that_comes_back_goes_to_the_end(viam: Viam) -> None:
    """The order is that of the first adding since it was there (TA-6)."""
    record = await viam.upload("a", tags=["x", "y"])
    await remove(viam, record, tags=["x"])
    await viam.add_tags(record, tags=["x"])
    assert await viam.tags_of(record) == ["y", "x"]


# Bad input -------------------------------------------------------------------------------


def _request(name: str, ids: list[str], tags: list[str]) -> Any:
    fields: dict[str, Any] = {"tags": tags}
    if name.endswith("IDs"):
        fields["binary_data_ids"] = ids
    return getattr(data, f"{name}Request")(**fields)


@pytest.mark.parametrize("name", CHANGES)
async def test_no_tags_is_an_error(viam: Viam, name: str) -> None:
    """INVALID_ARGUMENT, for adding and removing (TA-2, TR-1, A12)."""
    record = await viam.upload("a", tags=["x"])
    clause = "TA-2" if name.startswith("Add") else "TR-1"
    with viam.refuses(Status.INVALID_ARGUMENT, clause, "tags must not be empty"):
        await viam.rpc(name, _request(name, [record], []))


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u2003"])
async def test_a_blank_tag_is_an_error(viam: Viam, name: str, blank: str) -> None:
    """One blank tag refuses the call; nothing of it happens (TA-4)."""
    record = await viam.upload("a", tags=["x"])
    with viam.refuses(Status.INVALID_ARGUMENT, "TA-4", f"tags must not be blank, got {blank!r}"):
        await viam.rpc(name, _request(name, [record], ["x", "new", blank]))


@pytest.mark.parametrize("blank", ["", " "])
async def test_an_upload_with_a_blank_tag_is_an_error(viam: Viam, blank: str) -> None:
    """The tags of an upload are tags (TA-4)."""
    with viam.refuses(Status.INVALID_ARGUMENT, "TA-4", "tags must not be blank"):
        await viam.upload("a", tags=["x", blank])
    with viam.refuses(Status.INVALID_ARGUMENT, "TA-4", "tags must not be blank"):
        await viam.upload_readings(reading({"n": 1}), tags=[blank])


# TagsByFilter ----------------------------------------------------------------------------


async def test_tags_by_filter_are_distinct_and_sorted(viam: Viam) -> None:
    """Of binary and tabular data, without a filter all of them (TG-1, A47)."""
    await viam.upload("a", tags=["b", "a"])
    await viam.upload("b", tags=["b", "Z"])
    await viam.upload_readings(reading({"n": 1}), tags=["t", "a"])
    assert await viam.tags_by_filter() == ["Z", "a", "b", "t"]
    assert await viam.tags_by_filter(data.Filter()) == ["Z", "a", "b", "t"]
    assert {"TG-1", "A47"} <= viam.cited()


async def test_tags_by_filter_are_those_of_what_matches(viam: Viam) -> None:
    """All tags of the records selected, not only those asked for (TG-1)."""
    await viam.upload("a", requested=at(1), tags=["x", "y"])
    await viam.upload("b", requested=at(2), tags=["z"])
    await viam.upload_readings(reading({"n": 1}, at(1)), tags=["t", "x"])
    assert await viam.tags_by_filter(tagged("x")) == ["t", "x", "y"]
    assert await viam.tags_by_filter(data.Filter(interval=interval(at(2), None))) == ["z"]
    assert await viam.tags_by_filter(data.Filter(mime_type=["image/jpeg"])) == ["x", "y", "z"]
    assert await viam.tags_by_filter(tagged("no")) == []


async def test_tags_by_filter_forget_what_is_gone(viam: Viam) -> None:
    """Removed tags and deleted records leave nothing behind (TG-1)."""
    a, b = await viam.upload("a", tags=["x", "y"]), await viam.upload("b", tags=["y"])
    await remove(viam, a, tags=["y"])
    assert await viam.tags_by_filter() == ["x", "y"]
    await viam.rpc("DeleteBinaryDataByIDs", data.DeleteBinaryDataByIDsRequest(binary_data_ids=[b]))
    assert await viam.tags_by_filter() == ["x"]


# Labels of datasets ----------------------------------------------------------------------


async def test_membership_shows_as_a_tag_and_is_none(viam: Viam) -> None:
    """The label is derived: shown with the tags, never stored (A10, DM-2)."""
    dataset = await viam.create_dataset()
    label = f"VIAM_DATASET_{dataset}"
    record = await viam.upload("a", tags=["x"], dataset_ids=[dataset])
    assert await viam.tags_of(record) == ["x", label]
    assert await viam.tags_by_filter() == sorted(["x", label])
    await viam.add_tags(record, tags=["y"])
    assert await viam.tags_of(record) == ["x", "y", label]
    assert {"A10", "DM-2"} <= viam.cited()


async def test_a_label_can_be_matched_by_name(viam: Viam) -> None:
    """A tags filter may name it, alone or among tags (A10)."""
    dataset = await viam.create_dataset()
    label = f"VIAM_DATASET_{dataset}"
    await viam.upload("member", requested=at(1), dataset_ids=[dataset])
    await viam.upload("tagged", requested=at(2), tags=["x"])
    await viam.upload("none", requested=at(3))
    await viam.upload_readings(reading({"n": 1}), tags=["x"])
    assert await viam.names(tagged(label)) == ["member"]
    assert await viam.names(tagged(label, "x")) == ["member", "tagged"]
    assert await viam.names(tagged("VIAM_DATASET_")) == []
    assert await viam.names(tagged("VIAM_DATASET_x")) == []
    assert await viam.numbers(tagged(label)) == []
    await add_matching(viam, tagged(label), "mark")
    assert await viam.names(tagged("mark")) == ["member"]


async def test_removing_a_label_as_a_tag_changes_nothing(viam: Viam) -> None:
    """It is not a stored tag, so none is removed (A10, TR-2)."""
    dataset = await viam.create_dataset()
    record = await viam.upload("a", dataset_ids=[dataset])
    before = viam.contents()
    assert await remove(viam, record, tags=[f"VIAM_DATASET_{dataset}"]) == 0
    assert await remove_matching(viam, None, f"VIAM_DATASET_{dataset}") == 0
    assert viam.contents() == before


async def test_a_tag_that_looks_like_a_label_is_a_plain_tag(viam: Viam) -> None:
    """It makes no member, counts as a user tag and can be removed (A11)."""
    dataset = await viam.create_dataset()
    label = f"VIAM_DATASET_{dataset}"
    record = await viam.upload("a")
    await viam.add_tags(record, tags=[label])
    assert "A11" in viam.cited()
    assert await viam.tags_of(record) == [label]
    assert await viam.names(data.Filter(dataset_id=dataset)) == []
    assert await viam.names(tagged(kind=data.TAGS_FILTER_TYPE_TAGGED)) == ["a"]
    await viam.add_members(dataset, record)
    assert await viam.tags_of(record) == [label]
    assert await viam.names(tagged(label)) == ["a"]
    assert await remove(viam, record, tags=[label]) == 1
    assert await viam.tags_of(record) == [label]
    assert await viam.names(tagged(kind=data.TAGS_FILTER_TYPE_TAGGED)) == []


@pytest.mark.parametrize("policy", ["documented", "observed"])
async def test_a_plain_tag_outlives_the_dataset_it_looks_like(start: Start, policy: str) -> None:
    """Only the derived label goes with the dataset (A11, DS-2)."""
    viam = await start(policy=policy)
    dataset = await viam.create_dataset()
    label = f"VIAM_DATASET_{dataset}"
    plain = await viam.upload("plain", tags=[label])
    member = await viam.upload("member", dataset_ids=[dataset])
    await viam.rpc("DeleteDataset", dataset_wire.DeleteDatasetRequest(id=dataset))
    assert await viam.tags_of(plain) == [label]
    assert await viam.tags_of(member) == []
    assert await viam.names(tagged(label)) == ["plain"]
