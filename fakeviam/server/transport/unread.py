"""Clients that stop reading, on connections that nothing else would close."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fakeviam.server.transport.outgoing import Link

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.limits import ConnectionLimits


class UnreadAnswers:
    """Drops a connection whose client has read nothing of the pending output for too long."""

    def __init__(
        self,
        transport: asyncio.BaseTransport,
        limits: ConnectionLimits,
        *,
        drop: Callable[[], None] | None = None,
    ) -> None:
        """Watch `transport`; `drop` drops the connection, which by default is aborted."""
        self._link, self._patience = Link(transport), limits.stalled_seconds
        self._drop = self._link.abort if drop is None else drop
        self._timer: asyncio.TimerHandle | None = None
        self._left, self._has_read = 0, False

    def watch(self) -> None:
        """Start the timeout: something was sent and may not be read."""
        if self._timer is None and self._link.unsent:
            self._wait()

    def note_progress(self) -> None:
        """Restart the timeout: the client has read a good deal."""
        self._has_read = True

    def stop(self) -> None:
        """Stop watching: the connection is closed."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        self._left, self._has_read = self._link.unsent, False
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._check)

    def _check(self) -> None:
        self._timer, left = None, self._link.unsent
        if left and not self._has_read and left >= self._left:
            self._drop()
        elif left:
            self._wait()
