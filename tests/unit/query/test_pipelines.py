"""Pipelines: answers by MongoDB's manual, and laws that hold for any documents."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import mongomock
import pytest
from bson import Decimal128, ObjectId
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fakeviam.query.budget import Limits
from fakeviam.query.errors import QueryError, QueryTimeoutError, ResultTooLargeError
from fakeviam.query.pipeline import Pipeline, encodable
from fakeviam.query.pushdown import plan
from fakeviam.query.values import sort_key

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)


def run(stages: list[Any], documents: list[Any], limits: Limits | None = None) -> list[Any]:
    chance = Random(1)  # noqa: S311 - the same in every run
    return Pipeline(stages, now=NOW, random=chance, limits=limits).run(documents)


def of_one(expression: Any, **document: Any) -> Any:
    """What an expression is for a document; the name of a missing value is `missing`."""
    (answer,) = run([{"$project": {"_id": 0, "x": expression}}], [document])
    return answer.get("x", "missing")


SERIES = [
    {"_id": n, "n": n, "g": "ab"[n % 2], "t": NOW + timedelta(minutes=10 * n)} for n in range(6)
]


@pytest.mark.parametrize(
    ("stages", "answer"),
    [
        ([{"$match": {"n": {"$gt": 9}}}, {"$count": "c"}], []),
        ([{"$count": "c"}], [{"c": 6}]),
        (
            [{"$match": {"n": {"$in": [1, 4]}}}, {"$project": {"n": 1, "_id": 0}}],
            [{"n": 1}, {"n": 4}],
        ),
        (
            [{"$group": {"_id": "$g", "s": {"$sum": "$n"}, "l": {"$last": "$n"}}}],
            [{"_id": "a", "s": 6, "l": 4}, {"_id": "b", "s": 9, "l": 5}],
        ),
        (
            [{"$sort": {"n": -1}}, {"$skip": 1}, {"$limit": 1}, {"$unset": ["g", "t", "_id"]}],
            [{"n": 4}],
        ),
        (
            [{"$sortByCount": {"$gte": ["$n", 2]}}],
            [{"_id": True, "count": 4}, {"_id": False, "count": 2}],
        ),
        (
            [{"$bucket": {"groupBy": "$n", "boundaries": [0, 2, 6]}}],
            [{"_id": 0, "count": 2}, {"_id": 2, "count": 4}],
        ),
        (
            [{"$bucketAuto": {"groupBy": "$n", "buckets": 2}}],
            [{"_id": {"min": 0, "max": 3}, "count": 3}, {"_id": {"min": 3, "max": 5}, "count": 3}],
        ),
        (
            [
                {"$match": {"n": {"$in": [0, 3]}}},
                {"$densify": {"field": "n", "range": {"step": 1, "bounds": "full"}}},
                {"$project": {"_id": 0, "n": 1}},
            ],
            [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}],
        ),
        (
            [
                {"$match": {"n": {"$lt": 3}}},
                {"$set": {"v": {"$cond": [{"$eq": ["$n", 1]}, None, "$n"]}}},
                {"$fill": {"sortBy": {"n": 1}, "output": {"v": {"method": "linear"}}}},
                {"$project": {"_id": 0, "v": 1}},
            ],
            [{"v": 0}, {"v": 1.0}, {"v": 2}],
        ),
        (
            [
                {"$setWindowFields": {"partitionBy": "$g", "sortBy": {"n": 1}, "output": {
                    "run": {"$sum": "$n", "window": {"documents": ["unbounded", "current"]}}}}},
                {"$project": {"_id": 0, "run": 1}},
            ],
            [{"run": 0}, {"run": 2}, {"run": 6}, {"run": 1}, {"run": 4}, {"run": 9}],
        ),
        ([{"$replaceWith": {"k": "$g"}}, {"$limit": 1}], [{"k": "a"}]),
    ],
)  # fmt: skip
def test_stages_by_the_manual(stages: list[Any], answer: list[Any]) -> None:
    """MQ-1."""
    assert run(stages, SERIES) == answer


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ({"$add": ["$missing", 1]}, None),
        ({"$avg": [1, None, 3]}, 2.0),
        ({"$round": [2.5]}, 2.0),
        ({"$round": [1234.567, -2]}, 1200.0),
        ({"$trunc": [-1.9]}, -1.0),
        ({"$mod": [-7, 3]}, -1),
        ({"$divide": [7, 2]}, 3.5),
        ({"$toString": 20.0}, "20"),
        ({"$type": 2**40}, "long"),
        ({"$ifNull": ["$missing", None, "last"]}, "last"),
        ({"$substrCP": ["größe", 1, 3]}, "röß"),
        ({"$split": ["a-b", "-"]}, ["a", "b"]),
        ({"$slice": [[1, 2, 3], -2]}, [2, 3]),
        ({"$filter": {"input": [1, 5, 2], "as": "x", "cond": {"$gt": ["$$x", 1]}}}, [5, 2]),
        (
            {
                "$reduce": {
                    "input": [1, 2],
                    "initialValue": 0,
                    "in": {"$add": ["$$value", "$$this"]},
                }
            },
            3,
        ),
        ({"$setUnion": [[2, 1], [1, 3]]}, [1, 2, 3]),
        ({"$let": {"vars": {"a": 2}, "in": {"$multiply": ["$$a", 3]}}}, 6),
        ({"$arrayElemAt": [[1], 5]}, "missing"),
        ({"$literal": "$n"}, "$n"),
        ({"$cmp": [True, 1]}, 1),
        ({"$eq": [1, 1.0]}, True),
        ({"$regexMatch": {"input": "Dog", "regex": "^d", "options": "i"}}, True),
        ({"$dateDiff": {"startDate": NOW, "endDate": NOW + timedelta(hours=13), "unit": "day"}}, 1),
        ({"$dateToString": {"date": NOW, "format": "%d.%m.%Y %H:%M %z"}}, "10.03.2026 12:00 +0000"),
        ({"$dateToString": {"date": NOW}}, "2026-03-10T12:00:00.000Z"),
        ({"$dateFromString": {"dateString": "2026-03-10"}}, NOW.replace(hour=0)),
        (
            {"$dateTrunc": {"date": NOW, "unit": "week", "startOfWeek": "monday"}},
            datetime(2026, 3, 9, tzinfo=timezone.utc),
        ),
        ({"$hour": {"date": NOW, "timezone": "America/New_York"}}, 8),  # daylight saving time
        ({"$percentile": {"input": [3, 1, 2], "p": [0.5, 1], "method": "approximate"}}, [2.0, 3.0]),
        ({"$percentile": {"input": [1], "p": [Decimal128("0.5")], "method": "approximate"}}, [1.0]),
        ({"$convert": {"input": "x", "to": "int", "onError": -1}}, -1),
        ({"$toObjectId": "65f0000000000000000000ab"}, ObjectId("65f0000000000000000000ab")),
    ],
)
def test_expressions_by_the_manual(expression: Any, answer: Any) -> None:
    """MQ-1."""
    assert of_one(expression) == answer


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"a": None}, [{}, {"a": None}]),
        (
            {"a": {"$exists": True}},
            [{"a": None}, {"a": [1, 2]}, {"a": 5}, {"a": "5"}, {"a": {"b": 1}}],
        ),
        ({"a": 2}, [{"a": [1, 2]}]),
        ({"a": {"$gt": 1}}, [{"a": [1, 2]}, {"a": 5}]),
        ({"a": {"$ne": 5}}, [{}, {"a": None}, {"a": [1, 2]}, {"a": "5"}, {"a": {"b": 1}}]),
        ({"a.b": 1}, [{"a": {"b": 1}}]),
        ({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}, [{"a": [1, 2]}]),
        ({"a": {"$all": [1, 2]}}, [{"a": [1, 2]}]),
        ({"$expr": {"$gt": ["$a.b", 0]}}, [{"a": [1, 2]}, {"a": {"b": 1}}]),
        ({"a.0": 1}, [{"a": [1, 2]}]),
        ({"a": {"$not": {"$gt": 1}}}, [{}, {"a": None}, {"a": "5"}, {"a": {"b": 1}}]),
    ],
)
def test_filters_by_the_manual(query: Any, fits: list[Any]) -> None:
    """MQ-1."""
    rows: list[Any] = [{}, {"a": None}, {"a": [1, 2]}, {"a": 5}, {"a": "5"}, {"a": {"b": 1}}]
    assert run([{"$match": query}], rows) == fits


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        ({"$lookup": {}}, 40324),
        ({"$project": {"x": {"$nope": 1}}}, 168),
        ({"$project": {"x": {"$divide": [1, 0]}}}, 2),
        ({"$project": {"x": {"$add": ["a", 1]}}}, 14),
        ({"$project": {"x": {"$toInt": "a"}}}, 241),
        ({"$limit": 0}, 15958),
        ({"$group": {"n": {"$sum": 1}}}, 15955),
        ({"$project": {"a": 1, "b": 0}}, 31254),
        ({"$match": {"a": {"$regex": "("}}}, 51091),
        ({"$match": 1}, 15959),
        ({"$sort": {}}, 15976),
        ({"a": 1, "b": 2}, 40323),
    ],
)
def test_refusals_have_the_codes_of_mongodb(stage: Any, code: int) -> None:
    """MQ-3, MQ-4."""
    with pytest.raises(QueryError) as refused:
        run([stage], SERIES)
    assert refused.value.code == code


def test_work_has_an_end() -> None:
    """QG-2."""
    grow = {"$project": {"x": {"$range": [0, 1000]}}}
    with pytest.raises(QueryTimeoutError, match="query timed out"):
        run([grow] * 3, SERIES, Limits(steps=5000))
    explosive = {"$match": {"s": {"$regex": "(a|aa)+$"}}}
    with pytest.raises(QueryTimeoutError, match="takes too long to match"):
        run([explosive], [{"s": "a" * 40 + "b"}], Limits(regex_seconds=0.05))


def doubled(start: Any, step: Any) -> Any:
    """What is doubled sixty times."""
    series = {"input": {"$range": [0, 60]}, "initialValue": start, "in": step}
    return {"$project": {"x": {"$reduce": series}}}


@pytest.mark.parametrize(
    "stage",
    [
        doubled("a", {"$concat": ["$$value", "$$value"]}),
        doubled("aa", {"$replaceAll": {"input": "$$value", "find": "a", "replacement": "aa"}}),
        doubled([1], {"$concatArrays": ["$$value", "$$value"]}),
        doubled({"$literal": {}}, {"a": "$$value", "b": "$$value"}),
        doubled([], ["$$value", "$$value"]),
    ],
)
def test_what_doubles_has_an_end(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No document holds it, and no memory would (QG-2)."""
    monkeypatch.setattr("fakeviam.query.pipeline.MOST_INSIDE", 10_000)
    with pytest.raises(QueryError, match="BSONObj size is invalid") as refused:
        encodable(run([stage], [{"_id": 1}])[0])
    assert refused.value.code_name == "BSONObjectTooLarge"


