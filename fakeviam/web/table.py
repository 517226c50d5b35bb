"""All routes of the control API, for serving, documentation and tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import ConfigDict

from fakeviam.validation.models import Model, field
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.openapi import openapi
from fakeviam.web.routes import (
    about as server,
)
from fakeviam.web.routes import (
    archives,
    calls,
    clock,
    faults,
    fleet,
    keys,
    policy,
    seeds,
    sessions,
    snapshots,
)

if TYPE_CHECKING:
    from fakeviam.web.endpoint import ControlRequest

#: Increased when old requests would no longer be understood.
ROOT = "/control/v1"

_TOPICS = (
    *(server, fleet, keys, policy, clock, calls, faults),
    *(seeds, archives, snapshots, sessions),
)


class OpenApi(Model):
    """This description, an OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str = field("Version of OpenAPI.", "3.1.0")


def endpoints() -> tuple[Endpoint, ...]:
    """Every endpoint, with its full path."""
    described = Endpoint(
        method="GET",
        path="/openapi.json",
        title="Describe this API",
        tag="server",
        handler=_describe,
        response=OpenApi,
        server_wide=True,
    )
    table = [endpoint for topic in _TOPICS for endpoint in topic.ENDPOINTS]
    return tuple(replace(each, path=ROOT + each.path) for each in (*table, described))


def _describe(_request: ControlRequest) -> dict[str, object]:
    return openapi(endpoints(), root=ROOT)
