"""Converts filters to queries (FI-1 … FI-17)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.model.datasets import labelled_datasets
from fakeviam.model.errors import InvalidArgumentError
from fakeviam.model.filter_fields import FILTER_FIELDS
from fakeviam.model.filters import EVERYTHING, Interval, Query, TagRule, TimeField
from fakeviam.server.services.wire_values import time_from
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.model.policy import Policy
    from fakeviam.server.state.call import Call

_RULES = {
    data.TAGS_FILTER_TYPE_UNSPECIFIED: TagRule.LISTED,
    data.TAGS_FILTER_TYPE_MATCH_BY_OR: TagRule.LISTED,
    data.TAGS_FILTER_TYPE_TAGGED: TagRule.TAGGED,
    data.TAGS_FILTER_TYPE_UNTAGGED: TagRule.UNTAGGED,
}

#: Fields of a filter that `Query` takes unchanged, by their names there.
_COPIED = {field.name: field.attribute for field in FILTER_FIELDS if field.attribute}

# Fields that do not apply to readings, or apply in a different way (A18).
_OF_FILES = frozenset({"bbox_labels", "dataset_id", "mime_type"})

#: How many filters are cached, since every page repeats the filter.
_REMEMBERED = 256


class FilterReader:
    """Converts filters to queries under one policy, with a cache."""

    def __init__(self, policy: Policy) -> None:
        """Convert according to `policy`."""
        self._policy = policy
        self._known: dict[tuple[bytes, bool, bool], tuple[Query, tuple[str, ...]]] = {}

    def read(
        self, message: data.Filter, *, include_internal: bool, tabular: bool
    ) -> tuple[Query, tuple[str, ...]]:
        """The query of a filter for an unrestricted caller, and the clauses it depends on.

        Raises:
            InvalidArgumentError: The filter is invalid.
        """
        key = (message.SerializeToString(), include_internal, tabular)
        cached = self._known.get(key)
        if cached is None:
            query = self._query(message, include_internal=include_internal)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            clauses = tuple(filter_grounds(message, query, tabular=tabular))
            cached = self._known[key] = (query, clauses)
        return cached

    def _query(self, message: data.Filter, *, include_internal: bool) -> Query:
        rule, tags, _ = tag_rule(message.tags_filter)
        has_labels = self._policy.dataset_label == "shown"
        return Query(
            **copied_fields(message),
            interval=self.interval(message.interval),
            tag_rule=rule,
            tags=tags,
            label_dataset_ids=labelled_datasets(tags) if has_labels else frozenset(),
            include_internal=include_internal,
        )

    def interval(self, message: data.CaptureInterval) -> Interval:
        """The interval of a message, whose ends may both be absent (FI-13)."""
        has_start, has_end = message.HasField("start"), message.HasField("end")
        if not has_start and not has_end:
            return EVERYTHING
        return Interval(
            start=time_from(message.start, "interval.start") if has_start else None,
            end=time_from(message.end, "interval.end") if has_end else None,
            end_inside=self._policy.interval_bounds == "closed",
            clock=TimeField(self._policy.interval_clock),
        )


def copied_fields(message: data.Filter | data.DeleteTabularFilter) -> dict[str, Any]:
    """The fields that are copied unchanged, as arguments of `Query`."""
    fields = message.DESCRIPTOR.fields_by_name
    values = {field: getattr(message, name) for name, field in _COPIED.items() if name in fields}
    return {
        field: value if isinstance(value, str) else frozenset(value)
        for field, value in values.items()
    }


def filter_grounds(message: data.Filter, query: Query, *, tabular: bool) -> Iterator[str]:
    """The clauses that a query depends on because of its filter."""
    yield "PG-10"
    fields = frozenset(field.name for field, _ in message.ListFields())
    yield "FI-1" if fields or message.ByteSize() else "FI-2"
    for field in FILTER_FIELDS:
        if field.name in fields:
            yield from field.clauses
    lists = (query.location_ids, query.organization_ids, query.mime_types)
    if any(len(values) > 1 for values in lists):
        yield "FI-5"
    if tabular and fields & _OF_FILES:
        yield from ("FI-16", "A18")
    yield from tag_rule(message.tags_filter)[2]
    if query.label_dataset_ids:
        yield "A10"
    if "dataset_id" in fields and query.tag_rule is TagRule.UNTAGGED:
        yield "FI-12"
    yield from interval_grounds(message.interval)


def interval_grounds(message: data.CaptureInterval) -> tuple[str, ...]:
    """The clauses that an interval depends on."""
    has_start, has_end = message.HasField("start"), message.HasField("end")
    if not has_start and not has_end:
        return ()
    open_end = () if has_start and has_end else ("FI-13",)
    return ("FI-14", "A3", *open_end, *(("A2",) if has_end else ()))


def query_from(
    call: Call, message: data.Filter, *, include_internal: bool = False, tabular: bool = False
) -> Query:
    """The query of a filter, for this caller (FI-1 … FI-17).

    Args:
        call: The call.
        message: The filter; a missing one is like an empty one (FI-2).
        include_internal: Whether to include Viam's own data (PG-10).
        tabular: Whether the query is for readings, which have no boxes or datasets (A18).

    Raises:
        Refusal: It names an organization the caller may not see (A51), or is invalid.
    """
    if message.organization_ids:
        call.principal.check_named(message.organization_ids)
    reader: FilterReader = call.cloud.by_policy[FilterReader]
    query, clauses = reader.read(message, include_internal=include_internal, tabular=tabular)
    call.cite(clauses)
    scope = call.principal.scope
    if scope is None and not (call.cloud.hiding or call.policy.visibility_lag):
        return query
    return replace(query, scope=scope, synced_until=call.visible_until())


def tag_rule(message: data.TagsFilter) -> tuple[TagRule, frozenset[str], tuple[str, ...]]:
    """The rule of a tags filter, and the clauses it depends on (FI-6, FI-7, FI-8, A17).

    Raises:
        InvalidArgumentError: Its type is unknown (FI-17).
    """
    rule = _RULES.get(message.type)
    if rule is None:
        text = f"tags_filter.type must be 0 to 3, got {message.type}"
        raise InvalidArgumentError(text, clause="FI-17")
    if rule is not TagRule.LISTED:
        return rule, frozenset(), ("FI-7",)
    if message.tags:
        return rule, frozenset(message.tags), ("FI-6",)
    by_or = message.type == data.TAGS_FILTER_TYPE_MATCH_BY_OR
    return TagRule.IGNORED, frozenset(), ("FI-9", "A17") if by_or else ("FI-8",)
