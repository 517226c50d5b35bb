"""The fake's only source of time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# What a datetime, and a Timestamp on the wire, can say.
_FIRST = -62_135_596_800 * SECOND
_LAST = 253_402_300_799 * SECOND + SECOND - 1
_OUTSIDE = "the clock cannot leave the years 1 to 9999"


def nanos_of(moment: datetime) -> int:
    """Nanoseconds since the epoch; a naive moment is taken as UTC (TM-1)."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def moment_of(nanos: int) -> datetime:
    """The aware UTC datetime of `nanos`, rounded down to microseconds."""
    return _EPOCH + timedelta(microseconds=nanos // 1000)


class Clock:
    """A clock that can be moved by hand.

    It reads `source` and adds what was advanced. The source is handed in: the edge
    passes the wall clock, tests pass a constant.
    """

    def __init__(self, source: Callable[[], int]) -> None:
        """Make a clock over `source`, which returns nanoseconds since the epoch."""
        self._source = source
        self._offset = 0

    @classmethod
    def frozen(cls, at: datetime | str) -> Clock:
        """A clock that stands still at `at` (a datetime or ISO 8601 text; naive = UTC)."""
        start = nanos_of(_parsed(at))
        return cls(lambda: start)

    def now(self) -> int:
        """Nanoseconds since the epoch."""
        return self._source() + self._offset

    def moment(self) -> datetime:
        """Now, as an aware UTC datetime."""
        return moment_of(self.now())

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Move the clock; negative amounts move it back.

        Raises:
            UsageError: It would leave the years 1 to 9999.
        """
        try:
            step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        except OverflowError as error:
            raise UsageError(_OUTSIDE) from error
        self._move_to(self._offset + step // timedelta(microseconds=1) * 1000)

    def set(self, at: datetime | str) -> None:
        """Move the clock so that it shows `at` now.

        Raises:
            UsageError: It is no time, or outside the years 1 to 9999 in UTC.
        """
        self._move_to(nanos_of(_parsed(at)) - self._source())

    def _move_to(self, offset: int) -> None:
        if not _FIRST <= self._source() + offset <= _LAST:
            raise UsageError(_OUTSIDE)
        self._offset = offset


def _parsed(at: datetime | str) -> datetime:
    if isinstance(at, datetime):
        return at
    if not isinstance(at, str):
        message = f"a time must be a datetime or ISO 8601 text, got {at!r}"
        raise UsageError(message)
    try:
        # Python 3.10's fromisoformat does not read a trailing Z.
        return datetime.fromisoformat(at.removesuffix("Z") + ("+00:00" if at[-1:] == "Z" else ""))
    except ValueError as error:
        message = f"not an ISO 8601 time: {at!r}; write for example 2026-01-31T12:00:00Z"
        raise UsageError(message) from error
