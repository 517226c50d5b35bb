"""A request for each RPC of AppService that is served, with every field set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.server.transport.routes import APP_SERVICE, unary_handlers
from fakeviam.wire import auth
from fakeviam.wire.values import struct_from

from .driver import METHODS

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam.model.fleet import Part


def fleet_requests(part: Part) -> dict[str, Message]:
    """About a part and its owners; AuthenticateTo too."""
    made: dict[str, Message] = {name: _request(name, part) for name in unary_handlers(APP_SERVICE)}
    return {**made, "AuthenticateTo": auth.AuthenticateToRequest(entity="machine")}


def _request(rpc: str, part: Part) -> Message:
    request: Any = METHODS[rpc].request()
    values = {
        "organization_id": part.organization_id,
        "org_id": part.organization_id,
        "location_id": part.location_id,
        "robot_id": part.robot_id,
        "id": part.id if "Part" in rpc else part.robot_id,
        "name": part.name,
        "email": "ann@example.com",
        "user_id": "somebody",
        "limit": 1,
    }
    for field in request.DESCRIPTOR.fields:
        if field.name in values:
            setattr(request, field.name, values[field.name])
        elif field.name == "location_ids":
            request.location_ids.append(part.location_id)
        elif field.name == "fragment_ids":
            request.fragment_ids.append("f")
        else:
            request.data.CopyFrom(struct_from({"shelf": [1, None], "note": "ü"}))
    return request  # type: ignore[no-any-return]
