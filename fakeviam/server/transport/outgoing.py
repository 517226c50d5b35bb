"""What goes out to a peer: the transport it goes by, and the frames of one HTTP/2 connection.

asyncio's transports do not offer an end that fails quietly, nor how the kernel watches; that is
`Link`, for whatever is spoken. `Outgoing` sends answers as fast as they are taken, resets, and the
last words of a connection.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from fakeviam.server.transport.call_stream import StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.call_stream import Carried
    from fakeviam.server.transport.connection_timers import ConnectionTimers
    from fakeviam.server.transport.frames import FrameRules
    from fakeviam.server.transport.h2_private import ServerH2
    from fakeviam.server.transport.stream import Request

#: Bytes that are written at once.
_WRITTEN_AT_ONCE = 64 * 1024

_RST_AT_CLOSE = struct.pack("ii", 1, 0)

#: Seconds until it is first asked whether a peer that says no more still listens, and between two.
_FIRST_ASKED, _ASKED_EVERY = 0.1, 1.0

#: How a step fails when the peer is gone: uvloop raises RuntimeError where asyncio does nothing.
_GONE = (OSError, RuntimeError)


class Link:
    """A transport whose peer may vanish between any two steps.

    No step raises: one that fails drops the connection, and asyncio tells `connection_lost`, where
    a connection is cleared up whatever has ended it.
    """

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        """Go through `transport`."""
        # That of another event loop, such as uvloop's, is no asyncio.Transport.
        self._transport = cast("asyncio.Transport", transport)
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send."""
        self._attempt(self._transport.write, data)

    def pause_reading(self) -> None:
        """Let what the peer sends wait."""
        self._attempt(self._transport.pause_reading)

    def resume_reading(self) -> None:
        """Take what the peer sends."""
        self._attempt(self._transport.resume_reading)

    def finish(self) -> None:
        """Say nothing more, so that the peer can read what was sent, and then finds the end.

        Call it again when the transport resumes writing: the end has to wait for what is
        buffered. asyncio would do that by itself, and fail aloud where the peer is gone by then.
        """
        self._attempt(self._finish)

    def _finish(self) -> None:
        if not self._transport.can_write_eof():
            self._transport.close()
        elif self._transport.get_write_buffer_size():
            self._transport.set_write_buffer_limits(high=0)
        else:
            self._transport.write_eof()

    @property
    def unsent(self) -> int:
        """Bytes that wait until the peer takes more."""
        return self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Drop the connection when all is sent."""
        self._attempt(self._transport.close)

    def outlast(self, probe: Callable[[], None]) -> None:
        """Go on with a peer that has said its last word, and drop it once it does not listen.

        Whoever has gone looks like one that waits for an answer, until something is sent: then its
        system answers with a reset. `probe` sends something that does no harm.
        """
        self._outlast(probe, _FIRST_ASKED)

    def _outlast(self, probe: Callable[[], None], wait: float) -> None:
        if self.is_closing():
            return
        if self._is_deaf:
            self.abort()
            return
        if wait > _FIRST_ASKED:
            probe()
        loop, longer = asyncio.get_running_loop(), min(2 * wait, _ASKED_EVERY)
        loop.call_later(wait, self._outlast, probe, longer)

    @property
    def _is_deaf(self) -> bool:
        """Whether the kernel knows that nothing reaches the peer any more."""
        if self._socket is None or not hasattr(select, "poll"):
            return False
        watch = select.poll()
        watch.register(self._socket.fileno(), 0)
        return bool(watch.poll(0))

    def abort(self) -> None:
        """Drop the connection."""
        # asyncio's own fails with an AttributeError when the connection is lost already.
        with suppress(*_GONE, AttributeError):
            self._transport.abort()

    def reset(self) -> None:
        """Drop the connection at once: TCP RST instead of an orderly end."""
        with suppress(*_GONE):
            if self._is_tcp:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_AT_CLOSE)
        self.abort()

    def keep_alive(self) -> None:
        """Let TCP find out that a peer is gone, of which no process needs to tell."""
        if not self._is_tcp:
            return
        with suppress(*_GONE):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6)):
                option = getattr(socket, name, None)  # not every system has all of them
                if option is not None:
                    self._socket.setsockopt(socket.IPPROTO_TCP, option, seconds)

    @property
    def _socket(self) -> Any:
        return self._transport.get_extra_info("socket")

    @property
    def _is_tcp(self) -> bool:
        connected = self._socket
        return connected is not None and connected.family != getattr(socket, "AF_UNIX", None)

    def _attempt(self, step: Callable[..., None], *arguments: object) -> None:
        if self.is_closing():
            return
        try:
            step(*arguments)
        except _GONE:
            self.abort()


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Who is at the other end, for people."""
    name = transport.get_extra_info("peername")
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "a client on the Unix socket"


