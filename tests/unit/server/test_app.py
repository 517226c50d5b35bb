"""AppService: the fleet by lists and by ids, and metadata."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from grpclib.const import Status

from fakeviam import Clock
from fakeviam.wire import app
from fakeviam.wire.values import mapping_from, struct_from

from .driver import DEFAULT_PART, METHODS, NOW, ORGANIZATION, As, RefusedError, Viam, signed_in
from .fleet_requests import fleet_requests

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Start

pytestmark = pytest.mark.asyncio

#: What reads metadata and what replaces it.
METADATA = ("Organization", "Location", "Robot", "RobotPart")


class Apps:
    """AppService as one caller sees it."""

    def __init__(self, client: Viam | As) -> None:
        self._client = client

    async def __call__(self, rpc: str, **fields: Any) -> Any:
        return await self._client.rpc(rpc, METHODS[rpc].request(**fields))


@pytest_asyncio.fixture
async def apps(start: Start) -> Apps:
    """A cloud with two organizations, three locations, four robots and five parts."""
    viam = await start(auth="keys")
    fleet = viam.cloud.fleet
    fleet.add_part("arm", robot="rover")
    fleet.add_part("rover-main", robot="rover")
    fleet.add_part("crane-main", robot="crane", location="yard")
    fleet.add_part("secret", robot="hidden", location="den", organization="acme")
    return Apps(await signed_in(viam))


async def test_the_way_down(apps: Apps) -> None:
    """Organizations → locations → robots → parts, as dashboards go; each thing by its id says the
    same (AP-1, AP-2, AP-3)."""
    (organization,) = (await apps("ListOrganizations")).organizations
    assert (organization.id, organization.name) == (ORGANIZATION, "fake-org")
    one = await apps("GetOrganization", organization_id=organization.id)
    assert one.organization == organization
    locations = (await apps("ListLocations", organization_id=organization.id)).locations
    assert [(each.name, each.robot_count) for each in locations] == [
        ("fake-location", 2),
        ("yard", 1),
    ]
    names = {}
    for location in locations:
        assert location.primary_org_identity.id == organization.id
        assert [each.organization_id for each in location.organizations] == [organization.id]
        assert (await apps("GetLocation", location_id=location.id)).location == location
        for robot in (await apps("ListRobots", location_id=location.id)).robots:
            assert robot.location == location.id
            assert (await apps("GetRobot", id=robot.id)).robot == robot
            parts = (await apps("GetRobotParts", robot_id=robot.id)).parts
            assert [each.main_part for each in parts] == [True] + [False] * (len(parts) - 1)
            for part in parts:
                assert (part.robot, part.location_id) == (robot.id, location.id)
                assert (await apps("GetRobotPart", id=part.id)).part == part
                named = {"name": part.name, "location_id": location.id}
                assert (await apps("GetRobotPartByNameAndLocation", **named)).part == part
            names[robot.name] = [part.name for part in parts]
    assert names == {
        "fake-robot": ["fake-robot-main"],
        "rover": ["rover-main", "arm"],
        "crane": ["crane-main"],
    }


async def test_robots_in_one_call(apps: Apps) -> None:
    """Of an organization, of several locations, and in short with their parts (AP-1, AP-9)."""
    locations = (await apps("ListLocations", organization_id=ORGANIZATION)).locations
    ids = [each.id for each in locations]
    every = (await apps("ListRobotsForOrg", org_id=ORGANIZATION)).robots
    assert [each.name for each in every] == ["fake-robot", "rover", "crane"]
    assert (await apps("ListRobotsForLocations", location_ids=ids)).robots == every
    few = (await apps("ListRobotsForLocations", location_ids=ids[1:])).robots
    assert [each.name for each in few] == ["crane"]

    async def summaries(**fields: Any) -> dict[str, list[str]]:
        reply = await apps("ListMachineSummaries", organization_id=ORGANIZATION, **fields)
        return {
            place.location_name: [
                f"{machine.machine_name}: {part.part_name}"
                for machine in place.machine_summaries
                for part in machine.part_summaries
                if part.is_main_part
            ]
            for place in reply.location_summaries
        }

    whole = {
        "fake-location": ["fake-robot: fake-robot-main", "rover: rover-main"],
        "yard": ["crane: crane-main"],
    }
    assert await summaries() == await summaries(limit=0) == whole
    assert await summaries(limit=1) == {"fake-location": ["fake-robot: fake-robot-main"]}
    assert await summaries(location_ids=ids[1:]) == {"yard": ["crane: crane-main"]}
    assert await summaries(fragment_ids=["f"]) == whole  # as published dashboards ask (AP-6)


async def test_summaries_of_every_organization(apps: Apps, start: Start) -> None:
    """Without an organization: of all that the caller may see, and of no other (AP-9)."""

    async def machines(ask: Apps) -> list[str]:
        reply = await ask("ListMachineSummaries")
        places = reply.location_summaries
        return [each.machine_name for place in places for each in place.machine_summaries]

    assert await machines(apps) == ["fake-robot", "rover", "crane"]
    everyone = await start()
    everyone.cloud.fleet.add_part("secret", robot="hidden", location="den", organization="acme")
    assert await machines(Apps(everyone)) == ["fake-robot", "hidden"]


async def test_what_only_a_machine_could_tell(start: Start) -> None:
    """Times by the fake's clock, names that never resolve, a secret of each part's own (AP-6)."""
    apps = Apps(await start(clock=Clock.frozen("2026-03-10T12:00:00Z")))
    reply = await apps("GetRobotPart", id=DEFAULT_PART.id)
    part = reply.part
    assert part.last_access.ToNanoseconds() == NOW
    assert part.created_on.ToJsonString() == "2024-01-01T00:00:00Z"
    assert part.online_state == app.ONLINE_STATE_ONLINE
    assert re.fullmatch(r"fake-robot-main\.[0-9a-f]{8}\.fakeviam\.invalid", part.fqdn)
    assert reply.config_json == part.robot_config_json == "{}"
    secrets = [each.secret for each in (await apps("GetRobotParts", robot_id=part.robot)).parts]
    assert secrets[0] == part.secret != ""
    assert len({*secrets}) == len(secrets)


async def test_nothing_was_made_after_now(start: Start) -> None:
    """Where the fake's clock stands before 2024 (AP-6)."""
    apps = Apps(await start(clock=Clock.frozen("2020-01-01T00:00:00Z")))
    (organization,) = (await apps("ListOrganizations")).organizations
    assert organization.created_on.ToJsonString() == "2020-01-01T00:00:00Z"


