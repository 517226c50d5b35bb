"""No number is too odd for a pipeline, and no loop too long: an answer, or a refusal."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from random import Random
from typing import Any

import pytest
from bson import Decimal128, Regex

from fakeviam.query.errors import QueryError, QueryTimeoutError
from fakeviam.query.pipeline import Pipeline
from fakeviam.query.pushdown import plan

NOW = datetime(2026, 3, 10, tzinfo=timezone.utc)


def run(*stages: dict[str, Any]) -> list[dict[str, Any]]:
    rest = plan(stages).rest
    return Pipeline(rest, now=NOW, random=Random(1)).run(  # noqa: S311 - not drawn from
        [{"a": n} for n in range(5)]
    )


ODD = [
    *map(Decimal128, ("NaN", "sNaN", "Infinity", "-Infinity", "1E+100", "1E-100")),
    *(float("nan"), float("inf"), 2.0**63, 2.0**70, 2**63 - 1, 0.5),
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_numbers_that_are_no_counts(odd: Any) -> None:
    """MQ-4: whatever reads a whole number, of documents, elements, digits, days."""
    for stage in (
        {"$limit": odd},
        {"$skip": odd},
        {"$sample": {"size": odd}},
        {"$bucketAuto": {"groupBy": "$a", "buckets": odd}},
        {"$densify": {"field": "a", "range": {"step": odd, "bounds": [0, 2]}}},
        {"$densify": {"field": "a", "range": {"step": 1, "bounds": [0, odd]}}},
        {"$match": {"a": {"$size": odd}}},
        {"$match": {"a": {"$bitsAllSet": odd}}},
        {"$match": {"a": {"$mod": [odd, 1]}}},
        {"$group": {"_id": None, "x": {"$firstN": {"input": "$a", "n": odd}}}},
        *(
            {"$project": {"x": {name: operands}}}
            for name, operands in {
                "$range": [0, odd],
                "$slice": [[1, 2], odd],
                "$arrayElemAt": [[1, 2], odd],
                "$indexOfArray": [[1], 1, odd],
                "$substrCP": ["abc", odd, odd],
                "$round": [1.5, odd],
                "$toInt": odd,
                "$toDate": odd,
                "$pow": [odd, odd],
                "$dateFromParts": {"year": odd},
                "$dateAdd": {"startDate": NOW, "unit": "day", "amount": odd},
            }.items()
        ),
    ):
        with suppress(QueryError):
            run(stage)
    for stage in ({"$limit": odd}, {"$skip": odd}):
        if odd != 2**63 - 1:
            with pytest.raises(QueryError):
                run(stage)


def test_whole_numbers_of_every_type_are_counts() -> None:
    """MQ-4."""
    for two in (2, 2.0, Decimal128("2"), Decimal128("2.0")):
        assert len(run({"$limit": two})) == 2
        assert len(run({"$skip": two})) == 3
    assert run({"$limit": 2**63 - 1}, {"$skip": 2**63 - 1}) == []
    assert plan([{"$sort": {"time_received": 1}}, {"$limit": Decimal128("2")}]).limit == 2


MANY = {"$range": [0, 100_000]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "expression",
    [
        {
            "$reduce": {
                "input": MANY,
                "initialValue": [],
                "in": {"$concatArrays": ["$$value", ["$$this"]]},
            }
        },
        {
            "$reduce": {
                "input": MANY,
                "initialValue": "",
                "in": {"$concat": ["$$value", "x" * 100]},
            }
        },
        {"$map": {"input": MANY, "as": "e", "in": {"$in": ["$$e", MANY]}}},
        {"$map": {"input": MANY, "as": "e", "in": {"$size": {"$setUnion": ["$many", ["$$e"]]}}}},
        {"$filter": {"input": MANY, "as": "e", "cond": {"$gt": [{"$sum": "$many"}, "$$e"]}}},
    ],
    ids=["array", "text", "in", "union", "sum"],
)
def test_loops_that_go_through_what_is_long(expression: Any) -> None:
    """QG-2: what an operator reads again and again is work."""
    with pytest.raises(QueryTimeoutError, match="query timed out"):
        run({"$limit": 1}, {"$set": {"many": MANY}}, {"$set": {"x": expression}})


def branches(count: int) -> dict[str, Any]:
    """A `$set` that goes through so many branches in vain."""
    cases = [{"case": {"$eq": ["$a", n]}, "then": n} for n in range(10, 10 + count)]
    return {"$set": {"x": {"$switch": {"branches": cases, "default": 0}}}}


@pytest.mark.slow
@pytest.mark.parametrize(
    "stages",
    [
        [{"$match": {"$or": [{"a": n} for n in range(100_000)]}}],
        [{"$match": {"a": {"$in": list(range(300_000))}}}],
        [branches(50_000)],
        [{"$set": {f"x{n}": {"$add": ["$a"] * 5_000} for n in range(30)}}],
        [{"$unwind": "$many"}, branches(1_000)],
        [{"$unwind": "$many"}, *({"$set": {"x": {"$add": ["$a"] * 60}}} for _ in range(200))],
        [{"$unwind": "$many"}, {"$match": {"a": {"$nin": [Regex(str(n)) for n in range(9_000)]}}}],
    ],
    ids=["or", "in", "switch", "sums", "documents", "stages", "patterns"],
)
def test_what_a_query_is_written_with_is_work(stages: list[Any]) -> None:
    """QG-2: whether it is compiled once or met by each document."""
    many = {"$set": {"many": {"$range": [0, 1_000]}}}
    with pytest.raises(QueryTimeoutError, match="query timed out"):
        run(many, *stages)


@pytest.mark.slow
def test_long_queries_that_fit_run() -> None:
    """QG-2: ids in `$in`, a hundred conditions, branches for few documents."""
    assert len(run({"$match": {"a": {"$in": list(range(1, 10_000))}}})) == 4
    assert len(run({"$match": {"$or": [{"a": n} for n in range(1, 2_000)]}})) == 4
    assert len(run(branches(1_000))) == 5
    each: list[Any] = [{"$set": {"n": {"$range": [0, 5_000]}}}, {"$unwind": "$n"}]
    ids: list[Any] = [
        {"$match": {"n": {"$in": list(range(10_000))}}},
        {"$match": {"n": {"$nin": [1]}}},
    ]
    assert len(run(*each, *ids)) == 5 * 4_999
    assert len(run(*each, {"$match": {"$or": [{"n": n} for n in range(100)]}})) == 500


def test_loops_over_what_is_short_are_free_of_that() -> None:
    """QG-2: ordinary loops stay within the ceiling."""
    grown = {
        "$reduce": {
            "input": {"$range": [0, 200]},
            "initialValue": [],
            "in": {"$concatArrays": ["$$value", ["$$this"]]},
        }
    }
    found = run(*({"$set": {f"x{n}": grown}} for n in range(20)))
    assert all(row["x19"] == list(range(200)) for row in found)
