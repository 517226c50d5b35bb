"""Chance from a seed: values as users send them, and values that nobody should send."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

EXTREME_TEXTS = (
    "",
    " ",
    "\t\n",
    "\0",
    "a\0b",
    "../../etc/passwd",
    "%s%n{}",
    "/",
    "é",
    "\U0001f916",
    "\u202e",
    "\ufeff",
    "e\u0301",
    "None",
    "0",
    "-1",
    "1e400",
    "9" * 400,
    "x" * 3000,
    "\U0001f916" * 900,
)

EXTREME_FLOATS = (
    *(0.0, -0.0, 1.0, -1.0, 1.0000000000000002, -5e-324, 5e-324, 1.7976931348623157e308),
    *(float("nan"), float("inf"), float("-inf"), 0.1, 3.4028234663852886e38),
)

#: The ends of integers of all widths, of the calendar in seconds, and of a second in nanoseconds.
EXTREME_INTEGERS = (
    *(0, 1, -1, 2, 100, 101, 10_000, 999_999_999, 1_000_000_000),
    *(2**31 - 1, -(2**31), 2**32 - 1, 2**53, 2**63 - 1, -(2**63), 2**64 - 1),
    *(-62_135_596_800, -62_135_596_801, 253_402_300_799, 253_402_300_800),
)


class Dice(random.Random):
    """The chance of one input: the same seed makes the same input."""

    def __init__(self, *seed: object) -> None:
        """Take what the input is called, such as seed, target, round and number."""
        super().__init__("/".join(map(str, seed)))

    def chance(self, probability: float) -> bool:
        """True that often."""
        return self.random() < probability

    def some(self, values: Sequence[T], most: int) -> list[T]:
        """Up to so many of the values, which may repeat."""
        return self.choices(values, k=self.randrange(most + 1)) if values else []

    def text(self) -> str:
        """A text that UTF-8 can carry."""
        if self.chance(0.4):
            return self.choice(EXTREME_TEXTS)
        letters = (
            "abcxyz019-_./:~ AZ" if self.chance(0.8) else "aß\u0000\u007f\u0080\uffff\U0010ffff"
        )
        return "".join(self.choices(letters, k=self.randrange(12)))

    def integer(self, low: int, high: int) -> int:
        """A whole number of that range, often at an end of something."""
        if self.chance(0.5):
            return min(max(self.choice(EXTREME_INTEGERS), low), high)
        return min(max(self.randrange(-3, 120), low), high)

    def number(self) -> float:
        """A double."""
        return self.random() if self.chance(0.6) else self.choice(EXTREME_FLOATS)

    def mutated(self, data: bytes) -> bytes:
        """The bytes with one to four changes."""
        text = bytearray(data)
        for _ in range(self.choice((1, 1, 1, 2, 4))):
            self._mutate(text)
        return bytes(text)

    def _mutate(self, text: bytearray) -> None:
        at = self.randrange(len(text) + 1)
        size = self.choice((1, 1, 2, 8, 64))
        kind = self.randrange(7)
        if kind == 0 and at < len(text):
            text[at] ^= 1 << self.randrange(8)
        elif kind == 1:
            text[at:at] = self.randbytes(size)
        elif kind == 2:
            del text[at : at + size]
        elif kind == 3:
            del text[at:]
        elif kind == 4:
            text[at:at] = text[at : at + size] * self.choice((1, 2, 20))
        elif kind == 5:
            text[at : at + size] = self.choice((b"\0", b"\xff")) * size
        else:  # a length or number beyond all bounds
            text[at : at + 1] = b"\xff" * self.randrange(1, 11) + b"\x01"
