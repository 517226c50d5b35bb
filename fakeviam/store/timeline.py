"""All records of one kind in the order of time, as a list of blocks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import compress, islice
from math import inf
from operator import itemgetter, length_hint
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from fakeviam.model.records import Record
from fakeviam.store.block import Block, flags_of
from fakeviam.store.protocol import Page, Position, Totals
from fakeviam.store.selection import ARRIVAL_BITS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from fakeviam.store.selection import Selection

#: Rows chosen in some blocks: the number of a block and a mask, in ascending order.
#: Good until the next write.
Marks = list[tuple[int, int]]

Row = TypeVar("Row")

_ARRIVAL = (1 << ARRIVAL_BITS) - 1


class Timeline(Generic[Record]):
    """Records ordered by time requested, then arrival (PG-6).

    The list of blocks is all the state there is: blocks are values, so a fork copies
    this list, and a write makes new blocks for those it touches.

    Attributes:
        work: Rows tested, indexed or handed out so far, and blocks consulted. For tests
            that show what a request costs.
    """

    def __init__(self, *, block_size: int) -> None:
        """Make an empty timeline of blocks of at most that many records."""
        self.work = 0
        self._size = block_size
        self._arrivals = 0
        self._blocks: list[Block[Record]] = []

    def fork(self) -> Timeline[Record]:
        """Make another timeline that holds the same now and goes its own way."""
        twin: Timeline[Record] = Timeline(block_size=self._size)
        twin._arrivals = self._arrivals
        twin._blocks = self._blocks[:]
        return twin

    # Writing -----------------------------------------------------------------------------

    def add(self, records: Sequence[Record]) -> list[int]:
        """Put records in their places; answer their keys, in the order given."""
        first = self._arrivals
        self._arrivals += len(records)
        keys = [r.time_requested << ARRIVAL_BITS | at for at, r in enumerate(records, first)]
        pairs = sorted(zip(keys, records, strict=True), key=itemgetter(0))
        self._insert([key for key, _ in pairs], [record for _, record in pairs])
        return keys

    def _insert(self, keys: list[int], rows: list[Record]) -> None:
        blocks, size = self._blocks, self._size
        at = 0
        while at < len(keys):
            key = keys[at]
            if not blocks or key > blocks[-1].keys[-1]:
                # Past the end: fill the last block, then begin another.
                full = not blocks or len(blocks[-1].keys) >= size
                tail: Block[Record] = Block([], []) if full else blocks.pop()
                end = at + size - len(tail.keys)
                blocks.append(tail.plus(keys[at:end], rows[at:end]))
            else:
                number = self._number(key)
                following = blocks[number + 1].keys[0] if number + 1 < len(blocks) else inf
                end = min(bisect_left(keys, following, at), at + size)
                block = blocks[number].plus(keys[at:end], rows[at:end])
                blocks[number : number + 1] = block.pieces(size)
            at = end

    def remove(self, marks: Marks) -> list[Record]:
        """Take out the marked records."""
        removed = list(self._rows(marks))
        for number, mask in reversed(marks):
            block = self._blocks[number]
            rest = [block.minus(mask)] if mask != block.everything else []
            self._blocks[number : number + 1] = rest
            # Joining puts the rows of the earlier block first: marks stay good.
            self._join(number)
            self._join(number - 1)
        return removed

    def _join(self, number: int) -> None:
        """Make one of two neighbours that have become small, so that blocks stay few."""
        if 0 <= number < len(self._blocks) - 1:
            one, other = self._blocks[number : number + 2]
            if len(one.keys) + len(other.keys) <= self._size // 2:
                self._blocks[number : number + 2] = [one.plus(other.keys, other.rows)]

    def change(
        self, marks: Marks, field: str, change: Callable[[Record], Record]
    ) -> list[tuple[Record, Record]]:
        """Put changed records in the place of the marked ones.

        Args:
            marks: Which.
            field: The only indexed field that differs afterwards.
            change: Makes the new record; the same one means no change. What it raises
                passes through and leaves everything as it was.

        Returns:
            The pairs (old, new) that differ.
        """
        changes: list[tuple[Record, Record]] = []
        blocks = self._blocks[:]
        for number, mask in marks:
            block = blocks[number]
            rows = block.rows[:]
            known = len(changes)
            for at in compress(range(len(rows)), flags_of(mask, len(rows))):
                old = rows[at]
                rows[at] = new = change(old)
                if new is not old:
                    changes.append((old, new))
            if len(changes) > known:
                blocks[number] = block.changed(rows, field)
        self._blocks = blocks
        return changes

    # Choosing ----------------------------------------------------------------------------

    def locate(self, keys: Iterable[int]) -> Marks:
        """Mark the records of these keys, all of which exist."""
        masks: dict[int, int] = {}
        for key in keys:
            number = self._number(key)
            at = bisect_left(self._blocks[number].keys, key)
            masks[number] = masks.get(number, 0) | 1 << at
        return sorted(masks.items())

    def select(self, selection: Selection) -> Marks:
        """Mark what a selection selects."""
        marks: Marks = []
        for number, start, stop in self._spans(selection.low, selection.high):
            mask = self._mask(self._blocks[number], selection) & (1 << stop) - (1 << start)
            if mask:
                marks.append((number, mask))
        return marks

    def _mask(self, block: Block[Record], selection: Selection) -> int:
        before = block.reads
        mask = selection.mask(block)
        self.work += 1 + block.reads - before
        return mask

    def _number(self, key: float) -> int:
        """The number of the block where a key has its place."""
        return max(bisect_right(self._blocks, key, key=_first_key) - 1, 0)

    def _spans(
        self, low: float, high: float, *, descending: bool = False
    ) -> Iterator[tuple[int, int, int]]:
        """Where keys from `low` to below `high` are: block number, start, stop."""
        first = self._number(low)
        end = bisect_left(self._blocks, high, key=_first_key)
        numbers = range(first, end)
        for number in reversed(numbers) if descending else numbers:
            keys = self._blocks[number].keys
            start = bisect_left(keys, low) if number == first else 0
            stop = bisect_left(keys, high) if number == end - 1 else len(keys)
            if start < stop:
                yield number, start, stop

    # Reading -----------------------------------------------------------------------------

    def find(self, key: int) -> Record:
        """The record of a key that exists."""
        block = self._blocks[self._number(key)]
        self.work += 1
        return block.rows[bisect_left(block.keys, key)]

    def page(
        self, selection: Selection, *, after: Position | None, limit: int, descending: bool
    ) -> Page[Record]:
        """At most `limit` selected records beyond a position, in either order."""
        low, high = selection.low, selection.high
        if after is not None:
            key = after.time << ARRIVAL_BITS | after.arrival
            low, high = (low, min(high, key)) if descending else (max(low, key + 1), high)
        step = -1 if descending else 1
        found: list[tuple[int, Record]] = []
        for number, start, stop in self._spans(low, high, descending=descending):
            block, cut = self._blocks[number], _Cut(start, stop, step)
            found += self._some(block, selection, cut, limit - len(found))
            if len(found) == limit:
                break
        if not found:
            return Page([], None)
        key = found[-1][0]
        return Page([row for _, row in found], Position(key >> ARRIVAL_BITS, key & _ARRIVAL))

    def _some(
        self, block: Block[Record], selection: Selection, cut: _Cut, limit: int
    ) -> list[tuple[int, Record]]:
        """The first selected records of a part of a block, with their keys."""
        flags: Iterable[object]
        rows = cut.of(block.rows)
        feed = iter(rows)
        walk = not block.walked
        if walk:
            flags = map(selection.test, feed)
        else:
            mask = self._mask(block, selection)
            if not mask:
                return []
            flags = cut.of(flags_of(mask, len(block.rows)))
        pairs = zip(cut.of(block.keys), rows, strict=True)
        found = list(islice(compress(pairs, flags), limit))
        if walk:
            left = length_hint(feed)
            self.work += len(rows) - left
            block.walked = not left
        self.work += len(found)
        return found

    def totals(self, marks: Marks) -> Totals:
        """Number and bytes of the marked records."""
        size = sum(self._blocks[number].numbers("size").sum(mask) for number, mask in marks)
        return Totals(sum(mask.bit_count() for _, mask in marks), size)

    def values(self, marks: Marks, field: str) -> set[str]:
        """Distinct values of a many-valued field of the marked records."""
        found: set[Hashable] = {None}
        for number, mask in marks:
            index = self._blocks[number].index(field)
            found.update([value for value in index.keys() - found if index[value] & mask])
        return {value for value in found if isinstance(value, str)}

    def _rows(self, marks: Marks) -> Iterator[Record]:
        for number, mask in marks:
            rows = self._blocks[number].rows
            yield from compress(rows, flags_of(mask, len(rows)))


class _Cut(NamedTuple):
    """A part of a block, in the order of a walk."""

    start: int
    stop: int
    step: int

    def of(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows[self.start : self.stop][:: self.step]


def _first_key(block: Block[Any]) -> int:
    return block.keys[0]
