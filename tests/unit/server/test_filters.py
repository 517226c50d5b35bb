"""What a filter selects, through every RPC that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam.wire import data

from .driver import DEFAULT_PART, Viam, at, interval, reading, tagged, where

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

UNTAGGED = tagged(kind=data.TAGS_FILTER_TYPE_UNTAGGED)
TAGGED = tagged(kind=data.TAGS_FILTER_TYPE_TAGGED)
OR = data.TAGS_FILTER_TYPE_MATCH_BY_OR


# Which fields narrow ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "uploaded"),
    [
        ("component_name", "component_name"),
        ("component_type", "component_type"),
        ("method", "method_name"),
    ],
)
async def test_a_source_field_selects_what_was_captured_so(
    viam: Viam, field: str, uploaded: str
) -> None:
    """Strings of the source narrow the result by exact equality, with case (FI-1, FI-4)."""
    for value in ("camera-1", "Camera-1", "camera-10", "camera"):
        source: dict[str, Any] = {uploaded: value}
        await viam.upload(value, requested=at(), **source)
        await viam.upload_readings(reading({"n": len(value)}, at()), **source)
    wanted = where(**{field: "camera-1"})
    assert await viam.names(wanted) == ["camera-1"]
    assert await viam.numbers(wanted) == [8]
    assert "FI-4" in viam.cited()


@pytest.mark.parametrize(
    "field",
    ["robot_name", "robot_id", "part_name", "part_id", "location_ids", "organization_ids"],
)
async def test_an_owner_field_selects_what_its_parts_uploaded(viam: Viam, field: str) -> None:
    """The fields of the fleet narrow; locations and organizations are lists (FI-1, FI-4, FI-5)."""
    other = viam.cloud.fleet.add_part("p", robot="r", location="l", organization="o")
    parts = {"theirs": other, "ours": DEFAULT_PART}
    for name, part in parts.items():
        await viam.upload(name, requested=at(), part_id=part.id)
        await viam.upload_readings(reading({"n": len(name)}, at()), part_id=part.id)
    for name, part in parts.items():
        value = getattr(part, {"part_id": "id", "part_name": "name"}.get(field, field.rstrip("s")))
        wanted = where(**{field: [value] if field.endswith("s") else value})
        assert await viam.names(wanted) == [name]
        assert await viam.numbers(wanted) == [len(name)]


async def test_any_value_of_a_list_may_match(viam: Viam) -> None:
    """Locations, organizations and MIME types: one of the listed is enough (FI-5)."""
    fleet = viam.cloud.fleet
    parts = [fleet.add_part("p", location=f"l{n}", organization=f"o{n}") for n in range(3)]
    mimes = ["image/png", "text/plain", "video/mp4"]
    for part, mime in zip(parts, mimes, strict=True):
        await viam.upload(mime, requested=at(), part_id=part.id, mime_type=mime)
    wanted = [
        data.Filter(location_ids=[part.location_id for part in parts[:2]]),
        data.Filter(organization_ids=[part.organization_id for part in parts[:2]]),
        data.Filter(mime_type=mimes[:2]),
        data.Filter(mime_type=[*mimes[:2], "no/such"]),
    ]
    for narrowed in wanted:
        assert sorted(await viam.names(narrowed)) == ["image/png", "text/plain"]
    assert "FI-5" in viam.cited()


async def test_mime_types_compare_with_case(viam: Viam) -> None:
    """A MIME type is a string like others: exact, with case (FI-4)."""
    await viam.upload("a", requested=at(), mime_type="image/PNG")
    assert await viam.names(data.Filter(mime_type=["image/png"])) == []
    assert await viam.names(data.Filter(mime_type=["image/PNG"])) == ["a"]


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        data.Filter(),
        data.Filter(component_name="", robot_id="", dataset_id=""),
        data.Filter(interval=interval()),
        data.Filter(tags_filter=data.TagsFilter()),
        data.Filter(tags_filter=data.TagsFilter(), interval=interval()),
        tagged(kind=OR),
        tagged(kind=data.TAGS_FILTER_TYPE_UNSPECIFIED),
    ],
    ids=[
        "absent",
        "empty",
        "empty-strings",
        "empty-interval",
        "empty-tags-filter",
        "both",
        "or-nothing",
        "unspecified",
    ],
)
async def test_a_filter_without_constraint_selects_everything(
    viam: Viam, wanted: data.Filter | None
) -> None:
    """Absent, empty and present-but-empty filters are alike (FI-2, FI-3, FI-8, FI-13, A17)."""
    await viam.upload("plain", requested=at(1))
    await viam.upload("tagged", requested=at(2), tags=["x"])
    await viam.upload_readings(reading({"n": 1}, at()), reading({"n": 2}, at(1)))
    assert await viam.names(wanted) == ["plain", "tagged"]
    assert await viam.numbers(wanted) == [1, 2]


async def test_a_request_without_a_data_request_selects_everything(viam: Viam) -> None:
    """No filter at all may also be no data request at all (FI-2)."""
    await viam.upload("a")
    await viam.upload_readings(reading({"n": 1}))
    assert len((await viam.rpc("BinaryDataByFilter", data.BinaryDataByFilterRequest())).data) == 1
    assert len((await viam.rpc("TabularDataByFilter", data.TabularDataByFilterRequest())).data) == 1


@pytest.mark.parametrize(
    "wanted",
    [
        data.Filter(component_name="no"),
        data.Filter(part_id="no"),
        data.Filter(robot_name="no"),
        data.Filter(location_ids=["no"]),
        data.Filter(organization_ids=["no"]),
        data.Filter(mime_type=["no/no"]),
        data.Filter(dataset_id="65f0000000000000000000aa"),
        data.Filter(bbox_labels=["no"]),
        tagged("no"),
        data.Filter(interval=interval(at(5), at(4))),
    ],
)
async def test_what_matches_nothing_is_an_empty_answer(viam: Viam, wanted: data.Filter) -> None:
    """Names and ids that match nothing are no error (FI-15)."""
    await viam.upload("a", requested=at())
    await viam.upload_readings(reading({"n": 1}, at()))
    assert await viam.names(wanted) == []
    assert await viam.numbers(wanted) == []
    assert (await viam.binary(wanted, count_only=True)).count == 0


# Tags ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [OR, data.TAGS_FILTER_TYPE_UNSPECIFIED, None])
async def test_one_of_the_listed_tags_is_enough(
    viam: Viam, kind: data.TagsFilterTypeValue | None
) -> None:
    """MATCH_BY_OR and no type ask for at least one listed tag, exactly (FI-6, FI-4)."""
    for name, tags in {"1": ["x"], "2": ["y", "z"], "3": ["Z"], "4": [], "5": ["xx"]}.items():
        await viam.upload(name, requested=at(int(name)), tags=tags)
        await viam.upload_readings(reading({"n": int(name)}, at(int(name))), tags=tags)
    assert await viam.names(tagged("x", "z", kind=kind)) == ["1", "2"]
    assert await viam.numbers(tagged("x", "z", kind=kind)) == [1, 2]
    assert await viam.names(tagged("no", kind=kind)) == []


async def test_tagged_and_untagged_do_not_look_at_the_list(viam: Viam) -> None:
    """TAGGED: any user tag; UNTAGGED: none; the listed tags are not consulted (FI-7)."""
    await viam.upload("with", requested=at(1), tags=["x"])
    await viam.upload("without", requested=at(2))
    await viam.upload_readings(reading({"n": 1}, at(1)), tags=["x"])
    await viam.upload_readings(reading({"n": 2}, at(2)))
    for tags in ([], ["x"], ["no"]):
        assert await viam.names(tagged(*tags, kind=data.TAGS_FILTER_TYPE_TAGGED)) == ["with"]
        assert await viam.names(tagged(*tags, kind=data.TAGS_FILTER_TYPE_UNTAGGED)) == ["without"]
        assert await viam.numbers(tagged(*tags, kind=data.TAGS_FILTER_TYPE_TAGGED)) == [1]
        assert await viam.numbers(tagged(*tags, kind=data.TAGS_FILTER_TYPE_UNTAGGED)) == [2]


async def test_a_record_that_lost_its_last_tag_is_untagged(viam: Viam) -> None:
    """UNTAGGED asks what is there now (FI-7)."""
    record = await viam.upload("a", requested=at(), tags=["x"])
    assert await viam.names(UNTAGGED) == []
    request = data.RemoveTagsFromBinaryDataByIDsRequest(binary_data_ids=[record], tags=["x"])
    await viam.rpc("RemoveTagsFromBinaryDataByIDs", request)
    assert await viam.names(UNTAGGED) == ["a"]
    assert await viam.names(TAGGED) == []


@pytest.mark.parametrize("policy", ["documented", "observed", "strict"])
async def test_membership_is_no_tag_for_tagged_and_untagged(start: Start, policy: str) -> None:
    """A dataset is asked for the members that nobody tagged yet (FI-12, FI-7, A10)."""
    viam = await start(policy=policy)
    dataset = await viam.create_dataset()
    await viam.upload("plain", requested=at(1), dataset_ids=[dataset])
    await viam.upload("tagged", requested=at(2), dataset_ids=[dataset], tags=["x"])
    await viam.upload("stranger", requested=at(3))
    untagged = data.Filter(dataset_id=dataset, tags_filter=UNTAGGED.tags_filter)
    assert await viam.names(untagged) == ["plain"]
    assert "FI-12" in viam.cited()
    assert await viam.names(UNTAGGED) == ["plain", "stranger"]
    assert await viam.names(TAGGED) == ["tagged"]


@pytest.mark.parametrize("number", [4, -1, 2**31 - 1])
@pytest.mark.parametrize(
    "name",
    ["BinaryDataByFilter", "TabularDataByFilter", "DeleteBinaryDataByFilter", "TagsByFilter"],
)
async def test_an_unknown_tags_filter_type_is_refused(viam: Viam, name: str, number: int) -> None:
    """A type without meaning is an error, not a guess (FI-17)."""
    await viam.upload("a", tags=["x"])
    wanted = data.Filter(tags_filter=data.TagsFilter(type=number))  # type: ignore[arg-type]
    requests: dict[str, Any] = {
        "BinaryDataByFilter": data.BinaryDataByFilterRequest(
            data_request=data.DataRequest(filter=wanted)
        ),
        "TabularDataByFilter": data.TabularDataByFilterRequest(
            data_request=data.DataRequest(filter=wanted)
        ),
        "DeleteBinaryDataByFilter": data.DeleteBinaryDataByFilterRequest(filter=wanted),
        "TagsByFilter": data.TagsByFilterRequest(filter=wanted),
    }
    with viam.refuses(
        Status.INVALID_ARGUMENT, "FI-17", f"tags_filter.type must be 0 to 3, got {number}"
    ):
        await viam.rpc(name, requests[name])


# Boxes and datasets ----------------------------------------------------------------------


async def test_one_box_with_one_of_the_labels_is_enough(viam: Viam) -> None:
    """bbox_labels: at least one box carries one of the labels (FI-10)."""
    first = await viam.upload("1", requested=at(1))
    second = await viam.upload("2", requested=at(2))
    await viam.upload("3", requested=at(3))
    await viam.add_box(first, "cat")
    box = await viam.add_box(second, "dog")
    await viam.add_box(second, "Cat")
    assert await viam.names(data.Filter(bbox_labels=["cat"])) == ["1"]
    assert await viam.names(data.Filter(bbox_labels=["cat", "dog"])) == ["1", "2"]
    assert await viam.names(data.Filter(bbox_labels=["Cat"])) == ["2"]
    await viam.rpc(
        "RemoveBoundingBoxFromImageByID",
        data.RemoveBoundingBoxFromImageByIDRequest(binary_data_id=second, bbox_id=box),
    )
    assert await viam.names(data.Filter(bbox_labels=["cat", "dog"])) == ["1"]


async def test_only_members_of_the_dataset(viam: Viam) -> None:
    """dataset_id selects the members of that one dataset (FI-11, DM-3)."""
    one, other = await viam.create_dataset("one"), await viam.create_dataset("other")
    await viam.upload("1", requested=at(1), dataset_ids=[one])
    await viam.upload("2", requested=at(2), dataset_ids=[other])
    await viam.upload("3", requested=at(3), dataset_ids=[one, other])
    await viam.upload("4", requested=at(4))
    assert await viam.names(data.Filter(dataset_id=one)) == ["1", "3"]
    assert await viam.names(data.Filter(dataset_id=other)) == ["2", "3"]
    assert await viam.names(data.Filter(dataset_id=one[:-1])) == []


async def test_readings_have_no_boxes_and_no_datasets(viam: Viam) -> None:
    """Those fields select no reading; MIME types compare (A18)."""
    dataset = await viam.create_dataset()
    await viam.upload_readings(reading({"n": 1}, at()), mime_type="a/b", dataset_ids=[dataset])
    assert await viam.numbers(data.Filter(bbox_labels=["cat"])) == []
    assert await viam.numbers(data.Filter(dataset_id=dataset)) == []
    assert (await viam.tabular(data.Filter(dataset_id=dataset), count_only=True)).count == 0
    assert await viam.numbers(data.Filter(mime_type=["a/b"])) == [1]
    assert await viam.numbers(data.Filter(mime_type=["a/c"])) == []
    assert "A18" in viam.cited()


# Intervals -------------------------------------------------------------------------------


async def test_each_end_of_an_interval_is_optional(viam: Viam) -> None:
    """A missing end is open (FI-13)."""
    for second in range(4):
        await viam.upload(str(second), requested=at(second))
        await viam.upload_readings(reading({"n": second}, at(second)))
    cases = [
        (interval(at(1), at(2)), [1, 2]),
        (interval(at(2), None), [2, 3]),
        (interval(None, at(1)), [0, 1]),
        (interval(None, None), [0, 1, 2, 3]),
        (interval(at(1, 1), at(3, -1)), [2]),
    ]
    for bounds, expected in cases:
        wanted = data.Filter(interval=bounds)
        assert await viam.names(wanted) == [str(second) for second in expected]
        assert await viam.numbers(wanted) == expected


async def test_an_interval_may_hold_one_instant(viam: Viam) -> None:
    """Both ends are inside: start = end selects that nanosecond (A2)."""
    for step in (-1, 0, 1):
        await viam.upload(str(step), requested=at(0, step))
    assert await viam.names(data.Filter(interval=interval(at(), at()))) == ["0"]
    assert "A2" in viam.cited()


async def test_an_interval_looks_at_the_time_requested(viam: Viam) -> None:
    """Not at the time received (A3)."""
    await viam.upload("a", requested=at(10), received=at(99))
    assert await viam.names(data.Filter(interval=interval(at(10), at(10)))) == ["a"]
    assert await viam.names(data.Filter(interval=interval(at(99), at(99)))) == []
    assert "A3" in viam.cited()
