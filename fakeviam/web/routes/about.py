"""The server and the session as a whole: where they are, their health, their reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.connection_info import connection_info
from fakeviam.model.errors import FakeViamError
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.openapi import API_VERSION
from fakeviam.web.schema import flag, listed, shape, text, whole

if TYPE_CHECKING:
    from fakeviam.web.endpoint import Ask

_FACTS = {
    **dict.fromkeys(
        (
            "target",
            "host",
            "unix_socket",
            "url",
            "api_key",
            "api_key_id",
            "organization_id",
            "location_id",
            "robot_id",
            "part_id",
            "version",
        ),
        text(),
    ),
    "port": whole(),
    "pid": whole(),
}


def _index(ask: Ask) -> dict[str, Any]:
    facts = connection_info(ask.fake)
    facts["api_key"], facts["api_key_id"] = ask.world.api_key, ask.world.api_key_id
    return {
        "fakeviam": API_VERSION,
        "session": ask.session,
        "seed": str(ask.fake.seed),
        "server": facts,
        "description": "/control/v1/openapi.json",
    }


def _check(ask: Ask) -> dict[str, Any]:
    try:
        ask.world.check()
    except FakeViamError as error:
        return {"ok": False, "problem": str(error)}
    return {"ok": True, "problem": ""}


def _clauses(ask: Ask) -> dict[str, Any]:
    return {
        "clauses": [
            {
                "id": clause.id,
                "evidence": clause.evidence.label,
                "source": clause.source,
                "text": clause.text,
            }
            for clause in ask.world.clauses_used
        ]
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="",
        title="Say where the server is, and whom it knows from the start",
        act=_index,
        answer=shape(
            {
                "fakeviam": text("Version of the control API."),
                "session": text("The session that was asked for; empty is the server's own."),
                "seed": text("The seed of all ids, a number of up to 64 bits."),
                "server": shape(_FACTS),
                "description": text("Where the OpenAPI document is."),
            }
        ),
    ),
    Endpoint(
        method="GET",
        path="/check",
        title="Say whether a handler crashed, or a planned fault never happened",
        act=_check,
        answer=shape({"ok": flag(), "problem": text("Empty if there is none.")}),
    ),
    Endpoint(
        method="GET",
        path="/clauses",
        title="List what the answers so far rested on",
        act=_clauses,
        answer=shape(
            {
                "clauses": listed(
                    shape({"id": text(), "evidence": text(), "source": text(), "text": text()})
                )
            }
        ),
    ),
)
