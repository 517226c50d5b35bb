"""Rate-limited warnings, for what a client can cause any number of times."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

log = logging.getLogger("fakeviam")

#: Seconds between two messages of the same kind.
PERIOD = 10.0

#: Errors of accept() when the process or the system is out of resources.
_OUT_OF = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class QuietLog:
    """Logs each kind of message once per period, and then how often it was suppressed."""

    def __init__(self, clock: Callable[[], float], period: float = PERIOD) -> None:
        """Use `clock` for the time, in seconds."""
        self._clock, self._period = clock, period
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def say(self, kind: str, text: str) -> None:
        """Log `text`, unless a message of the same kind was logged recently."""
        now = self._clock()
        if now - self._said.get(kind, -self._period) < self._period:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        self._said[kind] = now
        more = self._unsaid.pop(kind, 0)
        log.warning(
            "%s%s", text, f" (and {more} more of the kind since the last line)" * bool(more)
        )


def accept_quietly(loop: asyncio.AbstractEventLoop) -> None:
    """Make our own loop log at most once a minute that it cannot accept connections.

    asyncio tries again each second, up to a hundred times, and logs each with a traceback.
    """
    quiet = QuietLog(loop.time, period=60.0)

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _OUT_OF and "socket" in context:
            text = "new connections have to wait until others close; ulimit -n raises the number"
            quiet.say("accept", f"cannot accept a connection: {error.strerror}; {text} [SV-11]")
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