async def test_users(apps: Apps) -> None:
    """Each address is somebody's, always the same one's (AP-8)."""
    ids = [
        (await apps("GetUserIDByEmail", email=email)).user_id
        for email in ("ann@example.com", "ann@example.com", "bob@example.com")
    ]
    assert ids[0] == ids[1] != ids[2]
    (organization,) = (await apps("ListOrganizationsByUser", user_id=ids[0])).orgs
    assert (organization.org_id, organization.org_name) == (ORGANIZATION, "fake-org")


async def test_who_has_access_to_a_location(apps: Apps) -> None:
    """Its organization (AP-1)."""
    reply = await apps("GetOrganizationsWithAccessToLocation", location_id=DEFAULT_PART.location_id)
    (identity,) = reply.organization_identities
    assert (identity.id, identity.name) == (ORGANIZATION, "fake-org")


# Refusals --------------------------------------------------------------------------------

#: RPC, the field with the id, and a name that people put there.
BY_ID = [
    ("GetLocation", "location_id", "fake-location"),
    ("GetLocationMetadata", "location_id", "fake-location"),
    ("GetOrganizationsWithAccessToLocation", "location_id", "fake-location"),
    ("GetRobot", "id", "fake-robot"),
    ("GetRobotMetadata", "id", "fake-robot"),
    ("GetRobotPart", "id", "fake-robot-main"),
    ("GetRobotPartMetadata", "id", "fake-robot-main"),
    ("GetRobotParts", "robot_id", "fake-robot"),
    ("ListRobots", "location_id", "fake-location"),
]


