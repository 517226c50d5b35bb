"""One call from its first message to its status.

The path of every call: session → journal → login → faults → scripted replies → handler. This
is the only place that turns exceptions into a status.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.model.clock import DAY
from fakeviam.model.errors import InvalidArgumentError, Refusal, shortened
from fakeviam.server.instruments.fault_injection import (
    METADATA_KEY,
    FaultInjector,
    FaultTriggered,
    fault_in,
)
from fakeviam.server.instruments.interceptors import Cut, intercept
from fakeviam.server.services.datasync import StreamedUpload
from fakeviam.server.services.due import caught_up
from fakeviam.server.services.turns import InTurns, done, in_turns
from fakeviam.server.state.call import Call
from fakeviam.server.state.cloud import Crash
from fakeviam.server.transport.call_stream import StreamClosedError
from fakeviam.server.transport.fault_endings import end_by_fault, send_cut, send_replies
from fakeviam.wire.encoded import Encoded, Streamed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from google.protobuf.message import Message

    from fakeviam.model.matching import Leaf
    from fakeviam.server.instruments.interceptors import RequestSource
    from fakeviam.server.instruments.journal.redaction import Metadata
    from fakeviam.server.services.datasync import StreamFormat
    from fakeviam.server.services.handlers import Rpc
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.server.transport.call_stream import CallStream
    from fakeviam.wire import Method

    Reply = Message | Encoded
    Replies = Sequence[Reply] | Streamed
    #: What a handler answers.
    Answer = Reply | Streamed | InTurns[Reply]
    #: Answers one call from its request messages.
    Served = Callable[[Call, RequestSource], Awaitable[Reply | Streamed]]

log = logging.getLogger("fakeviam")

#: Bytes of a streamed reply that are sent at once.
_BATCH = 32 * 1024

AUTH_SERVICE = "proto.rpc.v1.AuthService"
#: The RPC for logging in, compared by path: clients may call unknown RPCs of its service.
_LOGIN = f"/{AUTH_SERVICE}/Authenticate"


class CloudDirectory(Protocol):
    """Finds the cloud of a call on a server with several sessions.

    Attributes:
        base: The cloud of calls that name no session.
        address: The server's HTTP address, `http(s)://host:port`.
    """

    base: CloudState
    address: str

    def __iter__(self) -> Iterator[CloudState]:
        """The clouds of the open sessions."""
        ...

    def cloud_of(self, metadata: Metadata) -> tuple[CloudState, Refusal | None]:
        """The cloud of a call, and a refusal if it names a session that is not open."""
        ...

    def cloud_of_key(self, key_id: str, addressed: CloudState) -> CloudState:
        """The cloud of a login with this API key (SS-4)."""
        ...


class RequestStream:
    """The request messages of one call; reading them records the call and fires its fault."""

    def __init__(
        self, call: Call, method: Method, stream: CallStream, clouds: CloudDirectory
    ) -> None:
        """Read `stream` for `call`, which a login may move to another of `clouds`."""
        self.injector: FaultInjector | None = None
        self._clouds = clouds
        self._call, self._stream, self._method = call, stream, method
        self._peeked: list[Message | None] = []
        self._leaves: list[Leaf] | None = None
        self._planned_asked = False  # a fault is chosen once per call, and counts the call then

    async def peek(self) -> Message | None:
        """The next message, without consuming it."""
        message = await self.recv_message()
        self._peeked.append(message)
        return message

    async def recv_message(self) -> Message | None:
        """The next message; None at the end of the stream.

        Raises:
            Refusal: It is not a valid message.
            FaultTriggered: The call's fault ends the call here.
        """
        if self._peeked:
            return self._peeked.pop()
        call = self._call
        message = await self._stream.recv_message(call.policy.max_request_bytes)
        if message is not None:
            # Recorded before anything can refuse the message, so that the journal has every call.
            call.cloud.journal.received(call.record, message)
            if self._method.path == _LOGIN:
                self._switch_cloud(message)
            if call.cloud.strict.enabled:
                call.cloud.strict.check(call.record, message)
        if call.cloud.faults.planned or self.injector is not None:
            await self._meet_fault(ended=message is None or not self._method.client_streaming)
        return message

    async def meet_fault_unread(self) -> None:
        """Fire a planned fault without reading a message, for RPCs whose messages are unknown.

        Raises:
            FaultTriggered: The call's fault ends the call here.
        """
        if self._call.cloud.faults.planned or self.injector is not None:
            await self._meet_fault(ended=True)

    def _switch_cloud(self, request: Any) -> None:
        """Move a login to the session that owns its API key, if there is one (SS-4)."""
        cloud = self._clouds.cloud_of_key(request.entity, addressed=self._call.cloud)
        if cloud is not self._call.cloud:
            self._call.move_to(cloud)

    def leaves(self) -> list[Leaf]:
        """The fields of the first message."""
        if self._leaves is None:
            self._leaves = self._call.record.leaves
        return self._leaves

    async def _meet_fault(self, *, ended: bool) -> None:
        call, record = self._call, self._call.record
        if self.injector is None and not self._planned_asked:
            planned = call.cloud.faults.choose(record.rpc, self.leaves)
            if planned is not None:
                self.injector = FaultInjector(call, planned.fault, planned)
        self._planned_asked = True
        if self.injector is not None:
            await self.injector.received(record.messages_received, record.bytes_received)
            if ended:
                await self.injector.before_commit()


async def handle_call(
    clouds: CloudDirectory, method: Method, served: Served, stream: CallStream
) -> None:
    """Handle one call and always finalize its journal entry."""
    # Sessions are named in the metadata, so without any the call is for the base cloud.
    cloud, refusal = clouds.cloud_of(stream.metadata) if stream.metadata else (clouds.base, None)
    record = cloud.journal.begin(
        method, peer=stream.peer, metadata=stream.metadata, deadline=stream.timeout
    )
    # A client on a Unix socket has no host and port under which it could fetch HTTP links.
    reached = stream.address if stream.peer and stream.address else clouds.address
    ledger, cited = cloud.ledger, record.cited
    call = Call(
        cloud=cloud,
        record=record,
        store=cloud.store,
        policy=cloud.policy,
        cite=ledger.collector(cited) if ledger.selective else cited.update,
        metadata=stream.metadata,
        address=reached,
    )
    requests = RequestStream(call, method, stream, clouds)
    cloud.timers.calls += 1
    try:
        if stream.malformed:
            _end(call, "CANCELLED", f"malformed: {stream.malformed} [SV-9]")
            stream.reset("PROTOCOL_ERROR")
        elif refusal := stream.refusal or refusal:
            await _refuse(call, refusal, stream)
        elif stream.timeout is not None and stream.is_late:
            await _refuse_late(call, stream)
        else:
            await _handle(call, served, requests, stream)
    finally:
        call.cloud.timers.calls -= 1  # of `call.cloud`: a login may have moved the call (SS-4)
        if record.status is None:  # ended by the client, its deadline or the end of the server
            status = "DEADLINE_EXCEEDED" if stream.is_late else "CANCELLED"
            _end(call, status, stream.cut_text)


async def _handle(call: Call, served: Served, requests: RequestStream, stream: CallStream) -> None:
    try:
        replies = await _replies(call, served, requests)
        await _send(call, requests, replies, stream)
    except Refusal as refusal:
        await _refuse(call, refusal, stream)
    except FaultTriggered as triggered:
        _end(call, triggered.status or "CANCELLED", triggered.journal_text)
        await end_by_fault(triggered, stream)
    except Cut:
        _end(call, "CANCELLED", "the stream was cut")
        stream.reset("NO_ERROR")
    except GRPCError as error:
        _end(call, error.status.name, error.message or "")
        await stream.send_trailing_metadata(
            status=error.status, status_message=error.message, status_details=error.details
        )
    except StreamClosedError:
        raise
    except Exception as error:  # noqa: BLE001 - it is told in the cloud's crashes
        await _crash(call, error, stream)
    finally:
        if requests.injector is not None:
            requests.injector.end()


async def _replies(call: Call, served: Served, requests: RequestStream) -> Replies:
    cloud, method = call.cloud, call.record.method
    if call.metadata and METADATA_KEY in call.metadata:
        # A fault in the metadata takes precedence over planned ones, and affects only this call.
        requests.injector = FaultInjector(call, fault_in(call.metadata))
    if method.path == _LOGIN:
        await requests.peek()  # the API key in it selects the session
        cloud = call.cloud
    else:
        if cloud.accounts.checks:
            call.authenticate()
        # Work that is due by the cloud's clock, such as retention and data pipelines, is done when
        # a call arrives, so that tests with a frozen clock are deterministic.
        arrived, due = call.record.arrived, cloud.due
        is_due = due is not None and due <= arrived
        if is_due or arrived // DAY != cloud.retention_day or cloud.catching_up is not None:
            await caught_up(cloud)
    if cloud.replies.scripts and (scripted := await _scripted(call, requests)) is not None:
        replies: Replies = scripted
    else:
        answer: Reply | Streamed
        if interceptors := cloud.options.interceptors:
            answer = await intercept(interceptors, method, requests, partial(served, call))
        else:
            answer = await served(call, requests)
        replies = answer if isinstance(answer, Streamed) else [answer]
    if requests.injector is not None:
        return await requests.injector.after_commit(replies)
    return replies


async def _scripted(call: Call, requests: RequestStream) -> Sequence[Message] | None:
    """The scripted replies to this call, if there are any; reads its request."""
    method = call.record.method
    if not call.cloud.replies.meant_for(method.name):
        return None
    await requests.peek()
    replies = call.cloud.replies.choose(method.name, requests.leaves, call.record.number)
    if replies is None:
        return None
    call.record.scripted = True
    # Read the rest of an upload, so that the journal and faults by bytes see all of it.
    while method.client_streaming and await requests.recv_message() is not None:
        pass
    return replies


async def _send(call: Call, requests: RequestStream, replies: Replies, stream: CallStream) -> None:
    injector = requests.injector
    last: Sequence[Reply] = ()
    if isinstance(replies, Streamed):
        await _send_streamed(call, injector, replies, stream)
    elif injector is not None and injector.reply_byte is not None:
        for reply in replies:
            call.cloud.journal.replied(call.record, reply)
        await send_cut(injector, replies, stream, end=partial(_end, call, "OK"))
        return
    else:
        # Finalize before sending, so that a client with the reply finds the call in the journal.
        _end(call, "OK", replies=replies)
        last = replies
    notes = {"fakeviam-note": call.note} if call.note else {}
    await stream.send_trailing_metadata(
        replies=last, metadata={"fakeviam-scripted": "1"} if call.record.scripted else notes
    )


async def _send_streamed(
    call: Call, injector: FaultInjector | None, streamed: Streamed, stream: CallStream
) -> None:
    """Send replies as they are produced, at the rate that the client accepts."""
    batch, size, done = [], 0, 0
    for reply in streamed.replies:
        if reply is None:
            await asyncio.sleep(0)
            continue
        call.cloud.journal.replied(call.record, reply)
        # Small replies are sent together, unless a fault counts them.
        batch.append(stream.framed([reply]))
        size += len(batch[-1])
        if size < _BATCH and injector is None:
            continue
        done = await send_replies(batch, done, injector, stream)
        batch, size = [], 0
        await asyncio.sleep(0)  # let other calls run
    await send_replies(batch, done, injector, stream)
    _end(call, "OK")


async def _refuse(call: Call, refusal: Refusal, stream: CallStream) -> None:
    if refusal.clause in ("SV-1", "SV-6"):
        call.cloud.strict.note_unimplemented(call.record)
    try:
        call.cite([refusal.clause])
    except Refusal as too_weak:  # the refusal itself depends on evidence below min_evidence
        refusal = too_weak
    _end(call, refusal.status.name, refusal.text)
    await stream.send_trailing_metadata(
        status=Status(refusal.status.value),
        status_message=refusal.text,
        metadata={"fakeviam-clause": refusal.clause},
    )


async def _refuse_late(call: Call, stream: CallStream) -> None:
    """Refuse a call whose deadline had passed when it arrived."""
    text = "the deadline had passed when the call arrived [SV-8]"
    call.cite(["SV-8"])
    _end(call, Status.DEADLINE_EXCEEDED.name, text)
    await stream.send_trailing_metadata(
        status=Status.DEADLINE_EXCEEDED,
        status_message=text,
        metadata={"fakeviam-clause": "SV-8"},
    )


async def serve_unary(
    rpc: Rpc[Any, Reply | Streamed], call: Call, requests: RequestSource
) -> Reply | Streamed:
    """Handle the unary call whose message is in `requests`.

    Raises:
        InvalidArgumentError: The message is missing (SV-3).
    """
    request = await requests.recv_message()
    if request is None:
        raise InvalidArgumentError("the request message is missing", clause="SV-3")
    reply: Answer
    if call.store.is_large:
        reply = await in_turns(call.store, partial(answered, rpc, call, request))
    else:
        reply = answered(rpc, call, request)
    return await done(reply.steps) if isinstance(reply, InTurns) else reply


def answered(rpc: Rpc[Any, Any], call: Call, request: object) -> Any:
    """The reply to a request; its clauses are cited before the handler can write anything."""
    call.cite(rpc.rests_on)
    if rpc.grounds is not None:
        call.cite(rpc.grounds(request, call.policy))
    reply = rpc.handle(call, request)
    if rpc.reply_grounds is not None:
        call.cite(rpc.reply_grounds(reply, call.policy))
    return reply


async def serve_upload(form: StreamFormat, call: Call, requests: RequestSource) -> Reply:
    """Receive one streamed upload and reply to it."""
    upload = StreamedUpload(call=call, form=form)
    try:
        while (message := await requests.recv_message()) is not None:
            upload.receive(message)
        return upload.finish()
    except BaseException:
        # Otherwise the exception's traceback keeps the upload until the next garbage collection.
        upload.contents.clear()
        raise


def _end(call: Call, status: str, text: str = "", replies: Sequence[Reply] = ()) -> None:
    """Finalize the journal entry and its clauses, before the reply is sent."""
    call.cloud.ledger.cited |= call.record.cited
    call.cloud.journal.end(call.record, status=status, text=text, replies=replies)


async def _crash(call: Call, error: Exception, stream: CallStream) -> None:
    """Reply with a status that the real service never sends, so that the test notices the bug."""
    rpc = call.record.rpc
    log.error("fakeviam crashed in %s", rpc, exc_info=error)
    call.cloud.crashes.append(Crash(rpc, error))
    text = shortened(f"fakeviam has a bug: {type(error).__name__} in {rpc}: {error}")
    message = f"{text} [SV-4]"
    _end(call, Status.INTERNAL.name, message)
    await stream.send_trailing_metadata(status=Status.INTERNAL, status_message=message)
