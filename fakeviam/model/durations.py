"""Durations as text: 40s, 250ms, 2m."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

#: The longest duration, about a hundred years.
LONGEST = 3_200_000_000.0

_UNITS = MappingProxyType({"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0})


def seconds_from(duration: object) -> float | None:
    """Seconds from a number, a timedelta, or text such as `40s`, `250ms`, `2m`, `1h`, `2d`.

    None if it is invalid, negative, or longer than `LONGEST`.
    """
    seconds = _seconds(duration)
    return seconds if seconds is not None and 0 <= seconds <= LONGEST else None


def _seconds(duration: object) -> float | None:
    if isinstance(duration, timedelta):
        return duration.total_seconds()
    if isinstance(duration, str):
        number = duration.rstrip("mshd")
        unit = _UNITS.get(duration[len(number) :] or "s")
        try:
            return None if unit is None else float(number) * unit
        except ValueError:
            return None
    if isinstance(duration, (int, float)) and not isinstance(duration, bool):
        # Large ints overflow float.
        return float(duration) if abs(duration) <= LONGEST else None
    return None
