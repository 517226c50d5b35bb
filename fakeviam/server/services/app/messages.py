"""Organizations, locations, robots and parts as messages of AppService.

There are no machines behind the fleet, so whatever only a machine could report is constant (AP-6).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fakeviam.model.clock import SECOND
from fakeviam.wire import app
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.well_known import Struct

if TYPE_CHECKING:
    from fakeviam.model.fleet import Location, Organization, Part, Robot
    from fakeviam.server.services.app.visible import VisibleFleet
    from fakeviam.server.state.call import Call
    from fakeviam.wire.well_known import Timestamp

_REGION = "us-central"
_CREATED = 1_704_067_200 * SECOND  # 2024-01-01T00:00:00Z
_NO_CONFIG = "{}"
_LABEL = re.compile(r"[^a-z0-9]+")


def organization_message(call: Call, organization: Organization) -> app.Organization:
    """An organization."""
    return app.Organization(
        id=organization.id,
        name=organization.name,
        created_on=_created(call),
        default_region=_REGION,
    )


def location_message(call: Call, fleet: VisibleFleet, location: Location) -> app.Location:
    """A location; clients skip locations whose `robot_count` is 0 (AP-2)."""
    owner = fleet.organization(location.organization_id)
    return app.Location(
        id=location.id,
        name=location.name,
        auth=app.LocationAuth(location_id=location.id),
        organizations=[app.LocationOrganization(organization_id=owner.id, primary=True)],
        created_on=_created(call),
        robot_count=len(fleet.robots_of([location])),
        config=app.StorageConfig(region=_REGION),
        primary_org_identity=identity_message(owner),
    )


def identity_message(organization: Organization) -> app.OrganizationIdentity:
    """The id and name of an organization."""
    return app.OrganizationIdentity(id=organization.id, name=organization.name)


def robot_message(call: Call, robot: Robot) -> app.Robot:
    """A robot, which clients call a machine."""
    return app.Robot(
        id=robot.id,
        name=robot.name,
        location=robot.location_id,
        last_access=_now(call),
        created_on=_created(call),
        online_state=app.ONLINE_STATE_ONLINE,
    )


def part_messages(call: Call, fleet: VisibleFleet, robot: Robot) -> list[app.RobotPart]:
    """The parts of a robot, exactly one of which is the main part (AP-2, AP-3)."""
    return [
        part_message(call, part, main=number == 0)
        for number, part in enumerate(fleet.parts_of(robot))
    ]


def part_message(call: Call, part: Part, *, main: bool) -> app.RobotPart:
    """A part."""
    host = _host(call, part)
    return app.RobotPart(
        id=part.id,
        name=part.name,
        dns_name=host,
        robot=part.robot_id,
        location_id=part.location_id,
        secret=call.cloud.ids.uuid_of(f"secret of {part.id}"),
        robot_config=Struct(),
        last_access=_now(call),
        main_part=main,
        fqdn=host,
        local_fqdn=f"local-{host}",
        created_on=_created(call),
        last_updated=_created(call),
        online_state=app.ONLINE_STATE_ONLINE,
        robot_config_json=_NO_CONFIG,
    )


def summary_message(call: Call, fleet: VisibleFleet, robot: Robot) -> app.MachineSummary:
    """A summary of a robot and its parts."""
    return app.MachineSummary(
        machine_id=robot.id,
        machine_name=robot.name,
        part_summaries=[
            app.PartSummary(
                part_id=part.id,
                part_name=part.name,
                is_main_part=number == 0,
                online_state=app.ONLINE_STATE_ONLINE,
                last_access=_now(call),
                last_online=_now(call),
                dns_name=_host(call, part),
            )
            for number, part in enumerate(fleet.parts_of(robot))
        ],
    )


def _host(call: Call, part: Part) -> str:
    """A host name that cannot be reached: `.invalid` never resolves."""
    label = _LABEL.sub("-", part.name.lower()).strip("-")[:50] or "part"
    return f"{label}.{call.cloud.ids.seal(part.location_id)}.fakeviam.invalid"


def _now(call: Call) -> Timestamp:
    return timestamp_from(call.clock.now())


def _created(call: Call) -> Timestamp:
    return timestamp_from(min(_CREATED, call.clock.now()))
