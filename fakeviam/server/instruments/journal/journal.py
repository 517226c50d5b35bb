"""The journal: the recorded calls of one cloud, within a memory budget."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from fakeviam.server.instruments.journal.record import KEPT_BYTES, RecordedCall
from fakeviam.server.instruments.journal.shortening import shortened
from fakeviam.wire.encoded import Encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from fakeviam.model.clock import Clock
    from fakeviam.server.instruments.journal.redaction import Metadata
    from fakeviam.wire import Method

#: The default budget in bytes.
DEFAULT_BYTES = 16 * 1024 * 1024


class Journal:
    """Calls in order of arrival; the oldest are dropped when the budget is exceeded (JR-2).

    Attributes:
        dropped: How many calls were dropped.
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
        """The recorded calls, oldest first."""
        while True:
            try:
                return tuple(self._records)
            except RuntimeError:  # noqa: PERF203 - another thread's call came in between
                continue

    def begin(
        self,
        method: Method,
        *,
        peer: str = "",
        metadata: Metadata | None = None,
        deadline: float | None = None,
    ) -> RecordedCall:
        """Record a call that has just arrived."""
        self._number += 1
        record = RecordedCall(
            number=self._number,
            method=method,
            arrived=self._clock.now(),
            started=self.stopwatch(),
            peer=peer,
            sent_metadata=metadata,
            deadline=deadline,
        )
        if metadata:
            record.weight += sum(len(key) + len(value) for key, value in metadata.items())
        self._records.append(record)
        self._weight += record.weight
        if self._weight > self.budget:
            self._make_room()
        return record

    def received(self, record: RecordedCall, message: Message) -> None:
        """Record a request message."""
        size = message.ByteSize()
        record.messages_received += 1
        record.bytes_received += size
        if record.kept.size + size <= KEPT_BYTES:
            record.kept.requests.append(message)
            self._keep(record, size)
        elif record.kept.first is None:
            message = shortened(message, KEPT_BYTES)
            record.kept.requests.append(message)
            self._keep(record, message.ByteSize())
        if record.kept.first is None:
            record.kept.first = message

    def replied(self, record: RecordedCall, reply: Message | Encoded) -> None:
        """Record a reply message."""
        if isinstance(reply, Encoded):
            size = sum(map(len, reply.pieces))
        else:
            size = reply.ByteSize()
        record.messages_sent += 1
        record.bytes_sent += size
        if record.kept.size + size <= KEPT_BYTES:
            record.kept.replies.append(reply)
            self._keep(record, size)

    def end(
        self,
        record: RecordedCall,
        *,
        status: str,
        text: str = "",
        replies: Iterable[Message | Encoded] = (),
    ) -> None:
        """Record the last replies and the status, and notify those who wait."""
        for reply in replies:
            self.replied(record, reply)
        if record.status is not None:
            return
        record.status, record.text = status, text
        record.stopped, record.ended_at = self.stopwatch(), self._clock.now()
        for wake in tuple(self._waiters.values()):
            wake()

    def _keep(self, record: RecordedCall, size: int) -> None:
        record.kept.size += size
        record.weight += size
        if not record.dropped:
            self._weight += size
            if self._weight > self.budget:
                self._make_room()

    def _make_room(self) -> None:
        while self._weight > self.budget and len(self._records) > 1:
            record = self._records.popleft()
            record.dropped = True
            self.dropped += 1
            self._weight -= record.weight

    def transfer(self, record: RecordedCall, other: Journal) -> None:
        """Move a call that has just arrived to another journal (SS-4)."""
        if self._records and self._records[-1] is record:  # nearly always
            self._records.pop()
            self._number -= 1
        elif record in self._records:
            self._records.remove(record)
        self._weight -= record.weight
        other._weight += record.weight
        other._number += 1
        record.number = other._number
        other._records.append(record)

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after each call that ends; returns a function that stops this."""
        key = object()
        self._waiters[key] = wake

        def stop() -> None:
            self._waiters.pop(key, None)

        return stop

    def clear(self) -> int:
        """Delete every call, and return how many there were. Numbers start at 1 again."""
        count = len(self._records)
        for record in self._records:  # some may be in progress, and would still count
            record.dropped = True
        self._records.clear()
        self._weight = self._number = self.dropped = 0
        return count
