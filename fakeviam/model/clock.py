"""The fake's clock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.checks import check_type
from fakeviam.model.errors import UsageError
from fakeviam.model.offered import offers
from fakeviam.model.text import short

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

#: The range of datetime, and of Timestamp on the wire.
FIRST = -62_135_596_800 * SECOND
LAST = 253_402_300_800 * SECOND - 1
_OUTSIDE = "the clock cannot leave the years 1 to 9999"


def nanos_of(moment: datetime) -> int:
    """Nanoseconds since the epoch; a naive datetime is UTC (TM-1)."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def moment_of(nanos: int) -> datetime:
    """The UTC datetime of `nanos`, rounded down to microseconds."""
    return _EPOCH + timedelta(microseconds=nanos // 1000)


class ClockState(NamedTuple):
    """How far a clock was moved, and the time of its source when it was frozen."""

    offset: int
    held: int | None


@offers("advance", "autojump", "freeze", "frozen", "is_frozen", "moment", "now", "run", "set")
class Clock:
    """A clock that can be moved by hand.

    It returns the time of `source` plus what was advanced. The source is a parameter, so that tests
    can use a constant instead of the wall clock.

    Attributes:
        autojump: Whether the clock jumps to the next awaited time whenever everything in the
            fake waits for this clock (CK-2).
    """

    def __init__(self, source: Callable[[], int], *, autojump: bool = False) -> None:
        """Create a clock over `source`, which returns nanoseconds since the epoch."""
        check_type("autojump", autojump, bool)
        if not callable(source):
            raise UsageError(
                f"source must be a function that returns nanoseconds, got {short(source)}"
            )
        self.autojump = autojump
        self._source: Callable[[], int] | None = source
        self._held: int | None = None  # the time of the source when the clock was frozen
        self._offset = 0
        self._moved: dict[object, Callable[[], None]] = {}

    @classmethod
    def frozen(cls, at: datetime | str, *, autojump: bool = False) -> Clock:
        """Create a clock frozen at `at` (a datetime or ISO 8601 text; naive = UTC)."""
        start = nanos_of(_parsed(at))
        clock = cls(lambda: start, autojump=autojump)
        clock._held, clock._source = start, None
        return clock

    def __repr__(self) -> str:
        state = "frozen" if self.is_frozen else "running"
        return f"<Clock {self.moment().isoformat()} {state}{', autojump' * self.autojump}>"

    @property
    def is_frozen(self) -> bool:
        """Whether it is frozen."""
        return self._held is not None

    @property
    def can_run(self) -> bool:
        """Whether it can run: it was not created frozen."""
        return self._source is not None

    def now(self) -> int:
        """Nanoseconds since the epoch; a running clock stops at the end of the calendar."""
        held, source = self._held, self._source
        if held is not None or source is None:
            return self._read() + self._offset
        return min(source() + self._offset, LAST)

    def twin(self) -> Clock:
        """Create an independent clock that shows the same time."""
        twin = Clock(self._read, autojump=self.autojump)
        twin._source = self._source
        twin._offset, twin._held = self.state()
        return twin

    def on_move(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call `tell` after each move by hand; returns a function that stops this."""
        key = object()
        self._moved[key] = tell

        def stop() -> None:
            self._moved.pop(key, None)

        return stop

    def state(self) -> ClockState:
        """The state to pass to `restore`."""
        return ClockState(self._offset, self._held)

    def restore(self, state: ClockState) -> None:
        """Restore a state; a clock that was running has advanced since (SN-1)."""
        self._offset, self._held = state
        self._notify()

    def moment(self) -> datetime:
        """The current time, as a UTC datetime."""
        return moment_of(self.now())

    def advance(
        self,
        span: timedelta | None = None,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Move the clock by a timedelta, or by these units; negative amounts move it back.

        Raises:
            UsageError: The result is outside the years 1 to 9999, or an amount is not a number.
        """
        if span is not None and not isinstance(span, timedelta):
            text = f"span must be a timedelta, got {short(span)}; for seconds write seconds=…"
            raise UsageError(text)
        units = {"days": days, "hours": hours, "minutes": minutes, "seconds": seconds}
        for name, amount in units.items():
            if type(amount) not in (int, float) or amount != amount:  # noqa: PLR0124 - NaN
                raise UsageError(f"{name} must be a number, got {short(amount)}")
        try:
            step = timedelta(**units) + (span or timedelta(0))
        except OverflowError as error:
            raise UsageError(_OUTSIDE) from error
        nanos = step // timedelta(microseconds=1) * 1000
        if not FIRST <= self._read() + self._offset + nanos <= LAST:
            raise UsageError(_OUTSIDE)
        self._offset += nanos
        self._notify()

    def set(self, at: datetime | str) -> None:
        """Set the clock to `at`.

        Raises:
            UsageError: It is not a time, or outside the years 1 to 9999 in UTC.
        """
        self.jump_to(nanos_of(_parsed(at)))

    def freeze(self) -> None:
        """Freeze the clock; it can still be moved."""
        time = self.now()
        self._held = self._read()
        if self._source is not None and time == LAST:  # the source is past the calendar's end
            self._offset = LAST - self._held

    def run(self) -> None:
        """Let the clock run from its current time.

        Raises:
            UsageError: It was created frozen and cannot run.
        """
        if self._source is None:
            raise UsageError("a clock that was created frozen cannot run; advance or set it")
        if self._held is not None:
            self._offset += self._held - self._source()
            self._held = None
            self._notify()

    def _read(self) -> int:
        if self._held is not None:
            return self._held
        assert self._source is not None  # noqa: S101 - a clock without one is frozen for ever
        return self._source()

    def jump_to(self, nanos: int) -> None:
        """Set the clock to this number of nanoseconds since the epoch.

        Raises:
            UsageError: It is outside the years 1 to 9999.
        """
        if not FIRST <= nanos <= LAST:
            raise UsageError(_OUTSIDE)
        self._offset = nanos - self._read()
        self._notify()

    def _notify(self) -> None:
        for tell in tuple(self._moved.values()):
            tell()


def time_of(at: datetime | str, name: str = "a time") -> int:
    """Nanoseconds since the epoch of a datetime or ISO 8601 text; without an offset it is UTC.

    Raises:
        UsageError: It is neither, or outside the years 1 to 9999 in UTC.
    """
    nanos = nanos_of(_parsed(at, name))
    if not FIRST <= nanos <= LAST:
        raise UsageError(f"{name} must lie in the years 1 to 9999 in UTC, got {short(at)}")
    return nanos


def _parsed(at: datetime | str, name: str = "a time") -> datetime:
    if isinstance(at, datetime):
        return at
    if not isinstance(at, str):
        message = f"{name} must be a datetime or ISO 8601 text, got {short(at)}"
        raise UsageError(message)
    try:
        # Python 3.10's fromisoformat does not read a trailing Z.
        return datetime.fromisoformat(at.removesuffix("Z") + ("+00:00" if at[-1:] == "Z" else ""))
    except ValueError as error:
        message = f"not an ISO 8601 time: {short(at)}; write for example 2026-01-31T12:00:00Z"
        raise UsageError(message) from error
