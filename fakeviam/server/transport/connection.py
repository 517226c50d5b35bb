"""A client's HTTP/2 connection: reads frames, starts and ends calls; `outgoing.py` sends.

h2 tracks stream states and header compression. Everything that RFC 9113 leaves to the server is
decided here: what a mistake in one call costs that call, how much a client may consume at the
expense of others, and when a connection ends.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from fakeviam.server.transport import frames
from fakeviam.server.transport.connection_timers import ConnectionTimers
from fakeviam.server.transport.frames import (
    ConnectionFailure,
    FrameCutter,
    FrameRules,
    StreamFailure,
)
from fakeviam.server.transport.h2_private import CONNECTION_WINDOW, Body, ServerH2
from fakeviam.server.transport.head import KnownHeads, check_trailers
from fakeviam.server.transport.outgoing import Link, Outgoing
from fakeviam.server.transport.protocol_switch import PoliteProtocol
from fakeviam.server.transport.stream import GrpcStream, run
from fakeviam.server.transport.unread import UnreadAnswers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fakeviam.server.transport.call_stream import Router
    from fakeviam.server.transport.frames import Frame
    from fakeviam.server.transport.http_side import HttpSide
    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.server.transport.protocol_switch import LazyServer
    from fakeviam.server.transport.quiet_log import QuietLog
    from fakeviam.server.transport.stream import Request

#: Bytes that are read and discarded after the connection was closed for new requests.
_IGNORED_AT_MOST = 16 * 1024 * 1024


class GrpcConnection(PoliteProtocol):
    """One HTTP/2 connection; `router` selects the handler of each call."""

    def __init__(
        self,
        router: Router,
        *,
        limits: ConnectionLimits,
        largest: int | None,
        quiet_log: QuietLog,
        http: LazyServer[HttpSide] | None = None,
    ) -> None:
        """Create the protocol; asyncio connects it.

        Args:
            router: Maps a path to its handler.
            http: Serves requests that are not gRPC calls; without it they are refused.
            limits: The limits of this connection.
            largest: Maximum size of a message in bytes; None is unlimited.
            quiet_log: Logs connections that are closed because the client broke the rules.
        """
        self._router, self._limits, self._largest = router, limits, largest
        self._http, self._log = http, quiet_log
        self._streams: dict[int, Request] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._h2 = ServerH2(limits)
        self._heads = KnownHeads(limits.header_list_bytes)
        self._cutter = FrameCutter()
        self._turn: asyncio.Handle | None = None
        self._is_paused, self._is_refusing = False, False
        self._ignored, self._unreturned = 0, 0
        self._handlers: dict[type[events.Event], Callable[[Any], None]] = {
            events.RequestReceived: self._begin_call,
            events.DataReceived: self._take_data,
            events.TrailersReceived: self._take_trailers,
            events.StreamEnded: self._take_end,
            events.StreamReset: self._take_reset,
            events.WindowUpdated: lambda _: self._out.room.set(),
            events.RemoteSettingsChanged: lambda _: self._out.room.set(),
        }

    # asyncio's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the connection preface and start the timers."""
        self._link = Link(transport)
        self._loop = asyncio.get_running_loop()
        self._link.keep_alive()
        self._rules = FrameRules(
            self._limits, self._streams, now=self._loop.time(), answer=self._h2.put
        )
        address = transport.get_extra_info("peername")
        self._out = Outgoing(
            self._link,
            self._h2,
            self._rules,
            self._streams,
            peer=f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "",
            scheme="http" if transport.get_extra_info("ssl_object") is None else "https",
            abort=self.abort,
        )
        self._timers = ConnectionTimers(
            self._loop,
            self._limits,
            calls=self._streams,
            on_incomplete=self._end_incomplete,
            on_idle=self._out.ping,
            on_silence=self._end_silent,
        )
        self._unread = UnreadAnswers(transport, self._limits, drop=self._end_unread)
        self._timers.watch(self._rules.unfinished)
        self._out.flush()

    def data_received(self, data: bytes) -> None:
        """Buffer received bytes and process them, unless a turn is already scheduled."""
        if self._out.is_closed:
            self._ignored += len(data)
            if self._ignored > _IGNORED_AT_MOST:
                self.abort()
            return
        self._cutter.received += data
        if self._turn is None:
            self._take_turn()

    def eof_received(self) -> bool:
        """Handle the client's half-close: complete requests are answered first (SV-16)."""
        if not (self._out.is_at_end or self._out.is_closed):
            self._out.is_at_end = True
            self._out.room.set()
            if self._turn is None:
                self._cut_unfinished()
        # False lets asyncio close the transport, which would lose the replies in progress.
        return not self._link.is_closing()

    def _cut_unfinished(self) -> None:
        """Cancel requests that can no longer be completed; close once none is left."""
        for stream in list(self._streams.values()):
            if not stream.client_ended:
                self._out.reset_stream(stream, "CANCEL")
                stream.cut("the client hung up")
        self._end_when_drained()
        if not self._out.is_closed:
            # Nothing more can arrive, so that only a write can reveal that the client is gone.
            self._out.ping()
            self._link.outlast(self._out.ping)

    def pause_writing(self) -> None:
        """Stop writing: the transport's buffer is full."""
        self._out.is_writable = False
        self._unread.watch()

    def resume_writing(self) -> None:
        """Resume writing."""
        self._out.is_writable = True
        self._unread.note_progress()
        self._out.room.set()
        if self._out.is_closed:
            self._loop.call_soon(self._out.finish, self._timers)  # writing here would re-enter

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all calls."""
        self._stop()
        self._unread.stop()
        has_left = exc is None or self._out.is_at_end
        self._cut_all("the client hung up" if has_left else f"the connection was lost: {exc}")

    # Frames ------------------------------------------------------------------------------

    def _take_turn(self) -> None:
        """Process a limited number of frames, so that other connections are not starved."""
        self._turn = None
        try:
            self._take_frames()
        except ConnectionFailure as failure:
            self._fail(failure)
        if self._out.is_closed:
            return
        if self._rules.unfinished != self._timers.unfinished:
            self._timers.watch(self._rules.unfinished)
        self._end_when_drained()
        self._out.flush()
        if self._link.is_closing() or self._out.is_closed:
            return
        # Stop reading while frames are queued, so that TCP slows the client down instead of our
        # buffer growing.
        if self._cutter.received and self._cutter.has_frame:
            self._is_paused = True
            self._link.pause_reading()
            self._turn = self._loop.call_soon(self._take_turn)
            return
        if self._is_paused:
            self._is_paused = False
            self._link.resume_reading()
        if self._out.is_at_end:
            self._cut_unfinished()

    def _take_frames(self) -> None:
        # A call to refuse takes many times as long as a frame of a good one: one of them in a turn.
        received = self._cutter.cut(1 if self._is_refusing else self._limits.frames_per_turn)
        self._is_refusing = False
        if received:
            self._timers.heard = self._rules.now = self._loop.time()
        for frame in received:
            if self._out.is_closed:
                return
            stream = self._streams.get(frame.stream_id) if frame.is_data else None
            if stream is not None and not (stream.client_ended or self._rules.unfinished):
                self._rules.useful += 1  # the fast path: DATA of an open call needs no rules
                self._feed(frame, is_body=True)
                continue
            try:
                accepted = self._rules.apply(frame)
            except StreamFailure as failure:
                self._fail_stream(frame.stream_id, failure.text, failure.code)
                continue
            if accepted is not None:
                self._feed(accepted)

    def _feed(self, frame: Frame, *, is_body: bool = False) -> None:
        """Pass a frame to h2, and dispatch the events it returns."""
        number = frame.stream_id
        was_reset = number in self._rules.resets
        # Write our own output first, because h2's answer to the late frame is discarded below.
        if was_reset:
            self._out.flush()
        try:
            if is_body:
                flags = ("END_STREAM",) if frame.flags else ()
                body = Body(number, frame.payload, flags, frame.size)
                _, received = self._h2.receive_body(body)
            else:
                received = self._h2.receive_data(frame.head + frame.payload)
        except ProtocolError as error:
            where = f"stream {number}" if number else "the connection"
            text = f"a {frames.NAMES[frame.kind]} frame on {where}: {error}"
            raise ConnectionFailure(ErrorCodes(error.error_code), text) from error
        if was_reset:
            self._h2.clear_outbound_data_buffer()  # RFC 9113, 5.4.2: do not reset it again
        for event in received:
            handle = self._handlers.get(type(event))
            if handle is not None:
                handle(event)

    # Events of h2 ------------------------------------------------------------------------

    def _begin_call(self, event: events.RequestReceived) -> None:
        number = event.stream_id
        # REFUSED_STREAM tells the client that the call was not processed: it may retry.
        if self._rules.is_draining or len(self._streams) >= self._limits.streams:
            self._out.reset(number, ErrorCodes.REFUSED_STREAM)
            self._spend_reset()
            return
        head = self._heads[tuple(event.headers)]
        if head.malformed:
            self._spend_reset()
            # Without a path there is nothing that the journal could record.
            if not head.path:
                self._out.reset(number, ErrorCodes.PROTOCOL_ERROR)
                return
        if head.is_web and self._http is not None:
            request = self._http.made().request(self._out, number, head, event.headers)
            self._start(request, request.serve)
            return
        route = self._router[head.path]
        stream = GrpcStream(self._out, number, head, route.method, largest=self._largest)
        task = self._start(stream, partial(route.handle, stream))
        if head.timeout is not None:
            expiry = self._loop.call_later(head.timeout, stream.expire)
            task.add_done_callback(lambda _: expiry.cancel())

    def _start(self, request: Request, handle: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Handle a request in its own task."""
        self._streams[request.id] = request
        task = request.task = self._loop.create_task(run(request, handle))
        self._tasks.add(task)
        task.add_done_callback(partial(self._end_call, request))
        return task

    def _take_data(self, event: events.DataReceived) -> None:
        # Return the connection's window even for data of ended calls; otherwise it would shrink
        # until the client could send nothing at all.
        self._unreturned += event.flow_controlled_length
        if self._unreturned >= CONNECTION_WINDOW // 4:
            self._h2.increment_flow_control_window(self._unreturned)
            self._unreturned = 0
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.is_reset or stream.has_ended:
            return
        wrong = stream.received(event.data, event.flow_controlled_length)
        if not wrong and event.stream_ended is not None:
            wrong = stream.end_of_request()
        if wrong:
            self._fail_stream(stream.id, wrong, ErrorCodes.PROTOCOL_ERROR)

    def _take_trailers(self, event: events.TrailersReceived) -> None:
        stream = self._streams.get(event.stream_id)
        wrong = check_trailers(event.headers)
        if event.stream_id in self._rules.unended:
            wrong = "headers came that do not end the request"
        if stream is not None and wrong:
            self._fail_stream(stream.id, wrong, ErrorCodes.PROTOCOL_ERROR)

    def _take_end(self, event: events.StreamEnded) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.is_reset or stream.client_ended:
            return
        if wrong := stream.end_of_request():
            self._fail_stream(stream.id, wrong, ErrorCodes.PROTOCOL_ERROR)

    def _take_reset(self, event: events.StreamReset) -> None:
        stream = self._streams.pop(event.stream_id, None)
        if stream is None:
            return
        stream.is_reset = True
        code = event.error_code
        if event.remote_reset:
            name = code.name if isinstance(code, ErrorCodes) else code
            stream.cut(f"the client reset the call ({name})")
        else:
            # Our side reset it: ignore the frames that the client sent before it learns that.
            self._rules.remember_reset(stream.id)
            stream.fail("the flow-control window is too large")

    def _fail_stream(self, number: int, why: str, code: ErrorCodes) -> None:
        """Reset one malformed call; the other calls of the connection continue."""
        self._spend_reset()
        stream = self._streams.get(number)
        if stream is not None and not stream.has_ended:
            self._out.reset(number, code)
            stream.fail(why)

    def _spend_reset(self) -> None:
        self._is_refusing = True
        self._rules.spend_reset()

    # Calls -------------------------------------------------------------------------------

    def _end_call(self, stream: Request, task: asyncio.Task[None]) -> None:
        """Forget a call that has ended."""
        self._tasks.discard(task)
        stream.body.clear()
        self._rules.unended.discard(stream.id)
        if stream.has_ended and not stream.client_ended and not stream.is_reset:
            # Let the client stop sending, since it has the reply already (RFC 9113, 8.1).
            self._out.reset(stream.id, ErrorCodes.NO_ERROR)
        elif not (stream.has_ended or stream.is_reset or self._out.is_closed):
            # The task ended without a status, by a BaseException: do not let the client hang.
            self._out.reset(stream.id, ErrorCodes.INTERNAL_ERROR)
        self._streams.pop(stream.id, None)
        self._end_when_drained()

    def _end_when_drained(self) -> None:
        is_drained = not (self._streams or self._out.is_closed or self._turn is not None)
        if is_drained and (self._out.is_at_end or self._rules.is_draining):
            self._end_politely(self._limits.stalled_seconds)

    # Ends --------------------------------------------------------------------------------

    def abort(self) -> None:
        """Drop the connection immediately."""
        self._out.flush()
        self._stop()
        self._link.reset()
        self._cut_all("the connection was reset")

    def begin_to_close(self) -> None:
        """Stop reading, and cancel the calls, because the server stops (SV-17)."""
        self._link.pause_reading()
        if self._turn is not None:
            self._turn.cancel()
        for stream in self._streams.values():
            stream.farewell = "the server stopped"
        self._cut_all("the server stopped")

    async def close(self, patience: float) -> None:
        """Wait for the cancelled calls, then send GOAWAY and close."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=patience)
            for each in late:
                each.cancel()
        if self._rules.is_greeted:
            self._out.say_goodbye(ErrorCodes.NO_ERROR, "the server stopped")
        self._out.flush()
        self._out.is_closed = True
        self._link.abort()  # do not wait for a client that reads slowly

    def _fail(self, failure: ConnectionFailure) -> None:
        """Close the connection with a GOAWAY that gives the reason."""
        who = self._out.peer or "a client on the Unix socket"
        self._log.say(f"{failure.code}", f"closed the connection of {who}: {failure.text} [SV-11]")
        self._say_goodbye(failure.code, failure.text, failure.text)

    def _say_goodbye(self, code: ErrorCodes, text: str, why: str) -> None:
        """Send GOAWAY with `text`, close, and cancel the calls with the reason `why`."""
        self._out.say_goodbye(code, text)
        self._end_politely()
        self._cut_all(why)

    def _end_incomplete(self, text: str) -> None:
        self._fail(ConnectionFailure(ErrorCodes.ENHANCE_YOUR_CALM, text))

    def _end_silent(self, seconds: float) -> None:
        text = f"nothing was heard for {seconds:.0f} seconds"
        self._say_goodbye(ErrorCodes.NO_ERROR, text, "the client was silent for too long")

    def _end_unread(self) -> None:
        """Drop a client that reads nothing, though it may still send."""
        self._stop()
        self._link.abort()
        self._cut_all(f"nothing was read for {self._limits.stalled_seconds:.0f} seconds")

    def _end_politely(self, patience: float = 0) -> None:
        """Close without losing what was already sent."""
        self._out.flush()
        self._stop()
        self._cutter.received.clear()
        self._out.end(self._timers, patience)

    def _cut_all(self, why: str) -> None:
        for stream in list(self._streams.values()):
            stream.cut(why)
        self._out.room.set()

    def _stop(self) -> None:
        self._out.is_closed = True
        self._timers.stop()
        if self._turn is not None:
            self._turn.cancel()