def test_text_that_a_document_can_hold_is_made() -> None:
    """MQ-1."""
    stages: list[Any] = [
        {"$project": {"x": {"$concat": ["$s", "$s"]}}},
        {"$project": {"x": {"$replaceOne": {"input": "$x", "find": "a", "replacement": "b"}}}},
        {"$project": {"x": {"$replaceAll": {"input": "$x", "find": "", "replacement": "-"}}}},
    ]
    assert run(stages, [{"_id": 1, "s": "ab"}]) == [{"_id": 1, "x": "-b-b-a-b-"}]


def test_answers_have_an_end() -> None:
    """QG-1."""
    with pytest.raises(ResultTooLargeError, match=r"adding limits to your query using \$limit"):
        run([], SERIES, Limits(results=5))


def test_pipelines_have_an_end() -> None:
    """MQ-4."""
    with pytest.raises(QueryError, match="no longer than 1000 stages"):
        run([{"$limit": 1}] * 1001, SERIES)
    deep: Any = 1
    for _ in range(200):
        deep = {"$not": deep}
    with pytest.raises(QueryError, match="maximum depth"):
        run([{"$match": {"$expr": deep}}], SERIES)


def test_a_computed_field_without_a_value_leaves_its_document() -> None:
    """MQ-1."""
    rows = [{"_id": 1, "a": {"b": 1}, "c": 2}, {"_id": 2}]
    stages = [{"$project": {"a": {"x": "$none"}}}]
    assert run(stages, rows) == [{"_id": 1, "a": {}}, {"_id": 2, "a": {}}]
    assert run([{"$set": {"a.x": "$none"}}], rows[1:]) == [{"_id": 2, "a": {}}]


