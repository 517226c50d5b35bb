"""From a query to what finds its records: a range of keys, and predicates of rows."""

from __future__ import annotations

from itertools import compress, tee
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.model.filter_fields import HasTags, InPredicate, LessThan, demands
from fakeviam.store.block import mask_of, mask_of_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from fakeviam.model.filter_fields import Predicate
    from fakeviam.model.filters import Query
    from fakeviam.store.block import Block

#: A key is a time and, in its low bits, an arrival: one comparison orders by both.
ARRIVAL_BITS = 40


class Selection(NamedTuple):
    """A query made ready for blocks.

    Attributes:
        low: Keys from here on ...
        high: ... and below this.
        predicates: What must hold of a record besides, all of it.
        cache_key: Stands for the predicates: blocks keep their answers by it.
    """

    low: float
    high: float
    predicates: Sequence[Predicate]
    cache_key: object

    def scan(self, rows: Sequence[Any], numbers: Iterable[int]) -> Iterator[int]:
        """Those of the row numbers for which all predicates hold, tested only as they are asked."""
        for predicate in self.predicates:
            tested = numbers  # a range can be gone through twice
            if not isinstance(numbers, range):
                numbers, tested = tee(numbers)
            numbers = compress(numbers, predicate.flags(map(rows.__getitem__, tested)))
        return iter(numbers)

    def mask(self, block: Block[Any]) -> int:
        """The rows of a block for which all predicates hold.

        The first look at a block tests its rows, later ones use indexes: a block that is
        looked at once between two writes is not worth any.
        """
        known: int | None = block.known.get(self.cache_key)
        if known is not None:
            return known
        mask = self._mask(block)
        block.remember(self.cache_key, mask)
        return mask

    def _mask(self, block: Block[Any]) -> int:
        if self.predicates and not block.scanned:
            block.scanned = True
            block.reads += len(block.rows)
            if len(self.predicates) == 1:
                return mask_of(self.predicates[0].flags(block.rows))
            return mask_of_rows(self.scan(block.rows, range(len(block.rows))), len(block.rows))
        mask = block.full_mask
        for predicate in self.predicates:
            mask &= _rows_of(predicate, block)
            if not mask:
                break
        return mask


def _rows_of(predicate: Predicate, block: Block[Any]) -> int:
    """The rows of a block for which a predicate holds, by the block's indexes."""
    if isinstance(predicate, HasTags):
        untagged = block.index("tags").get(None, 0)
        return block.full_mask ^ untagged if predicate.tagged else untagged
    if isinstance(predicate, LessThan):
        below = block.numbers(predicate.path).below(predicate.bound)
        return below if predicate.holds else block.full_mask ^ below
    mask = 0
    for path, values in predicate.alternatives:
        get = block.index(path).get
        for value in values:
            mask |= get(value, 0)
    return mask


class Selector:
    """Makes selections, and remembers the latest: those who page ask the same one again."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._binary: dict[Query, Selection] = {}
        self._tabular: dict[Query, Selection] = {}

    def binary(self, query: Query) -> Selection:
        """What the query selects among binary records."""
        return self._binary.get(query) or _remembered(self._binary, query, tabular=False)

    def tabular(self, query: Query) -> Selection:
        """What the query selects among readings."""
        return self._tabular.get(query) or _remembered(self._tabular, query, tabular=True)

    def members(self, dataset_ids: Collection[str]) -> Selection:
        """The members of any of these datasets."""
        wanted = InPredicate((("dataset_ids", frozenset(dataset_ids)),))
        return Selection(-inf, inf, [wanted], object())


#: Queries that are remembered.
_REMEMBERED = 64


def _remembered(known: dict[Query, Selection], query: Query, *, tabular: bool) -> Selection:
    if len(known) >= _REMEMBERED:
        known.clear()
    selection = known[query] = _selection(query, tabular=tabular)
    return selection


def _selection(query: Query, *, tabular: bool) -> Selection:
    """The order is by time requested, so an interval of that is a range of keys."""
    low, high, predicates = -inf, inf, []
    for _, predicate in demands(query, tabular=tabular):
        if isinstance(predicate, LessThan) and predicate.path == "time_requested":
            if predicate.holds:
                high = min(high, predicate.bound << ARRIVAL_BITS)
            else:
                low = predicate.bound << ARRIVAL_BITS
        elif predicate == InPredicate(()):
            high = -inf
        else:
            predicates.append(predicate)
    return Selection(low, high, predicates, object())
