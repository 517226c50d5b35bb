"""From a query to what finds its records: a range of keys, and predicates of rows."""

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

    def mask(self, block: Block[Any]) -> int:
        """The rows of a block for which all predicates hold.

        The first look at a block tests its rows, later ones use indexes: a block that is
        looked at once between two writes is not worth any.
        """
        cached: int | None = block.known.get(self.cache_key)
        if cached is not None:
            return cached
        mask = self._mask(block)
        block.remember(self.cache_key, mask)
        return mask

    def _mask(self, block: Block[Any]) -> int:
        if self.predicates and not block.scanned:
            block.scanned = True
            block.reads += len(block.rows)
            if len(self.predicates) == 1:
                return mask_of(self.predicates[0].flags(block.rows))
            count = len(block.rows)
            return mask_of_rows(scan(self.predicates, block.rows, range(count)), count)
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


#: Queries that are remembered.
_REMEMBERED = 64


class Selections(dict["Query", Selection]):
    """What queries select; the latest are remembered: those who page ask the same one again."""

    def __init__(self, *, tabular: bool) -> None:
        """Select among readings, or among binary records."""
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
