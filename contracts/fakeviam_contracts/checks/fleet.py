"""AppService: its replies about the fleet are consistent with each other."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from fakeviam.wire import app
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import Need, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fakeviam_contracts.session import Session


def _require(session: Session, what: str, entries: Iterable[Any], id_: str) -> Any:
    """The entry with this id, which a list must contain."""
    entry = next((entry for entry in entries if entry.id == id_), None)
    session.require("AP-1", f"{what} listed", expected=True, observed=entry is not None)
    return entry


@check("AP-1", "AP-2", "AP-9")
def the_way_down(session: Session) -> None:
    """From organizations to parts by lists; every object is the same by its id as in its list."""
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
    """ListMachineSummaries lists our machine and its parts, with and without an organization."""
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
    """Missing and unknown ids are errors."""
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


@check("AP-1", "AP-2")
def the_same_by_other_ways(session: Session) -> None:
    """Every object is the same in all lists and by its id."""
    _compare_robots(session, _location_of_ours(session))
    _compare_parts(session)


def _location_of_ours(session: Session) -> app.Location:
    """Our location, whose organization must match."""
    origin, call = session.place.parts[0], raw.call
    owner, place = origin.organization_id, origin.location_id
    listed = call(session, "AP-1", "ListOrganizations", app.ListOrganizationsRequest())
    ours = [each.id for each in listed.organizations if each.id == owner]
    session.expect("AP-1", "how often our organization is listed", 1, len(ours))
    shared = app.GetOrganizationsWithAccessToLocationRequest(location_id=place)
    reply = call(session, "AP-1", "GetOrganizationsWithAccessToLocation", shared)
    having = [each.id for each in reply.organization_identities]
    session.expect("AP-1", "our organization has our location", expected=True,
                   observed=owner in having)  # fmt: skip
    request = app.GetLocationRequest(location_id=place)
    location: app.Location = call(session, "AP-1", "GetLocation", request).location
    owners = [each.organization_id for each in location.organizations]
    session.expect("AP-1", "a location names its organization", expected=True,
                   observed=owner in owners)  # fmt: skip
    return location


def _compare_robots(session: Session, location: app.Location) -> None:
    origin, call = session.place.parts[0], raw.call
    owner, place = origin.organization_id, origin.location_id
    robots = call(session, "AP-1", "ListRobots", app.ListRobotsRequest(location_id=place)).robots
    session.expect("AP-2", "robot_count of a location by its id", len(robots), location.robot_count)
    places = app.ListRobotsForLocationsRequest(location_ids=[place])
    near = call(session, "AP-1", "ListRobotsForLocations", places).robots
    everywhere = app.ListRobotsForOrgRequest(org_id=owner)
    far = call(session, "AP-1", "ListRobotsForOrg", everywhere).robots
    expected = sorted((each.id, each.name, place) for each in robots)
    for what, found in (
        ("our location", robots),
        ("our location among several", near),
        ("our location in its organization", [each for each in far if each.location == place]),
    ):
        told = sorted((each.id, each.name, each.location) for each in found)
        session.expect("AP-1", f"robots of {what}", expected, told)
    if session.place.exclusive:  # otherwise the fleet may change meanwhile
        all_places = app.ListLocationsRequest(organization_id=owner)
        places_of = call(session, "AP-1", "ListLocations", all_places).locations
        counts = {each.id: each.robot_count for each in places_of}
        robots_of = Counter(each.location for each in far)
        told_counts = {each: robots_of[each] for each in counts}
        session.expect("AP-1", "robots by location of an organization", counts, told_counts)


def _compare_parts(session: Session) -> None:
    origin, call = session.place.parts[0], raw.call
    place, robot_id = origin.location_id, origin.robot_id
    parts = call(
        session, "AP-1", "GetRobotParts", app.GetRobotPartsRequest(robot_id=robot_id)
    ).parts
    where = {(each.robot, each.location_id) for each in parts}
    session.expect("AP-1", "where listed parts are", {(robot_id, place)}, where)
    for part in parts:
        by_name = app.GetRobotPartByNameAndLocationRequest(name=part.name, location_id=place)
        for rpc, asked_part in (
            ("GetRobotPart", app.GetRobotPartRequest(id=part.id)),
            ("GetRobotPartByNameAndLocation", by_name),
        ):
            one = call(session, "AP-1", rpc, asked_part).part
            named = [each.id for each in parts if each.name == part.name]
            if one.id in named:
                session.expect("AP-2", f"main part by {rpc}", part.main_part, one.main_part)
            session.expect("AP-1", f"a part by {rpc}", _of_part(part), _of_part(one))
            session.expect("AP-1", f"where a part is by {rpc}", (robot_id, place),
                           (one.robot, one.location_id))  # fmt: skip


def _of_part(part: app.RobotPart) -> tuple[str, str]:
    return part.id, part.name


@check("AP-2", "AP-9")
def summaries_of_machines(session: Session) -> None:
    """Summaries are those of the requested locations, with the same names as in lists."""
    origin = session.place.parts[0]
    request = app.ListMachineSummariesRequest(
        organization_id=origin.organization_id, location_ids=[origin.location_id]
    )
    summaries = raw.call(session, "AP-9", "ListMachineSummaries", request).location_summaries
    places = [each.location_id for each in summaries]
    session.require("AP-9", "locations of the summaries of one", [origin.location_id], places)
    where = app.GetLocationRequest(location_id=origin.location_id)
    location = raw.call(session, "AP-1", "GetLocation", where).location
    session.expect(
        "AP-9", "name of a summarized location", location.name, summaries[0].location_name
    )
    there = app.ListRobotsRequest(location_id=origin.location_id)
    robots = raw.call(session, "AP-1", "ListRobots", there).robots
    machines = summaries[0].machine_summaries
    session.expect("AP-9", "summarized machines", sorted((each.id, each.name) for each in robots),
                   sorted((each.machine_id, each.machine_name) for each in machines))  # fmt: skip
    of_robot = app.GetRobotPartsRequest(robot_id=origin.robot_id)
    parts = raw.call(session, "AP-1", "GetRobotParts", of_robot).parts
    found = [part for each in machines if each.machine_id == origin.robot_id
             for part in each.part_summaries]  # fmt: skip
    session.expect("AP-9", "summarized parts", sorted((each.id, each.name) for each in parts),
                   sorted((each.part_id, each.part_name) for each in found))  # fmt: skip
    main = [each.id for each in parts if each.main_part]
    session.expect("AP-2", "main parts in a summary", main,
                   [each.part_id for each in found if each.is_main_part])  # fmt: skip


#: The objects with metadata, and the field that identifies them.
_HOLDERS = {
    "Organization": ("organization_id", "organization_id"),
    "Location": ("location_id", "location_id"),
    "Robot": ("id", "robot_id"),
    "RobotPart": ("id", "part_id"),
}


def _values(session: Session) -> dict[str, Any]:
    """What is lost where metadata are flattened, or stored as another kind of document."""
    if session.plain:
        return {"a": 1.0}
    return {
        "a": [1.0, None, {"b": []}, {}],
        "b": {"c": session.name, "": {"d.e": False, "$f": 1 / 3}},
        "d": None,
        "g.h": "x" * 300,
        "$i": [],
        "A": "true",
    }


# Elsewhere, users may have metadata, which the check must not change.
@check("AP-7", needs=(Need.EXCLUSIVE,))
def metadata_beside_the_fleet(session: Session) -> None:
    """Each object has its own metadata."""
    before = {kind: _metadata(session, kind) for kind in _HOLDERS}
    for kind in _HOLDERS:
        _update(session, kind, {**_values(session), "of": kind})
    for kind in _HOLDERS:
        expected = {**_values(session), "of": kind}
        session.expect("AP-7", f"metadata of {kind}", expected, _metadata(session, kind))
    for kind, known in before.items():
        _update(session, kind, known)


@check("AP-7", needs=(Need.EXCLUSIVE,))
def metadata_of_parts_and_robots(session: Session) -> None:
    """An update replaces the metadata of parts and robots."""
    _check_replaced(session, "RobotPart")
    _check_replaced(session, "Robot")


@check("AP-7", needs=(Need.EXCLUSIVE,))
def metadata_of_locations_and_organizations(session: Session) -> None:
    """An update replaces the metadata of locations and organizations."""
    _check_replaced(session, "Location")
    _check_replaced(session, "Organization")


def _check_replaced(session: Session, kind: str) -> None:
    known = _metadata(session, kind)
    for values in ({"a": 1.0}, {}, {"b": "new"}, known):
        _update(session, kind, values)
        session.expect("AP-7", f"metadata of {kind}", values, _metadata(session, kind))


def _named(session: Session, kind: str) -> dict[str, Any]:
    field, name = _HOLDERS[kind]
    return {field: getattr(session.place.parts[0], name)}


def _metadata(session: Session, kind: str) -> dict[str, object]:
    request = getattr(app, f"Get{kind}MetadataRequest")(**_named(session, kind))
    return mapping_from(raw.call(session, "AP-7", f"Get{kind}Metadata", request).data)


def _update(session: Session, kind: str, values: Mapping[str, Any]) -> None:
    update = getattr(app, f"Update{kind}MetadataRequest")
    request = update(data=struct_from(values), **_named(session, kind))
    raw.call(session, "AP-7", f"Update{kind}Metadata", request)


CHECKS = (
    the_way_down,
    ids_of_no_fleet,
    the_same_by_other_ways,
    summaries_of_machines,
    metadata_beside_the_fleet,
    metadata_of_parts_and_robots,
    metadata_of_locations_and_organizations,
)