def test_decimals_beyond_all_numbers() -> None:
    """MQ-4: they are answers, no crashes."""
    low, high = Decimal128("-Infinity"), Decimal128("Infinity")
    most = Decimal128("9.99E6144")
    for expression in ({"$add": [low, high]}, {"$divide": [low, high]}):
        assert str(of_one(expression)) == "NaN"
    assert str(of_one({"$add": [most, most]})) == "Infinity"
    rows = [{"v": low}, {"v": high}]
    (group,) = run([{"$group": {"_id": 1, "s": {"$sum": "$v"}, "d": {"$stdDevPop": "$v"}}}], rows)
    assert (str(group["s"]), str(group["d"])) == ("NaN", "nan")
    with pytest.raises(QueryError, match="Failed to convert"):
        of_one({"$toDouble": "5e550"})


# Laws -----------------------------------------------------------------------------------------

numbers = st.integers(-5, 5) | st.sampled_from([0.5, -1.5, 2.0])
values = st.none() | st.booleans() | numbers | st.sampled_from(["", "a", "b"])
rows_of_values = st.lists(
    st.fixed_dictionaries(
        {}, optional={"a": values, "b": values, "c": st.lists(values, max_size=3)}
    ),
    max_size=12,
).map(lambda rows: [{"_id": place, **row} for place, row in enumerate(rows)])
conditions = st.fixed_dictionaries({}, optional={
    "a": values | st.dictionaries(st.sampled_from(["$gte", "$lt"]), numbers, min_size=1),
    "b": values | st.fixed_dictionaries({"$in": st.lists(values, max_size=3)}),
    "c": values | st.fixed_dictionaries({"$size": st.integers(0, 3)}),
})  # fmt: skip


