"""The sending side of a connection: its transport, and the frames of HTTP/2.

`Link` adds what asyncio's transports lack: closing without errors when the peer is gone, and TCP
keep-alive. `Outgoing` sends replies under flow control, resets, and the final GOAWAY.
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

#: Bytes per write, and per frame: clients may allow frames of 16 MiB, which all wait in the buffer.
_WRITTEN_AT_ONCE = 64 * 1024

_RST_AT_CLOSE = struct.pack("ii", 1, 0)

#: Seconds before the first probe of a silent peer, and between two probes.
_FIRST_ASKED, _ASKED_EVERY = 0.1, 1.0

#: What operations raise when the peer is gone: uvloop raises RuntimeError where asyncio does not.
_GONE = (OSError, RuntimeError)


class Link:
    """A transport whose peer may disappear at any moment.

    No method raises: a failure drops the connection, and asyncio then calls `connection_lost`,
    where every connection is cleaned up regardless of how it ended.
    """

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        """Wrap `transport`."""
        # A transport of another event loop, such as uvloop's, is not an asyncio.Transport.
        self._transport = cast("asyncio.Transport", transport)
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._attempt(self._transport.write, data)

    def pause_reading(self) -> None:
        """Stop reading, so that the peer's data stays in the kernel."""
        self._attempt(self._transport.pause_reading)

    def resume_reading(self) -> None:
        """Resume reading."""
        self._attempt(self._transport.resume_reading)

    def finish(self) -> None:
        """Half-close: send EOF after the buffered data, so that the peer can read all of it.

        Call it again when the transport resumes writing: EOF must wait until the buffer is empty.
        asyncio could do that itself, but would log an error if the peer is gone by then.
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
        """Bytes in the transport's buffer."""
        return self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Close when the buffer is sent."""
        self._attempt(self._transport.close)

    def outlast(self, probe: Callable[[], None]) -> None:
        """Keep serving a half-closed peer, and drop it once it no longer listens.

        A peer that has exited looks like one that waits for a reply, until we send something and
        its kernel answers with RST. `probe` sends something harmless.
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
        """Whether the kernel knows that the peer no longer receives."""
        if self._socket is None or not hasattr(select, "poll"):
            return False
        watch = select.poll()
        watch.register(self._socket.fileno(), 0)
        return bool(watch.poll(0))

    def abort(self) -> None:
        """Drop the connection."""
        # asyncio's own abort raises AttributeError if the connection is already lost.
        with suppress(*_GONE, AttributeError):
            self._transport.abort()

    def reset(self) -> None:
        """Drop the connection with a TCP RST instead of an orderly close."""
        with suppress(*_GONE):
            if self._is_tcp:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_AT_CLOSE)
        self.abort()

    def keep_alive(self) -> None:
        """Let TCP detect a peer that disappeared without closing."""
        if not self._is_tcp:
            return
        with suppress(*_GONE):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6)):
                option = getattr(socket, name, None)  # not every system has all options
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
    """The peer's address, for people."""
    name = transport.get_extra_info("peername")
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "a client on the Unix socket"


