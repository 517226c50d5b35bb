"""The naive interpreter of pipelines says what MongoDB's manual says."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from fakeviam_contracts import mql, random_queries
from fakeviam_contracts.mql.expressions import MISSING, UnknownError, evaluated, matches
from fakeviam_contracts.queries import comparable, is_determined

from tests.unit.query.test_manual import CASES, run

DOCUMENT = {"n": 1, "s": "a", "none": None, "list": [1, 2], "deep": {"x": [{"y": 1}, {"y": 2}]}}


@pytest.mark.parametrize(
    ("spec", "met"),
    [
        ({"n": 1.0}, True),
        ({"n": True}, False),
        ({"none": None, "missing": None}, True),
        ({"missing": {"$exists": True}}, False),
        ({"none": {"$exists": True}}, True),
        ({"list": 2}, True),
        ({"list": [1, 2]}, True),
        ({"list": [2, 1]}, False),
        ({"list": {"$gt": 1}}, True),
        ({"s": {"$gt": 0}}, False),
        ({"missing": {"$gt": 0}}, False),
        ({"deep.x.y": 2}, True),
        ({"n": {"$ne": 1}}, False),
        ({"list": {"$ne": 2}}, False),
        ({"n": {"$in": [0, 1]}, "s": {"$nin": ["b"]}}, True),
        ({"$nor": [{"n": 2}, {"s": "b"}]}, True),
        ({"$expr": {"$lt": ["$n", "$s"]}}, True),
    ],
)
def test_filters(spec: dict[str, Any], met: bool) -> None:  # noqa: FBT001
    """MQ-1."""
    assert matches(DOCUMENT, spec) is met


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"$add": ["$n", 2]}, 3),
        ({"$add": ["$n", "$none"]}, None),
        ({"$concat": ["$s", "b"]}, "ab"),
        ({"$ifNull": ["$missing", "$none", 3]}, 3),
        ({"$cond": ["$none", 1, "$s"]}, "a"),
        ({"$eq": ["$missing", None]}, False),
        ({"$ne": ["$missing", "$none"]}, True),
        ({"$eq": ["$missing", "$absent"]}, True),
        ({"$lt": ["$missing", None]}, True),
        ({"$gte": ["$missing", "$none"]}, False),
        ({"$in": ["$missing", [None]]}, False),
        ({"$max": "$list"}, 2),
        ("$deep.x.y", [1, 2]),
        ({"a": "$n", "b": "$missing"}, {"a": 1}),
        (["$n", "$missing"], [1, None]),
        ({"$literal": "$n"}, "$n"),
    ],
)
def test_expressions(expression: Any, value: Any) -> None:
    """MQ-1."""
    assert evaluated(DOCUMENT, expression) == value


DOCUMENTS = [
    {"_id": 1, "k": "a", "n": 2, "l": [1, 2]},
    {"_id": 2, "k": "b", "n": None, "l": []},
    {"_id": 3, "k": "a", "n": 4},
]


@pytest.mark.parametrize(
    ("stages", "answer"),
    [
        ([{"$sort": {"n": 1}}, {"$limit": 1}, {"$project": {"k": 1, "_id": 0}}], [{"k": "b"}]),
        ([{"$sort": {"k": 1, "_id": -1}}, {"$project": {"_id": 1}}],
         [{"_id": 3}, {"_id": 1}, {"_id": 2}]),
        ([{"$group": {"_id": "$k", "n": {"$sum": "$n"}, "mean": {"$avg": "$n"}}}],
         [{"_id": "a", "n": 6, "mean": 3.0}, {"_id": "b", "n": 0, "mean": None}]),
        ([{"$unwind": "$l"}, {"$project": {"_id": 0, "l": 1}}], [{"l": 1}, {"l": 2}]),
        ([{"$unwind": {"path": "$l", "preserveNullAndEmptyArrays": True}}, {"$count": "c"}],
         [{"c": 4}]),
        ([{"$match": {"k": "z"}}, {"$count": "c"}], []),
        ([{"$project": {"_id": 0, "deep.x": 1, "m": {"$add": ["$n", 1]}}}],
         [{"m": 3}, {"m": None}, {"m": 5}]),
        ([{"$limit": 1}, {"$set": {"k.x": 1}}, {"$project": {"_id": 0, "k": 1}}],
         [{"k": {"x": 1}}]),
        ([{"$limit": 1}, {"$set": {"k.x": 1}}, {"$set": {"k": {"y": 2}}},
          {"$project": {"_id": 0, "k": 1}}], [{"k": {"x": 1, "y": 2}}]),
        ([{"$unset": ["n", "l"]}, {"$skip": 2}], [{"_id": 3, "k": "a"}]),
        ([{"$sortByCount": "$k"}, {"$limit": 1}], [{"_id": "a", "count": 2}]),
    ],
)  # fmt: skip
def test_pipelines(stages: list[dict[str, Any]], answer: list[dict[str, Any]]) -> None:
    """MQ-1."""
    assert mql.run(DOCUMENTS, stages) == answer


def test_it_answers_as_the_manual_wherever_it_knows_the_operators() -> None:
    """MQ-1, MQ-4."""
    kinds: Counter[str] = Counter()
    wrong = []
    for param in CASES:
        (case,) = param.values
        if not isinstance(case, dict) or "refused" in case:
            continue  # it is only asked what MongoDB answers
        try:
            right = _answer(case)
        except UnknownError:
            continue
        kinds["stages" if "stages" in case else "filter" if "filter" in case else "expression"] += 1
        if not right:
            wrong.append(case)
    assert wrong == []
    assert all(kinds[kind] > 50 for kind in ("expression", "filter", "stages")), kinds


def _answer(case: dict[str, Any]) -> bool:
    """Whether a case comes out right; the order of fields is not compared."""
    if "filter" in case:
        return matches(case["of"], case["filter"]) is case["is"]
    if "stages" in case:
        found, wanted = mql.run(case["of"], case["stages"]), case["is"]
    else:
        value = evaluated(case.get("of", {}), case["expression"])
        found = [{} if value is MISSING else {"x": value}]
        wanted = [{} if "missing" in case else {"x": case["is"]}]
    return comparable(found, ordered=True) == comparable(wanted, ordered=True)


def test_the_fake_and_it_agree_about_random_pipelines() -> None:
    """MQ-1."""
    for seed in range(2000):
        random = Random(seed)  # noqa: S311 - the same in every run
        documents = [_reading(random, at) for at in range(random.randint(0, 7))]
        stages = random_queries.pipeline(random)
        ordered = bool(stages) and "$sort" in stages[-1]
        found = comparable(run(stages, documents), ordered=ordered)
        assert found == comparable(mql.run(documents, stages), ordered=ordered), (seed, stages)


def _reading(random: Random, at: int) -> dict[str, Any]:
    return {
        "_id": "any",
        "part_id": random.choice(("p", "q")),
        "component_name": random.choice(("cam", "sensor", "")),
        "method_name": "Readings",
        "tags": random.choice(([], ["dog"], ["dog", "Dog"])),
        "data": random_queries.reading(random, at),
    }


@pytest.mark.parametrize(
    ("stages", "determined"),
    [
        ([], True),
        ([{"$sort": {"k": 1}}], False),
        ([{"$sort": {"k": 1}}, {"$project": {"n": 1}}], True),
        ([{"$sort": {"k": 1, "_id": 1}}], True),
        ([{"$sort": {"k": 1}}, {"$skip": 1}, {"$limit": 1}], False),
        ([{"$limit": 2}], False),
        ([{"$limit": 2}, {"$count": "c"}], True),
        ([{"$group": {"_id": "$k", "first": {"$first": "$n"}}}], False),
        ([{"$match": {"k": "b"}}, {"$group": {"_id": "$k", "all": {"$push": "$n"}}}], True),
        ([{"$group": {"_id": "$k", "n": {"$sum": "$n"}}}, {"$sort": {"_id": 1}}], True),
    ],
)
def test_what_depends_on_the_order_of_readings_is_known(
    stages: list[dict[str, Any]],
    determined: bool,  # noqa: FBT001
) -> None:
    """MQ-6."""
    assert is_determined(DOCUMENTS, stages) is determined
