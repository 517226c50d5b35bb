"""From a query to what finds its records: a range of keys, a test, and masks.

A query becomes a list of terms, all of which must hold. Each term can be asked in two
ways: as the source text of a test of one record, and as the mask of a block's rows.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from fakeviam.model.filters import TagRule, TimeField
from fakeviam.store.block import MANY_VALUED, Block, mask_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from fakeviam.model.filters import Interval, Query

Test = Callable[[Any], bool]

#: A key is a time and, in its low bits, an arrival: one comparison orders by both.
ARRIVAL_BITS = 40


class Term(Protocol):
    """One condition on a record."""

    def tests(self) -> Sequence[tuple[str, object]]:
        """Alternatives: source over the record `r`, with {} for a constant."""
        ...

    def mask(self, block: Block[Any]) -> int:
        """The rows of a block for which it holds."""
        ...


class Among:
    """A record has one of the listed values, in one field or another."""

    def __init__(self, *fields: tuple[str, Collection[str | bool]]) -> None:
        """Take attribute paths and the values looked for there."""
        self._fields = fields

    def tests(self) -> Sequence[tuple[str, object]]:
        return [_membership(field, values) for field, values in self._fields]

    def mask(self, block: Block[Any]) -> int:
        found = 0
        for field, values in self._fields:
            get = block.index(field).get
            for value in values:
                found |= get(value, 0)
        return found


class Tagged:
    """A record has any tag, or has none."""

    def __init__(self, *, tagged: bool) -> None:
        """Ask for tags, or for none."""
        self._tagged = tagged

    def tests(self) -> Sequence[tuple[str, object]]:
        return [("bool(r.tags) is {}", self._tagged)]

    def mask(self, block: Block[Any]) -> int:
        untagged = block.index("tags").get(None, 0)
        return block.everything ^ untagged if self._tagged else untagged


class Below:
    """A number of the record is less than a bound, or is not."""

    def __init__(self, field: str, bound: int, *, holds: bool = True) -> None:
        """Compare a field; with `holds` False, ask for the contrary."""
        self._field = field
        self._bound = bound
        self._holds = holds

    def tests(self) -> Sequence[tuple[str, object]]:
        return [(f"r.{self._field} {'<' if self._holds else '>='} {{}}", self._bound)]

    def mask(self, block: Block[Any]) -> int:
        below = block.numbers(self._field).below(self._bound)
        return below if self._holds else block.everything ^ below


def _membership(field: str, values: Collection[str | bool]) -> tuple[str, object]:
    if field in MANY_VALUED:
        return f"not {{}}.isdisjoint(r.{field})", values
    if len(values) == 1:
        return f"r.{field} == {{}}", next(iter(values))
    return f"r.{field} in {{}}", values


class Selection(NamedTuple):
    """A query made ready for blocks.

    Attributes:
        low: Keys from here on ...
        high: ... and below this.
        terms: What must hold of a record besides.
        test: The same terms as one function.
        mark: Stands for the terms: blocks keep their answers by it.
    """

    low: float
    high: float
    terms: Sequence[Term]
    test: Test
    mark: object

    def mask(self, block: Block[Any]) -> int:
        """The rows of a block for which all terms hold.

        The first look at a block tests its rows, later ones use indexes: a block that is
        looked at once between two writes is not worth any.
        """
        known: int | None = block.known.get(self.mark)
        if known is not None:
            return known
        mask = self._found(block)
        block.remember(self.mark, mask)
        return mask

    def _found(self, block: Block[Any]) -> int:
        if self.terms and not block.walked:
            block.walked = True
            block.reads += len(block.rows)
            return mask_of(map(self.test, block.rows))
        mask = block.everything
        for term in self.terms:
            mask &= term.mask(block)
            if not mask:
                break
        return mask


class Selector:
    """Makes selections, and remembers the code of each shape of query."""

    def __init__(self) -> None:
        """Start with no code."""
        self._factories: dict[tuple[str, ...], Callable[..., Test]] = {}
        self._binary: dict[Query, Selection] = {}
        self._tabular: dict[Query, Selection] = {}

    def binary(self, query: Query) -> Selection:
        """What the query selects among binary records."""
        return _remembered(self._binary, query, self._of_binary)

    def tabular(self, query: Query) -> Selection:
        """What the query selects among readings, which have no boxes and no datasets (A18)."""
        return _remembered(self._tabular, query, self._of_tabular)

    def _of_binary(self, query: Query) -> Selection:
        terms = [*_common_terms(query)]
        if query.tag_rule is TagRule.LISTED:
            wanted = [("tags", query.tags), ("dataset_ids", query.label_dataset_ids)]
            terms.append(Among(*(pair for pair in wanted if pair[1])))
        if query.box_labels:
            terms.append(Among(("box_labels", query.box_labels)))
        if query.dataset_id:
            terms.append(Among(("dataset_ids", {query.dataset_id})))
        return self._selection(query, terms, nothing=query.nothing)

    def _of_tabular(self, query: Query) -> Selection:
        terms = [*_common_terms(query)]
        if query.tag_rule is TagRule.LISTED:
            terms.append(Among(("tags", query.tags)))
        nothing = query.nothing or bool(query.box_labels) or bool(query.dataset_id)
        return self._selection(query, terms, nothing=nothing)

    def members(self, dataset_ids: Collection[str]) -> Selection:
        """The members of any of these datasets."""
        terms = [Among(("dataset_ids", frozenset(dataset_ids)))]
        return Selection(-inf, inf, terms, self._test(terms), object())

    def _selection(self, query: Query, terms: Sequence[Term], *, nothing: bool) -> Selection:
        low, high = _keys(query.interval)
        return Selection(low, -inf if nothing else high, terms, self._test(terms), object())

    def _test(self, terms: Sequence[Term]) -> Test:
        alternatives = [term.tests() for term in terms]
        shape = tuple(" or ".join(text for text, _ in tests) for tests in alternatives)
        factory = self._factories.get(shape)
        if factory is None:
            factory = self._factories[shape] = _compiled(shape)
        return factory(*(constant for tests in alternatives for _, constant in tests))


#: Queries that are remembered: those who page ask the same one again.
_REMEMBERED = 64


def _remembered(
    known: dict[Query, Selection], query: Query, select: Callable[[Query], Selection]
) -> Selection:
    found = known.get(query)
    if found is None:
        if len(known) >= _REMEMBERED:
            known.clear()
        found = known[query] = select(query)
    return found


def _compiled(shape: tuple[str, ...]) -> Callable[..., Test]:
    """A function of a shape's constants that makes the test."""
    body = " and ".join(f"({text})" if text else "False" for text in shape) or "True"
    names = [f"c{number}" for number in range(body.count("{}"))]
    # The text is made of the literals in this module only; values come in as arguments.
    factory: Callable[..., Test] = eval(  # noqa: S307
        f"lambda {', '.join(names)}: lambda r: {body.format(*names)}"
    )
    return factory


