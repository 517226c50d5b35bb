"""Times and places in the order of records, as text that sorts like them.

MongoDB's integers have 64 bits, and nanoseconds in them end in the year 2262. So a time is 18
hexadecimal digits of nanoseconds since the epoch plus 2**66, which is positive in the year 1 and
of the same width in the year 9999; a key is a time and 12 digits of an arrival. MongoDB compares
such text byte by byte, so one index orders by both, and one range is an interval, a page or both.
"""

from __future__ import annotations

from fakeviam.store.values import Position

_OFFSET = 2**66
_TIME_DIGITS = 18


def time_text(time: int) -> str:
    """A time in ns; also the beginning of the keys of that time, and less than all of them."""
    return f"{time + _OFFSET:018x}"


def time_from(text: str) -> int:
    """The time that a text or a key begins with."""
    return int(text[:_TIME_DIGITS], 16) - _OFFSET


def key_text(time: int, arrival: int) -> str:
    """The place of a record in the order of time, then arrival (PG-6)."""
    return f"{time_text(time)}{arrival:012x}"


def position_from(key: str) -> Position:
    """The position that a key stands for."""
    return Position(time_from(key), int(key[_TIME_DIGITS:], 16))
