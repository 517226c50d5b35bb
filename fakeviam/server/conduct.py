"""One call from its first message to its status.

The path of every call: session → journal → login → faults → scripted replies → handler. This
is the one place where what went wrong becomes a status.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from fakeviam.model.errors import InvalidArgumentError, Refusal, UnimplementedError, shortened
from fakeviam.server.call import Call, Crash
from fakeviam.server.codec import encoded
from fakeviam.server.connection import (
    framed,
    reset_connection,
    reset_stream,
    send_framed,
    send_goaway,
)
from fakeviam.server.faults.injection import Injection, Interruption, fault_in
from fakeviam.server.faults.values import Effect
from fakeviam.server.interceptors import Cut, intercepted
from fakeviam.server.strict import note_unimplemented, refuse_if_strict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from google.protobuf.message import Message
    from grpclib.server import Stream

    from fakeviam.model.matching import Leaf
    from fakeviam.server.codec import Encoded
    from fakeviam.server.sessions import Sessions
    from fakeviam.wire import Method

    Served = Callable[[Call, Any], Awaitable[Any]]

log = logging.getLogger("fakeviam")

AUTH_SERVICE = "proto.rpc.v1.AuthService"


class Inbox:
    """The request messages of one call: noted in the journal, and met by its fault."""

    def __init__(self, call: Call, method: Method, stream: Stream[Any, Any]) -> None:
        """Read `stream` for `call`."""
        self.metadata = stream.metadata
        self.injection: Injection | None = None
        self._call, self._stream, self._streams = call, stream, method.client_streaming
        self._waiting: list[Message | None] = []
        self._leaves: list[Leaf] | None = None
        self._chosen = False  # whether the planned faults were asked about this call

    async def peek(self) -> Message | None:
        """The next message, which stays the next one."""
        message = await self.recv_message()
        self._waiting.append(message)
        return message

    async def recv_message(self) -> Message | None:
        """The next message; None at the end of the stream.

        Raises:
            Refusal: It is no message.
            Interruption: The call's fault ends it here.
        """
        if self._waiting:
            return self._waiting.pop()
        message = await _receive(self._stream)
        record = self._call.record
        if message is not None:
            self._call.cloud.journal.received(record, message)
            if record.service == AUTH_SERVICE:
                self._call.log_in(message)
            refuse_if_strict(self._call, message)
        if self._call.cloud.faults or self.injection is not None:
            await self._meet_fault(ended=message is None or not self._streams)
        return message

    def leaves(self) -> list[Leaf]:
        """The fields of the first message."""
        if self._leaves is None:
            self._leaves = self._call.record.leaves
        return self._leaves

    async def _meet_fault(self, *, ended: bool) -> None:
        call, record = self._call, self._call.record
        if self.injection is None and not self._chosen:
            planned = call.cloud.faults.choose(record.rpc, self.leaves)
            if planned is not None:
                self.injection = Injection(call, planned.fault, planned)
        self._chosen = True
        if self.injection is not None:
            await self.injection.received(record.messages_received, record.bytes_received)
            if ended:
                await self.injection.before_commit()


async def _receive(stream: Stream[Any, Any]) -> Message | None:
    try:
        message: Message | None = await stream.recv_message()
    except NotImplementedError as error:  # how grpclib refuses a compressed message
        raise UnimplementedError("compressed messages are not supported", clause="SV-3") from error
    except AssertionError as error:  # how grpclib says that a message was cut short
        text = "the stream ended in the middle of a message"
        raise InvalidArgumentError(text, clause="SV-3") from error
    return message


async def conduct(
    sessions: Sessions, method: Method, served: Served, stream: Stream[Any, Any]
) -> None:
    """Serve one call, whatever becomes of it."""
    cloud = sessions.cloud_of(stream.metadata)
    deadline = stream.deadline
    record = cloud.journal.begin(
        method,
        peer=_peer(stream),
        metadata=stream.metadata,
        deadline=None if deadline is None else deadline.time_remaining(),
    )
    call = Call(
        sessions=sessions, cloud=cloud, rpc=method.name, record=record, metadata=stream.metadata
    )
    cloud.timers.call_began()
    try:
        await _conduct(call, method, served, stream)
    finally:
        cloud = call.cloud  # a login is a session's, perhaps (SS-4)
        cloud.timers.call_ended()
        if record.in_progress:  # the client, its deadline or our stopping ended it
            late = deadline is not None and deadline.time_remaining() <= 0
            cloud.journal.end(record, status="DEADLINE_EXCEEDED" if late else "CANCELLED")


async def _conduct(call: Call, method: Method, served: Served, stream: Stream[Any, Any]) -> None:
    inbox = Inbox(call, method, stream)
    try:
        replies = await _made(call, method, served, inbox)
        await _send(call, inbox, replies, stream)
    except Refusal as refusal:
        await _refuse(call, refusal, stream)
    except Interruption as interruption:
        await _interrupt(call, interruption, stream)
    except Cut:
        call.cloud.journal.end(call.record, status="CANCELLED", text="the stream was cut")
        await stream.cancel()
    finally:
        if inbox.injection is not None:
            inbox.injection.end()


async def _made(
    call: Call, method: Method, served: Served, inbox: Inbox
) -> Sequence[Message | Encoded]:
    try:
        return await _replies(call, method, served, inbox)
    except (Refusal, Interruption, Cut, GRPCError, StreamTerminatedError):
        raise
    except Exception as error:
        raise _crashed(call, error) from error


async def _replies(
    call: Call, method: Method, served: Served, inbox: Inbox
) -> Sequence[Message | Encoded]:
    if call.sessions is not None:
        call.sessions.check(call.cloud, inbox.metadata)
    brought = fault_in(inbox.metadata)
    if brought is not None:
        inbox.injection = Injection(call, brought)
    if method.service == AUTH_SERVICE:
        await inbox.peek()  # whose API key it brings says which session it is for
    else:
        call.authenticate(inbox.metadata)
    if call.cloud.replies and (scripted := await _scripted(call, method, inbox)) is not None:
        replies: Sequence[Message | Encoded] = scripted
    elif call.cloud.interceptors:
        replies = [await intercepted(served, call, method, inbox)]
    else:
        replies = [await served(call, inbox)]
    if inbox.injection is not None:
        return await inbox.injection.after_commit(replies)
    return replies


async def _scripted(call: Call, method: Method, inbox: Inbox) -> Sequence[Message] | None:
    """The scripted replies to this call, if there are some; its request is read then."""
    if not call.cloud.replies.meant_for(method.name):
        return None
    await inbox.peek()
    replies = call.cloud.replies.choose(method.name, inbox.leaves, call.record.number)
    if replies is None:
        return None
    call.record.scripted = True
    while method.client_streaming and await inbox.recv_message() is not None:
        pass
    return replies


async def _send(
    call: Call, inbox: Inbox, replies: Sequence[Message | Encoded], stream: Stream[Any, Any]
) -> None:
    journal = call.cloud.journal
    for reply in replies:
        journal.replied(call.record, reply)
    injection = inbox.injection
    if injection is not None and (cut := injection.reply_byte) is not None:
        sent = framed(map(encoded, replies))
        await send_framed(stream, sent[:cut])
        await injection.strike()
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
        note_unimplemented(call)
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


async def _interrupt(call: Call, order: Interruption, stream: Stream[Any, Any]) -> None:
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
    if fault.effect is Effect.GOAWAY:
        send_goaway(stream, processed=fault.when == "after-commit")
    elif fault.effect is Effect.RESET_CONNECTION:
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
