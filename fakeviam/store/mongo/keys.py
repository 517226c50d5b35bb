"""Sort keys: times and positions as text that sorts in the order of records.

MongoDB's integers have 64 bits, which as nanoseconds end in the year 2262. So a time is written as
18 hexadecimal digits of nanoseconds since the epoch plus 2**66, which is positive in the year 1 and
has the same width in the year 9999; a key is a time and 12 digits of an arrival number. MongoDB
compares text byte by byte, so one index sorts by both, and a range is an interval or a page.
"""

from __future__ import annotations

from fakeviam.store.values import Position

_OFFSET = 2**66
_TIME_DIGITS = 18


def time_text(time: int) -> str:
    """A time in ns; it is a prefix of all keys with that time, and less than them."""
    return f"{time + _OFFSET:018x}"


def time_from(text: str) -> int:
    """The time at the start of a text or key."""
    return int(text[:_TIME_DIGITS], 16) - _OFFSET


def key_text(time: int, arrival: int) -> str:
    """The key of a record: its time, then its arrival (PG-6)."""
    return f"{time_text(time)}{arrival:012x}"


def position_from(key: str) -> Position:
    """The position in a key."""
    return Position(time_from(key), int(key[_TIME_DIGITS:], 16))
