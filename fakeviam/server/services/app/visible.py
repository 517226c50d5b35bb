"""The part of the fleet that is visible to the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fakeviam.model.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.model.fleet import Location, Organization, Part, Robot
    from fakeviam.server.state.call import Call

_Owner = TypeVar("_Owner", "Organization", "Location", "Robot", "Part")


class VisibleFleet:
    """The organizations that the API key permits, and what they own; other objects do not exist."""

    def __init__(self, call: Call) -> None:
        """Restrict the fleet of the call's cloud."""
        self._principal = call.principal
        fleet, sees = call.cloud.fleet.state(), call.principal.sees
        self.organizations = [one for one in fleet.organizations if sees(one.id)]
        self.locations = [one for one in fleet.locations if sees(one.organization_id)]
        places = {one.id for one in self.locations}
        self.robots = [one for one in fleet.robots if one.location_id in places]
        self.parts = [one for one in fleet.parts if call.principal.sees_data_of(one)]
        scope = call.principal.scope
        if scope is not None and scope.level != "organization":
            self._leave_what_is_around()

    def _leave_what_is_around(self) -> None:
        """Remove the locations and robots without a visible part (AC-8)."""
        own = {each for one in self.parts for each in (one.location_id, one.robot_id)}
        self.locations = [one for one in self.locations if one.id in own]
        self.robots = [one for one in self.robots if one.id in own]

    def organization(self, organization_id: str, field: str = "organization_id") -> Organization:
        """The organization with this id.

        Raises:
            InvalidArgumentError: The id is missing (AP-5).
            PermissionDeniedError: The caller may not see it (A51).
            NotFoundError: It does not exist (AP-4).
        """
        if organization_id:
            self._principal.check_named([organization_id])
        return _by_id("organization", organization_id, self.organizations, field)

    def location(self, location_id: str, field: str = "location_id") -> Location:
        """The location with this id.

        Raises:
            InvalidArgumentError: The id is missing (AP-5).
            NotFoundError: It does not exist for the caller (AP-4).
        """
        return _by_id("location", location_id, self.locations, field)

    def robot(self, robot_id: str, field: str = "id") -> Robot:
        """The robot with this id; raises the same errors as `location`."""
        return _by_id("robot", robot_id, self.robots, field)

    def part(self, part_id: str, field: str = "id") -> Part:
        """The part with this id; raises the same errors as `location`."""
        return _by_id("part", part_id, self.parts, field)

    def locations_of(self, organization: Organization) -> list[Location]:
        """The locations of an organization."""
        return [one for one in self.locations if one.organization_id == organization.id]

    def robots_of(self, locations: Iterable[Location]) -> list[Robot]:
        """The robots of these locations."""
        places = {one.id for one in locations}
        return [one for one in self.robots if one.location_id in places]

    def parts_of(self, robot: Robot) -> list[Part]:
        """The parts of a robot, at least one; the main part first (AP-3)."""
        parts = [one for one in self.parts if one.robot_id == robot.id]
        parts.sort(key=lambda part: part.name != f"{robot.name}-main")
        return parts


def _by_id(kind: str, id_: str, owners: Iterable[_Owner], field: str) -> _Owner:
    if not id_:
        raise InvalidArgumentError(f"{field} must not be empty", clause="AP-5")
    for one in owners:
        if one.id == id_:
            return one
    hint = "".join(
        f"; {one.name!r} is a name, its id is {one.id!r}" for one in owners if one.name == id_
    )
    # The `viam` CLI searches the text for the word NotFound.
    raise NotFoundError(f"no {kind} has the {field} {id_!r} (NotFound){hint}", clause="AP-4")
