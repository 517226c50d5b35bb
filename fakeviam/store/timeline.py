"""All records of one kind in time order, as a list of blocks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic

from fakeviam.model.filter_fields import scan
from fakeviam.model.records import Record
from fakeviam.store.block import Block, mask_of_rows, mask_of_span, row_numbers
from fakeviam.store.selection import ARRIVAL_BITS
from fakeviam.store.values import Page, Position, Totals, UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from fakeviam.store.selection import Selection

#: Selected rows: block numbers with masks, in ascending order. Valid until the next write.
Marks = list[tuple[int, int]]

_ARRIVAL = (1 << ARRIVAL_BITS) - 1


@dataclass(frozen=True, slots=True)
class Revision(Generic[Record]):
    """What a change makes of the rows of a mask: another block, and the pairs that differ.

    The old block is kept with it, so that no other can be taken for it.
    """

    old: Block[Record]
    mask: int
    new: Block[Record]
    changes: list[tuple[Record, Record]]


def _revision(
    block: Block[Record], mask: int, field: str, change: Callable[[Record], Record]
) -> Revision[Record]:
    rows = block.rows[:]
    changes = []
    for at in row_numbers(mask):
        old = rows[at]
        rows[at] = new = change(old)
        if new is not old:
            changes.append((old, new))
    return Revision(block, mask, block.changed(rows, field) if changes else block, changes)


class Timeline(Generic[Record]):
    """Records ordered by time requested, then arrival (PG-6).

    The list of blocks is the entire state: blocks are immutable, so a fork copies only this list,
    and a write replaces only the blocks that it changes.

    Attributes:
        work: Rows tested, indexed, changed or returned so far, and blocks consulted. Tests use it
            to show what a request costs.
        arrivals: The arrival number of the next record.
        held: Number and total bytes of all records.
        patience: How many rows may still be read in this turn (`Store.begin_turn`).
    """

    def __init__(self, *, block_size: int) -> None:
        """Create an empty timeline with blocks of at most `block_size` records."""
        self.work = 0
        self.patience: float = inf
        self.arrivals = 0
        self.held = Totals(0, 0)
        self._size = block_size
        self._blocks: list[Block[Record]] = []

    def fork(self) -> Timeline[Record]:
        """Return an independent copy."""
        twin: Timeline[Record] = Timeline(block_size=self._size)
        twin.arrivals = self.arrivals
        twin.held = self.held
        twin._blocks = self._blocks[:]
        return twin

    def release_incrementally(self) -> Iterator[None]:
        """Release one block per step."""
        while self._blocks:
            self._blocks.pop()
            yield

    # Writing -----------------------------------------------------------------------------

    def add(self, records: Sequence[Record]) -> list[int]:
        """Insert records in order of arrival; return their keys, in the same order."""
        return self.put(range(self.arrivals, self.arrivals + len(records)), records)

    def put(self, arrivals: Sequence[int], records: Sequence[Record]) -> list[int]:
        """Like `add`, for records that already have arrival numbers, which must be unique."""
        keys = [
            record.time_requested << ARRIVAL_BITS | arrival
            for arrival, record in zip(arrivals, records, strict=True)
        ]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self.arrivals = max(self.arrivals, max(arrivals, default=-1) + 1)
        self._hold(len(records), sum(record.size for record in records))
        self._insert([keys[at] for at in order], [records[at] for at in order])
        return keys

    def _hold(self, records: int, size: int) -> None:
        self.held = Totals(self.held.records + records, self.held.size + size)

    def _insert(self, keys: list[int], rows: list[Record]) -> None:
        blocks, size = self._blocks, self._size
        at = 0
        while at < len(keys):
            key = keys[at]
            if not blocks or key > blocks[-1].keys[-1]:
                # Appending is the common case: fill the last block before starting another.
                full = not blocks or len(blocks[-1].keys) >= size
                tail: Block[Record] = Block([], []) if full else blocks.pop()
                end = at + size - len(tail.keys)
                blocks.append(tail.plus(keys[at:end], rows[at:end]))
            else:
                number = self._number(key)
                # Records that belong to the same block are inserted together: one copy per block,
                # not per record.
                following = blocks[number + 1].keys[0] if number + 1 < len(blocks) else inf
                end = min(bisect_left(keys, following, at), at + size)
                block = blocks[number].plus(keys[at:end], rows[at:end])
                blocks[number : number + 1] = block.pieces(size)
            at = end

    def remove(self, marks: Marks) -> list[Record]:
        """Remove the marked records, and return them."""
        removed = self.records(marks)
        self.work += len(marks) + len(removed)
        self._hold(-len(removed), -sum(record.size for record in removed))
        for number, mask in reversed(marks):
            block = self._blocks[number]
            rest = [block.minus(mask)] if mask != block.full_mask else []
            self._blocks[number : number + 1] = rest
            # Backwards, and the earlier block's rows come first: the remaining marks stay valid.
            self._join(number)
            self._join(number - 1)
        return removed

    def _join(self, number: int) -> None:
        """Merge a block with the next one if both have become small, so that blocks stay few."""
        if 0 <= number < len(self._blocks) - 1:
            one, other = self._blocks[number : number + 2]
            if len(one.keys) + len(other.keys) <= self._size // 2:
                self._blocks[number : number + 2] = [one.plus(other.keys, other.rows)]

    def revised(
        self,
        marks: Marks,
        field: str,
        change: Callable[[Record], Record],
        prepared: dict[int, Revision[Record]] | None = None,
    ) -> tuple[list[Block[Record]], list[tuple[Record, Record]]]:
        """Prepare blocks in which the marked records are changed.

        Nothing is changed until `adopt`; there must be no other write in between.

        Args:
            marks: The records to change.
            field: The only indexed field that may differ afterwards.
            change: Returns the new record; returning the same object means no change.
            prepared: What earlier turns have made of blocks by the same change; added to.

        Returns:
            The blocks, and the pairs (old, new) of changed records.
        """
        changes: list[tuple[Record, Record]] = []
        blocks = self._blocks[:]
        done = {} if prepared is None else prepared
        for number, mask in marks:
            self._check_patience()
            block = blocks[number]
            known = done.get(id(block))
            if known is None or known.mask != mask:
                known = done[id(block)] = _revision(block, mask, field, change)
                self._looked(mask.bit_count())
                self.patience -= 7 * mask.bit_count()  # a change takes as long as eight looks
            blocks[number] = known.new
            changes += known.changes
        return blocks, changes

    def adopt(self, blocks: list[Block[Record]]) -> None:
        """Replace the blocks by those that `revised` prepared."""
        self._blocks = blocks

    # Selecting ---------------------------------------------------------------------------

    def locate(self, keys: Iterable[int]) -> Marks:
        """Mark the records with these keys.

        Raises:
            LookupError: There is no such record.
        """
        masks: dict[int, int] = {}
        for key in keys:
            number = self._number(key)
            block = self._blocks[number].keys
            at = bisect_left(block, key)
            if block[at] != key:
                raise KeyError(key)
            masks[number] = masks.get(number, 0) | 1 << at
        return sorted(masks.items())

    def select(self, selection: Selection) -> Marks:
        """Mark the selected records."""
        marks: Marks = []
        for number, block, span in self._reached(selection):
            mask = _mask_in(block, selection, span)
            if mask:
                marks.append((number, mask))
        return marks

    def _number(self, key: float) -> int:
        """The number of the block that contains, or would contain, a key."""
        return max(bisect_right(self._blocks, key, key=_first_key) - 1, 0)

    def _spans(
        self, low: float, high: float, *, descending: bool = False
    ) -> Iterator[tuple[int, range]]:
        """The block numbers and rows of the keys from `low` to below `high`."""
        first = 0 if low == -inf else self._number(low)
        end = len(self._blocks) if high == inf else bisect_left(self._blocks, high, key=_first_key)
        numbers = range(first, end)
        for number in reversed(numbers) if descending else numbers:
            keys = self._blocks[number].keys
            start = bisect_left(keys, low) if keys[0] < low else 0
            stop = bisect_left(keys, high) if keys[-1] >= high else len(keys)
            if start < stop:
                yield number, range(start, stop)

    # Reading -----------------------------------------------------------------------------

    def records(self, marks: Marks) -> list[Record]:
        """The marked records."""
        result: list[Record] = []
        for number, mask in marks:
            result += map(self._blocks[number].rows.__getitem__, row_numbers(mask))
        return result

    def positions(self, marks: Marks) -> list[Position]:
        """The positions of the marked records."""
        result = [
            self._blocks[number].keys[at] for number, mask in marks for at in row_numbers(mask)
        ]
        return [_position(key) for key in result]

    def rows(self) -> Iterator[tuple[int, Record]]:
        """Every current record with its arrival, in order."""
        for block in self._blocks[:]:
            for key, record in zip(block.keys, block.rows, strict=True):
                yield key & _ARRIVAL, record

    def find(self, key: int) -> Record:
        """The record with this key, which must exist."""
        block = self._blocks[self._number(key)]
        self.work += 1
        return block.rows[bisect_left(block.keys, key)]

    def page(
        self, selection: Selection, *, after: Position | None, limit: int, descending: bool
    ) -> Page[Record]:
        """At most `limit` selected records after a position, in either order."""
        low, high = selection.low, selection.high
        if after is not None:
            key = key_of(after)
            # The token names a position rather than an offset, so pages stay correct while
            # records are added or deleted (PG-7).
            low, high = (low, min(high, key)) if descending else (max(low, key + 1), high)
        records: list[Record] = []
        last: Position | None = None
        for number, span in self._spans(low, high, descending=descending):
            if len(records) == limit:
                break
            self._check_patience()
            block = self._blocks[number]
            rows = self._take(
                block, selection, span, limit=limit - len(records), descending=descending
            )
            if rows:
                records += map(block.rows.__getitem__, rows)
                last = _position(block.keys[rows[-1]])
        self.work += len(records)
        return Page(records, last)

    def first(
        self, selection: Selection, field: str, *, limit: int, descending: bool
    ) -> list[Record]:
        """The first `limit` selected records by a number field; ties keep their order.

        Blocks are visited in order of their bounds, until no other block can contribute.
        """
        sign = -1 if descending else 1
        value = attrgetter(field)
        spans = sorted(
            (sign * block.bounds(field)[descending], number, block, span)
            for number, block, span in self._reached(selection)
        )
        first: list[tuple[int, int, int]] = []
        for bound, number, block, span in spans:
            # The blocks are sorted by bound, so the remaining ones cannot beat the current last
            # place.
            if len(first) == limit and bound > first[-1][0]:
                break
            self._check_patience()
            before = block.reads
            rows = list(row_numbers(_mask_in(block, selection, span)))
            first += ((sign * value(block.rows[at]), number, at) for at in rows)
            first = nsmallest(limit, first)
            self._looked(block.reads - before)
            self.work += 1 + len(rows)
        return [self._blocks[number].rows[at] for _, number, at in first]

    def _take(
        self,
        block: Block[Record],
        selection: Selection,
        span: range,
        *,
        limit: int,
        descending: bool,
    ) -> list[int]:
        """The first selected rows in a span of a block."""
        if block.scanned:
            before = block.reads
            mask = _mask_in(block, selection, span)
            self._looked(block.reads - before)
            self.work += 1
            return list(islice(row_numbers(mask, descending=descending), limit))
        # First query of this block: stop at the page limit. Only a scan that reached the end
        # shows that queries are selective, and pays for indexes from then on.
        order = span[::-1] if descending else span
        rows = list(islice(scan(selection.predicates, block.rows, order), limit))
        block.scanned = len(rows) < limit
        self._looked(len(order) if block.scanned else order.index(rows[-1]) + 1)
        # A call that is done in turns begins with what it knows already. Only an answer about the
        # whole block may be cached: the key does not include the span.
        if self.patience < inf and block.scanned and len(span) == len(block.keys):
            block.remember(selection.cache_key, mask_of_rows(rows, len(span)))
        return rows

    def _looked(self, rows: int) -> None:
        """Count rows that were read."""
        self.work += rows
        self.patience -= rows

    def _check_patience(self) -> None:
        """Stop a scan that has exceeded its turn. Blocks keep what was learned so far.

        Raises:
            UnfinishedError: The budget is exhausted.
        """
        if self.patience < 0:
            raise UnfinishedError

    def totals(self, selection: Selection) -> Totals:
        """Number and total bytes of the selected records."""
        records = size = 0
        for _, block, span in self._reached(selection):
            question = (selection.cache_key, "size")
            cached: tuple[int, int] | None = block.known.get(question)
            # Blocks at the ends of the interval are partial, so their cached totals do not apply.
            if cached is None or len(span) < len(block.keys):
                mask = _mask_in(block, selection, span)
                cached = mask.bit_count(), block.numbers("size").sum(mask)
                if len(span) == len(block.keys):
                    block.remember(question, cached)
            records += cached[0]
            size += cached[1]
        return Totals(records, size)

    def values(self, selection: Selection, field: str) -> set[str]:
        """Distinct values of a many-valued field among the selected records."""
        distinct: set[Hashable] = {None}
        for _, block, span in self._reached(selection):
            question = (selection.cache_key, field)
            cached: frozenset[Hashable] | None = block.known.get(question)
            if cached is None or len(span) < len(block.keys):
                mask = _mask_in(block, selection, span)
                index = block.index(field)
                cached = frozenset(value for value, rows in index.items() if rows & mask)
                if len(span) == len(block.keys):
                    block.remember(question, cached)
            distinct |= cached
        return {value for value in distinct if isinstance(value, str)}

    def _reached(self, selection: Selection) -> Iterator[tuple[int, Block[Record], range]]:
        """The blocks and spans that may contain selected records; each block counts as work."""
        for number, span in self._spans(selection.low, selection.high):
            self._check_patience()
            block = self._blocks[number]
            before = block.reads
            yield number, block, span
            self.work += 1
            self._looked(block.reads - before)


def _mask_in(block: Block[Any], selection: Selection, span: range) -> int:
    """The selected rows in a span of a block."""
    mask = selection.mask(block)
    return mask if len(span) == len(block.keys) else mask & mask_of_span(span)


def _first_key(block: Block[Any]) -> int:
    return block.keys[0]


def _position(key: int) -> Position:
    return Position(key >> ARRIVAL_BITS, key & _ARRIVAL)


def key_of(position: Position) -> int:
    """The key of a position."""
    return position.time << ARRIVAL_BITS | position.arrival
