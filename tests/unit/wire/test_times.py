"""Timestamps as integer nanoseconds, exact over all that a Timestamp can say."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from google.protobuf import timestamp_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from, set_nanos, timestamp_from
from fakeviam.wire.well_known import Timestamp

SECOND = 1_000_000_000
FIRST = -62_135_596_800
LAST = 253_402_300_799
EARLIEST = FIRST * SECOND
LATEST = LAST * SECOND + SECOND - 1

EXAMPLES = [
    (0, 0, 0),
    (1, 0, 1),
    (-1, -1, 999_999_999),
    (-SECOND, -1, 0),
    (-SECOND - 1, -2, 999_999_999),
    (1_700_000_000_123_456_789, 1_700_000_000, 123_456_789),
    (EARLIEST, FIRST, 0),
    (EARLIEST + 1, FIRST, 1),
    (LATEST, LAST, 999_999_999),
]


@pytest.mark.parametrize(("nanos", "seconds", "fraction"), EXAMPLES)
def test_examples_both_ways(nanos: int, seconds: int, fraction: int) -> None:
    timestamp = timestamp_from(nanos)
    assert (timestamp.seconds, timestamp.nanos) == (seconds, fraction)
    assert nanos_from(Timestamp(seconds=seconds, nanos=fraction)) == nanos


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(min_value=EARLIEST, max_value=LATEST))
def test_every_instant_survives(nanos: int) -> None:
    timestamp = Timestamp.FromString(timestamp_from(nanos).SerializeToString())
    assert nanos_from(timestamp) == nanos


@settings(deadline=None)  # a busy machine is no failure
@given(st.datetimes(timezones=st.just(timezone.utc)))
def test_agrees_with_protobufs_datetimes(moment: datetime) -> None:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    assert timestamp_from(nanos_from(timestamp)) == timestamp
    assert timestamp_from(nanos_from(timestamp)).ToDatetime(timezone.utc) == moment


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(min_value=EARLIEST, max_value=LATEST - 1))
def test_later_instants_have_larger_numbers(nanos: int) -> None:
    this, following = timestamp_from(nanos), timestamp_from(nanos + 1)
    assert (this.seconds, this.nanos) < (following.seconds, following.nanos)


def test_timestamps_of_other_pools_are_read() -> None:
    assert nanos_from(timestamp_pb2.Timestamp(seconds=1, nanos=2)) == SECOND + 2


def test_a_field_is_set_in_place() -> None:
    interval = data.CaptureInterval()
    set_nanos(interval.start, -1)
    assert interval.HasField("start")
    assert (interval.start.seconds, interval.start.nanos) == (-1, 999_999_999)


@pytest.mark.parametrize("nanos", [EARLIEST - 1, LATEST + 1, 2**80, -(2**80)])
def test_instants_outside_the_years_are_refused(nanos: int) -> None:
    timestamp = Timestamp(seconds=7, nanos=8)
    with pytest.raises(ValueError, match=f"years 1 to 9999.*got {nanos}$"):
        set_nanos(timestamp, nanos)
    assert (timestamp.seconds, timestamp.nanos) == (7, 8)
    with pytest.raises(ValueError, match=f"got {nanos}$"):
        timestamp_from(nanos)


@pytest.mark.parametrize("seconds", [FIRST - 1, LAST + 1, 2**63 - 1, -(2**63)])
def test_seconds_outside_the_years_are_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match=f"seconds must lie in .* got {seconds}$"):
        nanos_from(Timestamp(seconds=seconds))


@pytest.mark.parametrize("nanos", [-1, SECOND, 2**31 - 1, -(2**31)])
def test_fractions_outside_a_second_are_refused(nanos: int) -> None:
    with pytest.raises(ValueError, match=rf"nanos must lie in 0\.\.999999999, got {nanos}$"):
        nanos_from(Timestamp(nanos=nanos))