@pytest.mark.parametrize(("rpc", "field", "name"), BY_ID)
async def test_ids_that_are_none(viam: Viam, rpc: str, field: str, name: str) -> None:
    """Missing, unknown, or a name in the place of an id, which is told (AP-4, AP-5)."""
    apps = Apps(viam)
    with viam.refuses(Status.INVALID_ARGUMENT, "AP-5", f"{field} must not be empty"):
        await apps(rpc)
    with viam.refuses(Status.NOT_FOUND, "AP-4", f"{field} 'nobody' (NotFound)"):
        await apps(rpc, **{field: "nobody"})
    with viam.refuses(Status.NOT_FOUND, "AP-4", f"{name!r} is a name, its id is '"):
        await apps(rpc, **{field: name})


@pytest.mark.parametrize(
    ("rpc", "fields", "text"),
    [
        ("GetUserIDByEmail", {"email": "ann"}, "email must be an email address, got 'ann'"),
        ("GetUserIDByEmail", {"email": "@"}, "email must be an email address"),
        ("ListOrganizationsByUser", {}, "user_id must not be empty"),
        ("ListRobotsForLocations", {}, "location_ids must not be empty"),
        ("ListRobotsForLocations", {"location_ids": [""]}, "location_ids must not be empty"),
        ("ListRobotsForOrg", {}, "org_id must not be empty"),
        ("GetOrganization", {}, "organization_id must not be empty"),
        ("GetRobotPartByNameAndLocation", {"location_id": "fakelab001"}, "name must not be empty"),
        (
            "ListMachineSummaries",
            {"organization_id": ORGANIZATION, "limit": -1},
            "limit must not be negative, got -1",
        ),
    ],
)
async def test_other_arguments(viam: Viam, rpc: str, fields: dict[str, Any], text: str) -> None:
    """INVALID_ARGUMENT, and which (AP-5)."""
    with viam.refuses(Status.INVALID_ARGUMENT, "AP-5", text):
        await Apps(viam)(rpc, **fields)


async def test_a_part_that_a_location_has_not(viam: Viam) -> None:
    """NOT_FOUND, naming both (AP-4)."""
    with viam.refuses(Status.NOT_FOUND, "AP-4", "'fake-location' has no part named 'x'"):
        await Apps(viam)("GetRobotPartByNameAndLocation", name="x", location_id="fakelab001")


async def test_what_others_own_does_not_exist(start: Start) -> None:
    """Their ids are unknown, their organization is forbidden as any other (AP-1, AP-4, A51)."""
    viam = await start(auth="keys")
    part = viam.cloud.fleet.add_part("x", robot="r", location="l", organization="acme")
    client = await signed_in(viam)
    for rpc, request in fleet_requests(part).items():
        named = {field.name for field, _ in request.ListFields()}
        if named & {"organization_id", "org_id"}:
            status, clause = Status.PERMISSION_DENIED, "A51"
        elif named & {"location_id", "location_ids", "robot_id", "id"}:
            status, clause = Status.NOT_FOUND, "AP-4"
        else:
            continue
        with viam.refuses(status, clause):
            await client.rpc(rpc, request)


# Metadata --------------------------------------------------------------------------------


def _named(kind: str) -> dict[str, str]:
    return {
        "Organization": {"organization_id": ORGANIZATION},
        "Location": {"location_id": DEFAULT_PART.location_id},
        "Robot": {"id": DEFAULT_PART.robot_id},
        "RobotPart": {"id": DEFAULT_PART.id},
    }[kind]


async def metadata(apps: Apps, kind: str) -> dict[str, object]:
    return mapping_from((await apps(f"Get{kind}Metadata", **_named(kind))).data)


async def write(apps: Apps, kind: str, **values: object) -> None:
    await apps(f"Update{kind}Metadata", **_named(kind), data=struct_from(values))


