"""Adding to and taking from the lists of many records, each in one atomic step of the database.

No record is read, changed and written back: the update says what it found missing or there, and
passes over records of which that is no longer true. Those are looked at again. So two servers
never lose or double a value, and each change is counted by the one that made it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from fakeviam.store.mongo.blobs import batches
from fakeviam.store.values import TagRemoval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymongo.collection import Collection

    from fakeviam.store.mongo.queries import Filter


def append(records: Collection[Any], field: str, chosen: Filter, values: Sequence[str]) -> int:
    """Append to the field of each chosen record the values that are not there, in this order.

    Answers how many records changed.
    """
    wanted = list(dict.fromkeys(values))
    lacking = {"$nor": [{field: {"$all": wanted}}]}
    return _edit(records, field, chosen, (wanted, lacking), adds=True)[0]


def take(records: Collection[Any], field: str, chosen: Filter, values: Sequence[str]) -> TagRemoval:
    """Take the values out of the field of each chosen record."""
    unwanted = list(dict.fromkeys(values))
    having = {field: {"$in": unwanted}}
    return TagRemoval(*_edit(records, field, chosen, (unwanted, having), adds=False))


def _edit(
    records: Collection[Any],
    field: str,
    chosen: Filter,
    what: tuple[list[str], Filter],
    *,
    adds: bool,
) -> tuple[int, int]:
    """Edit records; answer how many changed, and how many values in them."""
    values, candidates = what
    changed = count = 0
    if not values:
        return 0, 0
    while True:
        groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for document in records.find({"$and": [chosen, candidates]}, {field: 1}):
            there = document[field]
            concerned = tuple(value for value in values if (value in there) is not adds)
            groups[concerned].append(document["_id"])
        late: list[str] = []
        for concerned, members in groups.items():
            update = _update(field, concerned, adds=adds)
            found = _condition(field, values, concerned, adds=adds)
            for some in batches(members, 1000):
                which = {"$and": [{"_id": {"$in": some}}, chosen, found]}
                done = records.update_many(which, update).modified_count
                changed, count = changed + done, count + done * len(concerned)
                late += some if done < len(some) else []
        if not late:
            return changed, count
        chosen = {"$and": [{"_id": {"$in": late}}, chosen]}


def _condition(
    field: str, values: Sequence[str], concerned: Sequence[str], *, adds: bool
) -> Filter:
    """That exactly the concerned ones of the values are still missing, or still there."""
    others = [value for value in values if value not in concerned]
    there, missing = (others, concerned) if adds else (concerned, others)
    terms: list[Filter] = []
    if there:
        terms.append({field: {"$all": list(there)}})
    if missing:
        terms.append({field: {"$nin": list(missing)}})
    return {"$and": terms}


def _update(field: str, concerned: Sequence[str], *, adds: bool) -> dict[str, Any]:
    if adds:
        return {"$push": {field: {"$each": list(concerned)}}}
    return {"$pull": {field: {"$in": list(concerned)}}}
