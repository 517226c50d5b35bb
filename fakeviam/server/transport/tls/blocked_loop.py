"""Serves connections while the event loop is blocked (TL-7, HT-12).

Before its first call, viam-sdk probes whether a server uses TLS, with a blocking socket in the
caller's event loop. A fake in the same loop could not respond, and the client would hang until its
timeout of twenty seconds. So a thread watches the listening socket and handles what cannot wait,
including health checks of a fake whose database hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import threading
from typing import TYPE_CHECKING

from fakeviam.server.transport.quiet_log import log
from fakeviam.server.transport.tls.diagnostics import HAS_NO_TLS, http_answer, unhealthy_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.server.transport.tls.connection import TlsConnection

#: Seconds after which a loop that has not accepted a connection counts as blocked.
_PATIENCE = 0.25

#: A plaintext health check, and how many seconds it waits for the loop.
_HEALTH = b"GET /healthz "
_HEALTH_PATIENCE = 2.0

#: The timeout of each step of a client.
_STEP = 0.5

_BLOCKED = (
    "the event loop of this fake stood still while a client began TLS, as viam-sdk does before its "
    "first call: `with FakeViam()`, in a thread, or the Unix socket as app_url, avoid the wait "
    "[TL-7]"
)


class LoopWatch:
    """Accepts connections on listening sockets while their event loop is blocked."""

    def __init__(
        self,
        listening: Sequence[int],
        protocol: Callable[[], asyncio.Protocol],
        encrypted: Callable[[], TlsConnection] | None,
        remember: Callable[[asyncio.Protocol], asyncio.Protocol],
        *,
        tells_health: bool,
    ) -> None:
        """Watch sockets that the current loop serves, in a thread.

        Args:
            listening: The file descriptors of the listening sockets.
            protocol: Creates the protocol of a connection for the loop.
            encrypted: Creates the TLS protocol; None if TLS is not used.
            remember: Called with each connection that is passed to the loop.
            tells_health: Whether to report a loop that is blocked for long as unhealthy.
        """
        self._loop = asyncio.get_running_loop()
        self._sockets = [socket.socket(fileno=os.dup(each)) for each in listening]
        self._protocol, self._encrypted, self._remember = protocol, encrypted, remember
        self._tells_health = tells_health
        self._waker, self._wakeups = socket.socketpair()
        self._thread = threading.Thread(target=self._watch, name="fakeviam-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, which gives the sockets back to their owner."""
        self._waker.send(b"\0")
        self._thread.join()
        for each in (*self._sockets, self._waker, self._wakeups):
            each.close()

    def _watch(self) -> None:
        arrivals = select.poll()
        for each in (*self._sockets, self._wakeups):
            arrivals.register(each, select.POLLIN)
        while self._wakeups.fileno() not in dict(arrivals.poll()):
            if self._stands_still():
                for each in self._sockets:
                    self._take_all(each)

    def _stands_still(self, patience: float = _PATIENCE) -> bool:
        """Whether the loop does not respond for a while."""
        moved = threading.Event()
        try:
            self._loop.call_soon_threadsafe(moved.set)
        except RuntimeError:  # the loop is closed, but the fake was not stopped
            return True
        return not moved.wait(patience)

    def _take_all(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client has gone
            while True:
                connected, _ = listening.accept()
                self._take(connected)

    def _take(self, connected: socket.socket) -> None:
        """Handle what cannot wait, and pass the connection to the loop."""
        connected.settimeout(_STEP)
        first = b""
        with contextlib.suppress(OSError):
            first = connected.recv(len(_HEALTH), socket.MSG_PEEK)
        if self._tells_health and first == _HEALTH and self._stands_still(_HEALTH_PATIENCE):
            _answer_in_clear(connected, unhealthy_answer())
            return
        if first[:1] != b"\x16":
            self._hand_over(connected, self._protocol)
            return
        if self._encrypted is None:
            log.warning("%s [TL-3]; %s", HAS_NO_TLS, _BLOCKED)
            _answer_in_clear(connected, http_answer(HAS_NO_TLS))
            return
        log.warning(_BLOCKED)
        encrypted = self._encrypted()
        if _shake_hands(connected, encrypted):
            self._hand_over(connected, lambda: self._remember(encrypted))

    def _hand_over(self, connected: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        connected.settimeout(0)

        def take() -> None:
            connecting = self._loop.create_task(self._loop.connect_accepted_socket(make, connected))
            connecting.add_done_callback(lambda done: done.cancelled() or done.exception())

        try:
            self._loop.call_soon_threadsafe(take)
        except RuntimeError:  # the loop is closed
            connected.close()


def _answer_in_clear(connected: socket.socket, answer: bytes) -> None:
    with connected, contextlib.suppress(OSError):
        connected.sendall(answer)
        connected.shutdown(socket.SHUT_WR)
        while connected.recv(4096):  # closing with unread input would destroy the reply
            pass


def _shake_hands(connected: socket.socket, encrypted: TlsConnection) -> bool:
    """Do the handshake; returns whether the client continues instead of only probing."""
    is_shaken = goes_on = False
    # SSLError is a subclass of OSError.
    with contextlib.suppress(OSError):
        while not is_shaken and (data := connected.recv(65536)):
            is_shaken = encrypted.begin(data)
            connected.sendall(encrypted.outgoing())
        goes_on = is_shaken  # unless it closes the connection now
        goes_on = encrypted.has_more or bool(connected.recv(1, socket.MSG_PEEK))
    if not goes_on:
        connected.close()
    return goes_on
