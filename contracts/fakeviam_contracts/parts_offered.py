"""Which parts a server has, for those who did not say which."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from fakeviam.wire import app
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.wirelog import Wire

#: How many are told.
_MOST = 5


def check_named(wire: Wire, parts: Sequence[str]) -> None:
    """See that there are parts to upload to; none is chosen, as it may be somebody's.

    Raises:
        CannotRunError: None was named; the message lists those that the server has.
    """
    if not parts:
        raise CannotRunError(f"--part ID is required, to upload to; {_listed(wire)}")


def _listed(wire: Wire) -> str:
    told = list(islice(_parts(wire), _MOST + 1))
    more = ", and others" if len(told) > _MOST else ""
    if not told:
        return "this server lists none"
    return f"this server lists {', '.join(told[:_MOST])}{more}"


def _parts(wire: Wire) -> Iterator[str]:
    def listed(rpc: str, request: Message, field: str) -> list[Any]:
        answer = wire.call(rpc, request)
        return [] if isinstance(answer, Refused) else list(getattr(answer, field))

    for organization in listed(
        "ListOrganizations", app.ListOrganizationsRequest(), "organizations"
    ):
        locations = app.ListLocationsRequest(organization_id=organization.id)
        for location in listed("ListLocations", locations, "locations"):
            robots = app.ListRobotsRequest(location_id=location.id)
            for robot in listed("ListRobots", robots, "robots"):
                parts = app.GetRobotPartsRequest(robot_id=robot.id)
                for part in listed("GetRobotParts", parts, "parts"):
                    yield f"{part.id} ({part.name} of {robot.name})"
