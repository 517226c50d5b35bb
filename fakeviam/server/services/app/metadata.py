"""AppService: user-defined metadata of organizations, locations, robots and parts (AP-7)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.model.fleet import Metadata
from fakeviam.server.services.app.visible import VisibleFleet
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import app
from fakeviam.wire.values import mapping_from, struct_from

if TYPE_CHECKING:
    from fakeviam.server.state.call import Call
    from fakeviam.wire.well_known import Struct


@rpc("GetOrganizationMetadata", rests_on=["AP-7"])
def get_organization_metadata(
    call: Call, request: app.GetOrganizationMetadataRequest
) -> app.GetOrganizationMetadataResponse:
    """The metadata of an organization (AP-7)."""
    organization = VisibleFleet(call).organization(request.organization_id)
    return app.GetOrganizationMetadataResponse(data=_read(call, organization.id))


@rpc("UpdateOrganizationMetadata", rests_on=["AP-7"])
def update_organization_metadata(
    call: Call, request: app.UpdateOrganizationMetadataRequest
) -> app.UpdateOrganizationMetadataResponse:
    """Replace the metadata of an organization (AP-7)."""
    organization = VisibleFleet(call).organization(request.organization_id)
    _write(call, organization.id, request.data)
    return app.UpdateOrganizationMetadataResponse()


@rpc("GetLocationMetadata", rests_on=["AP-7"])
def get_location_metadata(
    call: Call, request: app.GetLocationMetadataRequest
) -> app.GetLocationMetadataResponse:
    """The metadata of a location (AP-7)."""
    location = VisibleFleet(call).location(request.location_id)
    return app.GetLocationMetadataResponse(data=_read(call, location.id))


@rpc("UpdateLocationMetadata", rests_on=["AP-7"])
def update_location_metadata(
    call: Call, request: app.UpdateLocationMetadataRequest
) -> app.UpdateLocationMetadataResponse:
    """Replace the metadata of a location (AP-7)."""
    location = VisibleFleet(call).location(request.location_id)
    _write(call, location.id, request.data)
    return app.UpdateLocationMetadataResponse()


@rpc("GetRobotMetadata", rests_on=["AP-7"])
def get_robot_metadata(
    call: Call, request: app.GetRobotMetadataRequest
) -> app.GetRobotMetadataResponse:
    """The metadata of a robot (AP-7)."""
    robot = VisibleFleet(call).robot(request.id)
    return app.GetRobotMetadataResponse(data=_read(call, robot.id))


@rpc("UpdateRobotMetadata", rests_on=["AP-7"])
def update_robot_metadata(
    call: Call, request: app.UpdateRobotMetadataRequest
) -> app.UpdateRobotMetadataResponse:
    """Replace the metadata of a robot (AP-7)."""
    robot = VisibleFleet(call).robot(request.id)
    _write(call, robot.id, request.data)
    return app.UpdateRobotMetadataResponse()


@rpc("GetRobotPartMetadata", rests_on=["AP-7"])
def get_robot_part_metadata(
    call: Call, request: app.GetRobotPartMetadataRequest
) -> app.GetRobotPartMetadataResponse:
    """The metadata of a part (AP-7)."""
    part = VisibleFleet(call).part(request.id)
    return app.GetRobotPartMetadataResponse(data=_read(call, part.id))


@rpc("UpdateRobotPartMetadata", rests_on=["AP-7"])
def update_robot_part_metadata(
    call: Call, request: app.UpdateRobotPartMetadataRequest
) -> app.UpdateRobotPartMetadataResponse:
    """Replace the metadata of a part (AP-7)."""
    part = VisibleFleet(call).part(request.id)
    _write(call, part.id, request.data)
    return app.UpdateRobotPartMetadataResponse()


def _read(call: Call, owner_id: str) -> Struct:
    return struct_from(json.loads(call.cloud.fleet.metadata_of(owner_id)))


def _write(call: Call, owner_id: str, data: Struct) -> None:
    """Store the metadata.

    Raises:
        InvalidArgumentError: A value in it has no JSON representation (AP-5).
    """
    try:
        # A Struct may contain values, such as NaN, that could not be read back.
        plain = mapping_from(struct_from(mapping_from(data)))
    except ValueError as error:
        raise InvalidArgumentError(f"data.{error}", clause="AP-5") from error
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True)
    call.cloud.fleet.put(Metadata(id=owner_id, text=text))
