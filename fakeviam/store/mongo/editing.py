"""Adds values to lists in many records, or removes them, atomically per record.

No record is read, changed and written back. Instead, an update is conditional on the values that
were read as missing or present; records for which that no longer holds are read again. So
concurrent servers never lose or duplicate a value, and each change is counted exactly once.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fakeviam.store.mongo.blobs import batches
from fakeviam.store.values import TagRemoval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymongo.collection import Collection

    from fakeviam.store.mongo.documents import Document
    from fakeviam.store.mongo.queries import Filter


def append(
    records: Collection[Document], field: str, filter_: Filter, values: Sequence[str]
) -> int:
    """Append missing values to a list field of each selected record, in this order.

    Returns the number of changed records.
    """
    additions = list(dict.fromkeys(values))
    lacking = {"$nor": [{field: {"$all": additions}}]}
    return _edit(records, field, filter_, (additions, lacking), adds=True)[0]


def take(
    records: Collection[Document], field: str, filter_: Filter, values: Sequence[str]
) -> TagRemoval:
    """Remove values from a list field of each selected record."""
    unwanted = list(dict.fromkeys(values))
    having = {field: {"$in": unwanted}}
    return TagRemoval(*_edit(records, field, filter_, (unwanted, having), adds=False))


def _edit(
    records: Collection[Document],
    field: str,
    filter_: Filter,
    what: tuple[list[str], Filter],
    *,
    adds: bool,
) -> tuple[int, int]:
    """Edit records; returns the number of changed records, and of changed values in them."""
    values, candidates = what
    changed = count = 0
    if not values:
        return 0, 0
    while True:
        groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for document in records.find({"$and": [filter_, candidates]}, {field: 1}):
            there = document[field]
            concerned = tuple(value for value in values if (value in there) is not adds)
            groups[concerned].append(document["_id"])
        late: list[str] = []
        for concerned, members in groups.items():
            update = _update(field, concerned, adds=adds)
            condition = _condition(field, values, concerned, adds=adds)
            for some in batches(members, 1000):
                which = {"$and": [{"_id": {"$in": some}}, filter_, condition]}
                modified = records.update_many(which, update).modified_count
                changed, count = changed + modified, count + modified * len(concerned)
                late += some if modified < len(some) else []
        if not late:
            return changed, count
        filter_ = {"$and": [{"_id": {"$in": late}}, filter_]}


def _condition(
    field: str, values: Sequence[str], concerned: Sequence[str], *, adds: bool
) -> Filter:
    """A filter: exactly `concerned` of the values are still missing, or still present."""
    others = [value for value in values if value not in concerned]
    there, missing = (others, concerned) if adds else (concerned, others)
    terms: list[Filter] = []
    if there:
        terms.append({field: {"$all": list(there)}})
    if missing:
        terms.append({field: {"$nin": list(missing)}})
    return {"$and": terms}


def _update(field: str, concerned: Sequence[str], *, adds: bool) -> Document:
    if adds:
        return {"$push": {field: {"$each": list(concerned)}}}
    return {"$pull": {field: {"$in": list(concerned)}}}
