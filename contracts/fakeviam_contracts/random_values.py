"""The values of one random program: few, so that they meet, and some that are easily mangled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam_contracts import strategies
from fakeviam_contracts.awkward_values import ALIKE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

#: Keys and values of readings that do not survive where they are stored as something else.
KEYS = ("number", "word", "listed", "$set", "$", "a.b", "", " ", "_id", "caf\u00e9", "cafe\u0301")
LEAVES: tuple[object, ...] = (
    None, True, False, 0.0, -0.0, 1.5, 1e300, 5e-324, 9007199254740991.0, "", "null", "1.0",
    "2024-01-01T00:00:00Z", "NaN", "a\x00b\r\n", "x" * 2_000, [], {}, [None], {"$gt": 0.0},
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Pools:
    """What the values of a program are taken from."""

    tags: Sequence[str] = strategies.TAGS
    labels: Sequence[str] = strategies.LABELS
    components: Sequence[str] = strategies.COMPONENTS
    component_types: Sequence[str] = strategies.COMPONENT_TYPES
    methods: Sequence[str] = strategies.METHODS
    names: Sequence[str] = strategies.NAMES
    file_names: Sequence[str] = ("", "", "pic", "../x")


def pools(random: Random) -> Pools:
    """The usual values, half of the time with two pairs in each pool that look alike."""

    def more(usual: Sequence[str], *, safe: bool = False) -> tuple[str, ...]:
        if random.random() < 0.5:
            return tuple(usual)
        pairs = random.sample(ALIKE, 2)
        found = [value for pair in pairs for value in pair]
        if safe:
            # Names of datasets that differ in blanks or forms alone may count as one (DS-8).
            found = [value for value in found if value.isascii() and value.strip() == value]
        few = random.sample(list(usual), min(3, len(usual)))
        return (*few, *found, random.choice(found or list(usual)))

    return Pools(
        tags=more(strategies.TAGS),
        labels=more(strategies.LABELS),
        components=more(strategies.COMPONENTS),
        component_types=more(strategies.COMPONENT_TYPES),
        methods=more(strategies.METHODS),
        names=more(strategies.NAMES, safe=True),
        file_names=more(("", "", "pic", "../x")),
    )


def reading(random: Random) -> dict[str, object]:
    """A reading of awkward keys and values."""

    def value(depth: int) -> object:
        kind = random.random()
        if depth and kind < 0.2:
            return [value(depth - 1) for _ in range(random.randint(0, 3))]
        if depth and kind < 0.4:
            return {random.choice(KEYS[3:]): value(depth - 1) for _ in range(2)}
        return random.choice(LEAVES)

    chosen = random.sample(KEYS[3:], random.randint(0, 3))
    return {"readings": {name: value(2) for name in chosen}}


def contents(random: Random) -> list[bytes]:
    """Pieces of a file: some random, some twice, some empty, some that look like text."""
    some = random.randbytes(random.choice((1, 7, 200)))
    usual = (b"", b"x", b"\x00\xff\xfe", b"hello\r\n", b"\x89PNG", b" a \n", b"\xc3", b"\xa9")
    return random.choices((*usual, some, some), k=random.choice((0, 1, 1, 2, 3)))