@pytest.mark.parametrize("kind", METADATA)
async def test_metadata_is_replaced(viam: Viam, kind: str) -> None:
    """Of the one that is named, and of nothing else (AP-7)."""
    apps = Apps(viam)
    assert await metadata(apps, kind) == {}
    await write(apps, kind, shelf=1, note={"a": [None, "ü", True]})
    await write(apps, kind, note={"a": [None, "ü", True]})
    assert await metadata(apps, kind) == {"note": {"a": [None, "ü", True]}}
    for other in METADATA:
        assert bool(await metadata(apps, other)) == (other == kind)
    await write(apps, kind)
    assert await metadata(apps, kind) == {}


async def test_metadata_that_json_cannot_hold(viam: Viam) -> None:
    """Is refused, and what was there stays (AP-5)."""
    apps = Apps(viam)
    await write(apps, "Robot", a=1)
    bad = struct_from({"b": [1.0]})
    bad["b"][0] = float("nan")  # type: ignore[index]
    with viam.refuses(Status.INVALID_ARGUMENT, "AP-5", "data.b[0]: nan is not a JSON number"):
        await apps("UpdateRobotMetadata", **_named("Robot"), data=bad)
    assert await metadata(apps, "Robot") == {"a": 1.0}


async def test_metadata_outlives_snapshots_and_archives(viam: Viam, tmp_path: Path) -> None:
    """As the fleet does, of which it is part (AP-7, SN-1, AR-1)."""
    apps = Apps(viam)
    await write(apps, "Location", a={"b": "c"})
    snapshot = viam.cloud.snapshot()
    await write(apps, "Location", a=2)
    viam.cloud.export(tmp_path / "archive")
    viam.cloud.restore(snapshot)
    assert await metadata(apps, "Location") == {"a": {"b": "c"}}
    async with Viam.running(load=tmp_path / "archive") as other:
        assert await metadata(Apps(other), "Location") == {"a": 2.0}


async def test_metadata_outlives_the_process(tmp_path: Path) -> None:
    """In a data directory, with whatever was written last (AP-7, DD-1)."""
    for value in (1, 2):
        async with Viam.running(data_dir=tmp_path / "kept") as viam:
            await write(Apps(viam), "RobotPart", a=value)
    async with Viam.running(data_dir=tmp_path / "kept") as viam:
        assert await metadata(Apps(viam), "RobotPart") == {"a": 2.0}


# Logging in elsewhere --------------------------------------------------------------------


async def test_authenticate_to(start: Start) -> None:
    """The token that comes is one of the caller (AU-5)."""
    viam = await start(auth="keys")
    client = await signed_in(viam)
    reply = await client.rpc("AuthenticateTo", METHODS["AuthenticateTo"].request(entity="rover"))
    assert reply.access_token not in ("", client.token)
    other = Apps(As(viam.cloud, viam.channel, reply.access_token))
    assert [one.name for one in (await other("ListOrganizations")).organizations] == ["fake-org"]
    call = viam.cloud.calls.where("AuthenticateTo").last()
    assert "(secret)" in str(call.reply)
    with viam.refuses(Status.INVALID_ARGUMENT, "AU-5", "entity must not be empty"):
        await client.rpc("AuthenticateTo", METHODS["AuthenticateTo"].request())


# Everything else -------------------------------------------------------------------------


async def test_an_rpc_that_is_known_by_name_alone(viam: Viam) -> None:
    """It can be scripted, faulted, journalled and asked for by its fields (SV-1, RP-1, FT-1)."""
    apps = Apps(viam)
    viam.cloud.replies.on("GetFragment", id="f").respond({"fragment": {"id": "f", "name": "base"}})
    assert (await apps("GetFragment", id="f")).fragment.name == "base"
    viam.cloud.faults.on("ListFragments").once().status("UNAVAILABLE")
    with pytest.raises(RefusedError, match="UNAVAILABLE"):
        await apps("ListFragments", organization_id=ORGANIZATION)
    with viam.refuses(Status.UNIMPLEMENTED, "SV-1", "cloud.replies.on('SubmitTrainingJob')"):
        await apps("SubmitTrainingJob", dataset_id="d")
    assert viam.cloud.calls.where("SubmitTrainingJob", dataset_id="d").one().status
    assert viam.cloud.calls.where("GetFragment", id="f").one().scripted