@given(one=conditions, other=conditions, rows=rows_of_values)
def test_a_match_can_be_split(one: Any, other: Any, rows: list[Any]) -> None:
    """MQ-1."""
    always = {"_id": {"$gte": 0}}
    together = run([{"$match": {"$and": [one or always, other or always]}}], rows)
    assert run([{"$match": one}, {"$match": other}], rows) == together


@given(rows=rows_of_values, skip=st.integers(0, 5), limit=st.integers(1, 5))
def test_skip_and_limit_are_a_slice(rows: list[Any], skip: int, limit: int) -> None:
    """MQ-1."""
    sort = {"$sort": {"a": 1}}
    whole = run([sort], rows)
    assert run([sort, {"$skip": skip}, {"$limit": limit}], rows) == whole[skip : skip + limit]


@given(rows=rows_of_values)
def test_sorting_is_stable_and_turns_round(rows: list[Any]) -> None:
    """MQ-1."""
    ordered = run([{"$sort": {"a": 1}}], rows)
    keys = [sort_key(row.get("a")) for row in ordered]
    assert keys == sorted(keys)
    assert run([{"$sort": {"b": 1}}, {"$sort": {"a": 1}}], rows) == run(
        [{"$sort": {"a": 1, "b": 1}}], rows
    )


@given(rows=rows_of_values)
def test_groups_of_groups_count_as_the_whole(rows: list[Any]) -> None:
    """MQ-1."""
    once = run([{"$group": {"_id": "$a", "n": {"$sum": 1}}}], rows)
    twice = run(
        [
            {"$group": {"_id": {"a": "$a", "b": "$b"}, "n": {"$sum": 1}}},
            {"$group": {"_id": {"$ifNull": ["$_id.a", None]}, "n": {"$sum": "$n"}}},
        ],
        rows,
    )
    counts = [
        {repr(sort_key(each["_id"])): each["n"] for each in answer} for answer in (once, twice)
    ]
    assert counts[0] == counts[1]
    assert sum(each["n"] for each in once) == len(rows)


