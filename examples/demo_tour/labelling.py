"""Tags, bounding boxes and datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viam.utils import create_filter

from .account import claim, say, table

if TYPE_CHECKING:
    from .world import World

CORNERS = ("x_min_normalized", "y_min_normalized", "x_max_normalized", "y_max_normalized")

#: Photograph and label → a box in pixels: left, top, right, bottom.
BOXES = {
    ("astronaut.png", "face"): (178, 75, 275, 190),
    ("astronaut.png", "helmet"): (278, 345, 511, 511),
    ("astronaut.png", "shuttle"): (355, 0, 470, 285),
    ("chelsea.png", "eye"): (100, 60, 230, 170),
    ("chelsea.png", "nose"): (238, 226, 293, 266),
    ("coffee.png", "cup"): (172, 18, 410, 310),
}

CLOSER_TO_THE_EYE = (135, 85, 208, 147)


async def tag(world: World) -> None:
    """Add by ids and by filter, remove by ids and by filter."""
    client = world.client
    faces = ("astronaut.png", "chelsea.png")
    await client.add_tags_to_binary_data_by_ids(["face", "blurred"], world.ids(*faces))
    for name in faces:
        world.photograph(name).tags |= {"face", "blurred"}
    await client.add_tags_to_binary_data_by_filter(["vehicle"], create_filter(tags=["stereo"]))
    for name in ("motorcycle_left.png", "motorcycle_right.png"):
        world.photograph(name).tags.add("vehicle")
    # Nobody has the tag "none", and coffee.png neither of the two.
    some = world.ids("astronaut.png", "coffee.png")
    by_ids = await client.remove_tags_from_binary_data_by_ids(["blurred", "none"], some)
    claim(by_ids == 1, "one tag is removed by ids")
    world.photograph("astronaut.png").tags.discard("blurred")
    by_filter = await client.remove_tags_from_binary_data_by_filter(["stereo", "blurred"])
    claim(by_filter == 3, "three tags are removed by filter")
    for one in world.photographs:
        one.tags -= {"stereo", "blurred"}
    rows = []
    for one in world.photographs:
        tags = await world.tags(one.path.name)
        claim(len(tags) == len(set(tags)) and set(tags) == one.tags, f"tags of {one.path.name}")
        rows.append((one.path.name, ", ".join(tags)))
    table(["photograph", "tags"], rows)
    known = sorted({tag for one in [*world.photographs, *world.series] for tag in one.tags})
    claim(await client.tags_by_filter() == known, "tags_by_filter knows all tags")
    say(f"removed on the way: {by_ids} by ids, {by_filter} by filter")
    say(f"tags_by_filter, readings too: {', '.join(known)}")


async def draw_boxes(world: World) -> None:
    """Add six, move one, remove one."""
    client, ids, boxes = world.client, {}, dict(BOXES)
    for (name, label), pixels in boxes.items():
        photograph = world.photograph(name)
        ids[label] = await client.add_bounding_box_to_image_by_id(
            photograph.id, label, *photograph.corners(pixels)
        )
        photograph.bbox_labels.add(label)
    chelsea = world.photograph("chelsea.png")
    boxes["chelsea.png", "eye"] = CLOSER_TO_THE_EYE
    await client.update_bounding_box(
        chelsea.id, ids["eye"], "eye", *chelsea.corners(CLOSER_TO_THE_EYE)
    )
    await client.remove_bounding_box_from_image_by_id(ids["nose"], chelsea.id)
    del boxes["chelsea.png", "nose"]
    chelsea.bbox_labels.discard("nose")
    rows = []
    for one in world.photographs:
        name = one.path.name
        (found,) = await client.binary_data_by_ids([one.id], include_binary_data=False)
        for box in found.metadata.annotations.bboxes:
            corners = tuple(getattr(box, corner) for corner in CORNERS)
            expected = one.corners(boxes.pop((name, box.label)))
            claim(corners == expected and box.id == ids[box.label], f"the {box.label} in {name}")
            rows.append((name, box.label, *(f"{corner:.3f}" for corner in corners)))
    claim(not boxes, "every box is there")
    table(["photograph", "label", "x min", "y min", "x max", "y max"], rows)
    labels = await client.bounding_box_labels_by_filter()
    claim(labels == sorted(label for _, label, *_ in rows), "bounding_box_labels_by_filter")
    say("the eye's box was moved by update_bounding_box; one around the nose was removed")


async def fill_datasets(world: World) -> None:
    """Create, add, merge, remove, rename."""
    client, organization_id = world.client, world.rover.organization_id
    portraits = await client.create_dataset("portraits", organization_id)
    launches = await client.create_dataset("launches", organization_id)
    members = {"portraits": {"astronaut.png", "chelsea.png"}, "launches": {"rocket.jpg"}}
    await client.add_binary_data_to_dataset_by_ids(world.ids(*members["portraits"]), portraits)
    await client.add_binary_data_to_dataset_by_ids(
        world.ids("rocket.jpg", "astronaut.png"), launches
    )
    await client.merge_datasets("rover", organization_id, [portraits, launches])
    members["rover"] = members["portraits"] | members["launches"]
    await client.remove_binary_data_from_dataset_by_ids(world.ids("astronaut.png"), launches)
    await client.rename_dataset(launches, "rockets")
    members["rockets"] = members.pop("launches")
    rows = []
    for one in await client.list_datasets_by_organization_id(organization_id):
        found = await world.names(create_filter(dataset_id=one.id))
        claim(set(found) == members.pop(one.name), f"the members of {one.name}")
        rows.append((one.name, one.id, ", ".join(found)))
        for name in found:
            label = f"VIAM_DATASET_{one.id}"
            claim(label in await world.tags(name), f"{name} carries the label of {one.name}")
            world.photograph(name).dataset_ids.add(one.id)
            world.photograph(name).tags.add(label)
    claim(not members, "every dataset is listed")
    table(["dataset", "id", "members, by dataset_id"], rows)
    say("rover was merged from the other two; astronaut.png was in rockets, then removed")
    say(f"each member shows a tag such as VIAM_DATASET_{portraits}")
