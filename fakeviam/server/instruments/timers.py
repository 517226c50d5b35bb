"""Waiting by the fake's clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fakeviam.model.clock import SECOND

if TYPE_CHECKING:
    from fakeviam.model.clock import Clock

#: Real seconds that everything must have been waiting before the clock jumps, so that a client
#: that is about to call comes first.
_QUIET = 0.005


class Timers:
    """The waits on a clock, and the jumps of a jumping clock (CK-2).

    Attributes:
        calls: Number of calls in progress: the clock must not jump while one is working.
    """

    def __init__(self, clock: Clock) -> None:
        """Wait by `clock`."""
        self._clock = clock
        self._sleepers: dict[asyncio.Event, int] = {}
        self.calls = 0
        self._stalled = 0

    async def sleep_until(self, target: int) -> None:
        """Wait until the clock reaches `target`, in ns since the epoch."""
        loop = asyncio.get_running_loop()
        due = asyncio.Event()
        # The clock may be moved from any thread.
        stop = self._clock.on_move(lambda: _set_due(loop, due))
        self._sleepers[due] = target
        try:
            while (remaining := self._sleepers[due] - (seen := self._clock.now())) > 0:
                due.clear()
                began = loop.time()
                if self._sleepers[due] <= self._clock.now():  # it was moved in between
                    break
                await self._wait(due, remaining / SECOND)
                if not due.is_set():
                    self._sleepers[due] -= self._stepped_back(seen, loop.time() - began)
        finally:
            stop()
            del self._sleepers[due]

    async def real_sleep(self, seconds: float) -> None:
        """Wait in real time; the clock does not jump meanwhile."""
        await asyncio.sleep(seconds)

    async def for_ever(self) -> None:
        """Wait until the call is cancelled; this does not keep the clock from jumping."""
        self._stalled += 1
        try:
            await asyncio.Event().wait()
        finally:
            self._stalled -= 1

    def _stepped_back(self, seen: int, seconds: float) -> int:
        """How far the clock has gone back by itself, as NTP may set a machine's: who waits follows.

        Else a delay of a second would last an hour more.
        """
        gone = self._clock.now() - seen
        return 0 if gone >= 0 or self._clock.is_frozen else int(seconds * SECOND) - gone

    async def _wait(self, due: asyncio.Event, seconds: float) -> None:
        """Wait until the clock is moved, or until `seconds` have passed."""
        limits = [] if self._clock.is_frozen else [seconds]
        if self._clock.autojump:
            limits.append(_QUIET)
        try:
            await asyncio.wait_for(due.wait(), min(limits, default=None))
        except asyncio.TimeoutError:
            if self._clock.autojump and len(self._sleepers) + self._stalled >= self.calls:
                self._jump()

    def _jump(self) -> None:
        nearest = min(self._sleepers.values())
        if nearest > self._clock.now():
            self._clock.jump_to(nearest)


def _set_due(loop: asyncio.AbstractEventLoop, due: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(due.set)
    except RuntimeError:  # the loop was closed while the clock was moved
        return


def is_running_loop() -> bool:
    """Whether an event loop is running in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
