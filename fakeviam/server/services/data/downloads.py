"""Links to the bytes of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.clock import LAST, SECOND
from fakeviam.model.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from fakeviam.server.services.arguments import record_seen
from fakeviam.server.services.encoding import set_time
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.links import Links
from fakeviam.wire import data

if TYPE_CHECKING:
    from fakeviam.server.state.call import Call

_MINUTES, _MOST_MINUTES = 15, 10_080


@rpc("CreateBinaryDataSignedURL", rests_on=["SG-1"])
def create_binary_data_signed_url(
    call: Call, request: data.CreateBinaryDataSignedURLRequest
) -> data.CreateBinaryDataSignedURLResponse:
    """A link to a file that needs no key and expires by the fake's clock (SG-1 … SG-3)."""
    minutes = request.expiration_minutes if request.HasField("expiration_minutes") else _MINUTES
    if not 1 <= minutes <= _MOST_MINUTES:
        text = f"expiration_minutes must be from 1 to {_MOST_MINUTES}, got {minutes}"
        raise InvalidArgumentError(text, clause="SG-2")
    if not request.binary_data_id:
        raise InvalidArgumentError("binary_data_id must not be empty", clause="ID-5")
    record = record_seen(call, request.binary_data_id)
    if record is None:
        text = f"no binary data {request.binary_data_id!r}"
        raise NotFoundError(text, clause="SG-3")
    if not call.address:
        text = "nobody can download from here: no port listens"
        raise FailedPreconditionError(text, clause="SG-1")
    expires = min(call.clock.now() + minutes * 60 * SECOND, LAST)
    links = Links(call.address, call.cloud.name)
    reply = data.CreateBinaryDataSignedURLResponse(
        signed_url=links.signed(call.cloud.ids, record.binary_data_id, expires)
    )
    set_time(reply.expires_at, expires)
    return reply
