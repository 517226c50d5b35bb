"""Timestamp messages as integer nanoseconds since the Unix epoch, exactly, and back.

A Python datetime stops at microseconds; the wire does not, and a robot's clock may not either.
"""

from __future__ import annotations

from typing import Protocol

from fakeviam.wire.well_known import Timestamp

__all__ = ["nanos_from", "set_nanos", "timestamp_from"]

_SECOND = 1_000_000_000
# What Timestamp can say: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, and its nanoseconds.
_FIRST = -62_135_596_800
_LAST = 253_402_300_799


class _TimestampLike(Protocol):
    """A Timestamp of any descriptor pool."""

    seconds: int
    nanos: int


def nanos_from(timestamp: _TimestampLike) -> int:
    """Return a Timestamp as nanoseconds since the Unix epoch, negative before 1970.

    Args:
        timestamp: ours, or one of another descriptor pool.

    Raises:
        ValueError: it lies outside the years 1 to 9999, or its `nanos` are no fraction of a second.
    """
    seconds, nanos = timestamp.seconds, timestamp.nanos
    if not _FIRST <= seconds <= _LAST:
        raise ValueError(
            f"timestamp seconds must lie in {_FIRST}..{_LAST} (years 1 to 9999), got {seconds}"
        )
    if not 0 <= nanos < _SECOND:
        raise ValueError(f"timestamp nanos must lie in 0..{_SECOND - 1}, got {nanos}")
    return seconds * _SECOND + nanos


def timestamp_from(nanos: int) -> Timestamp:
    """Return a new Timestamp for a number of nanoseconds since the Unix epoch.

    Raises:
        ValueError: the instant lies outside the years 1 to 9999.
    """
    timestamp = Timestamp()
    set_nanos(timestamp, nanos)
    return timestamp


def set_nanos(timestamp: _TimestampLike, nanos: int) -> None:
    """Set a Timestamp in place: a field of a message is filled without a copy.

    The epoch itself sets two zeros, which does not mark a field as present; where the Timestamp is
    a field, call `SetInParent()` on it as well, or use `CopyFrom(timestamp_from(nanos))`.

    Raises:
        ValueError: the instant lies outside the years 1 to 9999; nothing is changed.
    """
    # Python's divmod rounds down, so the fraction counts forward for instants before 1970 too.
    seconds, fraction = divmod(nanos, _SECOND)
    if not _FIRST <= seconds <= _LAST:
        raise ValueError(
            f"nanoseconds must lie in {_FIRST * _SECOND}..{_LAST * _SECOND + _SECOND - 1}"
            f" (years 1 to 9999), got {nanos}"
        )
    timestamp.seconds = seconds
    timestamp.nanos = fraction
