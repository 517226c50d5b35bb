"""All routes of the control API: what is served, described and tested."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.web.endpoint import Endpoint
from fakeviam.web.openapi import openapi
from fakeviam.web.routes import (
    about,
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
from fakeviam.web.schema import document

if TYPE_CHECKING:
    from fakeviam.web.endpoint import Ask

#: The number grows when requests of the old form would no longer be understood.
ROOT = "/control/v1"


def endpoints() -> tuple[Endpoint, ...]:
    """Every endpoint, with its full path."""
    topics = (
        *(about, fleet, keys, policy, clock, calls, faults),
        *(seeds, archives, snapshots, sessions),
    )
    found = [endpoint for topic in topics for endpoint in topic.ENDPOINTS]
    described = Endpoint(
        method="GET",
        path="/openapi.json",
        title="Describe this API",
        act=_describe,
        answer=document("An OpenAPI 3.1 document."),
        everywhere=True,
    )
    return tuple(replace(each, path=ROOT + each.path) for each in (*found, described))


def _describe(_ask: Ask) -> dict[str, Any]:
    return openapi(endpoints(), root=ROOT)
