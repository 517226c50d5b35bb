"""viam-sdk's AppClient: every method that reads the fleet, and metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from grpclib.const import Status
from viam.app.app_client import AppClient
from viam.app.viam_client import ViamClient

from .official import refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fakeviam import FakeViam, Part

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def apps(cloud: FakeViam) -> AsyncIterator[AppClient]:
    """An AppClient on the socket that every release can reach."""
    options = cloud.dial_options()
    client = await ViamClient.create_from_dial_options(options, app_url=cloud.unix_socket)
    async with client:
        yield client.app_client


async def test_from_organizations_to_parts(apps: Any, part: Part, cloud: FakeViam) -> None:
    """As programs find the part they want data of (AP-1, AP-2)."""
    cloud.clock.freeze()  # a part was last seen now
    (organization,) = await apps.list_organizations()
    assert (organization.id, organization.name) == (part.organization_id, part.organization_name)
    (location,) = await apps.list_locations(organization.id)
    assert (location.id, location.robot_count) == (part.location_id, 1)
    assert await apps.get_location(location.id) == location
    (robot,) = await apps.list_robots(location.id)
    assert (robot.id, robot.name) == (part.robot_id, part.robot_name)
    assert await apps.get_robot(robot.id) == robot
    (found,) = await apps.get_robot_parts(robot.id)
    assert (found.id, found.name, found.main_part) == (part.id, part.name, True)
    assert found.robot_config == {}
    assert (await apps.get_robot_part(found.id)).proto == found.proto  # 0.72 has no equality


if hasattr(AppClient, "get_organization"):

    async def test_an_organization(apps: Any, part: Part) -> None:
        """By its id (AP-1)."""
        found = await apps.get_organization(part.organization_id)
        assert found == (await apps.list_organizations())[0]


if hasattr(AppClient, "list_robots_for_locations"):

    async def test_robots_of_several_locations(apps: Any, cloud: FakeViam) -> None:
        """In one call (AP-1)."""
        other = cloud.fleet.add_part("arm-main", robot="arm", location="shop")
        places = [cloud.default_part.location_id, other.location_id]
        robots = await apps.list_robots_for_locations(places)
        assert [robot.name for robot in robots] == ["fake-robot", "arm"]


async def test_users_and_who_has_access(apps: Any, part: Part) -> None:
    """An address is somebody's, and a location its organization's (AP-1, AP-8)."""
    user = await apps.get_user_id_by_email("ann@example.com")
    (details,) = await apps.list_organizations_by_user(user)
    assert details.org_id == part.organization_id
    (identity,) = await apps.get_organizations_with_access_to_location(part.location_id)
    assert identity.name == part.organization_name


if hasattr(AppClient, "get_robot_part_metadata"):

    async def test_metadata(apps: Any, part: Part) -> None:
        """Of each kind, replaced by an update (AP-7)."""
        for kind, owner in (
            ("organization", part.organization_id),
            ("location", part.location_id),
            ("robot", part.robot_id),
            ("robot_part", part.id),
        ):
            read, update = (getattr(apps, f"{verb}_{kind}_metadata") for verb in ("get", "update"))
            assert await read(owner) == {}
            await update(owner, {"old": 1})
            await update(owner, {"shelf": 3, "note": {"color": "ü"}})
            assert await read(owner) == {"shelf": 3, "note": {"color": "ü"}}


async def test_what_does_not_exist(apps: Any) -> None:
    """NOT_FOUND, and a name in the place of an id is told (AP-4)."""
    with refused(Status.NOT_FOUND, "'fake-robot' is a name, its id is"):
        await apps.get_robot("fake-robot")
    with refused(Status.INVALID_ARGUMENT, "location_id must not be empty"):
        await apps.list_robots()


async def test_what_is_scripted(apps: Any, cloud: FakeViam, part: Part) -> None:
    """RPCs that the fake does not have say so, and answer what a test lets them (SV-1, RP-1)."""
    with refused(Status.UNIMPLEMENTED, "cloud.replies.on('ListFragments')"):
        await apps.list_fragments(part.organization_id)
    cloud.replies.on("ListFragments").respond({"fragments": [{"id": "f", "name": "base"}]})
    (fragment,) = await apps.list_fragments(part.organization_id)
    assert (fragment.id, fragment.name) == ("f", "base")