@given(rows=rows_of_values)
def test_unwinding_and_pushing_are_inverse(rows: list[Any]) -> None:
    """MQ-1."""
    stages = [{"$unwind": "$c"}, {"$group": {"_id": "$_id", "c": {"$push": "$c"}}}]
    assert {row["_id"]: row["c"] for row in run(stages, rows)} == {
        row["_id"]: row["c"] for row in rows if row.get("c")
    }


@given(one=conditions, rows=rows_of_values)
def test_documents_are_never_changed(one: Any, rows: list[Any]) -> None:
    """MQ-1."""
    before = repr(rows)
    run(
        [
            {"$match": one},
            {"$set": {"c": 1, "d.e": "$a"}},
            {"$unset": "a"},
            {"$project": {"d.e": 1}},
        ],
        rows,
    )
    assert repr(rows) == before


@settings(deadline=None)
@given(one=conditions, rows=rows_of_values, order=st.sampled_from([1, -1]))
def test_mongomock_agrees_where_it_can(one: Any, rows: list[Any], order: int) -> None:
    """MQ-1."""
    # To mongomock, true is 1; to MongoDB they are of different types.
    assume(not re.search("True|False", repr((one, rows))))
    stages = [
        {"$match": one},
        {"$sort": {"_id": order}},
        {
            "$group": {
                "_id": "$b",
                "n": {"$sum": 1},
                "first": {"$first": "$_id"},
                "all": {"$push": "$_id"},
            }
        },
    ]
    collection: Any = mongomock.MongoClient().db.rows
    if rows:
        collection.insert_many(rows)
    theirs = {repr(sort_key(row["_id"])): row for row in collection.aggregate(stages)}
    assert {repr(sort_key(row["_id"])): row for row in run(stages, rows)} == theirs


# Pushdown -------------------------------------------------------------------------------------


def test_the_head_of_a_pipeline_goes_to_the_store() -> None:
    """MQ-1."""
    planned = plan(
        [
            {"$match": {"part_id": "p", "data.k": 1, "time_received": {"$gte": NOW, "$lt": NOW}}},
            {"$sort": {"time_received": -1}},
            {"$limit": 10},
        ]
    )
    millisecond = int(NOW.timestamp()) * 1_000_000_000
    assert (planned.texts, planned.interval_of) == ({"part_id": "p"}, "time_received")
    assert (planned.start, planned.end) == (millisecond, millisecond)
    # What is left of the match comes first, so neither the order nor the limit can be taken.
    assert planned.rest[0] == {"$match": {"data.k": 1}}
    assert (planned.sort_by, planned.limit) == (None, None)

    planned = plan(
        [{"$match": {"part_id": "p"}}, {"$sort": {"time_requested": -1}}, {"$limit": 10}]
    )
    assert (planned.sort_by, planned.descending, planned.limit) == ("time_requested", True, 10)
    assert planned.rest == [{"$limit": 10}]
