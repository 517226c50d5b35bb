"""The journal: the calls of one cloud, as many as its budget of bytes holds."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from fakeviam.server.journal.record import RecordedCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.clock import Clock
    from fakeviam.wire import Method

#: What a journal may hold, unless told otherwise.
DEFAULT_BYTES = 16 * 1024 * 1024


class Journal:
    """Calls in the order they arrived; the oldest go when the budget is used up (JR-2).

    Attributes:
        dropped: How many calls went because there was no room.
    """

    def __init__(self, *, clock: Clock, stopwatch: Callable[[], int], budget: int) -> None:
        """Keep at most about `budget` bytes; `stopwatch` reads nanoseconds."""
        self.dropped = 0
        self.stopwatch = stopwatch
        self.budget = budget
        self._clock = clock
        self._records: deque[RecordedCall] = deque()
        self._weight = 0
        self._number = 0
        self._waiters: dict[object, Callable[[], None]] = {}

    def __len__(self) -> int:
        return len(self._records)

    def records(self) -> tuple[RecordedCall, ...]:
        """The calls that are kept, oldest first."""
        while True:
            try:
                return tuple(self._records)
            except RuntimeError:  # noqa: PERF203 - another thread's call came in between
                continue

    def begin(self, method: Method, **facts: Any) -> RecordedCall:
        """Make the record of a call that has just arrived."""
        self._number += 1
        record = RecordedCall(
            number=self._number,
            method=method,
            time=self._clock.now(),
            started=self.stopwatch(),
            **facts,
        )
        self._records.append(record)
        return record

    def end(self, record: RecordedCall, *, status: str, text: str = "") -> None:
        """Note how a call ended, make room, and tell those who wait."""
        if record.status is not None:
            return
        record.ended(status=status, text=text, at=self.stopwatch())
        if not record.dropped:
            self._weight += record.weight
        while self._weight > self.budget and len(self._records) > 1:
            self._drop(self._records.popleft())
        for wake in tuple(self._waiters.values()):
            wake()

    def _drop(self, record: RecordedCall) -> None:
        record.dropped = True
        self.dropped += 1
        if not record.in_progress:  # else its weight was not counted yet
            self._weight -= record.weight

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each call that ends; what is returned stops that."""
        key = object()
        self._waiters[key] = wake

        def stop() -> None:
            self._waiters.pop(key, None)

        return stop

    def clear(self) -> int:
        """Forget every call; answer how many there were. Numbers start at 1 again."""
        count = len(self._records)
        self._records.clear()
        self._weight = self._number = self.dropped = 0
        return count