class Outgoing:
    """The sending side of one HTTP/2 connection, shared by its requests.

    Attributes:
        peer: The client's `address:port`; empty on a Unix socket.
        scheme: Scheme of the URLs that the client calls, http or https.
        abort: Drops the connection immediately.
        room: Set when blocked senders should check the windows again.
        is_writable: Whether the transport's buffer has room.
        is_at_end: Whether the client has half-closed the connection.
        is_closed: Whether nothing more is sent, because the connection ends.
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
        """Send the output of `h2` over `link`, for those of `requests` that are not reset."""
        self._link, self._h2, self._rules, self._requests = link, h2, rules, requests
        self.scheme, self.peer, self.abort = scheme, peer, abort
        self.room = asyncio.Event()
        self.is_writable = True
        self.is_at_end = self.is_closed = False
        self._is_flushing = False
        self._loop = asyncio.get_running_loop()

    def flush(self) -> None:
        """Write pending output."""
        self._is_flushing = False
        if not self.is_closed and (data := self._h2.data_to_send()):
            self._link.write(data)

    def _flush_soon(self) -> None:
        """Flush later, so that what follows in this step, such as trailers, is sent with it."""
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self.flush)

    def let_come(self, request: Carried, size: int) -> None:
        """Grant the client `size` bytes of window for a request."""
        if not request.is_reset and not self.is_closed:
            self._h2.increment_flow_control_window(size, request.id)
            self.flush()

    # Responses ----------------------------------------------------------------------------

    def send_headers(
        self, number: int, headers: list[tuple[str, str]], *, end: bool = False
    ) -> None:
        """Send headers or trailers.

        Raises:
            StreamClosedError: The call has ended.
        """
        self._check_open(number)
        self._h2.send_headers(number, headers, end_stream=end)
        self._flush_soon()

    async def send_data(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Send data at the rate that flow control and the transport allow.

        Raises:
            StreamClosedError: The call has ended.
        """
        rest = memoryview(data)
        unflushed = 0
        while True:
            self._check_open(number)
            room = self._h2.local_flow_control_window(number)
            if rest and room <= 0 and self.is_at_end:
                self.reset(number, ErrorCodes.CANCEL)  # no WINDOW_UPDATE can arrive any more
                continue
            if rest and (room <= 0 or not self.is_writable):
                self.flush()
                self.room.clear()
                await self.room.wait()
                continue
            part = rest[: min(room, self._h2.max_outbound_frame_size, _WRITTEN_AT_ONCE)]
            rest = rest[len(part) :]
            self._h2.send_data(number, bytes(part), end_stream=end and not rest)
            self._rules.useful += 1
            unflushed += len(part)
            if unflushed >= _WRITTEN_AT_ONCE:
                self.flush()
                unflushed = 0
                await asyncio.sleep(0)  # let other calls run
            if not rest:
                break
        self._flush_soon()

    def _check_open(self, number: int) -> None:
        request = self._requests.get(number)
        if self.is_closed or request is None or request.is_reset:
            raise StreamClosedError(f"stream {number} is closed")

    # Ends --------------------------------------------------------------------------------

    def reset_stream(self, request: Carried, code: str) -> None:
        """Reset the stream of a request."""
        if not request.is_reset:
            request.is_reset = True
            self.reset(request.id, ErrorCodes[code])

    def reset(self, number: int, code: ErrorCodes) -> None:
        """Send RST_STREAM, unless the stream is already closed."""
        try:
            self._h2.reset_stream(number, code)
        except ProtocolError:
            return
        self._requests.pop(number, None)
        self._rules.remember_reset(number)
        self.flush()

    def ping(self) -> None:
        """Ask the client for a sign of life."""
        self._h2.ping(b"are you?")
        self.flush()

    def send_goaway(self, last: int) -> None:
        """Announce that calls after stream `last` were not processed; close after the others."""
        self._h2.put_goaway(last, ErrorCodes.NO_ERROR)
        self._rules.is_draining = True
        self.flush()

    def say_goodbye(self, code: ErrorCodes, text: str) -> None:
        """Send GOAWAY with the reason and the last processed stream."""
        last = self._rules.highest if self._rules.is_greeted else 0
        self._h2.put_goaway(last, code, text)

    def end(self, timers: ConnectionTimers, patience: float) -> None:
        """Close without losing what was already sent.

        Args:
            timers: The timers of the connection.
            patience: Seconds to wait for unsent output; 0 uses the limit.
        """
        if self._link.is_closing():
            return
        # Closing a socket with unread input sends RST, which would destroy the GOAWAY.
        self._link.resume_reading()
        timers.linger(self._link.abort, patience if self._link.unsent else 0)
        self.finish(timers)

    def finish(self, timers: ConnectionTimers) -> None:
        """Send EOF; called again when the transport resumes writing, since EOF must wait."""
        if self.is_at_end:
            self._link.close()
            return
        if not self._link.unsent:
            timers.linger(self._link.abort)
        self._link.finish()
