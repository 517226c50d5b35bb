"""Tags and bounding boxes."""

from __future__ import annotations

from math import inf, nan
from typing import TYPE_CHECKING

import pytest
from grpclib.const import Status
from viam.proto.app.data import Filter, TagsFilter

from .official import Camera, binaries, count, in_form, refused

if TYPE_CHECKING:
    from viam.app.data_client import DataClient
    from viam.proto.app.data import BoundingBox

    from fakeviam import Part

pytestmark = pytest.mark.asyncio

NO_SUCH_BOX = "0123456789abcdef01234567"
CORNERS = ["x_min_normalized", "y_min_normalized", "x_max_normalized", "y_max_normalized"]


def tagged(*tags: str) -> Filter:
    return Filter(tags_filter=TagsFilter(tags=tags))


async def tags_of(client: DataClient, named: str) -> list[str]:
    (found,) = await client.binary_data_by_ids([named])
    return list(found.metadata.capture_metadata.tags)


async def boxes_of(client: DataClient, named: str) -> list[BoundingBox]:
    (found,) = await client.binary_data_by_ids([named])
    return list(found.metadata.annotations.bboxes)


# Tags ------------------------------------------------------------------------------------------


@pytest.mark.every_way
async def test_add_tags_by_ids(client: DataClient, camera: Camera, form: str) -> None:
    """Every tag to every record, once, in order (TA-1, TA-5, ID-4, FI-6)."""
    first, second, third = await camera.pictures(3)
    wanted = [in_form(form, first), in_form(form, second)]
    await client.add_tags_to_binary_data_by_ids(["b", "a"], wanted)
    await client.add_tags_to_binary_data_by_ids(["a", "A", "c"], wanted[:1])
    assert await tags_of(client, first) == ["b", "a", "A", "c"]
    assert await tags_of(client, second) == ["b", "a"]
    assert await tags_of(client, third) == []
    assert await binaries(client, tagged("A")) == [b"0"]
    assert await binaries(client, tagged("c", "b")) == [b"1", b"0"]


@pytest.mark.every_way
async def test_add_tags_by_filter(client: DataClient, camera: Camera) -> None:
    """To what matches; without a filter to everything (TA-1, TA-3)."""
    first, second = await camera.picture(tags=["x"]), await camera.picture()
    await client.add_tags_to_binary_data_by_filter(["new"], tagged("x"))
    assert (await tags_of(client, first), await tags_of(client, second)) == (["x", "new"], [])
    await client.add_tags_to_binary_data_by_filter(["all", "x"])
    assert await tags_of(client, first) == ["x", "new", "all"]
    assert await tags_of(client, second) == ["all", "x"]


@pytest.mark.every_way
async def test_remove_tags_by_ids_counts_tags(
    client: DataClient, camera: Camera, form: str
) -> None:
    """Summed over the records; those that were not there do not count (TR-1, TR-2, A8)."""
    first, second, third = await camera.pictures(3, tags=["a", "b", "c"])
    await client.remove_tags_from_binary_data_by_ids(["c"], [second])
    wanted = [in_form(form, first), in_form(form, second)]
    assert await client.remove_tags_from_binary_data_by_ids(["a", "c", "z"], wanted) == 3
    assert await client.remove_tags_from_binary_data_by_ids(["a", "c", "z"], wanted) == 0
    assert await tags_of(client, first) == ["b"]
    assert await tags_of(client, second) == ["b"]
    assert await tags_of(client, third) == ["a", "b", "c"]


@pytest.mark.every_way
async def test_remove_tags_by_filter_counts_tags(client: DataClient, camera: Camera) -> None:
    """Of what matches; without a filter of everything (TR-1, TR-2, A8)."""
    first, second = await camera.picture(tags=["a", "b"]), await camera.picture(tags=["b", "c"])
    assert await client.remove_tags_from_binary_data_by_filter(["b", "c"], tagged("a")) == 1
    assert (await tags_of(client, first), await tags_of(client, second)) == (["a"], ["b", "c"])
    assert await client.remove_tags_from_binary_data_by_filter(["a", "b", "c"]) == 3
    assert await client.tags_by_filter() == []


