"""Every field of a filter, what is refused, the database, deleting."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from grpclib.exceptions import GRPCError
from viam.proto.app.data import Filter
from viam.utils import create_filter

from .account import DemoError, claim, say, table
from .material import HOUR, NEW_YEARS_EVE, TODAY, selected

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .world import World

DAY = 24 * HOUR


def filters(world: World) -> list[dict[str, Any]]:
    """Arguments of create_filter, each of its fields at least once."""
    rover, station = world.rover, world.station
    july = {"start_time": TODAY - 184 * DAY, "end_time": TODAY - 153 * DAY}
    return [
        {},
        {"component_name": "front"},
        {"component_type": "sensor"},
        {"method": "GetImages"},
        {"robot_name": station.robot_name},
        {"robot_id": rover.robot_id},
        {"part_name": station.name},
        {"part_id": rover.id},
        {"location_ids": [station.location_id, "nowhere"]},
        {"organization_ids": [station.organization_id]},
        {"mime_type": ["image/jpeg"]},
        {"start_time": NEW_YEARS_EVE},
        {"end_time": TODAY - 5 * 365 * DAY},
        july,
        {"tags": ["space", "hourly"]},
        {"bbox_labels": ["eye", "cup"]},
        {"dataset_id": min(world.photograph("rocket.jpg").dataset_ids)},
        {"tags": ["face"], "bbox_labels": ["face", "eye"], "part_name": rover.name},
        {"component_name": "Front"},
        {"organization_ids": [rover.organization_id], "robot_name": station.robot_name},
    ]


async def use_every_field(world: World) -> None:
    """Ask the cloud, and count in the files."""
    rows, asked = [], filters(world)
    for arguments in asked:
        wanted = create_filter(**arguments)
        files, readings = await world.counts(wanted)
        told = ", ".join(f"{name}={shown(value)}" for name, value in arguments.items()) or "(empty)"
        claim(files == selected(world.photographs, arguments), f"photographs by {told}")
        claim(readings == selected(world.series, arguments), f"readings by {told}")
        claim(len(await world.names(wanted)) == files, f"as many photographs by {told}")
        rows.append((told, files, readings))
    table(["filter", "photographs", "readings"], rows)
    used = {name for arguments in asked for name in arguments}
    unused = set(create_filter.__annotations__) - {"return"} - used
    claim(not unused, f"every field is used, and so are {unused}")
    say("both counts agree with the files on disk")


def shown(value: Any) -> str:
    """A value of a filter, short."""
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return value if len(value) < 30 else f"{value[:4]}..{value[-4:]}"


async def be_refused(world: World) -> None:
    """Ask for what cannot be; nothing is stored or changed."""
    client, chelsea = world.client, world.photograph("chelsea.png").id
    before = await world.counts(), await world.tags("chelsea.png")
    calls: list[tuple[str, Awaitable[Any]]] = [
        ("a part that does not exist", client.file_upload(part_id="nobody", data=b"lost")),
        (
            "a box wider than its image",
            client.add_bounding_box_to_image_by_id(chelsea, "eye", 0, 0, 1.5, 1),
        ),
        ("a blank tag", client.add_tags_to_binary_data_by_ids(["good", " "], [chelsea])),
        ("no ids", client.delete_binary_data_by_ids([])),
        (
            "a name that is taken",
            client.create_dataset("portraits", world.rover.organization_id),
        ),
        ("an unknown dataset", client.delete_dataset("0" * 24)),
    ]
    rows = [(what, *await refusal(what, call)) for what, call in calls]
    table(["asked for", "status", "text"], rows)
    after = await world.counts(), await world.tags("chelsea.png")
    claim(before == after, "nothing was stored or changed")
    say("nothing was stored or changed")


async def refusal(what: str, call: Awaitable[Any]) -> tuple[str, str]:
    """Status and text of the error that a call ends in."""
    try:
        await call
    except GRPCError as error:
        return error.status.name, error.message or ""
    raise DemoError(f"{what} is refused")


async def connect_to_the_database(world: World) -> None:
    """MongoDB's own protocol on the port of the fake: the same readings."""
    organization_id = world.rover.organization_id
    await world.client.configure_database_user(organization_id, "correct horse battery staple")
    host = await world.client.get_database_connection(organization_id)
    claim(":" in host, "the host is the fake itself, with its port")
    say(f"get_database_connection: {host}")


async def delete_everything(world: World) -> None:
    """By age, by ids, by filter, and the rest."""
    client, station, rover = world.client, world.station, world.rover
    seattle, san_francisco = world.series
    rows: list[tuple[str, int, int, int]] = []

    async def deleted(call: str, number: int, expected: int) -> None:
        claim(number == expected, f"{call} deletes {expected}, not {number}")
        rows.append((call, number, *await world.counts()))

    # Days are UTC calendar days: 365 leaves today and the 364 days before it.
    old = sum(moment < TODAY - 364 * DAY for moment in seattle.moments)
    await deleted(
        "delete_tabular_data(weather office, 365)",
        await client.delete_tabular_data(station.organization_id, 365),
        old,
    )
    left, _, _ = await client.tabular_data_by_filter(limit=100)
    claim(left[0].time_requested == seattle.moments[-1], "the newest reading is still there")
    await deleted(
        "delete_tabular_data(weather office, 0)",
        await client.delete_tabular_data(station.organization_id, 0),
        len(seattle.moments) - old,
    )
    await deleted(
        "delete_tabular_data(fake-org, 0)",
        await client.delete_tabular_data(rover.organization_id, 0),
        len(san_francisco.moments),
    )
    await deleted(
        "delete_binary_data_by_ids(coffee.png)",
        await client.delete_binary_data_by_ids(world.ids("coffee.png")),
        1,
    )
    await deleted(
        "delete_binary_data_by_filter(tags=[vehicle])",
        await client.delete_binary_data_by_filter(create_filter(tags=["vehicle"])),
        2,
    )
    claim(
        await world.names() == ["rocket.jpg", "chelsea.png", "astronaut.png"],
        "rocket.jpg, chelsea.png and astronaut.png are left",
    )
    await deleted(
        "delete_binary_data_by_filter(empty filter)",
        await client.delete_binary_data_by_filter(Filter()),
        3,
    )
    datasets = await client.list_datasets_by_organization_id(rover.organization_id)
    claim(len(datasets) == 3, "the datasets outlive their members")
    for one in datasets:
        await client.delete_dataset(one.id)
    claim(not await client.list_datasets_by_organization_id(rover.organization_id), "no dataset")
    claim(await world.counts() == (0, 0), "nothing is left in the cloud")
    claim(await client.tags_by_filter() == [], "no tag is left in the cloud")
    table(["call", "deleted", "photographs left", "readings left"], rows)
    say(f"the {len(datasets)} datasets outlived their members and were deleted by delete_dataset")
