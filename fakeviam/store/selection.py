"""From a query to a selection: a range of keys, and predicates for rows."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.model.filter_fields import HasTags, InPredicate, LessThan, demands, scan
from fakeviam.store.block import mask_of, mask_of_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fakeviam.model.filter_fields import Predicate
    from fakeviam.model.filters import Query
    from fakeviam.store.block import Block

#: A key combines a time with an arrival in its low bits: one comparison orders by both.
ARRIVAL_BITS = 40


class Selection(NamedTuple):
    """A query compiled for blocks.

    Attributes:
        low: The first key.
        high: The key after the last one.
        predicates: Conditions that a record in this range must also meet.
        cache_key: Identifies the predicates: blocks cache answers by it.
    """

    low: float
    high: float
    predicates: Sequence[Predicate]
    cache_key: object

    def mask(self, block: Block[Any]) -> int:
        """The rows of a block that meet all predicates.

        The first query of a block tests its rows, later ones use indexes: a block that is queried
        only once between two writes does not repay an index.
        """
        cached: int | None = block.known.get(self.cache_key)
        if cached is not None:
            return cached
        mask = self._mask(block)
        block.remember(self.cache_key, mask)
        return mask

    def _mask(self, block: Block[Any]) -> int:
        # Testing rows costs about as much as building one index, but indexes serve all later
        # queries.
        if self.predicates and not block.scanned:
            block.scanned = True
            block.reads += len(block.rows)
            if len(self.predicates) == 1:
                return mask_of(self.predicates[0].flags(block.rows))
            count = len(block.rows)
            return mask_of_rows(scan(self.predicates, block.rows, range(count)), count)
        # Intersect index masks, and stop as soon as nothing is left.
        mask = block.full_mask
        for predicate in self.predicates:
            mask &= _rows_of(predicate, block)
            if not mask:
                break
        return mask


def _rows_of(predicate: Predicate, block: Block[Any]) -> int:
    """The rows of a block that meet a predicate, by the block's indexes."""
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


#: How many selections are cached.
_REMEMBERED = 64


class Selections(dict["Query", Selection]):
    """Compiled queries; the latest are cached, because paging repeats the same query."""

    def __init__(self, *, tabular: bool) -> None:
        """Compile queries for readings, or for binary records."""
        super().__init__()
        self._tabular = tabular

    def __missing__(self, query: Query) -> Selection:
        if len(self) >= _REMEMBERED:
            self.clear()
        selection = self[query] = _selection(query, tabular=self._tabular)
        return selection


def members_of(dataset_ids: Collection[str]) -> Selection:
    """The members of any of these datasets."""
    predicate = InPredicate((("dataset_ids", frozenset(dataset_ids)),))
    return Selection(-inf, inf, [predicate], object())


def _selection(query: Query, *, tabular: bool) -> Selection:
    """Compile a query: records are ordered by time, so an interval becomes a range of keys."""
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
    # A fresh object as the key: equal predicates of another selection share nothing, which is
    # safe.
    return Selection(low, high, predicates, object())
