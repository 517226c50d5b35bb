"""The journal: what was called, and how often it was tried."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from fakeviam.server.instruments.journal.calls import CallsError
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.problems import Problem
from fakeviam.web.routes.clock import with_field
from fakeviam.web.schema import (
    document,
    flag,
    listed,
    maybe,
    number,
    shape,
    table,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.server.instruments.journal.calls import Calls
    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.web.endpoint import Ask

#: Seconds that one request may wait; whoever wants more asks again.
LONGEST_WAIT = 60

_CALL = shape(
    {
        "number": whole("Its number in its session, from 1."),
        "rpc": text(),
        "service": text(),
        "time": text("When it arrived, by the clock of the fake.", format="date-time"),
        "peer": text("Address of the client; empty on a Unix socket."),
        "metadata": table(text(), "Secrets are redacted."),
        "requests": listed(document("A request message; secrets are redacted.")),
        "replies": listed(document("A reply message.")),
        "messages_received": whole(),
        "bytes_received": whole(),
        "bytes_sent": whole(),
        "status": maybe(text("Name of the gRPC status; null while the call is in progress.")),
        "text": text("The status message."),
        "duration": maybe(number("Seconds that the fake took.")),
        "deadline": maybe(number("Seconds that the client granted; null is no deadline.")),
        "clauses": listed(text(), "What the answer rests on."),
        "assumptions": listed(text(), "Those of them that nobody documented."),
        "fault": maybe(document("The planned fault that hit it.")),
        "scripted": flag("It was answered by a scripted reply."),
        "unknown_fields": listed(text(), "Fields that our contract does not have."),
        "unread_fields": listed(text(), "Fields that the fake does not look at."),
        "deprecated_fields": listed(text(), "Fields that Viam's contract marks as deprecated."),
    }
)

_CHOICE = {
    "rpc": text("Name of the RPC; may hold * and ?.", minLength=1),
    "status": text("Name of the gRPC status.", minLength=1),
    "fields": text('Fields of the request as a JSON object: {"part": "…", "tag": "…"}.'),
}

_CALLS = shape(
    {
        "calls": listed(_CALL),
        "complete": flag("Whether there were as many as `count` asks for."),
        "dropped": whole("How many calls the journal forgot for lack of room."),
    },
    {"why": text("What was missing, and the nearest call.")},
)

_ATTEMPT = shape(
    {
        "call": whole("Number of the call."),
        "status": text(),
        "waited": number("Seconds since the end of the attempt before."),
        "waited_by_clock": number("The same by the clock of the fake."),
        "deadline": maybe(number("Seconds that the client granted.")),
    }
)


def _list(ask: Ask) -> Any:
    if ask.query.get("wait"):
        return _wait(ask)
    chosen = _after(_chosen(ask), ask)
    return _told(ask, chosen, complete=len(_answered(chosen)) >= ask.query.get("count", 0))


async def _wait(ask: Ask) -> dict[str, Any]:
    """Answer once there are enough calls, or it takes too long, or nobody listens any more."""
    calls, count = _chosen(ask), ask.query.get("count", 1)
    loop = asyncio.get_running_loop()
    enough = asyncio.Event()

    def look() -> None:
        if len(_answered(_after(calls, ask))) >= count:
            enough.set()

    # Calls end in this thread; looking waits until the journal has written all of it down.
    stop = calls.watch(lambda: _soon(loop, look))
    try:
        look()
        await _first(enough.wait(), ask.gone(), timeout=ask.query["wait"])
    finally:
        stop()
    chosen = _after(calls, ask)
    return _told(ask, chosen, complete=len(_answered(chosen)) >= count)


def _soon(loop: asyncio.AbstractEventLoop, look: Callable[[], None]) -> None:
    loop.call_soon(look)


async def _first(*waits: Any, timeout: float) -> None:
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _told(ask: Ask, chosen: Sequence[RecordedCall], *, complete: bool) -> dict[str, Any]:
    limit = ask.query.get("limit")
    shown = chosen if limit is None else chosen[max(0, len(chosen) - limit) :]
    told: dict[str, Any] = {
        "calls": [call.to_json() for call in shown],
        "complete": complete,
        "dropped": ask.world.calls.dropped,
    }
    if not complete:
        told["why"] = _why(ask)
    return told


def _why(ask: Ask) -> str:
    """What the Python API would say of the missing calls."""
    try:
        _chosen(ask).assert_called(times=ask.query.get("count", 1))
    except CallsError as error:
        return str(error)
    return "the calls are there, but not after that number, or not answered yet"


def _show(ask: Ask) -> dict[str, Any]:
    return _numbered(ask).to_json()


def _explain(ask: Ask) -> dict[str, Any]:
    call, file_id = _numbered(ask), ask.query.get("file_id")
    explanation = with_field("number", call.number, lambda: ask.world.explain(call, file_id))
    return {**explanation.to_json(), "text": str(explanation)}


def _attempts(ask: Ask) -> dict[str, Any]:
    return {
        "logical_calls": [
            {
                "rpc": logical.rpc,
                "status": logical.status,
                "attempts": [
                    {
                        "call": attempt.call.number,
                        "status": attempt.status,
                        "waited": attempt.waited,
                        "waited_by_clock": attempt.waited_by_clock,
                        "deadline": attempt.deadline,
                    }
                    for attempt in logical.attempts
                ],
            }
            for logical in _chosen(ask).attempts()
        ]
    }


def _numbered(ask: Ask) -> RecordedCall:
    told = ask.path["number"]
    # Asked for by name, logins are calls too.
    for calls in (ask.world.calls, ask.world.calls.where("Authenticate")):
        for call in calls:
            if str(call.number) == told:
                return call
    raise Problem(404, f"there is no call {told}", field="number", value=told)


def _chosen(ask: Ask) -> Calls:
    rpc, status = ask.query.get("rpc", "*"), ask.query.get("status")
    fields = _fields(ask.query.get("fields"))
    if rpc == "*" and status is None and not fields:
        return ask.world.calls
    field = "fields" if fields else "rpc"
    return with_field(
        field, ask.query.get(field), lambda: ask.world.calls.where(rpc, status=status, **fields)
    )


def _fields(told: str | None) -> dict[str, Any]:
    if told is None:
        return {}
    try:
        found = json.loads(told)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        what = 'fields must be a JSON object such as {"part": "…"}'
        raise Problem(422, what, field="fields", value=told)
    if found.keys() & {"rpc", "status", "self"}:
        raise Problem(422, "rpc and status are queries of their own", field="fields", value=told)
    return found


def _after(calls: Calls, ask: Ask) -> list[RecordedCall]:
    after = ask.query.get("after", 0)
    return [call for call in calls if call.number > after]


def _answered(calls: Sequence[RecordedCall]) -> list[RecordedCall]:
    return [call for call in calls if not call.in_progress]


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/calls",
        title="List calls, oldest first; with `wait`, wait for them",
        act=_list,
        query={
            **_CHOICE,
            "after": whole("Only calls with a greater number.", minimum=0),
            "limit": whole("Only so many, the latest.", minimum=0),
            "count": whole("How many answered calls there should be.", minimum=0),
            "wait": number("Seconds to wait for them.", minimum=0, maximum=LONGEST_WAIT),
        },
        answer=_CALLS,
    ),
    Endpoint(
        method="GET",
        path="/calls/attempts",
        title="List calls grouped with their retries",
        act=_attempts,
        query=_CHOICE,
        answer=shape(
            {
                "logical_calls": listed(
                    shape({"rpc": text(), "status": text(), "attempts": listed(_ATTEMPT)})
                )
            }
        ),
    ),
    Endpoint(method="GET", path="/calls/{number}", title="Show a call", act=_show, answer=_CALL),
    Endpoint(
        method="GET",
        path="/calls/{number}/explanation",
        title="Say why each record was in the answer to a call, or was not",
        act=_explain,
        query={"file_id": text("Tell of this record only.")},
        answer=shape(
            {
                "call": text(),
                "verdicts": listed(document("A record, and the fields that kept it out.")),
                "notes": listed(text()),
                "text": text("All of it, for people."),
            }
        ),
    ),
)