_NAMES = (
    "component_name",
    "component_type",
    "method_name",
    "robot_name",
    "robot_id",
    "part_name",
    "part_id",
)


def _common_terms(query: Query) -> Iterator[Term]:
    for name in _NAMES:
        value: str = getattr(query, name)
        if value:
            yield Among((f"source.{name}", {value}))
    if query.location_ids:
        yield Among(("source.location_id", query.location_ids))
    organizations = _organizations(query)
    if organizations is not None:
        yield Among(("source.organization_id", organizations))
    if query.mime_types:
        yield Among(("mime_type", query.mime_types))
    if not query.include_internal:
        yield Among(("internal", {False}))
    if query.tag_rule in {TagRule.TAGGED, TagRule.UNTAGGED}:
        yield Tagged(tagged=query.tag_rule is TagRule.TAGGED)
    yield from _time_terms(query)


def _organizations(query: Query) -> frozenset[str] | None:
    """The organizations that are both asked for and in sight; None is all."""
    if query.scope is None:
        return query.organization_ids or None
    return query.organization_ids & query.scope if query.organization_ids else query.scope


def _time_terms(query: Query) -> Iterator[Term]:
    if query.interval.clock is TimeField.RECEIVED:
        start, end = _bounds(query.interval)
        if start is not None:
            yield Below("time_received", start, holds=False)
        if end is not None:
            yield Below("time_received", end)
    if query.synced_until is not None:
        yield Below("time_synced", query.synced_until + 1)


def _keys(interval: Interval) -> tuple[float, float]:
    """The range of keys: the order is by time requested, so that interval is a range."""
    if interval.clock is not TimeField.REQUESTED:
        return -inf, inf
    start, end = _bounds(interval)
    return (
        -inf if start is None else start << ARRIVAL_BITS,
        inf if end is None else end << ARRIVAL_BITS,
    )


def _bounds(interval: Interval) -> tuple[int | None, int | None]:
    """Start and end as a half-open range."""
    end = interval.end
    return interval.start, end + 1 if end is not None and interval.end_inside else end