class Outgoing:
    """The way out of one connection, which its requests share.

    Attributes:
        peer: Who is at the other end, `address:port`; empty on a Unix socket.
        scheme: Of the addresses that it calls, http or https.
        abort: Drops the connection at once.
        room: Set when there may be some for what waits to be sent.
        is_writable: Whether the transport does not pile up what it is given.
        is_at_end: Whether the client says nothing more.
        is_closed: Whether nothing more is said: the connection ends.
    """

    def __init__(
        self,
        link: Link,
        h2: ServerH2,
        rules: FrameRules,
        requests: dict[int, Request],
        *,
        scheme: str,
        peer: str,
        abort: Callable[[], None],
    ) -> None:
        """Send over `link` what `h2` makes of it, in those of `requests` that are not reset."""
        self._link, self._h2, self._rules, self._requests = link, h2, rules, requests
        self.scheme, self.peer, self.abort = scheme, peer, abort
        self.room = asyncio.Event()
        self.is_writable = True
        self.is_at_end = self.is_closed = False
        self._is_flushing = False
        self._loop = asyncio.get_running_loop()

    def flush(self) -> None:
        """Write what is to be sent."""
        self._is_flushing = False
        if not self.is_closed and (data := self._h2.data_to_send()):
            self._link.write(data)

    def _flush_soon(self) -> None:
        """Not at once: what follows in the same step, such as the status, goes out with it."""
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self.flush)

    def let_come(self, request: Carried, size: int) -> None:
        """Let the client send so many more bytes of a request."""
        if not request.is_reset and not self.is_closed:
            self._h2.increment_flow_control_window(size, request.id)
            self.flush()

    # Answers -----------------------------------------------------------------------------

    def send_headers(
        self, number: int, headers: list[tuple[str, str]], *, end: bool = False
    ) -> None:
        """Send headers or trailers.

        Raises:
            StreamClosedError: The call is over.
        """
        self._check_open(number)
        self._h2.send_headers(number, headers, end_stream=end)
        self._flush_soon()

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
            if rest and room <= 0 and self.is_at_end:
                self.reset(number, ErrorCodes.CANCEL)  # there will never be any
                continue
            if rest and (room <= 0 or not self.is_writable):
                self.flush()
                self.room.clear()
                await self.room.wait()
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
        self._flush_soon()

    def _check_open(self, number: int) -> None:
        request = self._requests.get(number)
        if self.is_closed or request is None or request.is_reset:
            raise StreamClosedError(f"stream {number} is closed")

    # Ends --------------------------------------------------------------------------------

    def reset_stream(self, request: Carried, code: str) -> None:
        """End a request with RST_STREAM."""
        if not request.is_reset:
            request.is_reset = True
            self.reset(request.id, ErrorCodes[code])

    def reset(self, number: int, code: ErrorCodes) -> None:
        """Send RST_STREAM, unless the stream is closed already."""
        try:
            self._h2.reset_stream(number, code)
        except ProtocolError:
            return
        self._requests.pop(number, None)
        self._rules.remember_reset(number)
        self.flush()

    def ping(self) -> None:
        """Ask the client whether it lives."""
        self._h2.ping(b"are you?")
        self.flush()

    def send_goaway(self, last: int) -> None:
        """Say that calls after the stream `last` were not processed; close when all are done."""
        self._h2.put_goaway(last, ErrorCodes.NO_ERROR)
        self._rules.is_draining = True
        self.flush()

    def say_goodbye(self, code: ErrorCodes, text: str) -> None:
        """Say why the connection ends, and which calls were processed."""
        last = self._rules.highest if self._rules.is_greeted else 0
        self._h2.put_goaway(last, code, text)

    def end(self, timers: ConnectionTimers, patience: float) -> None:
        """Close, so that the client can still read what was sent.

        Args:
            timers: Those of the connection.
            patience: Seconds for what the client has not taken yet; 0 is as long as for the rest.
        """
        if self._link.is_closing():
            return
        # To close with bytes unread would reset the connection, and the GOAWAY with it.
        self._link.resume_reading()
        timers.linger(self._link.abort, patience if self._link.unsent else 0)
        self.finish(timers)

    def finish(self, timers: ConnectionTimers) -> None:
        """Say nothing more; again when the transport resumes writing, since the end waits."""
        if self.is_at_end:
            self._link.close()
            return
        if not self._link.unsent:
            timers.linger(self._link.abort)
        self._link.finish()
