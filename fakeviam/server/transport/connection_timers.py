"""How long a connection waits for its client: to complete requests, to send, and to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sized

    from fakeviam.server.transport.limits import ConnectionLimits


class ConnectionTimers:
    """The timers of one connection.

    Attributes:
        heard: When the client last sent something, by the clock of the event loop.
        unfinished: What the client has started and must complete in time; empty if nothing.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: ConnectionLimits,
        *,
        calls: Sized,
        on_incomplete: Callable[[str], None],
        on_idle: Callable[[], None],
        on_silence: Callable[[float], None],
    ) -> None:
        """Start watching for silence.

        Args:
            loop: The event loop of the timers.
            limits: The durations.
            calls: The calls in progress; without any, less silence is tolerated.
            on_incomplete: Called with what the client did not complete in time.
            on_idle: Called when the client should be pinged.
            on_silence: Called with the seconds of silence when there were too many.
        """
        self.heard = loop.time()
        self._loop, self._limits, self._calls = loop, limits, calls
        self._on_incomplete, self._on_idle = on_incomplete, on_idle
        self._on_silence = on_silence
        self.unfinished = ""
        self._patience: asyncio.TimerHandle | None = None
        self._silence = loop.call_later(limits.idle_seconds, self._check_silence)

    def watch(self, unfinished: str) -> None:
        """Start the timeout for `unfinished`; empty stops it."""
        self.unfinished = unfinished
        if self._patience is not None:
            self._patience.cancel()
        if unfinished:
            self._patience = self._loop.call_later(self._limits.header_seconds, self._expire)

    def linger(self, abort: Callable[[], None], patience: float = 0) -> None:
        """Stop, and call `abort` after the client had time to read the reason, or `patience`."""
        self.stop()
        seconds = patience or self._limits.linger_seconds
        self._patience = self._loop.call_later(seconds, abort)

    def stop(self) -> None:
        """Cancel all timers."""
        self._silence.cancel()
        if self._patience is not None:
            self._patience.cancel()

    def _expire(self) -> None:
        seconds = self._limits.header_seconds
        self._on_incomplete(f"{self.unfinished} was not complete after {seconds:g} seconds")

    def _check_silence(self) -> None:
        """Ping a client that has been silent, and close if it does not respond."""
        limits, silent = self._limits, self._loop.time() - self.heard
        if self._calls:
            left = min(limits.stalled_seconds - silent, limits.idle_seconds)
        elif silent < limits.idle_seconds:
            left = limits.idle_seconds - silent
        elif silent < limits.idle_seconds + limits.ping_seconds:
            self._on_idle()
            left = limits.ping_seconds
        else:
            left = 0
        if left > 0:
            self._silence = self._loop.call_later(left, self._check_silence)
        else:
            self._on_silence(silent)
