"""`create_filter` with each of its fields: what it takes in, and what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from viam.proto.app.data import TagsFilterType
from viam.utils import create_filter

from .official import MORNING, SECOND, Camera, binaries, count

if TYPE_CHECKING:
    from collections.abc import Callable

    from viam.app.data_client import DataClient
    from viam.proto.app.data import Filter

    from fakeviam import FakeViam, Part

pytestmark = [
    pytest.mark.asyncio,
    # 0.15.0 documents it as a method; newer releases point to a function instead.
    pytest.mark.filterwarnings("ignore:DataClient.create_filter is deprecated:DeprecationWarning"),
]

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Side:
    """One part's data: a picture and a reading, with a box and in a dataset."""

    part: Part
    dataset_id: str


@dataclass(frozen=True)
class World:
    """Two sides that differ in every field a filter has."""

    here: Side
    there: Side


@pytest_asyncio.fixture
async def world(cloud: FakeViam, client: DataClient) -> World:
    other = cloud.fleet.add_part("arm-main", robot="arm", location="shop", organization="another")
    return World(
        here=await fill(client, cloud.default_part, "here"),
        there=await fill(client, other, "there"),
    )


async def fill(client: DataClient, part: Part, name: str) -> Side:
    camera = Camera(client, part)
    moment = MORNING if name == "here" else MORNING + HOUR
    source = {
        "component_type": f"type-{name}",
        "component_name": f"component-{name}",
        "method_name": f"Method-{name}",
        "tags": [f"tag-{name}", "everywhere"],
    }
    extension = ".png" if name == "here" else ".jpg"
    picture = await camera.picture(name.encode(), moment=moment, file_extension=extension, **source)
    await camera.readings({"side": name}, moment=moment, **source)
    await client.add_bounding_box_to_image_by_id(picture, f"label-{name}", 0, 0, 1, 1)
    dataset_id = await client.create_dataset("set", part.organization_id)
    await client.add_binary_data_to_dataset_by_ids([picture], dataset_id)
    return Side(part, dataset_id)


# Field of create_filter → the value that a side has there.
FIELDS: dict[str, Callable[[Side, str], Any]] = {
    "component_name": lambda _, name: f"component-{name}",
    "component_type": lambda _, name: f"type-{name}",
    "method": lambda _, name: f"Method-{name}",
    "robot_name": lambda side, _: side.part.robot_name,
    "robot_id": lambda side, _: side.part.robot_id,
    "part_name": lambda side, _: side.part.name,
    "part_id": lambda side, _: side.part.id,
    "location_ids": lambda side, _: [side.part.location_id],
    "organization_ids": lambda side, _: [side.part.organization_id],
    "mime_type": lambda _, name: ["image/png" if name == "here" else "image/jpeg"],
    "tags": lambda _, name: [f"tag-{name}"],
    "bbox_labels": lambda _, name: [f"label-{name}"],
    "dataset_id": lambda side, _: side.dataset_id,
    # Alone, each of these lets both sides or none in; see the tests of intervals below.
    "end_time": lambda _, name: MORNING if name == "here" else MORNING + HOUR,
    "start_time": lambda _, name: MORNING if name == "here" else MORNING + HOUR,
}

#: Readings have no image type, boxes or datasets.
FILES_ONLY = {"mime_type", "bbox_labels", "dataset_id"}

LISTS = ["location_ids", "organization_ids", "mime_type", "tags", "bbox_labels"]

NOWHERE = {
    "location_ids": ["nowhere"],
    "organization_ids": ["nowhere"],
    "mime_type": ["image/gif"],
    "tags": ["no such tag"],
    "bbox_labels": ["no such label"],
    "end_time": MORNING - SECOND,
    "start_time": MORNING + 2 * HOUR,
}


async def test_the_table_has_every_field_of_the_client() -> None:
    """A field that a later release adds is to be tested too (FI-1)."""
    assert set(create_filter.__annotations__) - {"return"} == set(FIELDS)


async def sides(client: DataClient, wanted: Filter | None) -> tuple[set[str], set[str]]:
    """Which sides' pictures and readings a filter selects."""
    pictures = {contents.decode() for contents in await binaries(client, wanted)}
    readings, _, _ = await client.tabular_data_by_filter(wanted)
    return pictures, {str(one.data["side"]) for one in readings}


@pytest.mark.parametrize("name", ["here", "there"])
async def test_each_field_selects_its_side(client: DataClient, world: World, name: str) -> None:
    """And leaves out the other (FI-1, FI-4, FI-5, FI-6, FI-10, FI-11, FI-16, A18, DM-3)."""
    side = world.here if name == "here" else world.there
    fields = set(FIELDS) - {"start_time", "end_time"}
    found, counted = {}, {}
    for field in fields:
        wanted = client.create_filter(**{field: FIELDS[field](side, name)})
        found[field] = await sides(client, wanted)
        counted[field] = await count(client, wanted)
    assert found == {f: ({name}, set() if f in FILES_ONLY else {name}) for f in fields}
    assert counted == dict.fromkeys(fields, 1)


@pytest.mark.usefixtures("world")
async def test_each_field_with_a_strange_value_selects_nothing(client: DataClient) -> None:
    """OK and empty, not an error (FI-15, FI-4)."""
    found = {}
    for field in FIELDS:
        value: Any = NOWHERE.get(field, "nowhere")
        found[field] = await sides(client, client.create_filter(**{field: value}))
    assert found == {field: (set(), set()) for field in FIELDS}


