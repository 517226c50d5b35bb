"""Consecutive records in time order, with the indexes derived from them.

A block is immutable: a change creates another block. Forks therefore share blocks, together with
everything that was ever derived from them, and nothing in a block can become stale.

Sets of rows of one block are *masks*: integers whose bit i stands for row i.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import compress
from operator import attrgetter
from typing import Any, Generic

from fakeviam.model.filter_fields import MANY_VALUED
from fakeviam.model.records import Record

#: The mask of each value. None stands for an empty list in a many-valued field.
Index = Mapping[Hashable, int]

_DIGITS = bytes.maketrans(b"\0\1", b"01")
_FLAGS = bytes.maketrans(b"01", b"\0\1")

#: Masks with fewer rows are decoded bit by bit, larger ones all at once.
_FEW = 16

#: How many answers a block caches.
_KEPT = 32


def mask_of(flags: Iterable[int]) -> int:
    """The mask of the rows whose flag is true."""
    return int(b"0" + bytes(flags)[::-1].translate(_DIGITS), 2)


def mask_of_rows(numbers: Iterable[int], rows: int) -> int:
    """The mask of the rows with these numbers, in a block of `rows` rows."""
    flags = bytearray(rows)
    for number in numbers:
        flags[number] = 1
    return mask_of(flags)


def mask_of_span(span: range) -> int:
    """The mask of consecutive rows."""
    return (1 << span.stop) - (1 << span.start)


def row_numbers(mask: int, *, descending: bool = False) -> Iterator[int]:
    """The row numbers in a mask."""
    if mask.bit_count() >= _FEW:
        flags = f"{mask:b}".encode().translate(_FLAGS)  # the last row comes first
        if descending:
            yield from compress(range(len(flags) - 1, -1, -1), flags)
        else:
            yield from compress(range(len(flags)), flags[::-1])
        return
    while mask:
        bit = 1 << mask.bit_length() - 1 if descending else mask & -mask
        yield bit.bit_length() - 1
        mask ^= bit


class Numbers:
    """The values of a number field, stored bitwise: slice i holds bit i of every row's value.

    Sums and comparisons over any mask take one operation per slice instead of one per row.
    """

    __slots__ = ("_full_mask", "_least", "_slices", "_total")

    def __init__(self, values: Sequence[int]) -> None:
        """Slice the values of rows 0, 1, 2 …; there is at least one."""
        self._full_mask = (1 << len(values)) - 1
        self._total = sum(values)
        self._least = least = min(values)
        width = (max(values) - least).bit_length()
        # One string of all digits, last row first: every width-th character forms a slice, which
        # int() then parses in C.
        digits = "".join([f"{value - least:0{width}b}" for value in reversed(values)])
        self._slices = [int(digits[place::width], 2) for place in range(width)]

    def sum(self, mask: int) -> int:
        """The sum over the rows of a mask."""
        if mask == self._full_mask:
            return self._total
        total = 0
        for part in self._slices:
            # Horner's scheme over the slices, highest bit first.
            total += total + (mask & part).bit_count()
        return total + self._least * mask.bit_count()

    def below(self, bound: int) -> int:
        """The mask of the rows whose value is less than `bound`."""
        bound -= self._least
        width = len(self._slices)
        if bound <= 0:
            return 0
        if bound >> width:
            return self._full_mask
        # Compare all rows at once, from the highest bit down: `equal` are the rows that agree
        # with the bound so far, `less` those that are already below it.
        less, equal = 0, self._full_mask
        for place, part in zip(range(width - 1, -1, -1), self._slices, strict=True):
            ones = equal & part
            if bound >> place & 1:
                less |= equal ^ ones
                equal = ones
            else:
                equal ^= ones
        return less


class Block(Generic[Record]):
    """Records in order, with the keys that order them.

    Attributes:
        keys: Ascending, parallel to `rows`. Neither list may be modified.
        full_mask: The mask of all rows.
        scanned: Whether a query has tested its rows one by one to the end. From then on,
            building an index pays off.
        reads: How many rows were read so far, to test them or to build an index.
        known: Cached answers by question, see `remember`.
    """

    __slots__ = (
        *("_bounds", "_indexes", "_numbers", "full_mask"),
        *("keys", "known", "reads", "rows", "scanned"),
    )

    def __init__(self, keys: list[int], rows: list[Record]) -> None:
        """Create a block that owns these lists."""
        self.keys = keys
        self.rows: list[Record] = rows
        self.full_mask = (1 << len(keys)) - 1
        self.scanned = False
        self.reads = 0
        self.known: dict[Hashable, Any] = {}
        self._indexes: dict[str, Index] = {}
        self._numbers: dict[str, Numbers] = {}
        self._bounds: dict[str, tuple[int, int]] = {}

    # Derived data, computed on first use --------------------------------------------------

    def remember(self, question: Hashable, answer: object) -> None:
        """Cache an answer about these rows. It cannot become stale, and dies with the block."""
        # Clearing is cheaper than tracking usage, and answers can always be computed again.
        if len(self.known) >= _KEPT:
            self.known.clear()
        self.known[question] = answer

    def index(self, field: str) -> Index:
        """The mask of each value of a field, which is an attribute path."""
        index = self._indexes.get(field)
        if index is None:
            index = self._indexes[field] = self._build(field)
        return index

    def numbers(self, field: str) -> Numbers:
        """The values of a number field."""
        numbers = self._numbers.get(field)
        if numbers is None:
            self.reads += len(self.rows)
            numbers = self._numbers[field] = Numbers(list(map(attrgetter(field), self.rows)))
        return numbers

    def bounds(self, field: str) -> tuple[int, int]:
        """The smallest and the largest value of a number field."""
        bounds = self._bounds.get(field)
        if bounds is None:
            self.reads += len(self.rows)
            values = list(map(attrgetter(field), self.rows))
            bounds = self._bounds[field] = min(values), max(values)
        return bounds

    def _build(self, field: str) -> Index:
        self.reads += len(self.rows)
        index: dict[Hashable, int] = {}
        get = index.get
        bit = 1
        many = field in MANY_VALUED
        for value in map(attrgetter(field), self.rows):
            if many:
                for one in value or (None,):
                    index[one] = get(one, 0) | bit
            else:
                index[value] = get(value, 0) | bit
            bit <<= 1
        return index

    # New blocks --------------------------------------------------------------------------

    def plus(self, keys: Sequence[int], rows: Sequence[Record]) -> Block[Record]:
        """A block with additional records, in ascending order of their keys."""
        all_keys, all_rows = self.keys[:], self.rows[:]
        # Appending is the common case, since records usually arrive in time order.
        if not all_keys or keys[0] > all_keys[-1]:
            all_keys += keys
            all_rows += rows
            return Block(all_keys, all_rows)
        for key, row in zip(keys, rows, strict=True):
            at = bisect_left(all_keys, key)
            all_keys.insert(at, key)
            all_rows.insert(at, row)
        return Block(all_keys, all_rows)

    def minus(self, mask: int) -> Block[Record]:
        """A block without the rows of a mask."""
        keys, rows = self.keys[:], self.rows[:]
        for at in row_numbers(mask, descending=True):
            del keys[at], rows[at]
        return Block(keys, rows)

    def changed(self, rows: list[Record], field: str) -> Block[Record]:
        """A block with these rows, which differ from the old ones in one indexed field only."""
        block = Block(self.keys, rows)
        # A change of tags or boxes keeps the order and all other fields, so their indexes stay
        # valid.
        block._indexes = {name: index for name, index in self._indexes.items() if name != field}
        block._numbers, block._bounds = self._numbers, self._bounds
        return block

    def pieces(self, size: int) -> list[Block[Record]]:
        """Split into blocks of about equal size, none larger than `size`."""
        count = len(self.keys)
        if count <= size:
            return [self]
        step = -(-count // -(-count // size))
        cuts = [slice(at, at + step) for at in range(0, count, step)]
        return [Block(self.keys[cut], self.rows[cut]) for cut in cuts]
