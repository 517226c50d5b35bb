"""Filters → queries (FI-1 … FI-17)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam.model.datasets import labelled_datasets
from fakeviam.model.errors import InvalidArgumentError
from fakeviam.model.filters import EVERYTHING, Interval, Query, TagRule, TimeField
from fakeviam.server.services.arguments import synced_until, time_from
from fakeviam.wire import data

if TYPE_CHECKING:
    from fakeviam.model.policy import Policy
    from fakeviam.server.state.call import Call

_RULES = {
    data.TAGS_FILTER_TYPE_UNSPECIFIED: TagRule.LISTED,
    data.TAGS_FILTER_TYPE_MATCH_BY_OR: TagRule.LISTED,
    data.TAGS_FILTER_TYPE_TAGGED: TagRule.TAGGED,
    data.TAGS_FILTER_TYPE_UNTAGGED: TagRule.UNTAGGED,
}

_SCALARS = ("component_name", "component_type", "robot_name", "robot_id", "part_name", "part_id")

#: Filters that are remembered; whoever pages sends the same one with every page.
_REMEMBERED = 256

#: Clauses that a query rests on, in the order they were met.
Cited = list[str]


class FilterReader:
    """Turns filters into queries under one policy, and remembers what it made of them."""

    def __init__(self, policy: Policy) -> None:
        """Read filters as `policy` says."""
        self._policy = policy
        self._known: dict[tuple[bytes, bool, bool], tuple[Query, tuple[str, ...]]] = {}

    def read(
        self, message: data.Filter, *, include_internal: bool, tabular: bool
    ) -> tuple[Query, tuple[str, ...]]:
        """The query of a filter for those who may see everything, and the clauses it rests on.

        Raises:
            InvalidArgumentError: The filter has no meaning.
        """
        key = (message.SerializeToString(), include_internal, tabular)
        found = self._known.get(key)
        if found is None:
            cited: Cited = []
            query = self._query(message, cited, include_internal=include_internal, tabular=tabular)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = (query, tuple(cited))
        return found

    def _query(
        self, message: data.Filter, cited: Cited, *, include_internal: bool, tabular: bool
    ) -> Query:
        cited.append("FI-1" if message.ByteSize() else "FI-2")
        scalars = {name: getattr(message, name) for name in _SCALARS}
        if message.method or any(scalars.values()):
            cited.append("FI-4")
        if message.part_name or message.robot_name:
            cited.append("UP-10")
        if max(map(len, (message.location_ids, message.organization_ids, message.mime_type))) > 1:
            cited.append("FI-5")
        nothing = tabular and bool(message.bbox_labels or message.dataset_id)
        if nothing or (tabular and message.mime_type):
            cited += ("FI-16", "A18")
        rule, tags = tags_from(message.tags_filter, cited)
        labels: frozenset[str] = frozenset()
        if self._policy.dataset_label == "shown":
            labels = labelled_datasets(tags)
        if labels:
            cited.append("A10")
        if message.bbox_labels:
            cited.append("FI-10")
        if message.dataset_id:
            cited += ("FI-11", "DM-3", *(("FI-12",) if rule is TagRule.UNTAGGED else ()))
        cited.append("PG-10")
        return Query(
            **scalars,
            method_name=message.method,
            location_ids=frozenset(message.location_ids),
            organization_ids=frozenset(message.organization_ids),
            mime_types=frozenset(message.mime_type),
            interval=self._interval(message.interval, cited),
            tag_rule=rule,
            tags=tags,
            label_dataset_ids=labels,
            box_labels=frozenset(message.bbox_labels),
            dataset_id=message.dataset_id,
            include_internal=include_internal,
            nothing=nothing,
        )

    def _interval(self, message: data.CaptureInterval, cited: Cited) -> Interval:
        has_start, has_end = message.HasField("start"), message.HasField("end")
        if not has_start and not has_end:
            return EVERYTHING
        if not (has_start and has_end):
            cited.append("FI-13")
        cited += ("FI-14", "A3", *(("A2",) if has_end else ()))
        return Interval(
            start=time_from(message.start, "interval.start") if has_start else None,
            end=time_from(message.end, "interval.end") if has_end else None,
            end_inside=self._policy.interval_bounds == "closed",
            clock=TimeField(self._policy.interval_clock),
        )


def query_from(
    call: Call, message: data.Filter, *, include_internal: bool = False, tabular: bool = False
) -> Query:
    """The query that a filter means under this fake's policy (FI-1 … FI-17).

    Args:
        call: The call it came with.
        message: The filter; an absent one reads as an empty one (FI-2).
        include_internal: Whether Viam's own data is selected too (PG-10).
        tabular: The query is for readings, which have no boxes and no datasets (A18).

    Raises:
        Refusal: It names an organization the caller may not see (A51), or has no meaning.
    """
    if message.organization_ids:
        call.principal.check_named(message.organization_ids)
    query, cited = call.cloud.for_policy(FilterReader).read(
        message, include_internal=include_internal, tabular=tabular
    )
    call.cite(*cited)
    scope, until = call.principal.organization_ids, synced_until(call)
    if scope is None and until is None:
        return query
    return replace(query, scope=scope, synced_until=until)


def tags_from(message: data.TagsFilter, cited: Cited) -> tuple[TagRule, frozenset[str]]:
    """What a tags filter asks (FI-6, FI-7, FI-8, A17).

    Raises:
        InvalidArgumentError: Its type has no meaning (FI-17).
    """
    rule = _RULES.get(message.type)
    if rule is None:
        text = f"tags_filter.type must be 0 to 3, got {message.type}"
        raise InvalidArgumentError(text, clause="FI-17")
    if rule is not TagRule.LISTED:
        cited.append("FI-7")
        return rule, frozenset()
    if not message.tags:
        if message.type == data.TAGS_FILTER_TYPE_MATCH_BY_OR:
            cited += ("FI-9", "A17")
        else:
            cited.append("FI-8")
        return TagRule.IGNORED, frozenset()
    cited.append("FI-6")
    return rule, frozenset(message.tags)