async def test_tags_by_filter_are_distinct_and_sorted(client: DataClient, camera: Camera) -> None:
    """Of files and readings (TG-1, A47, FI-1)."""
    await camera.picture(tags=["b", "a"])
    await camera.picture(tags=["b", "Z"], component_name="other")
    await camera.readings({"n": 1}, tags=["r", "b"])
    assert await client.tags_by_filter() == ["Z", "a", "b", "r"]
    assert await client.tags_by_filter(Filter(component_name="eye")) == ["a", "b"]
    assert await client.tags_by_filter(Filter(component_name="thermometer")) == ["b", "r"]
    assert await client.tags_by_filter(Filter(component_name="nobody")) == []


async def test_no_tags_are_an_error(client: DataClient, camera: Camera) -> None:
    """In all four calls (TA-2, TR-1, A12)."""
    named = await camera.picture(tags=["kept"])
    with refused(Status.INVALID_ARGUMENT, "tags must not be empty [TA-2]"):
        await client.add_tags_to_binary_data_by_ids([], [named])
    with refused(Status.INVALID_ARGUMENT, "tags must not be empty [TA-2]"):
        await client.add_tags_to_binary_data_by_filter([])
    with refused(Status.INVALID_ARGUMENT, "tags must not be empty [TR-1]"):
        await client.remove_tags_from_binary_data_by_ids([], [named])
    with refused(Status.INVALID_ARGUMENT, "tags must not be empty [TR-1]"):
        await client.remove_tags_from_binary_data_by_filter([])
    assert await tags_of(client, named) == ["kept"]


async def test_no_ids_are_an_error(client: DataClient) -> None:
    """Adding and removing (TA-2, TR-1, A12)."""
    with refused(Status.INVALID_ARGUMENT, "[TA-2]"):
        await client.add_tags_to_binary_data_by_ids(["a"], [])
    with refused(Status.INVALID_ARGUMENT, "[TR-1]"):
        await client.remove_tags_from_binary_data_by_ids(["a"], [])


async def test_blank_tags_are_an_error(client: DataClient, camera: Camera) -> None:
    """None of the others is added either (TA-4)."""
    named = await camera.picture()
    for blank in ("", " ", "\t\n"):
        with refused(Status.INVALID_ARGUMENT, "tags must not be blank"):
            await client.add_tags_to_binary_data_by_ids(["good", blank], [named])
    assert await tags_of(client, named) == []


# Boxes -----------------------------------------------------------------------------------------


@pytest.mark.every_way
async def test_box_shows_on_its_image(client: DataClient, camera: Camera, form: str) -> None:
    """Under the id that was answered (BX-1, BX-5, FI-10)."""
    first, second = await camera.pictures(2)
    box_id = await client.add_bounding_box_to_image_by_id(
        in_form(form, first), "cat", 0, 0.25, 0.5, 1
    )
    (box,) = await boxes_of(client, first)
    assert (box.id, box.label) == (box_id, "cat")
    assert [getattr(box, corner) for corner in CORNERS] == [0, 0.25, 0.5, 1]
    assert not box.HasField("confidence")
    assert await boxes_of(client, second) == []
    assert await binaries(client, Filter(bbox_labels=["cat", "dog"])) == [b"0"]


@pytest.mark.every_way
async def test_removed_box_leaves_the_others(client: DataClient, camera: Camera, form: str) -> None:
    """Only the one that is named goes (BR-1)."""
    named = await camera.picture()
    ids = [
        await client.add_bounding_box_to_image_by_id(named, label, 0, 0, 1, 1)
        for label in ("a", "b", "b")
    ]
    assert len(set(ids)) == 3
    await client.remove_bounding_box_from_image_by_id(ids[1], in_form(form, named))
    assert [box.id for box in await boxes_of(client, named)] == [ids[0], ids[2]]


@pytest.mark.every_way
async def test_labels_by_filter_are_distinct_and_sorted(client: DataClient, camera: Camera) -> None:
    """Of what matches (BL-1, BL-2)."""
    first, second = await camera.picture(tags=["x"]), await camera.picture()
    for named, label in [(first, "dog"), (first, "cat"), (first, "dog"), (second, "ant")]:
        await client.add_bounding_box_to_image_by_id(named, label, 0, 0, 1, 1)
    assert await client.bounding_box_labels_by_filter() == ["ant", "cat", "dog"]
    assert await client.bounding_box_labels_by_filter(tagged("x")) == ["cat", "dog"]
    assert await client.bounding_box_labels_by_filter(tagged("y")) == []


