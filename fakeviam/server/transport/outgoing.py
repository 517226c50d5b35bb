"""What a connection sends: answers as fast as they are taken, resets, and its last words."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from fakeviam.server.transport.call_stream import StreamClosedError
from fakeviam.server.transport.h2_private import CONNECTION_WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.call_stream import Carried
    from fakeviam.server.transport.connection_timers import ConnectionTimers
    from fakeviam.server.transport.frames import FrameRules
    from fakeviam.server.transport.h2_private import ServerH2
    from fakeviam.server.transport.sockets import Link
    from fakeviam.server.transport.stream import Request

#: Bytes that are written at once.
_WRITTEN_AT_ONCE = 64 * 1024


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
        self._unreturned = 0
        self._loop = asyncio.get_running_loop()

    def flush(self) -> None:
        """Write what is to be sent."""
        self._is_flushing = False
        if not self.is_closed and (data := self._h2.data_to_send()):
            self._link.write(data)

    # Room for what comes -----------------------------------------------------------------

    def took(self, size: int) -> None:
        """Let the client send as many bytes again as came, of whichever request."""
        self._unreturned += size
        if self._unreturned >= CONNECTION_WINDOW // 4:
            self._h2.increment_flow_control_window(self._unreturned)
            self._unreturned = 0

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
        # Not at once: what follows in the same step, such as the status, goes out with it.
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self.flush)

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
