"""Translates queries to MongoDB filters, using operators that every MongoDB version has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.model.filter_fields import HasTags, InPredicate, demands
from fakeviam.store.mongo.keys import key_text, time_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fakeviam.model.filter_fields import Predicate
    from fakeviam.model.filters import Query
    from fakeviam.store.values import Position

Filter = dict[str, Any]

#: The field with the sort key. It is also the id of a reading.
BINARY_KEY, TABULAR_KEY = "key", "_id"

#: Fields that are often filtered by; each has an index together with the sort key.
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
    """A filter for the selected binary records."""
    places = {**_PLACES, "time_requested": BINARY_KEY}
    return every([_term(each, places) for _, each in demands(query, tabular=False)])


def tabular_filter(query: Query) -> Filter:
    """A filter for the selected readings."""
    places = {**_PLACES, "time_requested": TABULAR_KEY}
    return every([_term(each, places) for _, each in demands(query, tabular=True)])


def beyond(place: str, after: Position | None, *, descending: bool) -> Filter:
    """A filter for the records after a position in the requested order (PG-7)."""
    if after is None:
        return {}
    return {place: {"$lt" if descending else "$gt": key_text(*after)}}


def every(terms: Sequence[Filter]) -> Filter:
    """A filter that combines others with AND."""
    conditions = [term for term in terms if term]
    if len(conditions) < 2:
        return conditions[0] if conditions else {}
    return {"$and": conditions}


#: Fields that have other names in documents. A key starts with the time requested.
_PLACES = {"box_labels": "labels", "time_received": "received", "time_synced": "synced"}


def _term(predicate: Predicate, places: dict[str, str]) -> Filter:
    """The filter for one predicate."""
    if isinstance(predicate, HasTags):
        return {"tags.0": {"$exists": True}} if predicate.tagged else {"tags": {"$size": 0}}
    if isinstance(predicate, InPredicate):
        terms = [
            {places.get(path, path): _one_of(values)} for path, values in predicate.alternatives
        ]
        return {"$or": terms} if len(terms) > 1 else terms[0] if terms else NOTHING
    operator = "$lt" if predicate.holds else "$gte"
    return {places[predicate.path]: {operator: time_text(predicate.bound)}}


def _one_of(values: Collection[Any]) -> object:
    return next(iter(values)) if len(values) == 1 else {"$in": sorted(values)}
