"""AuthService and ExternalAuthService: the login that every official client starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import auth

if TYPE_CHECKING:
    from fakeviam.server.state.call import Call


@rpc("Authenticate", rests_on=["AU-1"])
def authenticate(call: Call, request: auth.AuthenticateRequest) -> auth.AuthenticateResponse:
    """Exchange an API key for an access token (AU-1, AU-3, AU-4)."""
    credentials = request.credentials
    token = call.cloud.accounts.authenticate(request.entity, credentials.type, credentials.payload)
    return auth.AuthenticateResponse(access_token=token)


@rpc("AuthenticateTo", rests_on=["AU-5"])
def authenticate_to(call: Call, request: auth.AuthenticateToRequest) -> auth.AuthenticateToResponse:
    """Issue a token for a machine (AU-5)."""
    if not request.entity:
        raise InvalidArgumentError("entity must not be empty", clause="AU-5")
    return auth.AuthenticateToResponse(access_token=call.new_token())
