"""The fake's only source of time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.model.clock import DAY, SECOND, Clock, moment_of, nanos_of
from fakeviam.model.errors import UsageError

NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
NOON_NANOS = 1_773_144_000 * SECOND


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


@pytest.mark.parametrize("text", ["", "Z", "now", "2026-13-01", "2026-02-30T00:00:00Z"])
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
    with pytest.raises(UsageError, match="a clock that was created frozen cannot run"):
        clock.run()
    assert clock.is_frozen
