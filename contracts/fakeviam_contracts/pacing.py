"""No more calls a second than a server may get."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Pace:
    """Spaces calls, of all connections and clients at once, so that no second has too many.

    When a call arrives nobody knows here, only that it was between its beginning and its end. So
    the call that is `max_rps` later waits until a second after that end.
    """

    def __init__(self, max_rps: float, now: Callable[[], float] = time.monotonic) -> None:
        """Allow `max_rps` calls in every second, as counted by `now`; one in longer if below 1."""
        self._most = max(1, math.floor(max_rps))
        self._span, self._between = max(1.0, 1 / max_rps), 1 / max_rps
        self._now = now
        self._next = -math.inf
        self._under_way = 0
        self._ended: deque[float] = deque(maxlen=self._most)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until a call may be made, which lasts as long as the context."""
        while (wait := self.wait()) > 0:  # noqa: ASYNC110 - time is what is waited for
            await asyncio.sleep(wait)
        self._next = self._now() + self._between
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._ended.append(self._now())

    def wait(self) -> float:
        """Seconds until it is worth asking again; none or less if a call may be made."""
        now = self._now()
        recent = [end for end in self._ended if end + self._span > now]
        room = self._most - self._under_way - len(recent)
        if room > 0:
            return self._next - now
        # Those that are under way end when they do.
        return min(recent, default=now) + self._span - now if recent else self._between
