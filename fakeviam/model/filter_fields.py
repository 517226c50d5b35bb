"""The predicates of each query field, in one table for all consumers.

The memory store tests records and combines masks by it, the MongoDB store generates query
documents, the server reads filters, and `explain` gives reasons. A new filter field is one entry of
`FILTER_FIELDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from itertools import compress, tee
from operator import attrgetter, not_, or_
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from fakeviam.model.clock import SECOND, moment_of
from fakeviam.model.datasets import dataset_label
from fakeviam.model.filters import TagRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fakeviam.model.filters import Query
    from fakeviam.model.records import AnyRecord

#: Fields with any number of values per record, and the value that stands for none.
MANY_VALUED = {"tags": "no tags", "dataset_ids": "no datasets", "box_labels": "no boxes"}

#: Fields that readings do not have, so that no reading can match (A18).
_OF_FILES = frozenset({"dataset_ids", "box_labels"})


class InPredicate(NamedTuple):
    """A record has one of the listed values in one of several fields.

    Attributes:
        alternatives: Attribute paths with the accepted values. Without any, no record matches.
    """

    alternatives: tuple[tuple[str, frozenset[object]], ...]

    def flags(self, records: Iterable[object]) -> Iterator[bool]:
        """Whether each record matches, lazily. No Python code runs per record."""
        if not self.alternatives:
            return (False for _ in records)
        if len(self.alternatives) == 1:  # nearly always
            return _matches(self.alternatives[0], records)
        copies = tee(records, len(self.alternatives))
        columns = [_matches(*each) for each in zip(self.alternatives, copies, strict=True)]
        return reduce(partial(map, or_), columns)

    def among_readings(self) -> InPredicate:
        """The same predicate for readings."""
        return InPredicate(tuple(each for each in self.alternatives if each[0] not in _OF_FILES))


class HasTags(NamedTuple):
    """A record has at least one user tag, or none."""

    tagged: bool

    def flags(self, records: Iterable[object]) -> Iterator[bool]:
        """Like `InPredicate.flags`."""
        return map(bool if self.tagged else not_, map(attrgetter("tags"), records))


class LessThan(NamedTuple):
    """A number in the record is less than a bound; if `holds` is False, it is not."""

    path: str
    bound: int
    holds: bool = True

    def flags(self, records: Iterable[object]) -> Iterator[bool]:
        """Like `InPredicate.flags`."""
        test = self.bound.__gt__ if self.holds else self.bound.__le__
        return map(test, map(attrgetter(self.path), records))


Predicate: TypeAlias = InPredicate | HasTags | LessThan


def _matches(terms: tuple[str, frozenset[object]], records: Iterable[object]) -> Iterator[bool]:
    path, values = terms
    column = map(attrgetter(path), records)
    if path in MANY_VALUED:
        return map(not_, map(values.isdisjoint, column))
    return map(values.__contains__, column)


def scan(
    predicates: Iterable[Predicate], rows: Sequence[object], numbers: Iterable[int]
) -> Iterator[int]:
    """The row numbers for which all predicates hold, tested lazily."""
    for predicate in predicates:
        tested = numbers  # a range can be iterated over twice
        if not isinstance(numbers, range):
            numbers, tested = tee(numbers)
        numbers = compress(numbers, predicate.flags(map(rows.__getitem__, tested)))
    return iter(numbers)


@dataclass(frozen=True, kw_only=True, slots=True)
class FilterField:
    """One field of a query.

    Attributes:
        name: The field of the filter in the API, or another criterion.
        predicate: The predicate of a query; None if the field is not set.
        words: For a record that does not match: the required and the actual value.
        attribute: The field of `Query` that takes the filter's value unchanged; otherwise empty.
        clauses: The clauses that a reply depends on if the filter sets the field.
    """

    name: str
    predicate: Callable[[Query], Predicate | None]
    words: Callable[[Query, AnyRecord], tuple[str, str]]
    attribute: str = ""
    clauses: tuple[str, ...] = ()


def _values(name: str, path: str, *clauses: str, attribute: str = "") -> FilterField:
    """A field with one value, or with several of which any may match; empty accepts all (FI-3)."""
    read = attrgetter(attribute or name)

    def wanted(query: Query) -> frozenset[Any]:
        value: str | frozenset[str] | None = read(query)
        return frozenset({value}) if isinstance(value, str) and value else frozenset(value or ())

    def predicate(query: Query) -> InPredicate | None:
        values = wanted(query)
        return InPredicate(((path, values),)) if values else None

    return FilterField(
        name=name,
        predicate=predicate,
        words=lambda query, record: (_choice_text(wanted(query)), _field_text(record, path)),
        attribute=attribute or name,
        clauses=clauses,
    )


def _field_text(record: AnyRecord, path: str) -> str:
    """The value of a field in a record."""
    if path in _OF_FILES and not hasattr(record, path):
        return "a reading"
    value = attrgetter(path)(record)
    if path in MANY_VALUED:
        return _choice_text(value) if value else MANY_VALUED[path]
    return repr(value)


def _scope(query: Query) -> Predicate | None:
    scope = query.scope
    return None if scope is None else InPredicate(((scope.path, scope.ids),))


def _scope_words(query: Query, record: AnyRecord) -> tuple[str, str]:
    assert query.scope is not None  # noqa: S101 - it has excluded something
    level, ids = query.scope
    return (_choice_text(ids), f"{level} {getattr(record.source, f'{level}_id')!r}")


def _synced(query: Query) -> Predicate | None:
    until = query.synced_until
    return None if until is None else LessThan("time_synced", until + 1)


def _synced_words(query: Query, record: AnyRecord) -> tuple[str, str]:
    until = moment_of(query.synced_until or 0).isoformat()
    return (f"stored until {until}", moment_of(record.time_synced).isoformat())


def _internal(query: Query) -> Predicate | None:
    return None if query.include_internal else InPredicate((("internal", frozenset({False})),))


def _start(query: Query) -> Predicate | None:
    interval = query.interval
    if interval.start is None:
        return None
    return LessThan(interval.clock.value, interval.start, holds=False)


def _end(query: Query) -> Predicate | None:
    end = query.interval.end
    if end is None:
        return None
    return LessThan(query.interval.clock.value, end + 1 if query.interval.end_inside else end)


def _start_words(query: Query, record: AnyRecord) -> tuple[str, str]:
    return (f"from {_moment(query.interval.start or 0)}", _time(query, record))


def _end_words(query: Query, record: AnyRecord) -> tuple[str, str]:
    until = "until" if query.interval.end_inside else "before"
    return (f"{until} {_moment(query.interval.end or 0)}", _time(query, record))


def _time(query: Query, record: AnyRecord) -> str:
    clock = query.interval.clock.value
    return f"{clock} {_moment(getattr(record, clock))}"


def _tags(query: Query) -> Predicate | None:
    if query.tag_rule is TagRule.IGNORED:
        return None
    if query.tag_rule is TagRule.LISTED:
        terms = (("tags", query.tags), ("dataset_ids", query.label_dataset_ids))
        return InPredicate(tuple(each for each in terms if each[1]))
    return HasTags(query.tag_rule is TagRule.TAGGED)


def _tags_words(query: Query, record: AnyRecord) -> tuple[str, str]:
    if query.tag_rule is not TagRule.LISTED:
        words = "any tag" if query.tag_rule is TagRule.TAGGED else "no tags"
        return (words, _field_text(record, "tags"))
    members = getattr(record, "dataset_ids", ()) if query.label_dataset_ids else ()
    visible = [*record.tags, *map(dataset_label, members)]
    return (_choice_text(query.tags), _choice_text(visible) if visible else "no tags")


def _choice_text(values: Iterable[str]) -> str:
    texts = sorted(map(repr, values))
    if not texts:
        return "nothing"
    return texts[0] if len(texts) == 1 else f"one of {', '.join(texts)}"


def _moment(nanos: int) -> str:
    """With nanoseconds, because an interval can end between two microseconds."""
    text = moment_of(nanos).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{nanos % SECOND:09d}Z" if nanos % SECOND else f"{text}Z"


#: The most selective fields come first, between the criteria that apply before and after filters.
FILTER_FIELDS = (
    FilterField(name="API key", predicate=_scope, words=_scope_words),
    FilterField(name="not visible yet", predicate=_synced, words=_synced_words),
    _values("component_name", "source.component_name", "FI-4"),
    _values("component_type", "source.component_type", "FI-4"),
    _values("method", "source.method_name", "FI-4", attribute="method_name"),
    _values("robot_name", "source.robot_name", "FI-4", "UP-10"),
    _values("robot_id", "source.robot_id", "FI-4"),
    _values("part_name", "source.part_name", "FI-4", "UP-10"),
    _values("part_id", "source.part_id", "FI-4"),
    _values("location_ids", "source.location_id"),
    _values("organization_ids", "source.organization_id"),
    _values("mime_type", "mime_type", attribute="mime_types"),
    FilterField(name="interval.start", predicate=_start, words=_start_words),
    FilterField(name="interval.end", predicate=_end, words=_end_words),
    FilterField(name="tags_filter", predicate=_tags, words=_tags_words),
    _values("bbox_labels", "box_labels", "FI-10", attribute="box_labels"),
    _values("dataset_id", "dataset_ids", "FI-11", "DM-3", attribute="dataset_id"),
    FilterField(
        name="include_internal_data",
        predicate=_internal,
        words=lambda _query, _record: ("true for it", "internal data"),
    ),
)


def demands(query: Query, *, tabular: bool) -> Iterator[tuple[FilterField, Predicate]]:
    """The predicates of a query, for binary records or readings; all must hold (FI-1)."""
    for field in FILTER_FIELDS:
        predicate = field.predicate(query)
        if tabular and isinstance(predicate, InPredicate):
            yield field, predicate.among_readings()
        elif predicate is not None:
            yield field, predicate
