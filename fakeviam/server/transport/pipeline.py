"""One call from its first message to its status.

The path of every call: session → journal → login → faults → scripted replies → handler. This
is the one place where what went wrong becomes a status.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from fakeviam.model.errors import Refusal, shortened
from fakeviam.server.instruments.faults.injection import FaultInjector, FaultTriggered, fault_in
from fakeviam.server.instruments.faults.values import FaultKind
from fakeviam.server.instruments.interceptors import Cut, intercept
from fakeviam.server.state.call import Call
from fakeviam.server.state.cloud import Crash
from fakeviam.server.transport.connection import (
    framed,
    reset_connection,
    reset_stream,
    send_framed,
    send_goaway,
)
from fakeviam.server.transport.request_stream import AUTH_SERVICE, RequestStream
from fakeviam.wire.encoded import encoded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from google.protobuf.message import Message
    from grpclib.server import Stream

    from fakeviam.server.transport.request_stream import CloudDirectory
    from fakeviam.wire import Method
    from fakeviam.wire.encoded import Encoded

    #: Answers one call from its request messages.
    Served = Callable[[Call, Any], Awaitable[Any]]
    Replies = Sequence[Message | Encoded]

log = logging.getLogger("fakeviam")


async def handle_call(
    clouds: CloudDirectory, method: Method, served: Served, stream: Stream[Any, Any]
) -> None:
    """Handle one call and always finalize its journal entry."""
    cloud = clouds.cloud_of(stream.metadata)
    deadline = stream.deadline
    record = cloud.journal.begin(
        method,
        peer=_peer(stream),
        metadata=stream.metadata,
        deadline=None if deadline is None else deadline.time_remaining(),
    )
    call = Call(cloud=cloud, rpc=method.name, record=record, metadata=stream.metadata)
    requests = RequestStream(call, method, stream, clouds)
    cloud.timers.call_began()
    try:
        await _handle(call, served, requests, stream)
    finally:
        cloud = call.cloud  # a login is a session's, perhaps (SS-4)
        cloud.timers.call_ended()
        if record.in_progress:  # the client, its deadline or our stopping ended it
            late = deadline is not None and deadline.time_remaining() <= 0
            cloud.journal.end(record, status="DEADLINE_EXCEEDED" if late else "CANCELLED")


async def _handle(
    call: Call, served: Served, requests: RequestStream, stream: Stream[Any, Any]
) -> None:
    try:
        replies = await _replies_or_crash(call, served, requests)
        await _send(call, requests, replies, stream)
    except Refusal as refusal:
        await _refuse(call, refusal, stream)
    except FaultTriggered as triggered:
        await _end_by_fault(call, triggered, stream)
    except Cut:
        call.cloud.journal.end(call.record, status="CANCELLED", text="the stream was cut")
        await stream.cancel()
    finally:
        if requests.injector is not None:
            requests.injector.end()


async def _replies_or_crash(call: Call, served: Served, requests: RequestStream) -> Replies:
    try:
        return await _replies(call, served, requests)
    except (Refusal, FaultTriggered, Cut, GRPCError, StreamTerminatedError):
        raise
    except Exception as error:
        raise _crashed(call, error) from error


async def _replies(call: Call, served: Served, requests: RequestStream) -> Replies:
    requests.check_session()
    carried = fault_in(requests.metadata)
    if carried is not None:
        requests.injector = FaultInjector(call, carried)
    if call.record.service == AUTH_SERVICE:
        await requests.peek()  # whose API key it brings says which session it is for
    else:
        call.authenticate(requests.metadata)
    if call.cloud.replies and (scripted := await _scripted(call, requests)) is not None:
        replies: Replies = scripted
    elif call.cloud.interceptors:
        chain, method = call.cloud.interceptors, call.record.method
        replies = [await intercept(chain, method, requests, partial(served, call))]
    else:
        replies = [await served(call, requests)]
    if requests.injector is not None:
        return await requests.injector.after_commit(replies)
    return replies


async def _scripted(call: Call, requests: RequestStream) -> Sequence[Message] | None:
    """The scripted replies to this call, if there are some; its request is read then."""
    method = call.record.method
    if not call.cloud.replies.meant_for(method.name):
        return None
    await requests.peek()
    replies = call.cloud.replies.choose(method.name, requests.leaves, call.record.number)
    if replies is None:
        return None
    call.record.scripted = True
    while method.client_streaming and await requests.recv_message() is not None:
        pass
    return replies


async def _send(
    call: Call, requests: RequestStream, replies: Replies, stream: Stream[Any, Any]
) -> None:
    journal = call.cloud.journal
    for reply in replies:
        journal.replied(call.record, reply)
    injector = requests.injector
    if injector is not None and (cut := injector.reply_byte) is not None:
        sent = framed(map(encoded, replies))
        await send_framed(stream, sent[:cut])
        await injector.fire()
        journal.end(call.record, status="OK")
        await send_framed(stream, sent[cut:])
        return
    # Ended before it is sent: a client that has the reply finds the call in the journal.
    journal.end(call.record, status="OK")
    for reply in replies:
        await stream.send_message(reply)
    if call.record.scripted:
        await stream.send_trailing_metadata(metadata={"fakeviam-scripted": "1"})


async def _refuse(call: Call, refusal: Refusal, stream: Stream[Any, Any]) -> None:
    if refusal.clause == "SV-1":
        call.cloud.strict.note_unimplemented(call.record)
    try:
        call.cite(refusal.clause)
    except Refusal as too_weak:  # what it rests on is less than min_evidence
        refusal = too_weak
    call.cloud.journal.end(call.record, status=refusal.status.name, text=refusal.text)
    await stream.send_trailing_metadata(
        status=Status(refusal.status.value),
        status_message=refusal.text,
        metadata={"fakeviam-clause": refusal.clause},
    )


async def _end_by_fault(call: Call, order: FaultTriggered, stream: Stream[Any, Any]) -> None:
    """End a call as its fault says."""
    fault = order.fault
    if order.status:
        call.cloud.journal.end(call.record, status=order.status, text=order.text)
        told = str(fault).encode("ascii", "backslashreplace").decode()
        await stream.send_trailing_metadata(
            status=Status[order.status],
            status_message=order.text,
            status_details=fault.details or None,
            metadata={"fakeviam-fault": told},
        )
        return
    call.cloud.journal.end(call.record, status="CANCELLED", text=str(fault))
    if fault.effect is FaultKind.GOAWAY:
        send_goaway(stream, processed=fault.when == "after-commit")
    elif fault.effect is FaultKind.RESET_CONNECTION:
        reset_connection(stream)
    else:
        await reset_stream(stream, fault.code or "INTERNAL_ERROR")


def _crashed(call: Call, error: Exception) -> GRPCError:
    """Not a status the real service would send: the test must see that the fake is broken."""
    log.error("fakeviam crashed in %s", call.rpc, exc_info=error)
    call.cloud.crashes.append(Crash(call.rpc, error))
    text = f"fakeviam has a bug: {type(error).__name__} in {call.rpc}: {error}"
    told = f"{shortened(text)} [SV-4]"
    call.cloud.journal.end(call.record, status=Status.INTERNAL.name, text=told)
    return GRPCError(Status.INTERNAL, told)


def _peer(stream: Stream[Any, Any]) -> str:
    address: Any = stream.peer.addr()
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else ""