async def test_coordinates_outside_0_to_1_are_an_error(client: DataClient, camera: Camera) -> None:
    """And no box is made (BX-2)."""
    named = await camera.picture()
    for n, corner in enumerate(CORNERS):
        for value in (-0.001, 1.001, nan, inf, -inf):
            corners = [0.25, 0.25, 0.75, 0.75]
            corners[n] = value
            with refused(Status.INVALID_ARGUMENT, corner):
                await client.add_bounding_box_to_image_by_id(named, "cat", *corners)
    assert await boxes_of(client, named) == []


async def test_box_needs_a_label_an_image_and_an_order(
    client: DataClient, camera: Camera, part: Part
) -> None:
    """Refused, each for its own reason (BX-3, BX-6, BX-7, BX-8)."""
    image = await camera.picture()
    cloud_of_points = await camera.picture(file_extension=".pcd")
    stranger = f"{part.organization_id}/{part.location_id}/{'x' * 64}"
    add = client.add_bounding_box_to_image_by_id
    with refused(Status.INVALID_ARGUMENT, "[BX-3]"):
        await add(image, " ", 0, 0, 1, 1)
    with refused(Status.INVALID_ARGUMENT, "[BX-7]"):
        await add(image, "cat", 0.6, 0, 0.5, 1)
    with refused(Status.FAILED_PRECONDITION, "[BX-6]"):
        await add(cloud_of_points, "cat", 0, 0, 1, 1)
    with refused(Status.NOT_FOUND, "[BX-8]"):
        await add(stranger, "cat", 0, 0, 1, 1)
    await add(image, "a point", 0.5, 0.5, 0.5, 0.5)
    assert await client.bounding_box_labels_by_filter() == ["a point"]


async def test_removing_a_box_that_is_not_there(
    client: DataClient, camera: Camera, form: str
) -> None:
    """Also one of another image (BR-2)."""
    first, second = await camera.pictures(2)
    box_id = await client.add_bounding_box_to_image_by_id(first, "cat", 0, 0, 1, 1)
    for wrong, named in [(NO_SUCH_BOX, first), (box_id, second)]:
        with refused(Status.NOT_FOUND, "[BR-2]"):
            await client.remove_bounding_box_from_image_by_id(wrong, in_form(form, named))
    assert [box.id for box in await boxes_of(client, first)] == [box_id]


@pytest.mark.every_way
async def test_box_can_be_updated(client: DataClient, camera: Camera) -> None:
    """In place, under its id; the others stay (BU-1, BU-2, BU-3, BU-4)."""
    named = await camera.picture()
    add = client.add_bounding_box_to_image_by_id
    ids = [await add(named, label, 0, 0, 1, 1) for label in ("a", "b")]
    await client.update_bounding_box(named, ids[0], "A", 0.25, 0.25, 0.5, 0.75)
    first, second = await boxes_of(client, named)
    assert (first.id, first.label) == (ids[0], "A")
    assert [getattr(first, corner) for corner in CORNERS] == [0.25, 0.25, 0.5, 0.75]
    assert (second.id, second.label) == (ids[1], "b")
    with refused(Status.INVALID_ARGUMENT, "[BX-2]"):
        await client.update_bounding_box(named, ids[0], "A", 0, 0, 1, 2)
    with refused(Status.NOT_FOUND, "[BU-4]"):
        await client.update_bounding_box(named, NO_SUCH_BOX, "A", 0, 0, 1, 1)
    assert await boxes_of(client, named) == [first, second]


async def test_deleted_image_takes_its_tags_and_boxes_along(
    client: DataClient, camera: Camera
) -> None:
    """Nothing of it is found any more (DI-1, TG-1, BL-1)."""
    named = await camera.picture(tags=["gone"])
    await client.add_bounding_box_to_image_by_id(named, "gone", 0, 0, 1, 1)
    assert await client.delete_binary_data_by_ids([named]) == 1
    assert await client.tags_by_filter() == []
    assert await client.bounding_box_labels_by_filter() == []
    assert await count(client) == 0
