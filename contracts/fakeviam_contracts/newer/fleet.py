"""The fleet, which is constant while a program runs, and its metadata."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.wire import app
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.operations import operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from fakeviam_contracts.session import Session

#: The objects with metadata: their field in a request, and in an origin.
HOLDERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Organization": ("organization_id", "organization_id"),
        "Location": ("location_id", "location_id"),
        "Robot": ("id", "robot_id"),
        "RobotPart": ("id", "part_id"),
    }
)


@operation
def check_fleet(session: Session, part: int) -> None:
    """A part and its robot are in the lists, and are the same by id (AP-1, AP-2)."""
    origin = session.place.parts[part]
    where = (origin.robot_id, origin.location_id)
    place = app.GetLocationRequest(location_id=origin.location_id)
    location = _call(session, "GetLocation", place).location
    robots = _call(
        session, "ListRobots", app.ListRobotsRequest(location_id=origin.location_id)
    ).robots
    session.expect("AP-2", "robot_count of a location", len(robots), location.robot_count)
    all_robots = app.ListRobotsForOrgRequest(org_id=origin.organization_id)
    far = [
        each.id
        for each in _call(session, "ListRobotsForOrg", all_robots).robots
        if each.location == origin.location_id
    ]
    near = sorted(each.id for each in robots)
    session.expect("AP-1", "robots of a location in their organization", near, sorted(far))
    names = {each.id: each.name for each in robots}
    session.expect("AP-1", "name of a robot listed", origin.robot_name, names.get(origin.robot_id))
    robot = _call(session, "GetRobot", app.GetRobotRequest(id=origin.robot_id)).robot
    told = (robot.name, robot.location)
    session.expect("AP-1", "a robot by its id", (origin.robot_name, origin.location_id), told)
    request = app.GetRobotPartsRequest(robot_id=origin.robot_id)
    parts = _call(session, "GetRobotParts", request).parts
    session.expect("AP-2", "main parts of a robot", 1, sum(each.main_part for each in parts))
    listed = {each.id: (each.name, each.robot, each.location_id) for each in parts}
    one = _call(session, "GetRobotPart", app.GetRobotPartRequest(id=origin.part_id)).part
    for how, entry in (("in its list", listed.get(origin.part_id)),
                      ("by its id", (one.name, one.robot, one.location_id))):  # fmt: skip
        session.expect("AP-1", f"a part {how}", (origin.part_name, *where), entry)


@operation
def check_summaries(
    session: Session, part: int, *, limit: int = 0, everywhere: bool = False
) -> None:
    """A part is in the summaries of its location; the limit is respected (AP-9)."""
    origin = session.place.parts[part]
    owner = "" if everywhere else origin.organization_id
    request = app.ListMachineSummariesRequest(
        organization_id=owner, location_ids=[origin.location_id]
    )
    if limit:
        request.limit = limit
    reply = _call(session, "ListMachineSummaries", request, "AP-9")
    machines = [
        (place.location_id, machine)
        for place in reply.location_summaries
        for machine in place.machine_summaries
    ]
    if limit:
        few = len(machines) <= limit
        session.expect("AP-9", "machines under a limit", expected=True, observed=few)
        return
    summaries = {
        summary.part_id: (summary.part_name, place, machine.machine_id, machine.machine_name)
        for place, machine in machines
        for summary in machine.part_summaries
    }
    expected = (origin.part_name, origin.location_id, origin.robot_id, origin.robot_name)
    session.expect("AP-9", "a part in the summaries", expected, summaries.get(origin.part_id))
    places = {place for place, _ in machines}
    session.expect("AP-9", "locations of the summaries of one", {origin.location_id}, places)


@operation
def check_metadata(session: Session, kind: str, part: int, values: Mapping[str, Any]) -> None:
    """An update replaces the metadata of one object only (AP-7); it is restored at the end.

    Users may have metadata on a shared server, so only objects without any are changed.
    """
    if not session.place.exclusive:
        return
    places = [(each, part) for each in HOLDERS]
    places += [(kind, at) for at in range(len(session.place.parts)) if at != part]
    before = {place: _metadata(session, *place) for place in places}
    _update(session, kind, part, values)
    same = getattr(session.place.parts[part], HOLDERS[kind][1])
    for each, at in places:
        is_it = each == kind and getattr(session.place.parts[at], HOLDERS[kind][1]) == same
        expected = dict(values) if is_it else before[each, at]
        what = f"metadata of {each}" if is_it else f"metadata of {each} beside that of {kind}"
        session.expect("AP-7", what, expected, _metadata(session, each, at))
    _update(session, kind, part, before[kind, part])


def _metadata(session: Session, kind: str, part: int) -> dict[str, object]:
    request = getattr(app, f"Get{kind}MetadataRequest")(**_holder(session, kind, part))
    return mapping_from(_call(session, f"Get{kind}Metadata", request, "AP-7").data)


def _update(session: Session, kind: str, part: int, values: Mapping[str, Any]) -> None:
    update = getattr(app, f"Update{kind}MetadataRequest")
    request = update(data=struct_from(values), **_holder(session, kind, part))
    _call(session, f"Update{kind}Metadata", request, "AP-7")


def _holder(session: Session, kind: str, part: int) -> dict[str, str]:
    field, name = HOLDERS[kind]
    return {field: getattr(session.place.parts[part], name)}


def _call(session: Session, rpc: str, request: Message, clause: str = "AP-1") -> Any:
    return session.answered(clause, rpc, session.wire.call(rpc, request))
