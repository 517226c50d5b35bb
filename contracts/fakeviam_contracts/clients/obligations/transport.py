"""Obligations below the level of calls: deadlines, compression and TLS."""

from __future__ import annotations

import gzip
import ssl
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from fakeviam.wire import auth, data, dataset
from fakeviam_contracts.clients.obligations.base import (
    BrokenError,
    NotApplicableError,
    Scenario,
    obligation,
    same,
)
from fakeviam_contracts.clients.obligations.connecting import KEY
from fakeviam_contracts.clients.obligations.methods import EXPORTED, SOURCE
from fakeviam_contracts.clients.raw_server import Fault, RawReply, RawServer
from fakeviam_contracts.clients.scripted import Refuse, ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

    from trustme import CA

    from fakeviam_contracts.clients.protocol import Answer
    from fakeviam_contracts.clients.raw_server import RawCall

TAGS = data.TagsByFilterResponse(tags=["hill", "lake"])


# Deadlines and retries -------------------------------------------------------------------


@obligation("deadline-passed", "CL-46")
async def deadline_passed(scenario: Scenario) -> str:
    """A call that outlives its `timeout` ends, says that time is up, and is not sent again."""
    job = dataset.StartSequenceDatasetExportResponse(job_id="j")
    # Nothing comes, or nothing more after the headers, or nothing more after the message.
    for reply in (None, RawReply(None, ends=False), RawReply(job, ends=False)):
        told = str(await _timed_out(scenario, reply))
    return told


async def _timed_out(scenario: Scenario, reply: RawReply | None) -> Answer:
    async with RawServer(lambda _: reply) as server:
        method, args = "start_sequence_dataset_export", {"dataset_id": "d", "timeout": 0.2}
        answer = await scenario.at(server.target).ask(method, **args)
        if answer.ok:
            raise BrokenError("takes silence for success")
        if answer.kind != "timeout" and answer.status != "DEADLINE_EXCEEDED":
            raise BrokenError(f"expected DEADLINE_EXCEEDED or a timeout, got {answer}")
        same("calls", 1, len(server.calls))
    return answer


@obligation("retries-end", "CL-47")
async def retries_end(scenario: Scenario) -> None:
    """A server that stays UNAVAILABLE is an error in the end, however often reading is tried."""
    scenario.server.script("TagsByFilter", Refuse("UNAVAILABLE", "not today"))
    answer = await scenario.ask("tags_by_filter")
    if scenario.server.stopped:
        raise BrokenError(f"called {len(scenario.server.calls) - 1} times without an end")
    if answer.ok or answer.kind == "silent":
        raise BrokenError(f"expected an error, got {answer}")


# Replies that break off -------------------------------------------------------------------


@obligation("broken-replies", "CL-53")
async def broken_replies(scenario: Scenario) -> None:
    """A reply that breaks off, or lacks its message or its status, is an error, and no data."""
    for fault in Fault:
        await _refused(scenario, "tags_by_filter", {}, RawReply(TAGS, fault=fault))
    for fault in Fault:
        # A stream of no messages is whole, and its result is none.
        if fault is not Fault.MESSAGE_MISSING:
            reply = RawReply(EXPORTED, fault=fault)
            await _refused(scenario, "export_tabular_data", SOURCE, reply)


async def _refused(scenario: Scenario, method: str, args: dict[str, Any], reply: RawReply) -> None:
    async with RawServer(lambda _: reply) as server:
        answer = await scenario.at(server.target).try_to(method, **args)
    assert reply.fault is not None  # noqa: S101 - for mypy
    if answer.ok:
        raise BrokenError(f"{method} takes for a result what {reply.fault.value}")
    if answer.kind == "silent":
        raise BrokenError(f"{method} hangs for ever where the reply {reply.fault.value}")


# Compression -----------------------------------------------------------------------------


async def _asked_for_tags(scenario: Scenario, reply: RawReply) -> tuple[Answer, RawCall]:
    """The client's result for a raw reply to TagsByFilter, and its request."""

    def answer(call: RawCall) -> RawReply:
        if call.rpc == "Authenticate":
            return RawReply(auth.AuthenticateResponse(access_token="token-1"))  # noqa: S106
        return reply

    async with RawServer(answer) as server:
        told = await scenario.at(server.target).ask("log_in", **KEY)
        calls = [call for call in server.calls if call.rpc == "TagsByFilter"]
    if not calls:
        raise BrokenError(f"TagsByFilter was not called: {told}")
    return told, calls[0]


@obligation("requests-plain", "CL-48")
async def requests_plain(scenario: Scenario) -> None:
    """Requests are not compressed, which no server has to understand; plain replies are read."""
    told, call = await _asked_for_tags(scenario, RawReply(TAGS))
    same("grpc-encoding", "identity", call.headers.get("grpc-encoding", "identity"))
    same("compressed flag", 0, call.body[0])
    same("tags", list(TAGS.tags), told.result if told.ok else str(told))