async def test_all_fields_together_are_anded(client: DataClient, world: World) -> None:
    """All of one side select it; with any single one of the other side nothing (FI-1)."""
    every = {name: value(world.here, "here") for name, value in FIELDS.items()}
    assert await binaries(client, client.create_filter(**every)) == [b"here"]
    found = {}
    for field, value in FIELDS.items():
        spoiled = {**every, field: value(world.there, "there")}
        if field == "end_time":
            spoiled["start_time"] = spoiled["end_time"]
        found[field] = await binaries(client, client.create_filter(**spoiled))
    assert found == {field: [] for field in FIELDS}


async def test_lists_are_ored(client: DataClient, world: World) -> None:
    """Any one of the values may match (FI-5, FI-6, FI-10)."""
    both = {"here", "there"}
    found = {}
    for field in LISTS:
        values = [*FIELDS[field](world.here, "here"), *FIELDS[field](world.there, "there")]
        wider: Any = [*values, "nowhere"]
        wanted = client.create_filter(**{field: wider})
        found[field] = await sides(client, wanted)
    assert found == {field: (both, set() if field in FILES_ONLY else both) for field in LISTS}


INTERVALS: list[tuple[Any, Any, set[str]]] = [
    (None, None, {"here", "there"}),
    (MORNING, None, {"here", "there"}),
    (MORNING + SECOND, None, {"there"}),
    (None, MORNING + HOUR, {"here", "there"}),
    (None, MORNING + HOUR - SECOND, {"here"}),
    (MORNING, MORNING, {"here"}),
    (MORNING + SECOND, MORNING + HOUR - SECOND, set()),
    (MORNING + HOUR, MORNING, set()),
]


@pytest.mark.usefixtures("world")
async def test_interval_ends_are_inside_and_optional(client: DataClient) -> None:
    """Over the time requested (FI-13, FI-14, A2, A3)."""
    found = []
    for start, end, _ in INTERVALS:
        wanted = client.create_filter(start_time=start, end_time=end)
        assert wanted.HasField("interval") == (start is not None or end is not None)
        found.append(await sides(client, wanted))
    assert found == [(expected, expected) for _, _, expected in INTERVALS]


@pytest.mark.usefixtures("world")
async def test_aware_times_are_converted(client: DataClient) -> None:
    """10:30 in a zone two hours ahead is 8:30 UTC (TM-1, FI-13)."""
    zone = timezone(timedelta(hours=2))
    middle = (MORNING + HOUR / 2).replace(tzinfo=timezone.utc).astimezone(zone)
    assert await binaries(client, client.create_filter(end_time=middle)) == [b"here"]
    assert await binaries(client, client.create_filter(start_time=middle)) == [b"there"]


@pytest.mark.usefixtures("world")
@pytest.mark.every_way
async def test_nothing_given_selects_everything(client: DataClient) -> None:
    """create_filter sends `tags_filter{}` then (FI-2, FI-3, FI-8)."""
    both = ({"here", "there"}, {"here", "there"})
    nothing = client.create_filter()
    assert nothing.HasField("tags_filter")
    empty = client.create_filter(
        component_name="", location_ids=[], mime_type=[], tags=[], bbox_labels=[], dataset_id=""
    )
    for wanted in (None, nothing, empty, create_filter()):
        assert await sides(client, wanted) == both


async def test_tagged_and_untagged(client: DataClient, world: World) -> None:
    """Labels of datasets do not count; listed tags are not looked at (FI-7, FI-12)."""
    plain = Camera(client, world.here.part)
    picture = await plain.picture(b"plain", moment=MORNING + 3 * HOUR)
    await client.add_binary_data_to_dataset_by_ids([picture], world.here.dataset_id)
    untagged, tagged = client.create_filter(), client.create_filter(tags=["not looked at"])
    untagged.tags_filter.type = TagsFilterType.TAGS_FILTER_TYPE_UNTAGGED
    tagged.tags_filter.type = TagsFilterType.TAGS_FILTER_TYPE_TAGGED
    assert await binaries(client, untagged) == [b"plain"]
    assert await binaries(client, tagged) == [b"there", b"here"]
    members = client.create_filter(dataset_id=world.here.dataset_id)
    assert await binaries(client, members) == [b"plain", b"here"]
    members.tags_filter.type = TagsFilterType.TAGS_FILTER_TYPE_UNTAGGED
    assert await binaries(client, members) == [b"plain"]


@pytest.mark.usefixtures("world")
async def test_strings_compare_exactly(client: DataClient) -> None:
    """With case, whole (FI-4)."""
    for wrong in ("Component-here", "component", "component-here ", "component-*"):
        assert await binaries(client, client.create_filter(component_name=wrong)) == []


async def test_the_method_warns_and_the_function_does_not(client: DataClient) -> None:
    """Both make the same filter (FI-8)."""
    with pytest.warns(DeprecationWarning, match="Use utils.create_filter"):
        old = client.create_filter(part_id="p", tags=["t"], start_time=MORNING)
    assert old == create_filter(part_id="p", tags=["t"], start_time=MORNING)
