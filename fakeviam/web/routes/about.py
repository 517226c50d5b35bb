"""The server and the session as a whole: addresses, health, problems, clauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.connection_info import connection_info
from fakeviam.model.errors import FakeViamError
from fakeviam.validation.models import Model, field
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.openapi import API_VERSION
from fakeviam.web.routes.keys import shown_key

if TYPE_CHECKING:
    from fakeviam.web.endpoint import ControlRequest


class ServerModel(Model):
    """Where the server is, and its default account."""

    target: str = field(
        "host:port, for gRPC clients; with TLS https://host:port.", "127.0.0.1:8080"
    )
    host: str = field("Address it listens on.", "127.0.0.1")
    port: int = field("TCP port.", 8080)
    unix_socket: str = field("Path of the Unix socket.", "/tmp/fv-1/s")  # noqa: S108
    url: str = field("The address as a URL.", "http://127.0.0.1:8080")
    plaintext_target: str = field("host:port without TLS, beside that with it; or empty.", "")
    ca_file: str = field("File with the certificate to trust, with TLS; or empty.", "")
    api_key: str | None = field("Key of the default account; null if hidden.", "fakeviam-api-key")
    api_key_id: str = field("Its id.", "f4ce0000-0000-4000-8000-000000000001")
    organization_id: str = field(
        "The default organization.", "f4ce0000-0000-4000-8000-0000000000a1"
    )
    location_id: str = field("The default location.", "fakelab001")
    robot_id: str = field("The default robot.", "f4ce0000-0000-4000-8000-0000000000b1")
    part_id: str = field("The default part.", "f4ce0000-0000-4000-8000-0000000000c1")
    pid: int = field("Process id.", 4711)
    version: str = field("Version of fakeviam.", "0.1.0")


class Index(Model):
    """What is here."""

    fakeviam: str = field("Version of the control API.", "1.0")
    session: str = field("The session of the request; empty for the server's own cloud.", "")
    seed: str = field("The seed of all ids, a number of up to 64 bits.", "7")
    server: ServerModel = field("Addresses and ids of the server.", {})
    description: str = field("Path of the OpenAPI document.", "/control/v1/openapi.json")


class CheckModel(Model):
    """Whether the fake has something to complain about."""

    ok: bool = field("Whether there are no problems.", True)
    problem: str = field("The problems; empty if there are none.", "")


class ClauseModel(Model):
    """A clause that answers rested on."""

    id: str = field("Its id.", "FI-6")
    evidence: str = field("Level of evidence.", "documented")
    source: str = field("Source of the evidence.", "api")
    text: str = field(
        "The text of the clause.", "Every field of a filter that is set narrows the result."
    )


class Clauses(Model):
    """What the answers so far rested on."""

    clauses: list[ClauseModel] = field("In the order of the catalogue.", [])


def _index(request: ControlRequest) -> dict[str, object]:
    facts = connection_info(request.fake)
    facts["api_key_id"] = request.handle.api_key_id
    key = shown_key(request, request.handle.api_key)
    return {
        "fakeviam": API_VERSION,
        "session": request.session,
        "seed": str(request.fake.seed),
        "server": {**facts, "api_key": key},
        "description": "/control/v1/openapi.json",
    }


def _check(request: ControlRequest) -> dict[str, object]:
    try:
        request.handle.check()
    except FakeViamError as error:
        return {"ok": False, "problem": str(error)}
    return {"ok": True, "problem": ""}


def _clauses(request: ControlRequest) -> dict[str, object]:
    return {
        "clauses": [
            {
                "id": clause.id,
                "evidence": clause.evidence.label,
                "source": clause.source,
                "text": clause.text,
            }
            for clause in request.handle.clauses_used
        ]
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="",
        title="Show the addresses, credentials and default fleet of the server",
        tag="server",
        handler=_index,
        response=Index,
    ),
    Endpoint(
        method="GET",
        path="/check",
        title="Check whether a handler crashed or a planned fault never fired",
        tag="server",
        handler=_check,
        response=CheckModel,
    ),
    Endpoint(
        method="GET",
        path="/clauses",
        title="List the clauses that replies have depended on so far",
        tag="server",
        handler=_clauses,
        response=Clauses,
    ),
)