@obligation("gzip-read", "CL-49")
async def gzip_read(scenario: Scenario) -> None:
    """A client that says it accepts gzip reads replies in gzip."""
    told, call = await _asked_for_tags(scenario, RawReply(TAGS, "gzip", gzip.compress))
    codings = call.headers.get("grpc-accept-encoding", "identity")
    if "gzip" not in codings.replace(" ", "").split(","):
        raise NotApplicableError(f"accepts {codings} alone")
    same("tags", list(TAGS.tags), told.result if told.ok else str(told))


@obligation("coding-refused", "CL-49")
async def coding_refused(scenario: Scenario) -> str:
    """A reply in a coding that the client did not name, or without a name, is an error."""
    for reply in (RawReply(TAGS, packed=True), RawReply(TAGS, "x-unheard-of")):
        told, _ = await _asked_for_tags(scenario, reply)
        if told.ok:
            raise BrokenError(f"takes it for {told.result}")
        if told.kind == "silent":
            raise BrokenError("hangs for ever")
    return str(told)


# TLS -------------------------------------------------------------------------------------


def _authority() -> CA:
    import trustme  # noqa: PLC0415 - slow to import, and only used here

    return trustme.CA()


def _context(ca: CA, name: str, *, days: int = 1) -> ssl.SSLContext:
    """A server's, with a certificate that ends in some days."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    now = datetime.now(timezone.utc)
    ends = now + timedelta(days=days)
    ca.issue_cert(name, not_before=now - timedelta(days=9), not_after=ends).configure_cert(context)
    return context


def _handshakes(context: ssl.SSLContext) -> list[ssl.SSLObject]:
    """What will have been agreed upon with clients."""
    seen = list[ssl.SSLObject]()

    def see(one: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        seen.append(one)

    context.sni_callback = see
    return seen


def _file_of(ca: CA, scenario: Scenario) -> Path:
    path = scenario.folder / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


async def _reach(scenario: Scenario, server: ScriptedServer, ca_file: Path) -> Answer:
    """Log in to a server by the name localhost, trusting the CAs in a file."""
    server.script("Authenticate", auth.AuthenticateResponse(access_token="token-1"))  # noqa: S106
    return await scenario.at(server.target).ask("log_in", ca_file=str(ca_file), **KEY)


async def _unreached(scenario: Scenario, server: ScriptedServer, ca_file: Path) -> str:
    """Why the client did not call a server that it must not call."""
    told = await _reach(scenario, server, ca_file)
    if server.calls:
        raise BrokenError(f"calls {server.calls[0].rpc} at localhost, with the key")
    if told.ok or told.kind == "silent":
        raise BrokenError(f"expected an error, got {told}")
    return ""


@obligation("tls-by-name", "CL-50")
async def tls_by_name(scenario: Scenario) -> None:
    """With TLS a server is reached by its name, if the CA that is trusted has vouched for it."""
    ca = _authority()
    async with ScriptedServer(tls=_context(ca, "localhost")) as server:
        told = await _reach(scenario, server, _file_of(ca, scenario))
        same("outcome", "success", str(told))
        same("calls", ["Authenticate", "TagsByFilter"], [call.rpc for call in server.calls])


@obligation("tls-alpn", "CL-55")
async def tls_alpn(scenario: Scenario) -> None:
    """With TLS the client offers HTTP/2 by ALPN, which is how servers know that it speaks it."""
    ca = _authority()
    context = _context(ca, "localhost")
    connections = _handshakes(context)
    async with ScriptedServer(tls=context) as server:
        same("outcome", "success", str(await _reach(scenario, server, _file_of(ca, scenario))))
        agreed = {one.selected_alpn_protocol() for one in connections}
    if "h2" not in agreed:
        raise BrokenError("does not offer h2")


@obligation("tls-expired", "CL-50")
async def tls_expired(scenario: Scenario) -> str:
    """A server whose certificate has expired is not called."""
    ca = _authority()
    async with ScriptedServer(tls=_context(ca, "localhost", days=-1)) as server:
        return await _unreached(scenario, server, _file_of(ca, scenario))


@obligation("tls-unknown-ca", "CL-50")
async def tls_unknown_ca(scenario: Scenario) -> str:
    """A server whose certificate is of a CA that is not trusted is not called."""
    async with ScriptedServer(tls=_context(_authority(), "localhost")) as server:
        return await _unreached(scenario, server, _file_of(_authority(), scenario))


@obligation("tls-wrong-name", "CL-50")
async def tls_wrong_name(scenario: Scenario) -> str:
    """A server whose certificate is for another name is not called."""
    ca = _authority()
    async with ScriptedServer(tls=_context(ca, "elsewhere.example")) as server:
        return await _unreached(scenario, server, _file_of(ca, scenario))


@obligation("tls-or-nothing", "CL-51")
async def tls_or_nothing(scenario: Scenario) -> str:
    """What is to be called with TLS and has none is not called."""
    async with ScriptedServer(tcp=True) as server:
        return await _unreached(scenario, server, _file_of(_authority(), scenario))


OBLIGATIONS = (
    deadline_passed,
    retries_end,
    broken_replies,
    requests_plain,
    gzip_read,
    coding_refused,
    tls_by_name,
    tls_unknown_ca,
    tls_wrong_name,
    tls_expired,
    tls_alpn,
    tls_or_nothing,
)
