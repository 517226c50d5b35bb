"""AppService: what one answer says of the fleet, the others say too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import app
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import Need, check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam_contracts.session import Session


def _require(session: Session, what: str, entries: Iterable[Any], id_: str) -> Any:
    """The entry of that id, which a list must hold."""
    entry = next((entry for entry in entries if entry.id == id_), None)
    session.require("AP-1", f"{what} listed", expected=True, observed=entry is not None)
    return entry


@check("AP-1", "AP-2", "AP-9")
def the_way_down(session: Session) -> None:
    """From organizations to parts by lists; each thing by its id says the same as its list."""
    origin, call = session.place.parts[0], raw.call
    organizations = call(
        session, "AP-1", "ListOrganizations", app.ListOrganizationsRequest()
    ).organizations
    owner = _require(session, "our organization", organizations, origin.organization_id)
    same = app.GetOrganizationRequest(organization_id=owner.id)
    one = call(session, "AP-1", "GetOrganization", same).organization
    session.expect("AP-1", "name of an organization", owner.name, one.name)

    request = app.ListLocationsRequest(organization_id=owner.id)
    locations = call(session, "AP-1", "ListLocations", request).locations
    location = _require(session, "our location", locations, origin.location_id)
    place = app.GetLocationRequest(location_id=location.id)
    one = call(session, "AP-1", "GetLocation", place).location
    session.expect("AP-1", "name of a location", location.name, one.name)

    robots = call(
        session, "AP-1", "ListRobots", app.ListRobotsRequest(location_id=location.id)
    ).robots
    session.expect("AP-2", "robot_count of a location", len(robots), location.robot_count)
    robot = _require(session, "our robot", robots, origin.robot_id)
    one = call(session, "AP-1", "GetRobot", app.GetRobotRequest(id=robot.id)).robot
    session.expect(
        "AP-1", "name and location of a robot", (robot.name, location.id), (one.name, one.location)
    )

    parts = call(
        session, "AP-1", "GetRobotParts", app.GetRobotPartsRequest(robot_id=robot.id)
    ).parts
    part = _require(session, "our part", parts, origin.part_id)
    session.expect("AP-2", "main parts of a robot", 1, sum(each.main_part for each in parts))
    one = call(session, "AP-1", "GetRobotPart", app.GetRobotPartRequest(id=part.id)).part
    session.expect("AP-1", "name and robot of a part", (part.name, robot.id), (one.name, one.robot))
    _in_short(session)


def _in_short(session: Session) -> None:
    """ListMachineSummaries names our machine and its parts, whether or not their owner is named."""
    origin = session.place.parts[0]
    ours = (origin.location_id, origin.robot_id)
    for owner, where in ((origin.organization_id, ""), ("", ", of any organization")):
        request = app.ListMachineSummariesRequest(organization_id=owner)
        reply = raw.call(session, "AP-9", "ListMachineSummaries", request)
        summaries = {
            part.part_id: (place.location_id, machine.machine_id)
            for place in reply.location_summaries
            for machine in place.machine_summaries
            for part in machine.part_summaries
        }
        found = summaries.get(origin.part_id)
        session.expect("AP-9", f"location and machine of our part{where}", ours, found)
    request.limit = 1
    reply = raw.call(session, "AP-9", "ListMachineSummaries", request)
    count = sum(len(place.machine_summaries) for place in reply.location_summaries)
    session.expect("AP-9", "machines under a limit of 1", 1, count)


@check("AP-4", "AP-5")
def ids_of_no_fleet(session: Session) -> None:
    """Ids that are missing or that nobody has are errors."""
    for rpc, field in (
        ("GetLocation", "location_id"),
        ("GetRobot", "id"),
        ("GetRobotPart", "id"),
        ("GetRobotParts", "robot_id"),
        ("ListRobots", "location_id"),
    ):
        request: Any = getattr(app, f"{rpc}Request")
        raw.refuse(session, "AP-5", "INVALID_ARGUMENT", rpc, request())
        raw.refuse(session, "AP-4", "NOT_FOUND", rpc, request(**{field: raw.NOBODY}))


# Others may keep metadata of their own there: only where nobody does.
@check("AP-7", needs=(Need.EXCLUSIVE,))
def metadata_of_a_part(session: Session) -> None:
    """Is what the last update said, whole."""
    part_id = session.place.parts[0].part_id
    request = app.GetRobotPartMetadataRequest(id=part_id)
    before = raw.call(session, "AP-7", "GetRobotPartMetadata", request).data
    for values in ({"a": [1.0, None], "b": {"c": "ü"}}, {"a": "new"}, mapping_from(before)):
        update = app.UpdateRobotPartMetadataRequest(id=part_id, data=struct_from(values))
        raw.call(session, "AP-7", "UpdateRobotPartMetadata", update)
        reply = raw.call(session, "AP-7", "GetRobotPartMetadata", request)
        session.expect("AP-7", "metadata of a part", values, mapping_from(reply.data))


CHECKS = (the_way_down, ids_of_no_fleet, metadata_of_a_part)
