"""Uploading photographs and series, and reading them back to the end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from viam.proto.app.data import Filter, Order
from viam.utils import create_filter

from .account import claim, say, table

if TYPE_CHECKING:
    from datetime import datetime

    from viam.app.data_client import DataClient

    from .material import Photograph, Series
    from .world import World

BATCH = 500  # readings in one upload

ORDERS = {"newest first": Order.ORDER_DESCENDING, "oldest first": Order.ORDER_ASCENDING}


async def upload_photographs(world: World) -> None:
    """Each by one of the uploads; then read them all back and compare."""
    for one in world.photographs:
        one.id = await upload(world.client, one)
    found = await world.client.binary_data_by_ids([one.id for one in world.photographs])
    for one, back in zip(world.photographs, found, strict=True):
        name, captured = one.path.name, back.metadata.capture_metadata
        claim(back.binary == one.contents, f"{name} comes back byte for byte")
        claim(captured.mime_type == one.mime_type, f"{name} is {one.mime_type}")
        claim(captured.robot_name == one.part.robot_name, f"{name} is {one.part.robot_name}'s")
        claim(back.metadata.time_requested.ToDatetime() == one.moments[0], f"the time of {name}")
    table(
        ["photograph", "uploaded by", "part", "bytes", "type"],
        [
            (one.path.name, one.call, one.part.name, len(one.contents), one.mime_type)
            for one in world.photographs
        ],
    )
    say(f"binary_data_by_ids: all {len(found)} come back byte for byte, with type, robot and time")
    say("an id is organization/location/file:")
    say(f"  {found[0].metadata.binary_data_id}")


async def upload(client: DataClient, one: Photograph) -> str:
    """Upload a photograph by its own call; its id."""
    tags = sorted(one.tags)
    times = (one.moments[0], one.moments[0] + timedelta(milliseconds=40))
    if one.call == "binary_data_capture_upload":
        return await client.binary_data_capture_upload(
            one.contents,
            **one.source,
            file_extension=one.path.suffix,
            tags=tags,
            data_request_times=times,
        )
    if one.call == "streaming_data_capture_upload":
        return await client.streaming_data_capture_upload(
            one.contents,
            **one.source,
            file_ext=one.path.suffix,
            tags=tags,
            data_request_times=times,
        )
    if one.call == "file_upload":
        return await client.file_upload(
            data=one.contents,
            **one.source,
            file_name=one.path.stem,
            file_extension=one.path.suffix,
            tags=tags,
        )
    return await client.file_upload_from_path(str(one.path), **one.source, tags=tags)


async def upload_series(world: World) -> None:
    """Some hundred readings a call."""
    rows = []
    for one in world.series:
        starts = range(0, len(one.readings), BATCH)
        for start in starts:
            moments = one.moments[start : start + BATCH]
            await world.client.tabular_data_capture_upload(
                one.readings[start : start + BATCH],
                **one.source,
                tags=sorted(one.tags),
                data_request_times=[(moment, moment) for moment in moments],
            )
        _, stored = await world.counts(only(one))
        claim(stored == len(one.readings), f"{one.name}: all readings are stored")
        days = [f"{moment:%Y-%m-%d}" for moment in (one.moments[0], one.moments[-1])]
        rows.append((one.name, one.part.name, stored, len(starts), *days))
    table(["series", "part", "readings", "uploads", "from", "to"], rows)


def only(one: Series) -> Filter:
    """A filter for one series."""
    return create_filter(part_id=one.part.id, component_name=one.component_name)


async def page_to_the_end(world: World) -> None:
    """Both series in both directions, and the photographs with their bytes."""
    rows = []
    for one in world.series:
        for direction, order in ORDERS.items():
            read, pages = await pages_of(world.client, one, order)
            expected = list(zip(one.moments, one.readings, strict=True))
            if direction == "newest first":
                expected.reverse()
            claim(read == expected, f"{one.name}, {direction}: equal to the file")
            rows.append((one.name, direction, pages, len(read)))
    table(["series", "order", "pages", "readings"], rows)
    say("each reading once, equal to its line in the file; the last page is empty")
    names = [one.path.name for one in world.photographs]
    sizes, last = [-1], ""
    while sizes[-1]:
        found, _, last = await world.client.binary_data_by_filter(limit=2, last=last)
        claim(all(one.binary for one in found), "pages of photographs hold their bytes")
        sizes.append(len(found))
    claim(sum(sizes[1:]) == len(names), "every photograph is on one page")
    say(f"photographs with their bytes, limit 2: pages of {', '.join(map(str, sizes[1:]))}")


async def pages_of(
    client: DataClient, one: Series, order: Any
) -> tuple[list[tuple[datetime, Any]], int]:
    """All readings of a series, and how many pages that took."""
    read: list[tuple[datetime, Any]] = []
    pages, last = 0, ""
    while True:
        found, _, last = await client.tabular_data_by_filter(
            only(one), limit=100, sort_order=order, last=last
        )
        pages += 1
        if not found:
            return read, pages
        claim(last, "a page with data says where it ends")
        read += [(reading.time_requested, reading.data) for reading in found]
