"""The same queries for SQLite and for mongomock."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import mongomock

from benchmarks.records import BIG, PAGE, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.model.records import BinaryRecord

_TABLES = """
create table records (id integer primary key, time integer, part text, component text,
  organization text, location text, mime text, size integer);
create table tags (record integer, value text);
create table labels (record integer, value text);
create table datasets (record integer, value text);
"""
_INDEXES = """
create index by_time on records (time, id);
create index by_part on records (part, component, id);
create index by_organization on records (organization, id);
create index by_location on records (location, id);
create index by_mime on records (mime, id);
create index by_tag on tags (value, record);
create index tags_of on tags (record, value);
create index by_label on labels (value, record);
create index by_dataset on datasets (value, record);
"""

_PART = "part = 'part-7' and component = 'component-3'"
_TAGS = "id in (select record from tags where value in ('tag-1', 'tag-2'))"
_NONE = f"organization = '{BIG}' and component = 'component-5' and mime = 'image/jpeg' and location = 'no such' and id in (select record from tags)"  # noqa: E501, S608
_MEMBERS = (
    "id in (select record from datasets where value = 'dataset-3') "
    "and id not in (select record from tags)"
)


def sqlite(records: Sequence[BinaryRecord]) -> dict[str, Callable[[], object]]:
    """Queries by name, over a database in memory with every index they could want."""
    database = sqlite3.connect(":memory:")
    database.executescript(_TABLES)
    ordered = sorted(records, key=lambda record: record.time_requested)
    database.executemany(
        "insert into records values (?, ?, ?, ?, ?, ?, ?, ?)",
        map(_row, range(len(ordered)), ordered),
    )
    for table, field in (("tags", "tags"), ("labels", "box_labels"), ("datasets", "dataset_ids")):
        pairs = ((at, value) for at, r in enumerate(ordered) for value in getattr(r, field))
        database.executemany(f"insert into {table} values (?, ?)", pairs)  # noqa: S608
    database.executescript(_INDEXES)
    span = len(records)
    interval = f"time >= {span * SECOND // 2} and time < {span * SECOND * 6 // 10}"

    def ask(text: str) -> Callable[[], object]:
        return lambda: database.execute(text).fetchall()

    def page(where: str, order: str = "desc") -> Callable[[], object]:
        return ask(f"select id from records where {where} order by id {order} limit {PAGE}")  # noqa: S608

    def totals(where: str) -> Callable[[], object]:
        return ask(f"select count(*), sum(size) from records where {where}")  # noqa: S608

    return {
        "part + component, page": page(_PART),
        "organization (90 %), page": page(f"organization = '{BIG}'"),
        "tag OR of 2, page": page(_TAGS),
        "rare tag, page": page("id in (select record from tags where value = 'rare')"),
        "label OR of 2, page": page(
            "id in (select record from labels where value in ('label-3', 'label-4'))"
        ),
        "dataset + untagged, page": page(_MEMBERS),
        "interval 10 % + mime, ascending": page(f"{interval} and mime = 'image/png'", "asc"),
        "no match, 5 terms, page": page(_NONE),
        "deep page, organization": page(f"organization = '{BIG}' and id > {span // 2}", "asc"),
        "deep page, tag OR": page(f"{_TAGS} and id > {span // 2}", "asc"),
        "totals of everything": totals("1"),
        "totals, part + component": totals(_PART),
        "totals, organization (90 %)": totals(f"organization = '{BIG}'"),
        "totals, tag OR": totals(_TAGS),
        "totals, interval + mime": totals(f"{interval} and mime = 'image/png'"),
        "distinct tags of 25 %": ask(
            "select distinct value from tags where record in "
            "(select id from records where location in ('location-1', 'location-2'))"
        ),
        "distinct labels of everything": ask("select distinct value from labels"),
        "distinct datasets, tag OR": ask(
            "select distinct value from datasets where record in "
            "(select record from tags where value in ('tag-1', 'tag-2'))"
        ),
    }


def _row(number: int, record: BinaryRecord) -> tuple[Any, ...]:
    source = record.source
    return (
        number,
        record.time_requested,
        source.part_id,
        source.component_name,
        source.organization_id,
        source.location_id,
        record.mime_type,
        record.size,
    )


def in_mongomock(records: Sequence[BinaryRecord]) -> dict[str, Callable[[], object]]:
    """Queries by name, over a collection."""
    found: Any = mongomock.MongoClient().db.records
    names = ("_id", "time", "part", "component", "organization", "location", "mime", "size")
    ordered = sorted(records, key=lambda record: record.time_requested)
    documents = [dict(zip(names, _row(at, r), strict=True)) for at, r in enumerate(ordered)]
    for document, record in zip(documents, ordered, strict=True):
        document["tags"] = list(record.tags)
        document["labels"] = sorted(record.box_labels)
        document["datasets"] = list(record.dataset_ids)
    found.insert_many(documents)
    span = len(records)
    part = {"part": "part-7", "component": "component-3"}
    tags = {"tags": {"$in": ["tag-1", "tag-2"]}}
    dated = {"time": {"$gte": span * SECOND // 2, "$lt": span * SECOND * 6 // 10}}

    def page(query: dict[str, Any], order: int = -1) -> Callable[[], object]:
        return lambda: list(found.find(query).sort("_id", order).limit(PAGE))

    def totals(query: dict[str, Any]) -> Callable[[], object]:
        return lambda: sum(document["size"] for document in found.find(query, {"size": 1}))

    return {
        "part + component, page": page(part),
        "organization (90 %), page": page({"organization": BIG}),
        "tag OR of 2, page": page(tags),
        "rare tag, page": page({"tags": "rare"}),
        "label OR of 2, page": page({"labels": {"$in": ["label-3", "label-4"]}}),
        "dataset + untagged, page": page({"datasets": "dataset-3", "tags": []}),
        "interval 10 % + mime, ascending": page({**dated, "mime": "image/png"}, 1),
        "no match, 5 terms, page": page({"organization": BIG, "location": "no such"}),
        "deep page, organization": page({"organization": BIG, "_id": {"$gt": span // 2}}, 1),
        "deep page, tag OR": page({**tags, "_id": {"$gt": span // 2}}, 1),
        "totals of everything": totals({}),
        "totals, part + component": totals(part),
        "totals, organization (90 %)": totals({"organization": BIG}),
        "totals, tag OR": totals(tags),
        "totals, interval + mime": totals({**dated, "mime": "image/png"}),
        "distinct tags of 25 %": lambda: found.find(
            {"location": {"$in": ["location-1", "location-2"]}}
        ).distinct("tags"),
        "distinct labels of everything": lambda: found.distinct("labels"),
        "distinct datasets, tag OR": lambda: found.find(tags).distinct("datasets"),
    }
