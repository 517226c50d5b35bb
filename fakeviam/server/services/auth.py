"""AuthService: the login that every official client does first."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.wire import auth

if TYPE_CHECKING:
    from fakeviam.server.services.handlers import Handlers
    from fakeviam.server.state.call import Call


def authenticate(call: Call, request: auth.AuthenticateRequest) -> auth.AuthenticateResponse:
    """Exchange an API key for an access token (AU-1, AU-3, AU-4)."""
    call.cite("AU-1")
    credentials = request.credentials
    token = call.cloud.accounts.authenticate(request.entity, credentials.type, credentials.payload)
    return auth.AuthenticateResponse(access_token=token)


HANDLERS: Handlers = MappingProxyType({"Authenticate": authenticate})
