"""What asyncio's transports do not offer: an end that fails quietly, and how the kernel watches."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

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
