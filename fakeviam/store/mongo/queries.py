"""From a query to a MongoDB query document, of operators that every MongoDB has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.model.filters import TagRule, TimeField
from fakeviam.store.mongo.keys import key_text, range_of, time_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from fakeviam.model.filters import Query
    from fakeviam.store.values import Position

Filter = dict[str, Any]

#: Where the key of a document stands. Readings have no other id.
BINARY_KEY, TABULAR_KEY = "key", "_id"

_NAMES = (
    "component_name",
    "component_type",
    "method_name",
    "robot_name",
    "robot_id",
    "part_name",
    "part_id",
)

#: Fields that people filter by; each has an index together with the key.
_INDEXED = (
    "source.component_name",
    "source.part_id",
    "source.robot_id",
    "source.location_id",
    "source.organization_id",
    "mime_type",
    "tags",
)
BINARY_INDEXED = (*_INDEXED, "dataset_ids", "labels")
TABULAR_INDEXED = _INDEXED

NOTHING: Filter = {"_id": {"$in": []}}


def binary_filter(query: Query) -> Filter:
    """What the query selects among binary records."""
    if query.nothing:
        return NOTHING
    terms = [*_common(query, BINARY_KEY)]
    if query.tag_rule is TagRule.LISTED:
        listed = [_among("tags", query.tags), _among("dataset_ids", query.label_dataset_ids)]
        terms.append({"$or": listed})
    if query.box_labels:
        terms.append(_among("labels", query.box_labels))
    if query.dataset_id:
        terms.append({"dataset_ids": query.dataset_id})
    return every(terms)


def tabular_filter(query: Query) -> Filter:
    """What the query selects among readings, which have no boxes and no datasets (A18)."""
    if query.nothing or query.box_labels or query.dataset_id:
        return NOTHING
    terms = [*_common(query, TABULAR_KEY)]
    if query.tag_rule is TagRule.LISTED:
        terms.append(_among("tags", query.tags))
    return every(terms)


def beyond(place: str, after: Position | None, *, descending: bool) -> Filter:
    """What comes after a position in the asked order (PG-7)."""
    if after is None:
        return {}
    return {place: {"$lt" if descending else "$gt": key_text(*after)}}


def every(terms: Sequence[Filter]) -> Filter:
    """What all of these select."""
    chosen = [term for term in terms if term]
    if len(chosen) < 2:
        return chosen[0] if chosen else {}
    return {"$and": chosen}


def _common(query: Query, place: str) -> Iterator[Filter]:
    for name in _NAMES:
        value: str = getattr(query, name)
        if value:
            yield {f"source.{name}": value}
    if query.location_ids:
        yield _among("source.location_id", query.location_ids)
    if query.organization_ids:
        yield _among("source.organization_id", query.organization_ids)
    if query.scope is not None:
        yield _among("source.organization_id", query.scope)
    if query.mime_types:
        yield _among("mime_type", query.mime_types)
    if not query.include_internal:
        yield {"internal": False}
    if query.tag_rule is TagRule.TAGGED:
        yield {"tags.0": {"$exists": True}}
    if query.tag_rule is TagRule.UNTAGGED:
        yield {"tags": {"$size": 0}}
    yield from _times(query, place)


def _times(query: Query, place: str) -> Iterator[Filter]:
    if query.interval.bounded:
        clock = query.interval.clock
        field = place if clock is TimeField.REQUESTED else "received"
        yield {field: range_of(query.interval)}
    if query.synced_until is not None:
        yield {"synced": {"$lte": time_text(query.synced_until)}}


def _among(field: str, values: Collection[str]) -> Filter:
    return {field: {"$in": sorted(values)}}
