"""AppService: organizations, locations, robots and parts, by lists and by ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.errors import InvalidArgumentError, NotFoundError
from fakeviam.server.services.app.messages import (
    identity_message,
    location_message,
    organization_message,
    part_message,
    part_messages,
    robot_message,
    summary_message,
)
from fakeviam.server.services.app.visible import VisibleFleet
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.model.fleet import Robot
    from fakeviam.server.state.call import Call


# Organizations ---------------------------------------------------------------------------


@rpc("ListOrganizations", rests_on=["AP-1", "AP-6"])
def list_organizations(
    call: Call,
    request: app.ListOrganizationsRequest,  # noqa: ARG001 - it has no fields
) -> app.ListOrganizationsResponse:
    """The organizations that the caller may see (AP-1)."""
    organizations = VisibleFleet(call).organizations
    return app.ListOrganizationsResponse(
        organizations=[organization_message(call, one) for one in organizations]
    )


@rpc("GetOrganization", rests_on=["AP-1", "AP-6"])
def get_organization(
    call: Call, request: app.GetOrganizationRequest
) -> app.GetOrganizationResponse:
    """An organization (AP-1)."""
    organization = VisibleFleet(call).organization(request.organization_id)
    return app.GetOrganizationResponse(organization=organization_message(call, organization))


@rpc("GetOrganizationsWithAccessToLocation", rests_on=["AP-1"])
def get_organizations_with_access_to_location(
    call: Call, request: app.GetOrganizationsWithAccessToLocationRequest
) -> app.GetOrganizationsWithAccessToLocationResponse:
    """The organization that owns a location; locations are not shared here (AP-1)."""
    fleet = VisibleFleet(call)
    owner = fleet.organization(fleet.location(request.location_id).organization_id)
    return app.GetOrganizationsWithAccessToLocationResponse(
        organization_identities=[identity_message(owner)]
    )


@rpc("GetUserIDByEmail", rests_on=["AP-8"])
def get_user_id_by_email(
    call: Call, request: app.GetUserIDByEmailRequest
) -> app.GetUserIDByEmailResponse:
    """The id of the user with an email address; every address has a user (AP-8)."""
    if "@" not in request.email.strip("@"):
        text = f"email must be an email address, got {request.email!r}"
        raise InvalidArgumentError(text, clause="AP-5")
    return app.GetUserIDByEmailResponse(user_id=call.cloud.ids.uuid_of(f"user {request.email}"))


@rpc("ListOrganizationsByUser", rests_on=["AP-8"])
def list_organizations_by_user(
    call: Call, request: app.ListOrganizationsByUserRequest
) -> app.ListOrganizationsByUserResponse:
    """The organizations of a user: those that the caller may see (AP-8)."""
    if not request.user_id:
        raise InvalidArgumentError("user_id must not be empty", clause="AP-5")
    return app.ListOrganizationsByUserResponse(
        orgs=[
            app.OrgDetails(org_id=one.id, org_name=one.name)
            for one in VisibleFleet(call).organizations
        ]
    )


# Locations -------------------------------------------------------------------------------


@rpc("ListLocations", rests_on=["AP-1", "AP-2", "AP-6"])
def list_locations(call: Call, request: app.ListLocationsRequest) -> app.ListLocationsResponse:
    """The locations of an organization (AP-1)."""
    fleet = VisibleFleet(call)
    locations = fleet.locations_of(fleet.organization(request.organization_id))
    return app.ListLocationsResponse(
        locations=[location_message(call, fleet, one) for one in locations]
    )


@rpc("GetLocation", rests_on=["AP-1", "AP-2", "AP-6"])
def get_location(call: Call, request: app.GetLocationRequest) -> app.GetLocationResponse:
    """A location (AP-1)."""
    fleet = VisibleFleet(call)
    location = fleet.location(request.location_id)
    return app.GetLocationResponse(location=location_message(call, fleet, location))


# Robots ----------------------------------------------------------------------------------


@rpc("ListRobots", rests_on=["AP-1", "AP-6"])
def list_robots(call: Call, request: app.ListRobotsRequest) -> app.ListRobotsResponse:
    """The robots of a location (AP-1)."""
    fleet = VisibleFleet(call)
    robots = fleet.robots_of([fleet.location(request.location_id)])
    return app.ListRobotsResponse(robots=_robots(call, robots))


@rpc("ListRobotsForLocations", rests_on=["AP-1", "AP-6"])
def list_robots_for_locations(
    call: Call, request: app.ListRobotsForLocationsRequest
) -> app.ListRobotsForLocationsResponse:
    """The robots of several locations (AP-1)."""
    if not request.location_ids:
        raise InvalidArgumentError("location_ids must not be empty", clause="AP-5")
    fleet = VisibleFleet(call)
    places = [fleet.location(each, "location_ids") for each in request.location_ids]
    return app.ListRobotsForLocationsResponse(robots=_robots(call, fleet.robots_of(places)))


@rpc("ListRobotsForOrg", rests_on=["AP-1", "AP-6"])
def list_robots_for_org(
    call: Call, request: app.ListRobotsForOrgRequest
) -> app.ListRobotsForOrgResponse:
    """The robots of an organization (AP-1)."""
    fleet = VisibleFleet(call)
    places = fleet.locations_of(fleet.organization(request.org_id, "org_id"))
    return app.ListRobotsForOrgResponse(robots=_robots(call, fleet.robots_of(places)))


@rpc("GetRobot", rests_on=["AP-1", "AP-6"])
def get_robot(call: Call, request: app.GetRobotRequest) -> app.GetRobotResponse:
    """A robot (AP-1)."""
    return app.GetRobotResponse(robot=robot_message(call, VisibleFleet(call).robot(request.id)))


@rpc("ListMachineSummaries", rests_on=["AP-1", "AP-3", "AP-6", "AP-9"])
def list_machine_summaries(
    call: Call, request: app.ListMachineSummariesRequest
) -> app.ListMachineSummariesResponse:
    """The robots of one organization, or of all, with their parts, by location (AP-9)."""
    if request.limit < 0:
        text = f"limit must not be negative, got {request.limit}"
        raise InvalidArgumentError(text, clause="AP-5")
    fleet = VisibleFleet(call)
    places = fleet.locations
    if request.organization_id:
        places = fleet.locations_of(fleet.organization(request.organization_id))
    if request.location_ids:
        location_ids = {fleet.location(each, "location_ids").id for each in request.location_ids}
        places = [one for one in places if one.id in location_ids]
    robots = fleet.robots_of(places)[: request.limit or None]
    return app.ListMachineSummariesResponse(
        location_summaries=[
            app.LocationSummary(
                location_id=place.id,
                location_name=place.name,
                machine_summaries=[summary_message(call, fleet, one) for one in here],
            )
            for place in places
            if (here := [one for one in robots if one.location_id == place.id])
        ]
    )


def _robots(call: Call, robots: Iterable[Robot]) -> list[app.Robot]:
    return [robot_message(call, one) for one in robots]


# Parts -----------------------------------------------------------------------------------


@rpc("GetRobotParts", rests_on=["AP-1", "AP-2", "AP-3", "AP-6"])
def get_robot_parts(call: Call, request: app.GetRobotPartsRequest) -> app.GetRobotPartsResponse:
    """The parts of a robot (AP-1)."""
    fleet = VisibleFleet(call)
    robot = fleet.robot(request.robot_id, "robot_id")
    return app.GetRobotPartsResponse(parts=part_messages(call, fleet, robot))


@rpc("GetRobotPart", rests_on=["AP-1", "AP-3", "AP-6"])
def get_robot_part(call: Call, request: app.GetRobotPartRequest) -> app.GetRobotPartResponse:
    """A part (AP-1)."""
    fleet = VisibleFleet(call)
    part = fleet.part(request.id)
    main = fleet.parts_of(fleet.robot(part.robot_id))[0].id == part.id
    message = part_message(call, part, main=main)
    return app.GetRobotPartResponse(part=message, config_json=message.robot_config_json)


@rpc("GetRobotPartByNameAndLocation", rests_on=["AP-1", "AP-3", "AP-6"])
def get_robot_part_by_name_and_location(
    call: Call, request: app.GetRobotPartByNameAndLocationRequest
) -> app.GetRobotPartByNameAndLocationResponse:
    """The part with a name at a location (AP-1)."""
    fleet = VisibleFleet(call)
    place = fleet.location(request.location_id)
    if not request.name:
        raise InvalidArgumentError("name must not be empty", clause="AP-5")
    for robot in fleet.robots_of([place]):
        for part in part_messages(call, fleet, robot):
            if part.name == request.name:
                return app.GetRobotPartByNameAndLocationResponse(part=part)
    text = f"location {place.name!r} has no part named {request.name!r} (NotFound)"
    raise NotFoundError(text, clause="AP-4")
