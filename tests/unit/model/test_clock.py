"""The fake's only source of time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.model.clock import DAY, LAST, SECOND, Clock, moment_of, nanos_of, time_of
from fakeviam.model.errors import UsageError

NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
NOON_NANOS = 1_773_144_000 * SECOND
FIRST = -62_135_596_800 * SECOND


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-10T12:00:00Z",
        "2026-03-10T12:00:00+00:00",
        "2026-03-10T12:00:00",
        "2026-03-10 12:00",
        "2026-03-10T14:00:00+02:00",
        "2026-03-10T12:00:00.000000Z",
    ],
)
def test_a_frozen_clock_stands_still(text: str) -> None:
    """A naive time is UTC (TM-1)."""
    clock = Clock.frozen(text)
    assert clock.now() == clock.now() == NOON_NANOS
    assert clock.moment() == NOON


@pytest.mark.parametrize(
    "moment",
    [NOON, NOON.replace(tzinfo=None), NOON.astimezone(timezone(timedelta(hours=-5)))],
)
def test_a_clock_takes_datetimes(moment: datetime) -> None:
    """In any zone, and without one as UTC (TM-1)."""
    assert Clock.frozen(moment).now() == NOON_NANOS
    assert nanos_of(moment) == NOON_NANOS
    clock = Clock(lambda: 5)
    clock.set(moment)
    assert clock.now() == NOON_NANOS


@pytest.mark.parametrize(
    "text", ["", "Z", "now", "2026-13-01", "2026-02-30T00:00:00Z", "2026-03-10T12:00:00+02:00Z"]
)
def test_bad_text_is_told(text: str) -> None:
    for attempt in (Clock.frozen, Clock(lambda: 0).set):
        with pytest.raises(UsageError, match="not an ISO 8601 time") as caught:
            attempt(text)
        assert repr(text) in str(caught.value)
        assert "2026-01-31T12:00:00Z" in str(caught.value)


@pytest.mark.parametrize("value", [5, None, 1.5, b"2026-03-10"])
def test_what_is_no_time_is_told(value: Any) -> None:
    for attempt in (Clock.frozen, Clock(lambda: 0).set):
        with pytest.raises(UsageError, match="must be a datetime or ISO 8601 text"):
            attempt(value)


def test_a_clock_runs_with_its_source() -> None:
    ticks = iter(range(0, 100, 10))
    clock = Clock(lambda: next(ticks))
    assert [clock.now() for _ in range(3)] == [0, 10, 20]
    clock.advance(seconds=1)  # looks once, to see where it would come
    assert clock.now() - SECOND == 40


def test_advancing_adds_up() -> None:
    clock = Clock.frozen(NOON)
    clock.advance(days=1, hours=2, minutes=3, seconds=4.5)
    assert clock.now() == NOON_NANOS + DAY + (2 * 3600 + 3 * 60) * SECOND + 4_500_000_000
    clock.advance(days=-1, hours=-2, minutes=-3, seconds=-4.5)
    assert clock.now() == NOON_NANOS
    clock.advance(seconds=0.000001)
    assert clock.now() == NOON_NANOS + 1000
    clock.advance()
    assert clock.now() == NOON_NANOS + 1000


def test_setting_and_advancing_work_together() -> None:
    clock = Clock.frozen("2000-01-01")
    clock.advance(days=5)
    clock.set(NOON)
    assert clock.moment() == NOON
    clock.advance(days=1)
    assert clock.moment() == NOON + timedelta(days=1)


@pytest.mark.parametrize("days", [10**7, -(10**6), 1e300])
def test_a_clock_stays_within_the_times_of_the_wire(days: float) -> None:
    """Years 1 to 9999; a step out of them is told, and the clock stays (TM-3)."""
    clock = Clock.frozen(NOON)
    with pytest.raises(UsageError, match="years 1 to 9999"):
        clock.advance(days=days)
    for text in ("9999-12-31T23:00:00-02:00", "0001-01-01T00:00:00+02:00"):
        with pytest.raises(UsageError, match="years 1 to 9999"):
            clock.set(text)
    assert clock.now() == NOON_NANOS


def test_both_ends_of_the_calendar_can_be_shown() -> None:
    """The first and the last nanosecond, by every way there (TM-3)."""
    clock = Clock.frozen("0001-01-01")
    assert clock.now() == time_of("0001-01-01") == FIRST
    clock.jump_to(LAST)
    assert clock.now() == LAST
    clock.jump_to(FIRST)
    assert clock.now() == FIRST
    clock.advance(seconds=0)
    assert time_of("9999-12-31T23:59:59.999999Z") == LAST - 999
    for outside in (FIRST - 1, LAST + 1):
        with pytest.raises(UsageError, match="the clock cannot leave the years 1 to 9999"):
            clock.jump_to(outside)
    late = Clock(lambda: LAST - SECOND)
    late.advance(seconds=1)
    assert late.now() == LAST
    with pytest.raises(UsageError, match="the clock cannot leave the years 1 to 9999"):
        late.advance(seconds=0.000001)
    with pytest.raises(UsageError, match="must lie in the years 1 to 9999 in UTC, got '0001"):
        time_of("0001-01-01T00:00:00+01:00")


def test_a_step_counts_from_what_the_clock_shows() -> None:
    """Not from what its source reads (TM-3)."""
    clock = Clock(lambda: 0)
    clock.set("9000-01-01")
    with pytest.raises(UsageError, match="years 1 to 9999"):
        clock.advance(days=1000 * 366)


def test_a_clock_that_ran_beyond_the_calendar_is_frozen_at_its_end() -> None:
    """And moved from there (TM-3)."""
    wall = [LAST - SECOND]
    clock = Clock(lambda: wall[0])
    wall[0] += 10 * SECOND
    assert clock.now() == LAST
    clock.freeze()
    clock.advance(seconds=-1)
    assert clock.now() == LAST - SECOND


def test_a_clock_goes_back_to_where_it_was() -> None:
    """Frozen or running as it was then, and listeners are notified (SN-1)."""
    wall, told = [NOON_NANOS], []
    clock = Clock(lambda: wall[0])
    clock.advance(hours=1)
    running = clock.state()
    clock.freeze()
    clock.set(NOON)
    frozen = clock.state()
    clock.on_move(lambda: told.append(clock.now()))
    clock.restore(running)
    assert not clock.is_frozen
    wall[0] += SECOND
    assert clock.now() == NOON_NANOS + 3601 * SECOND
    clock.restore(frozen)
    assert clock.is_frozen
    assert told == [NOON_NANOS + 3600 * SECOND, NOON_NANOS]
    assert clock.state() == frozen


def test_who_is_told_of_moves() -> None:
    """Each of them, until it stops that, which it may do twice."""
    clock, told = Clock.frozen(NOON), []
    stops = [clock.on_move(lambda name=name: told.append(name)) for name in "ab"]  # type: ignore[misc]
    clock.advance(seconds=1)
    assert told == ["a", "b"]
    stops[0]()
    stops[0]()
    clock.set(NOON)
    assert told == ["a", "b", "b"]


@pytest.mark.parametrize("jumps", [True, False])
def test_a_twin_shows_the_same_and_goes_its_own_way(jumps: bool) -> None:  # noqa: FBT001
    """It jumps too if this one does, which none does unless it is asked to (CK-2)."""
    assert not Clock.frozen(NOON).autojump
    assert not Clock(lambda: 0).autojump
    for clock in (Clock.frozen(NOON, autojump=jumps), Clock(lambda: 7, autojump=jumps)):
        assert clock.autojump == jumps
        clock.advance(hours=1)
        twin = clock.twin()
        assert (twin.now(), twin.is_frozen, twin.can_run) == (
            clock.now(),
            clock.is_frozen,
            clock.can_run,
        )
        assert twin.autojump == jumps
        twin.advance(hours=1)
        assert twin.now() == clock.now() + 3600 * SECOND


@given(st.datetimes(timezones=st.just(timezone.utc)))
def test_moments_and_nanos_are_the_same(moment: datetime) -> None:
    """Each way, for all that a datetime can say (TM-1)."""
    assert moment_of(nanos_of(moment)) == moment
    assert nanos_of(moment_of(nanos_of(moment) + 999)) == nanos_of(moment)


def test_a_clock_can_be_frozen_and_run_on() -> None:
    """It stands at what it showed, can be moved there, and runs on from there."""
    wall = [NOON_NANOS]
    clock = Clock(lambda: wall[0])
    assert not clock.is_frozen
    clock.advance(hours=1)
    clock.freeze()
    clock.freeze()
    wall[0] += DAY
    assert clock.is_frozen
    assert clock.now() == NOON_NANOS + 3600 * SECOND
    clock.advance(hours=1)
    assert clock.now() == NOON_NANOS + 7200 * SECOND
    clock.run()
    clock.run()
    assert not clock.is_frozen
    assert clock.now() == NOON_NANOS + 7200 * SECOND
    wall[0] += SECOND
    assert clock.now() == NOON_NANOS + 7201 * SECOND


def test_a_clock_made_frozen_has_nothing_to_run_with() -> None:
    clock = Clock.frozen(NOON)
    assert clock.is_frozen
    with pytest.raises(UsageError) as caught:
        clock.run()
    assert str(caught.value) == "a clock that was created frozen cannot run; advance or set it"
    assert clock.is_frozen


def test_a_clock_shows_itself() -> None:
    """Its time, and how it runs."""
    assert repr(Clock.frozen(NOON)) == "<Clock 2026-03-10T12:00:00+00:00 frozen>"
    running = Clock(lambda: NOON_NANOS, autojump=True)
    assert repr(running) == "<Clock 2026-03-10T12:00:00+00:00 running, autojump>"


def test_steps_are_spans_and_numbers() -> None:
    """Added up; what is neither is named (CK-1)."""
    clock = Clock.frozen(NOON)
    clock.advance(timedelta(hours=1), seconds=1)
    assert clock.now() == NOON_NANOS + 3601 * SECOND
    wrong: Any
    for wrong in (5, "1h"):
        with pytest.raises(UsageError, match="span must be a timedelta, got"):
            clock.advance(wrong)
    for wrong in ("1", True, float("nan")):
        with pytest.raises(UsageError, match="seconds must be a number, got"):
            clock.advance(seconds=wrong)
    assert clock.now() == NOON_NANOS + 3601 * SECOND


def test_times_are_called_what_the_caller_calls_them() -> None:
    """In errors; without a name, a time (TM-1)."""
    for wrong, name in (("0001-01-01T00:00:00+01:00", "expires"), (5, "expires")):
        with pytest.raises(UsageError, match="expires must"):
            time_of(wrong, name)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a time must lie"):
        time_of("0001-01-01T00:00:00+01:00")
    with pytest.raises(UsageError, match="a time must be"):
        time_of(5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^a time must be"):
        Clock.frozen(5)  # type: ignore[arg-type]


def test_what_a_clock_cannot_be_made_of_is_named() -> None:
    """A source that is none, a switch that is no bool (CK-1)."""
    with pytest.raises(
        UsageError, match="source must be a function that returns nanoseconds, got 5"
    ):
        Clock(5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="autojump must be"):
        Clock(lambda: 0, autojump=1)  # type: ignore[arg-type]
