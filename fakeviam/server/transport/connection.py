"""A client's HTTP/2 connection: frames in, calls begun and ended, frames out.

h2 keeps the states of streams and the tables of headers. Everything that RFC 9113 leaves to a
server is decided here: what one call's mistake costs it, what a client may cost its neighbours,
and when a connection ends.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from fakeviam.server.transport import frames
from fakeviam.server.transport.call_stream import StreamClosedError
from fakeviam.server.transport.connection_timers import ConnectionTimers
from fakeviam.server.transport.frames import (
    ConnectionFailure,
    FrameCutter,
    FrameRules,
    StreamFailure,
)
from fakeviam.server.transport.h2_private import CONNECTION_WINDOW, Body, ServerH2
from fakeviam.server.transport.head import KnownHeads, check_trailers
from fakeviam.server.transport.sockets import Link
from fakeviam.server.transport.stream import GrpcStream, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fakeviam.server.transport.call_stream import Carried, Router
    from fakeviam.server.transport.frames import Frame
    from fakeviam.server.transport.http_side import HttpSide
    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.server.transport.protocol_switch import LazyServer
    from fakeviam.server.transport.quiet_log import QuietLog
    from fakeviam.server.transport.stream import Request

#: Bytes that are written at once, and are let come in when nobody listens any more.
_WRITTEN_AT_ONCE = 64 * 1024
_IGNORED_AT_MOST = 16 * 1024 * 1024


class GrpcConnection(asyncio.Protocol):
    """One connection, whose calls go where `router` says."""

    def __init__(
        self,
        router: Router,
        *,
        limits: ConnectionLimits,
        largest: int | None,
        quiet_log: QuietLog,
        http: LazyServer[HttpSide] | None = None,
    ) -> None:
        """Wait to be connected.

        Args:
            router: What answers which path.
            http: What answers requests that are no calls of gRPC; without it they are refused.
            limits: What the connection may cost.
            largest: Bytes of a message at most; None takes all.
            quiet_log: Where it is said that a client broke the rules.
        """
        self._router, self._limits, self._largest = router, limits, largest
        self._http = http
        self._log = quiet_log
        self.peer = ""
        self.scheme = "http"
        self._streams: dict[int, Request] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._h2 = ServerH2(limits)
        self._heads = KnownHeads(limits.header_list_bytes)
        self._cutter = FrameCutter()
        self._turn: asyncio.Handle | None = None
        self._is_ending = self._is_paused = self._is_flushing = False
        self._is_at_end = False  # the client says nothing more
        self._is_writable = True  # without the transport piling it up
        self._room = asyncio.Event()  # there may be some for what waits to be sent
        self._unreturned = self._ignored = 0
        self._handlers: dict[type[events.Event], Callable[[Any], None]] = {
            events.RequestReceived: self._begin_call,
            events.DataReceived: self._take_data,
            events.TrailersReceived: self._take_trailers,
            events.StreamEnded: self._take_end,
            events.StreamReset: self._take_reset,
            events.WindowUpdated: lambda _: self._room.set(),
            events.RemoteSettingsChanged: lambda _: self._room.set(),
        }

    # asyncio's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client."""
        self._link = Link(transport)
        self._loop = asyncio.get_running_loop()
        address = transport.get_extra_info("peername")
        self.peer = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else ""
        if transport.get_extra_info("ssl_object") is not None:
            self.scheme = "https"
        self._link.keep_alive()
        self._rules = FrameRules(
            self._limits, self._streams, now=self._loop.time(), answer=self._h2.put
        )
        self._timers = ConnectionTimers(
            self._loop,
            self._limits,
            calls=self._streams,
            on_incomplete=self._end_incomplete,
            on_idle=self._ping,
            on_silence=self._end_silent,
        )
        self._timers.watch(self._rules.unfinished)
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._is_ending:
            self._ignored += len(data)
            if self._ignored > _IGNORED_AT_MOST:
                self.abort()
            return
        self._cutter.received += data
        if self._turn is None:
            self._take_turn()

    def eof_received(self) -> bool:
        """The client says nothing more: what it has asked in full is answered first (SV-16)."""
        if not (self._is_at_end or self._is_ending):
            self._is_at_end = True
            self._room.set()
            if self._turn is None:
                self._cut_unfinished()
        return not self._link.is_closing()

    def _cut_unfinished(self) -> None:
        """End the calls that will never be complete, and the connection when none is left."""
        for stream in list(self._streams.values()):
            if not stream.client_ended:
                self.reset_stream(stream, "CANCEL")
                stream.cut("the client hung up")
        self._end_when_drained()
        if not self._is_ending:
            self._ping()
            self._link.outlast(self._ping)

    def pause_writing(self) -> None:
        """Wait with what is to be sent."""
        self._is_writable = False

    def resume_writing(self) -> None:
        """Go on sending."""
        self._is_writable = True
        self._room.set()
        if self._is_ending:
            self._loop.call_soon(self._finish)  # not in the middle of a write

    def connection_lost(self, exc: Exception | None) -> None:
        """End all calls."""
        self._stop()
        has_left = exc is None or self._is_at_end
        self._cut_all("the client hung up" if has_left else f"the connection was lost: {exc}")

    # Frames ------------------------------------------------------------------------------

    def _take_turn(self) -> None:
        """Handle some of the frames that came; those of other connections come in between."""
        self._turn = None
        try:
            self._take_frames()
        except ConnectionFailure as failure:
            self._fail(failure)
        if self._is_ending:
            return
        if self._rules.unfinished != self._timers.unfinished:
            self._timers.watch(self._rules.unfinished)
        self._end_when_drained()
        self.flush()
        if self._link.is_closing() or self._is_ending:
            return
        if self._cutter.received and self._cutter.has_frame:
            self._is_paused = True
            self._link.pause_reading()
            self._turn = self._loop.call_soon(self._take_turn)
            return
        if self._is_paused:
            self._is_paused = False
            self._link.resume_reading()
        if self._is_at_end:
            self._cut_unfinished()

    def _take_frames(self) -> None:
        received = self._cutter.cut(self._limits.frames_per_turn)
        if received:
            self._timers.heard = self._rules.now = self._loop.time()
        for frame in received:
            if self._is_ending:
                return
            stream = self._streams.get(frame.stream_id) if frame.is_data else None
            if stream is not None and not (stream.client_ended or self._rules.unfinished):
                self._rules.useful += 1  # data of a call in progress: there is nothing to judge
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
        """Let h2 take a frame, and handle what it makes of it."""
        number = frame.stream_id
        was_reset = number in self._rules.resets
        if was_reset:
            self.flush()
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
            self._h2.clear_outbound_data_buffer()  # once is enough (RFC 9113, 5.4.2)
        for event in received:
            handle = self._handlers.get(type(event))
            if handle is not None:
                handle(event)

    # Events of h2 ------------------------------------------------------------------------

    def _begin_call(self, event: events.RequestReceived) -> None:
        number = event.stream_id
        if self._rules.is_draining or len(self._streams) >= self._limits.streams:
            self._reset(number, ErrorCodes.REFUSED_STREAM)
            self._rules.spend_reset()
            return
        head = self._heads[tuple(event.headers)]
        if head.malformed:
            self._rules.spend_reset()
            if not head.path:
                self._reset(number, ErrorCodes.PROTOCOL_ERROR)
                return
        if head.is_web and self._http is not None:
            request = self._http.made().request(self, number, head, event.headers)
            self._start(request, request.serve)
            return
        route = self._router[head.path]
        stream = GrpcStream(self, number, head, route.method, largest=self._largest)
        task = self._start(stream, partial(route.handle, stream))
        if head.timeout is not None:
            expiry = self._loop.call_later(head.timeout, stream.expire)
            task.add_done_callback(lambda _: expiry.cancel())

    def _start(self, request: Request, handle: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Answer a request in a task of its own."""
        self._streams[request.id] = request
        task = request.task = self._loop.create_task(run(request, handle))
        self._tasks.add(task)
        task.add_done_callback(partial(self._end_call, request))
        return task

    def _take_data(self, event: events.DataReceived) -> None:
        flow = event.flow_controlled_length
        self._unreturned += flow
        if self._unreturned >= CONNECTION_WINDOW // 4:
            self._h2.increment_flow_control_window(self._unreturned)
            self._unreturned = 0
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.is_reset or stream.has_ended:
            return
        wrong = stream.received(event.data, flow)
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
            self._rules.remember_reset(stream.id)
            stream.fail("the flow-control window is too large")

    def _fail_stream(self, number: int, why: str, code: ErrorCodes) -> None:
        """Reset a call that is none by RFC 9113, and no other."""
        self._rules.spend_reset()
        stream = self._streams.get(number)
        if stream is not None and not stream.has_ended:
            self._reset(number, code)
            stream.fail(why)

    # Calls -------------------------------------------------------------------------------

    def _end_call(self, stream: Request, task: asyncio.Task[None]) -> None:
        """Forget a call that was answered or cut."""
        self._tasks.discard(task)
        stream.body.clear()
        self._rules.unended.discard(stream.id)
        if stream.has_ended and not stream.client_ended and not stream.is_reset:
            # It may stop sending: there is an answer already (RFC 9113, 8.1).
            self._reset(stream.id, ErrorCodes.NO_ERROR)
        elif not (stream.has_ended or stream.is_reset or self._is_ending):
            # What ended it was no answer, such as an exception that is no Exception: the client
            # would wait for ever.
            self._reset(stream.id, ErrorCodes.INTERNAL_ERROR)
        self._streams.pop(stream.id, None)
        self.flush()
        self._end_when_drained()

    def _end_when_drained(self) -> None:
        if self._streams or self._is_ending or self._turn is not None:
            return
        if self._is_at_end or self._rules.is_draining:
            self._end_politely(self._limits.stalled_seconds)

    def let_come(self, request: Carried, size: int) -> None:
        """Let the client send so many more bytes of a request."""
        if not request.is_reset and not self._is_ending:
            self._h2.increment_flow_control_window(size, request.id)
            self.flush()

    def send_headers(
        self, number: int, headers: list[tuple[str, str]], *, end: bool = False
    ) -> None:
        """Send headers or trailers.

        Raises:
            StreamClosedError: The call is over.
        """
        self._check_open(number)
        self._h2.send_headers(number, headers, end_stream=end)

    async def send_data(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Send data, as fast as the client takes it.

        Raises:
            StreamClosedError: The call is over.
        """
        rest = memoryview(data)
        unflushed = 0
        while True:
            self._check_open(number)
            room = self._h2.local_flow_control_window(number)
            if rest and room <= 0 and self._is_at_end:
                self._reset(number, ErrorCodes.CANCEL)  # there will never be any
                continue
            if rest and (room <= 0 or not self._is_writable):
                self.flush()
                self._room.clear()
                await self._room.wait()
                continue
            part = rest[: min(room, self._h2.max_outbound_frame_size)]
            rest = rest[len(part) :]
            self._h2.send_data(number, bytes(part), end_stream=end and not rest)
            self._rules.useful += 1
            unflushed += len(part)
            if unflushed >= _WRITTEN_AT_ONCE:
                self.flush()
                unflushed = 0
                await asyncio.sleep(0)  # others get their turn
            if not rest:
                break
        # Not at once: what follows in the same step, such as the status, goes out with it.
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self.flush)

    def _check_open(self, number: int) -> None:
        stream = self._streams.get(number)
        if self._is_ending or stream is None or stream.is_reset:
            raise StreamClosedError(f"stream {number} is closed")

    def flush(self) -> None:
        """Write what is to be sent."""
        self._is_flushing = False
        if not self._is_ending and (data := self._h2.data_to_send()):
            self._link.write(data)

    def reset_stream(self, request: Carried, code: str) -> None:
        """End a request with RST_STREAM."""
        if not request.is_reset:
            request.is_reset = True
            self._reset(request.id, ErrorCodes[code])

    def _reset(self, number: int, code: ErrorCodes) -> None:
        try:
            self._h2.reset_stream(number, code)
        except ProtocolError:
            return  # it is closed already
        self._streams.pop(number, None)
        self._rules.remember_reset(number)
        self.flush()

    # Ends --------------------------------------------------------------------------------

    def send_goaway(self, last: int) -> None:
        """Say that calls after the stream `last` were not processed; close when all are done."""
        self._h2.put_goaway(last, ErrorCodes.NO_ERROR)
        self._rules.is_draining = True
        self.flush()

    def abort(self) -> None:
        """Drop the connection at once."""
        self.flush()
        self._stop()
        self._link.reset()
        self._cut_all("the connection was reset")

    async def close(self) -> None:
        """Tell the client that the server stops, when its calls have cleared up (SV-17)."""
        self._link.pause_reading()
        if self._turn is not None:
            self._turn.cancel()
        for stream in self._streams.values():
            stream.farewell = "the server stopped [SV-17]"
        self._cut_all("the server stopped")
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        if self._rules.is_greeted:
            self._h2.put_goaway(self._rules.highest, ErrorCodes.NO_ERROR, "the server stopped")
        self.flush()
        self._is_ending = True
        self._link.abort()  # a client that reads slowly must not hold up the end

    def _fail(self, failure: ConnectionFailure) -> None:
        """End the connection with a GOAWAY that says why."""
        who = self.peer or "a client on the Unix socket"
        self._log.say(f"{failure.code}", f"closed the connection of {who}: {failure.text} [SV-11]")
        self._say_goodbye(failure.code, failure.text, failure.text)

    def _say_goodbye(self, code: ErrorCodes, text: str, why: str) -> None:
        """Tell the client `text`, close, and end its calls because of `why`."""
        last = self._rules.highest if self._rules.is_greeted else 0
        self._h2.put_goaway(last, code, text)
        self._end_politely()
        self._cut_all(why)

    def _end_incomplete(self, text: str) -> None:
        self._fail(ConnectionFailure(ErrorCodes.ENHANCE_YOUR_CALM, text))

    def _ping(self) -> None:
        self._h2.ping(b"are you?")
        self.flush()

    def _end_silent(self, seconds: float) -> None:
        text = f"nothing was heard for {seconds:.0f} seconds"
        self._say_goodbye(ErrorCodes.NO_ERROR, text, "the client was silent for too long")

    def _end_politely(self, patience: float = 0) -> None:
        """Close, so that the client can still read what was sent.

        Args:
            patience: Seconds for what the client has not taken yet; 0 is as long as for the rest.
        """
        self.flush()
        self._stop()
        self._cutter.received.clear()
        if self._link.is_closing():
            return
        # To close with bytes unread would reset the connection, and the GOAWAY with it.
        self._link.resume_reading()
        self._timers.linger(self._link.abort, patience if self._link.unsent else 0)
        self._finish()

    def _finish(self) -> None:
        if self._is_at_end:
            self._link.close()
            return
        if not self._link.unsent:
            self._timers.linger(self._link.abort)
        self._link.finish()

    def _cut_all(self, why: str) -> None:
        for stream in list(self._streams.values()):
            stream.cut(why)
        self._room.set()

    def _stop(self) -> None:
        self._is_ending = True
        self._timers.stop()
        if self._turn is not None:
            self._turn.cancel()
