"""Bounding boxes on images."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from grpclib.const import Status

from fakeviam.wire import data

from .driver import DEFAULT_PART, ORGANIZATION, Viam, at, interval, tagged

pytestmark = pytest.mark.asyncio

BOX: dict[str, Any] = {
    "x_min_normalized": 0.125,
    "y_min_normalized": 0.25,
    "x_max_normalized": 0.5,
    "y_max_normalized": 0.75,
}
OUTSIDE = [-0.1, 1.1, -5e-324, 1.0000000000000002, 1e308, math.nan, math.inf, -math.inf]
UNKNOWN = f"{ORGANIZATION}/{DEFAULT_PART.location_id}/{'x' * 64}"


async def update(viam: Viam, image: str, box: str, **fields: Any) -> None:
    await viam.rpc(
        "UpdateBoundingBox",
        data.UpdateBoundingBoxRequest(binary_data_id=image, bbox_id=box, **fields),
    )


async def remove(viam: Viam, image: str, box: str) -> None:
    await viam.rpc(
        "RemoveBoundingBoxFromImageByID",
        data.RemoveBoundingBoxFromImageByIDRequest(binary_data_id=image, bbox_id=box),
    )


async def labels(viam: Viam, wanted: data.Filter | None = None) -> list[str]:
    reply = await viam.rpc(
        "BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest(filter=wanted)
    )
    return list(reply.labels)


# Adding ----------------------------------------------------------------------------------


async def test_a_box_shows_under_its_id(viam: Viam) -> None:
    """The id that is returned names the box in the annotations (BX-1, BX-5)."""
    image = await viam.upload("a")
    first = await viam.add_box(image, "cat", **BOX)
    second = await viam.add_box(image, "cat", **BOX)
    assert first != second
    assert re.fullmatch(r"[0-9a-f]{24}", first)
    boxes = await viam.boxes_of(image)
    assert boxes == [
        data.BoundingBox(id=first, label="cat", **BOX),
        data.BoundingBox(id=second, label="cat", **BOX),
    ]
    assert not boxes[0].HasField("confidence")
    (entry,) = (await viam.binary()).data
    assert list(entry.metadata.annotations.bboxes) == boxes
    assert {"BX-1", "BX-5"} <= viam.cited()


@pytest.mark.parametrize("confidence", [0.0, 0.25, 1.0])
async def test_a_confidence_is_optional(viam: Viam, confidence: float) -> None:
    """And 0 is one (BX-4)."""
    image = await viam.upload("a")
    await viam.add_box(image, confidence=confidence)
    (box,) = await viam.boxes_of(image)
    assert box.HasField("confidence")
    assert box.confidence == confidence
    assert "BX-4" in viam.cited()


async def test_the_whole_image_and_a_point_are_boxes(viam: Viam) -> None:
    """0 and 1 are inside; a minimum may be its maximum (BX-2, BX-7)."""
    image = await viam.upload("a")
    await viam.add_box(image, "all", x_max_normalized=1.0, y_max_normalized=1.0)
    await viam.add_box(image, "zero", x_max_normalized=0.0, y_max_normalized=0.0)
    await viam.add_box(image, "one", **dict.fromkeys(BOX, 1.0))
    await viam.add_box(image, "-0", **dict.fromkeys(BOX, -0.0))
    assert [box.label for box in await viam.boxes_of(image)] == ["all", "zero", "one", "-0"]


@pytest.mark.parametrize("field", BOX)
@pytest.mark.parametrize("value", OUTSIDE)
@pytest.mark.thinned(4)
async def test_coordinates_outside_are_refused(viam: Viam, field: str, value: float) -> None:
    """Above 1, below 0, not a number, infinite: the text names field and value (BX-2)."""
    image = await viam.upload("a")
    with viam.refuses(Status.INVALID_ARGUMENT, "BX-2", field):
        await viam.add_box(image, **{**BOX, field: value})
    with viam.refuses(Status.INVALID_ARGUMENT, "BX-2", f"got {value!r}"):
        await viam.add_box(image, **{**BOX, field: value})


@pytest.mark.parametrize("value", OUTSIDE)
async def test_confidences_outside_are_refused(viam: Viam, value: float) -> None:
    """As coordinates are (BX-4)."""
    image = await viam.upload("a")
    with viam.refuses(Status.INVALID_ARGUMENT, "BX-4", "confidence must be"):
        await viam.add_box(image, confidence=value)


@pytest.mark.parametrize("axis", "xy")
async def test_a_minimum_above_its_maximum_is_refused(viam: Viam, axis: str) -> None:
    """Even by the last bit (BX-7)."""
    image = await viam.upload("a")
    corners: dict[str, Any] = {
        **BOX,
        f"{axis}_min_normalized": math.nextafter(0.5, 1),
        f"{axis}_max_normalized": 0.5,
    }
    with viam.refuses(Status.INVALID_ARGUMENT, "BX-7", f"{axis}_min_normalized"):
        await viam.add_box(image, **corners)


@pytest.mark.parametrize("label", ["", " ", "\t\n", "\u2003", " " * 100_000])
async def test_a_blank_label_is_refused(viam: Viam, label: str) -> None:
    """However long (BX-3)."""
    image = await viam.upload("a")
    with viam.refuses(Status.INVALID_ARGUMENT, "BX-3", "label must not be blank"):
        await viam.add_box(image, label)


async def test_the_text_of_a_refusal(viam: Viam) -> None:
    """It starts with what is wrong and ends with the id in brackets (BX-3)."""
    image = await viam.upload("a")
    with viam.refuses(Status.INVALID_ARGUMENT, "BX-3", "label must not be blank, got '' [BX-3]"):
        await viam.add_box(image, "")


@pytest.mark.parametrize(
    ("mime_type", "image"),
    [
        ("image/jpeg", True),
        ("image/png", True),
        ("image/webp", True),
        ("video/mp4", False),
        ("pointcloud/pcd", False),
        ("application/octet-stream", False),
        ("image", False),
        ("notimage/png", False),
    ],
)
async def test_only_images_take_boxes(viam: Viam, mime_type: str, *, image: bool) -> None:
    """Anything else is FAILED_PRECONDITION (BX-6)."""
    record = await viam.upload("a", mime_type=mime_type)
    if image:
        await viam.add_box(record)
    else:
        with viam.refuses(Status.FAILED_PRECONDITION, "BX-6", f"is {mime_type!r}"):
            await viam.add_box(record)


@pytest.mark.parametrize("name", [UNKNOWN, "a/b", "x"])
async def test_a_box_for_no_record_is_refused(viam: Viam, name: str) -> None:
    """Adding, changing and removing (BX-8, BU-4, BR-2)."""
    image = await viam.upload("a")
    box = await viam.add_box(image)
    with viam.refuses(Status.NOT_FOUND, "BX-8", f"no binary data {name!r}"):
        await viam.add_box(name)
    with viam.refuses(Status.NOT_FOUND, "BX-8", f"no binary data {name!r}"):
        await update(viam, name, box, label="x")
    with viam.refuses(Status.NOT_FOUND, "BX-8", f"no binary data {name!r}"):
        await remove(viam, name, box)


# Removing --------------------------------------------------------------------------------


async def test_the_other_boxes_stay(viam: Viam) -> None:
    """Image and box together name what goes (BR-1)."""
    image = await viam.upload("a")
    ids = [await viam.add_box(image, label) for label in "abc"]
    await remove(viam, image, ids[1])
    assert [box.id for box in await viam.boxes_of(image)] == [ids[0], ids[2]]
    assert "BR-1" in viam.cited()


async def test_removing_what_is_not_there(viam: Viam) -> None:
    """Removed already, on another image, never there, not named (BR-2)."""
    image, other = await viam.upload("a"), await viam.upload("b")
    gone, kept = await viam.add_box(image), await viam.add_box(image)
    await remove(viam, image, gone)
    for record, box in ((image, gone), (other, kept), (image, "x")):
        with viam.refuses(Status.NOT_FOUND, "BR-2", f"no bounding box {box!r}"):
            await remove(viam, record, box)
    with viam.refuses(Status.INVALID_ARGUMENT, "BR-2", "bbox_id must not be empty"):
        await remove(viam, image, "")


# Updating --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"label": "dog"},
        {"x_min_normalized": 0.0},
        {"y_min_normalized": 0.5},
        {"x_max_normalized": 1.0},
        {"y_max_normalized": 0.25},
        {"confidence": 0.0},
        {"label": "dog", "confidence": 1.0, "x_min_normalized": 0.5},
        {**dict.fromkeys(BOX, 0.0)},
    ],
)
async def test_only_present_fields_change(viam: Viam, changes: dict[str, Any]) -> None:
    """0 that is present is a change (BU-1, BU-2)."""
    image = await viam.upload("a")
    before = await viam.add_box(image, "before", **BOX)
    box = await viam.add_box(image, "cat", confidence=0.5, **BOX)
    after = await viam.add_box(image, "after", **BOX)
    others = [b for b in await viam.boxes_of(image) if b.id != box]
    await update(viam, image, box, **changes)
    expected = data.BoundingBox(**{"id": box, "label": "cat", "confidence": 0.5, **BOX, **changes})
    boxes = await viam.boxes_of(image)
    assert [b.id for b in boxes] == [before, box, after]
    assert boxes[1] == expected
    assert [boxes[0], boxes[2]] == others
    assert {"BU-1", "BU-2"} <= viam.cited()


async def test_an_update_may_add_a_confidence(viam: Viam) -> None:
    """To a box that had none; absent, it stays away (BU-2)."""
    image = await viam.upload("a")
    box = await viam.add_box(image)
    await update(viam, image, box, label="x")
    assert not (await viam.boxes_of(image))[0].HasField("confidence")
    await update(viam, image, box, confidence=0.5)
    assert (await viam.boxes_of(image))[0].confidence == 0.5


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"label": ""}, "BX-3"),
        ({"label": " "}, "BX-3"),
        ({"x_min_normalized": -0.1}, "BX-2"),
        ({"y_max_normalized": math.nan}, "BX-2"),
        ({"confidence": 1.5}, "BX-4"),
        ({"x_min_normalized": 0.6}, "BX-7"),
        ({"y_max_normalized": 0.2}, "BX-7"),
        ({"x_max_normalized": 1.0, "y_min_normalized": 2.0}, "BX-2"),
    ],
)
async def test_the_changed_box_must_be_a_box(
    viam: Viam, changes: dict[str, Any], clause: str
) -> None:
    """Judged as a whole; a bad one changes nothing (BU-3, BX-2, BX-3, BX-4, BX-7)."""
    image = await viam.upload("a")
    box = await viam.add_box(image, **BOX)
    with viam.refuses(Status.INVALID_ARGUMENT, clause):
        await update(viam, image, box, **changes)
    assert "BU-3" in viam.cited()


async def test_a_box_may_move_in_one_step(viam: Viam) -> None:
    """Both ends change together, though each alone would be wrong (BU-3)."""
    image = await viam.upload("a")
    box = await viam.add_box(image, **BOX)
    await update(viam, image, box, x_min_normalized=0.8, x_max_normalized=0.9)
    (moved,) = await viam.boxes_of(image)
    assert (moved.x_min_normalized, moved.x_max_normalized) == (0.8, 0.9)


async def test_updating_what_is_not_there(viam: Viam) -> None:
    """As removing is refused (BU-4)."""
    image, other = await viam.upload("a"), await viam.upload("b")
    box = await viam.add_box(image)
    for record, name in ((other, box), (image, "x")):
        with viam.refuses(Status.NOT_FOUND, "BU-4", f"no bounding box {name!r}"):
            await update(viam, record, name, label="x")
    with viam.refuses(Status.INVALID_ARGUMENT, "BU-4", "bbox_id must not be empty"):
        await update(viam, image, "", label="x")


# Labels ----------------------------------------------------------------------------------


async def test_labels_are_distinct_and_sorted(viam: Viam) -> None:
    """Of the boxes on matching data (BL-1, BL-2)."""
    a = await viam.upload("a", requested=at(1), tags=["x"])
    b = await viam.upload("b", requested=at(2))
    for image, label in ((a, "dog"), (a, "cat"), (a, "cat"), (b, "Bird"), (b, "cat")):
        await viam.add_box(image, label)
    assert await labels(viam) == ["Bird", "cat", "dog"]
    assert await labels(viam, data.Filter()) == ["Bird", "cat", "dog"]
    assert await labels(viam, tagged("x")) == ["cat", "dog"]
    assert await labels(viam, data.Filter(bbox_labels=["dog"])) == ["cat", "dog"]
    assert await labels(viam, data.Filter(interval=interval(at(2), None))) == ["Bird", "cat"]
    assert await labels(viam, tagged("no")) == []
    assert {"BL-1", "BL-2"} <= viam.cited()


async def test_labels_follow_changes(viam: Viam) -> None:
    """Renamed, removed and deleted labels are gone (BL-1)."""
    image = await viam.upload("a")
    one, two = await viam.add_box(image, "one"), await viam.add_box(image, "two")
    await update(viam, image, one, label="three")
    assert await labels(viam) == ["three", "two"]
    assert await viam.names(data.Filter(bbox_labels=["one"])) == []
    assert await viam.names(data.Filter(bbox_labels=["three"])) == ["a"]
    await remove(viam, image, two)
    assert await labels(viam) == ["three"]
    request = data.DeleteBinaryDataByIDsRequest(binary_data_ids=[image])
    await viam.rpc("DeleteBinaryDataByIDs", request)
    assert await labels(viam) == []


async def test_labels_of_internal_data_stay_away(viam: Viam) -> None:
    """The request cannot ask for them (BL-1, PG-10)."""
    part = viam.cloud.fleet.add_part("slam", internal=True)
    await viam.add_box(await viam.upload("a", part_id=part.id))
    assert await labels(viam) == []
