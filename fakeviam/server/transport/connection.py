"""A client's HTTP/2 connection: frames in, calls begun and ended, frames out.

h2 keeps the states of streams and the tables of headers. Everything that RFC 9113 leaves to a
server is decided here: what one call's mistake costs it, what a client may cost its neighbours,
and when a connection ends.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from grpclib.const import Status
from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from hyperframe.frame import GoAwayFrame, RstStreamFrame, WindowUpdateFrame

from fakeviam.server.transport import frames
from fakeviam.server.transport.call_stream import StreamClosedError
from fakeviam.server.transport.frame_rules import FrameRules, StreamFailure
from fakeviam.server.transport.frames import ConnectionFailure, FrameCutter
from fakeviam.server.transport.h2_private import CONNECTION_WINDOW, ServerH2
from fakeviam.server.transport.head import HeadReader, check_trailers
from fakeviam.server.transport.quiet_log import log
from fakeviam.server.transport.sockets import abort, keep_alive
from fakeviam.server.transport.stream import GrpcStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.call_stream import Route, Router
    from fakeviam.server.transport.frames import Frame
    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.server.transport.quiet_log import QuietLog

#: Bytes that are written at once, and are let come in when nobody listens any more.
_WRITTEN_AT_ONCE = 64 * 1024
_IGNORED_AT_MOST = 16 * 1024 * 1024

#: Streams; of earlier ones nothing more comes.
_GIVEN_UP_AT_MOST = 1000


class GrpcConnection(asyncio.Protocol):
    """One connection, whose calls go where `router` says."""

    def __init__(
        self,
        router: Router,
        *,
        limits: ConnectionLimits,
        largest: int | None,
        quiet_log: QuietLog,
    ) -> None:
        """Wait to be connected.

        Args:
            router: What answers which path.
            limits: What the connection may cost.
            largest: Bytes of a message at most; None takes all.
            quiet_log: Where it is said that a client broke the rules.
        """
        self._router, self._limits, self._largest = router, limits, largest
        self._log = quiet_log
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        self._streams: dict[int, GrpcStream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._h2 = ServerH2(limits)
        self._heads = HeadReader(limits.header_list_bytes)
        self._out = bytearray()
        self._cutter = FrameCutter()
        self._turn: asyncio.Handle | None = None
        self._is_ending = self._is_paused = False
        self._given_up: dict[int, None] = {}  # streams that were reset, and may have more to come
        self._unreturned = self._ignored = 0
        self._is_writable = True
        self._waiting: set[asyncio.Future[None]] = set()
        self._handlers: dict[type[events.Event], Callable[[Any], None]] = {
            events.RequestReceived: self._begin_call,
            events.DataReceived: self._take_data,
            events.TrailersReceived: self._take_trailers,
            events.StreamEnded: self._take_end,
            events.StreamReset: self._take_reset,
            events.WindowUpdated: self._take_window,
            events.RemoteSettingsChanged: self._take_window,
        }

    # asyncio's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client."""
        # That of another event loop, such as uvloop's, is no asyncio.Transport.
        self.transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._is_flushing = False
        address = transport.get_extra_info("peername")
        self.peer = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else ""
        keep_alive(transport)
        self._heard = self.now()
        self._rules = FrameRules(self._limits, self._streams, now=self._heard)
        self._awaited = ""
        self._patience: asyncio.TimerHandle | None = None
        self._silence = self._loop.call_later(self._limits.idle_seconds, self._notice_silence)
        self._watch()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._is_ending:
            self._ignored += len(data)
            if self._ignored > _IGNORED_AT_MOST:
                self.abort()
            return
        self._cutter.add(data)
        if self._turn is None:
            self._take_turn()

    def eof_received(self) -> None:
        """The client says nothing more; the transport closes."""

    def pause_writing(self) -> None:
        """Wait with what is to be sent."""
        self._is_writable = False

    def resume_writing(self) -> None:
        """Go on sending."""
        self._is_writable = True
        self._wake_senders()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all calls."""
        self._is_ending = True
        self._stop_clocks()
        self._cut_all(f"the connection was lost: {exc}" if exc else "the client hung up")

    # Frames ------------------------------------------------------------------------------

    def _take_turn(self) -> None:
        """Handle some of the frames that came; those of other connections come in between."""
        self._turn = None
        try:
            for frame in self._cutter.frames(self._limits.frames_per_turn):
                self._handle(frame)
                if self._is_ending:
                    return
        except ConnectionFailure as failure:
            self._fail(failure)
            return
        self._watch()
        self._end_when_drained()
        self.flush()
        transport = self.transport
        if transport is None or transport.is_closing() or self._is_ending:
            return
        if self._cutter.has_frame:
            self._is_paused = True
            transport.pause_reading()
            self._turn = self._loop.call_soon(self._take_turn)
        elif self._is_paused:
            self._is_paused = False
            transport.resume_reading()

    def _handle(self, frame: Frame) -> None:
        self._heard = self.now()
        if frame.kind == frames.HEADERS and not self._rules.is_greeted:
            refused = RstStreamFrame(frame.stream_id, error_code=ErrorCodes.REFUSED_STREAM)
            self._out += refused.serialize()
        try:
            taken = self._rules.apply(frame, now=self._heard)
        except StreamFailure as failure:
            self._fail_stream(failure.stream_id, failure.text, failure.code)
            return
        if taken is None:
            return
        given_up = taken.stream_id in self._given_up
        if given_up and taken.kind == frames.DATA:
            self._make_room(taken.size)
            return
        self._feed(taken)
        if given_up:  # once reset is enough (RFC 9113, 5.4.2)
            self._h2.clear_outbound_data_buffer()

    def _make_room(self, size: int) -> None:
        """Let the client send so many bytes more, as h2 does not know that it sent any."""
        if size:
            self._out += WindowUpdateFrame(0, window_increment=size).serialize()

    def _feed(self, frame: Frame) -> None:
        """Let h2 take a frame, and handle what it makes of it."""
        self._out += self._h2.data_to_send()
        try:
            found = self._h2.receive_data(frame.raw)
        except ProtocolError as error:
            self._h2.clear_outbound_data_buffer()  # the GOAWAY that says nothing
            where = f"stream {frame.stream_id}" if frame.stream_id else "the connection"
            text = f"a {frames.NAMES[frame.kind]} frame on {where}: {error}"
            raise ConnectionFailure(ErrorCodes(error.error_code), text) from error
        for event in found:
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
        head = self._heads.read(event.headers)
        if head.malformed:
            self._rules.spend_reset()
            if not head.path:
                self._reset(number, ErrorCodes.PROTOCOL_ERROR)
                return
        route = self._router.find(head.path)
        stream = GrpcStream(self, number, head, route.method, largest=self._largest)
        self._streams[number] = stream
        task = self._loop.create_task(self._run(stream, route))
        stream.task = task
        self._tasks.add(task)
        expiry = (
            None if head.timeout is None else self._loop.call_later(head.timeout, stream.expire)
        )

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if expiry is not None:
                expiry.cancel()
            self._end_call(stream)

        task.add_done_callback(done)

    def _take_data(self, event: events.DataReceived) -> None:
        flow = event.flow_controlled_length
        self._unreturned += flow
        if self._unreturned >= CONNECTION_WINDOW // 4:
            self._h2.increment_flow_control_window(self._unreturned)
            self._unreturned = 0
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.is_reset or stream.has_ended:
            return
        if wrong := stream.received(event.data, flow):
            self._fail_stream(stream.id, wrong, ErrorCodes.PROTOCOL_ERROR)

    def _take_trailers(self, event: events.TrailersReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        wrong = check_trailers(event.headers)
        if stream.id in self._rules.unended:
            wrong = "headers came that do not end the request"
        if wrong:
            self._fail_stream(stream.id, wrong, ErrorCodes.PROTOCOL_ERROR)

    def _take_end(self, event: events.StreamEnded) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None and not stream.is_reset and (wrong := stream.end_of_request()):
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
            self._give_up(stream.id)
            self._blame(stream, "the flow-control window is too large")

    def _take_window(self, event: events.WindowUpdated | events.RemoteSettingsChanged) -> None:
        del event
        self._wake_senders()

    def _fail_stream(self, number: int, why: str, code: ErrorCodes) -> None:
        """Reset a call that is none by RFC 9113, and no other."""
        self._rules.spend_reset()
        stream = self._streams.get(number)
        if stream is not None and not stream.has_ended:
            self._reset(number, code)
            self._blame(stream, why)

    def _blame(self, stream: GrpcStream, why: str) -> None:
        """End a call that was reset because it is malformed."""
        stream.is_reset = True
        if stream.is_started:
            stream.cut(f"malformed: {why} [SV-9]")
        else:
            stream.malformed = why  # so that it stands in the journal

    # Calls -------------------------------------------------------------------------------

    async def _run(self, stream: GrpcStream, route: Route) -> None:
        """Answer a call, whatever happens."""
        stream.is_started = True
        try:
            await route.handle(stream)
            if not stream.has_ended and not stream.is_reset:
                await stream.send_trailing_metadata()
        except asyncio.CancelledError:
            if stream.time_left == 0:
                await self._tell(stream, Status.DEADLINE_EXCEEDED, "the deadline has passed [SV-8]")
        except StreamClosedError:
            pass
        except Exception:  # noqa: BLE001 - what the pipeline did not answer itself
            log.exception("fakeviam has a bug, please report it")
            await self._tell(stream, Status.INTERNAL, "fakeviam has a bug [SV-4]")

    async def _tell(self, stream: GrpcStream, status: Status, text: str) -> None:
        if not (stream.has_ended or stream.is_reset or self._is_ending):
            await stream.send_trailing_metadata(status=status, status_message=text)

    def _end_call(self, stream: GrpcStream) -> None:
        """Forget a call that was answered or cut."""
        stream.drop_unread()
        self._rules.unended.discard(stream.id)
        if stream.has_ended and not stream.client_ended and not stream.is_reset:
            # It may stop sending: there is an answer already (RFC 9113, 8.1).
            self._reset(stream.id, ErrorCodes.NO_ERROR)
        self._streams.pop(stream.id, None)
        self.flush()
        self._end_when_drained()

    def _end_when_drained(self) -> None:
        if self._rules.is_draining and not self._streams and not self._is_ending:
            self._end_politely()

    def now(self) -> float:
        """Seconds, by the clock of the event loop."""
        return self._loop.time()

    def future(self) -> asyncio.Future[None]:
        """Something to wait for."""
        return self._loop.create_future()

    def let_come(self, stream: GrpcStream, size: int) -> None:
        """Let the client send so many more bytes of a call."""
        if not stream.is_reset and not self._is_ending:
            self._h2.increment_flow_control_window(size, stream.id)
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
            if rest and (room <= 0 or not self._is_writable):
                self.flush()
                await self._wait_to_send()
                continue
            part = rest[: min(room, self._h2.max_outbound_frame_size)]
            rest = rest[len(part) :]
            self._h2.send_data(number, bytes(part), end_stream=end and not rest)
            self._rules.earn_control()
            unflushed += len(part)
            if unflushed >= _WRITTEN_AT_ONCE:
                self.flush()
                unflushed = 0
            if not rest:
                break
        # Not at once: what follows in the same step, such as the status, goes out with it.
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self.flush)

    async def _wait_to_send(self) -> None:
        waiting = self.future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    def _wake_senders(self) -> None:
        for each in self._waiting:
            if not each.done():
                each.set_result(None)

    def _check_open(self, number: int) -> None:
        stream = self._streams.get(number)
        if self._is_ending or stream is None or stream.is_reset:
            raise StreamClosedError(f"stream {number} is closed")

    def flush(self) -> None:
        """Write what is to be sent."""
        self._is_flushing = False
        if self._is_ending:
            return
        data = self._h2.data_to_send()
        if self._out:
            data = bytes(self._out) + data
            self._out.clear()
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def reset_stream(self, stream: GrpcStream, code: str) -> None:
        """End a call with RST_STREAM."""
        if not stream.is_reset:
            stream.is_reset = True
            self._reset(stream.id, ErrorCodes[code])

    def _reset(self, number: int, code: ErrorCodes) -> None:
        try:
            self._h2.reset_stream(number, code)
        except ProtocolError:
            return  # it is closed already
        self._streams.pop(number, None)
        self._give_up(number)
        self.flush()

    def _give_up(self, number: int) -> None:
        self._given_up[number] = None
        if len(self._given_up) > _GIVEN_UP_AT_MOST:
            del self._given_up[next(iter(self._given_up))]

    # Ends --------------------------------------------------------------------------------

    def send_goaway(self, last: int) -> None:
        """Say that calls after the stream `last` were not processed; close when all are done."""
        # Written past h2, which would let nothing else out of this connection afterwards.
        self._out += GoAwayFrame(0, last_stream_id=last, error_code=0).serialize()
        self._rules.is_draining = True
        self.flush()

    def abort(self) -> None:
        """Drop the connection at once."""
        self.flush()
        self._is_ending = True
        self._stop_clocks()
        if self.transport is not None:
            abort(self.transport)
        self._cut_all("the connection was reset")

    async def close(self) -> None:
        """Drop the connection, and wait for what its calls have to clear up."""
        self._is_ending = True
        if self.transport is not None:
            # Abort: a client that reads slowly must not hold up the end.
            self.transport.abort()
        self._cut_all("the server stopped")
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def _fail(self, failure: ConnectionFailure) -> None:
        """End the connection with a GOAWAY that says why."""
        who = self.peer or "a client on the Unix socket"
        self._log.say(f"{failure.code}", f"closed the connection of {who}: {failure.text} [SV-11]")
        self._say_goodbye(failure.code, failure.text)
        self._end_politely()
        self._cut_all(failure.text)

    def _say_goodbye(self, code: ErrorCodes, text: str) -> None:
        last = self._rules.highest if self._rules.is_greeted else 0
        self._out += self._h2.data_to_send()
        self._out += GoAwayFrame(
            0, last_stream_id=last, error_code=code, additional_data=text.encode()
        ).serialize()

    def _end_politely(self) -> None:
        """Close, so that the client can still read what was sent."""
        self.flush()
        self._is_ending = True
        self._stop_clocks()
        self._cutter.clear()
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        # To close with bytes unread would reset the connection, and the GOAWAY with it.
        transport.resume_reading()
        self._patience = self._loop.call_later(self._limits.linger_seconds, transport.abort)
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()

    def _cut_all(self, why: str) -> None:
        for stream in list(self._streams.values()):
            stream.cut(why)
        self._wake_senders()

    def _stop_clocks(self) -> None:
        for clock in (self._patience, self._silence, self._turn):
            if clock is not None:
                clock.cancel()

    def _watch(self) -> None:
        """Give the client some time for what it has begun."""
        awaited = self._rules.unfinished
        if awaited == self._awaited:
            return
        self._awaited = awaited
        if self._patience is not None:
            self._patience.cancel()
        if awaited:
            self._patience = self._loop.call_later(self._limits.header_seconds, self._lose_patience)

    def _lose_patience(self) -> None:
        text = f"{self._awaited} was not complete after {self._limits.header_seconds:g} seconds"
        self._fail(ConnectionFailure(ErrorCodes.ENHANCE_YOUR_CALM, text))

    def _notice_silence(self) -> None:
        """Ask a client that has been silent whether it lives; close when it is not."""
        limits, silent = self._limits, self.now() - self._heard
        if self._streams:
            left = limits.stalled_seconds - silent
            if left <= 0:
                self._end_silent(silent)
                return
            self._silence = self._loop.call_later(
                min(left, limits.idle_seconds), self._notice_silence
            )
        elif silent < limits.idle_seconds:
            self._silence = self._loop.call_later(
                limits.idle_seconds - silent, self._notice_silence
            )
        elif silent < limits.idle_seconds + limits.ping_seconds:
            self._h2.ping(b"are you?")
            self.flush()
            self._silence = self._loop.call_later(limits.ping_seconds, self._notice_silence)
        else:
            self._end_silent(silent)

    def _end_silent(self, silent: float) -> None:
        self._say_goodbye(ErrorCodes.NO_ERROR, f"nothing was heard for {silent:.0f} seconds")
        self._end_politely()
        self._cut_all("the client was silent for too long")
