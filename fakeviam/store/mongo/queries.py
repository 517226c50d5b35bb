"""From a query to a MongoDB query document, of operators that every MongoDB has."""

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

#: Where the key of a document stands. Readings have no other id.
BINARY_KEY, TABULAR_KEY = "key", "_id"

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
    places = {**_PLACES, "time_requested": BINARY_KEY}
    return every([_term(each, places) for _, each in demands(query, tabular=False)])


def tabular_filter(query: Query) -> Filter:
    """What the query selects among readings."""
    places = {**_PLACES, "time_requested": TABULAR_KEY}
    return every([_term(each, places) for _, each in demands(query, tabular=True)])


def beyond(place: str, after: Position | None, *, descending: bool) -> Filter:
    """What comes after a position in the asked order (PG-7)."""
    if after is None:
        return {}
    return {place: {"$lt" if descending else "$gt": key_text(*after)}}


def every(terms: Sequence[Filter]) -> Filter:
    """What all of these select."""
    conditions = [term for term in terms if term]
    if len(conditions) < 2:
        return conditions[0] if conditions else {}
    return {"$and": conditions}


#: Fields of records that have another name in documents. A key begins with the time requested.
_PLACES = {"box_labels": "labels", "time_received": "received", "time_synced": "synced"}


def _term(predicate: Predicate, places: dict[str, str]) -> Filter:
    """What one predicate selects."""
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
