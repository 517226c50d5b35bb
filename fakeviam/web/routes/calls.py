"""The journal: recorded calls and their retries."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field

from fakeviam.server.instruments.journal.calls import CallsError, EndedCalls
from fakeviam.server.services.explain import explain_call, last_selecting
from fakeviam.server.services.turns import in_thread
from fakeviam.validation.json_text import JsonError, parse_json
from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Number, Omittable, Size, Text
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.json_lists import JsonList, encoded
from fakeviam.web.models import ABSENT, NonEmpty, TimeText
from fakeviam.web.problems import HttpProblem
from fakeviam.web.routes.clock import with_field

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.server.instruments.journal.attempts import LogicalCall
    from fakeviam.server.instruments.journal.calls import Calls
    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.web.endpoint import ControlRequest

T = TypeVar("T")

#: Maximum seconds that one request may wait; callers repeat it to wait longer.
LONGEST_WAIT = 60

#: Calls that are shown in one turn of the event loop: about a millisecond.
_AT_ONCE = 3


class CallModel(Model):
    """A recorded call."""

    number: int = field("Its number in its session, from 1.", 1)
    rpc: str = field("Name of the RPC.", "FileUpload")
    service: str = field("Full name of its service.", "viam.app.datasync.v1.DataSyncService")
    time: TimeText = field("When it arrived, by the fake's clock.", "2026-01-31T12:00:00+00:00")
    peer: str = field("Address of the client; empty on a Unix socket.", "127.0.0.1:50000")
    metadata: dict[str, str] = field("Request metadata; secrets are redacted.", {})
    requests: list[dict[str, object]] = field("Request messages; secrets are redacted.", [])
    replies: list[dict[str, object]] = field("Reply messages; secrets are redacted.", [])
    messages_received: int = field("Number of request messages.", 3)
    bytes_received: int = field("Their size in bytes.", 2048)
    bytes_sent: int = field("Size of the replies in bytes.", 66)
    status: str | None = field("Name of the gRPC status; null while the call is in progress.", "OK")
    text: str = field("The status message.", "")
    duration: float | None = field("Duration in seconds of real time.", 0.002)
    deadline: float | None = field("Seconds that the client granted; null is no deadline.", 10.0)
    clauses: list[str] = field("The clauses that the reply depends on.", ["CU-4"])
    assumptions: list[str] = field("Those of them that are assumptions.", [])
    fault: dict[str, object] | None = field("The planned fault that hit it.", None)
    scripted: bool = field("Whether a scripted reply answered it.", False)
    plan: str = field(
        "What of a query the store decided, and the stages that were left.",
        "store: component_name = 'cam'; stages: $group",
    )
    unknown_fields: list[str] = field("Fields missing from fakeviam's protos.", [])
    unread_fields: list[str] = field("Fields that no handler reads.", [])
    deprecated_fields: list[str] = field("Fields that Viam's protos mark as deprecated.", [])


class Choice(Model):
    """Which calls."""

    rpc: NonEmpty = field("Name of the RPC; wildcards: * and ?.", "FileUpload", default="*")
    status: Omittable[NonEmpty] = field("Name of the gRPC status.", "OK", default=None)
    fields: Omittable[Text] = field(
        "Fields of the request as a JSON object.", '{"tag": "dog"}', default=None
    )


class CallsQuery(Choice):
    """Which calls, and how long to wait for them."""

    after: Size = field("Only calls with a greater number.", 3, default=0)
    limit: Omittable[Size] = field("Only this many, the latest.", 10, default=None)
    count: Omittable[Size] = field("Number of ended calls to wait for.", 1, default=None)
    wait: Annotated[Number, Field(ge=0, le=LONGEST_WAIT)] = field("Seconds to wait.", 5, default=0)


class CallList(Model):
    """Calls, oldest first."""

    calls: list[CallModel] = field("The calls.", [])
    complete: bool = field("Whether there are at least `count` calls.", True)
    dropped: int = field("Number of calls that the full journal dropped.", 0)
    why: str | None = field("What is missing, and the nearest call.", "", default=ABSENT)


class AttemptModel(Model):
    """One try of a logical call."""

    call: int = field("Number of the call.", 1)
    status: str | None = field("Name of the gRPC status.", "UNAVAILABLE")
    waited: float = field("Seconds since the end of the previous attempt.", 0.1)
    waited_by_clock: float = field("The same by the fake's clock.", 0.1)
    deadline: float | None = field("Seconds that the client granted.", 10.0)


class LogicalCallModel(Model):
    """A call with its retries."""

    rpc: str = field("Name of the RPC.", "FileUpload")
    status: str | None = field("Status of the last attempt.", "OK")
    attempts: list[AttemptModel] = field("Every attempt, oldest first.", [])


class Attempts(Model):
    """Calls grouped with their retries."""

    logical_calls: list[LogicalCallModel] = field("Oldest first.", [])


class ExplainQuery(Model):
    """What to explain."""

    file_id: Omittable[Text] = field(
        "Only this record: its binary data id, its file id, or a reading's id.",
        "a/b/c",
        default=None,
    )


class ExplanationModel(Model):
    """Why each record was in the answer to a call, or was not."""

    call: str = field("Number and RPC of the call.", "call 1 (BinaryDataByFilter)")
    verdicts: list[dict[str, object]] = field("A record, and the fields that kept it out.", [])
    notes: list[str] = field("Remarks.", [])
    text: str = field("The explanation as text.", "call 1 (BinaryDataByFilter)")


def _aside(work: Callable[[], T]) -> asyncio.Future[T]:
    """Look at the journal in another thread: it may hold a hundred thousand calls (SV-18)."""
    return in_thread(work, takes_turns=False)


async def _list(request: ControlRequest) -> JsonList:
    if request.query.wait:
        return await _wait(request)
    calls = await _aside(lambda: _after(_selected(request), request))
    is_complete = len(_finished(calls)) >= (request.query.count or 0)
    return await _document(request, calls, complete=is_complete)


async def _wait(request: ControlRequest) -> JsonList:
    """Respond when there are enough calls, at the timeout, or when the caller disconnects."""
    calls, count = await _aside(lambda: _selected(request)), _least(request)
    ended, changed = EndedCalls(calls), asyncio.Event()

    async def enough() -> None:
        while True:
            changed.clear()
            if len(await _aside(lambda: _after(ended.now(), request))) >= count:
                return
            await changed.wait()

    stop = calls.watch(changed.set)  # calls end in this thread
    try:
        await _first(enough(), request.gone(), timeout=request.query.wait)
    finally:
        stop()
    selected = await _aside(lambda: _after(calls, request))
    return await _document(request, selected, complete=len(_finished(selected)) >= count)


async def _first(*waits: Any, timeout: float) -> None:
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _document(
    request: ControlRequest, calls: Sequence[RecordedCall], *, complete: bool
) -> JsonList:
    limit = request.query.limit
    last_calls = calls if limit is None else calls[max(0, len(calls) - limit) :]
    rest: dict[str, object] = {"complete": complete, "dropped": request.handle.calls.dropped}
    if not complete:
        rest["why"] = await _aside(lambda: _why(request))
    return JsonList("calls", await shown(last_calls), rest)


async def shown(calls: Sequence[RecordedCall]) -> list[bytes]:
    """Calls in JSON, while others are answered (SV-18); first those in progress, which change."""
    documents = {at: encoded(call.to_json()) for at, call in enumerate(calls) if call.in_progress}
    for at, call in enumerate(calls):
        if at not in documents:
            documents[at] = encoded(call.to_json())
        if at % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    return [documents[at] for at in range(len(calls))]


def _least(request: ControlRequest) -> int:
    return 1 if request.query.count is None else int(request.query.count)


def _why(request: ControlRequest) -> str:
    """The explanation of missing calls, as in the Python API."""
    try:
        _selected(request).assert_called(times=_least(request))
    except CallsError as error:
        return str(error)
    return "there are such calls, but not after that number, or they have not ended yet"


def _show(request: ControlRequest) -> dict[str, object]:
    return _call(request).to_json()


async def _explain(request: ControlRequest) -> JsonList:
    number, file_id = request.path["number"], request.query.file_id
    call = None if number == "last" else _call(request)
    still = request.cloud.detached(store=request.cloud.store.view())

    def explain() -> JsonList:
        record = last_selecting(request.handle.calls) if call is None else call
        explanation = explain_call(still, record, file_id)
        document = {**explanation.to_json(), "text": str(explanation)}
        return JsonList("verdicts", map(encoded, document.pop("verdicts")), document)

    return await _aside(lambda: with_field("number", number, explain))


async def _attempts(request: ControlRequest) -> JsonList:
    def look() -> JsonList:
        groups = _selected(request).attempts()
        return JsonList("logical_calls", (encoded(_attempts_of(each)) for each in groups), {})

    return await _aside(look)


def _attempts_of(logical: LogicalCall) -> dict[str, object]:
    return {
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


def _call(request: ControlRequest) -> RecordedCall:
    text = request.path["number"]
    call = request.handle.calls.numbered(text)
    if call is None:
        raise HttpProblem(404, f"there is no call {text}", field="number", value=text)
    return call


def _selected(request: ControlRequest) -> Calls:
    rpc, status = request.query.rpc, request.query.status
    fields = _fields(request.query.fields)
    if rpc == "*" and status is None and not fields:
        return request.handle.calls
    calls = request.handle.calls
    calls = with_field("status", status, lambda: calls.where(status=status))
    field = "fields" if fields else "rpc"
    return with_field(field, getattr(request.query, field), lambda: calls.where(rpc, **fields))


def _fields(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        document = parse_json(text)
    except JsonError:
        document = None
    if not isinstance(document, dict):
        what = 'fields must be a JSON object such as {"part": "…"}'
        raise HttpProblem(422, what, field="fields", value=text)
    if document.keys() & {"rpc", "status", "self"}:
        raise HttpProblem(
            422, "pass rpc and status as query parameters", field="fields", value=text
        )
    return document


def _after(calls: Calls | Sequence[RecordedCall], request: ControlRequest) -> list[RecordedCall]:
    return [call for call in calls if call.number > request.query.after]


def _finished(calls: Sequence[RecordedCall]) -> list[RecordedCall]:
    return [call for call in calls if not call.in_progress]


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/calls",
        title="List calls, oldest first; with `wait`, wait for them",
        tag="calls",
        handler=_list,
        query=CallsQuery,
        response=CallList,
    ),
    Endpoint(
        method="GET",
        path="/calls/attempts",
        title="List calls grouped with their retries",
        tag="calls",
        handler=_attempts,
        query=Choice,
        response=Attempts,
    ),
    Endpoint(
        method="GET",
        path="/calls/{number}",
        title="Show a call",
        tag="calls",
        handler=_show,
        response=CallModel,
    ),
    Endpoint(
        method="GET",
        path="/calls/{number}/explanation",
        title="Explain why the reply to a call includes each record or not; `last` is a number too",
        tag="calls",
        handler=_explain,
        query=ExplainQuery,
        response=ExplanationModel,
    ),
)
