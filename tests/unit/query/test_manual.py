"""Answers of MongoDB's manual, most of them at the borders of an operator or a stage.

A line of `manual/*.jsonl` is a case in Extended JSON: an `expression`, a `filter` or `stages`, what
it is `of`, and what its answer `is`, or the code with which MongoDB has it `refused`; null is any.
"""

from __future__ import annotations

import math
from datetime import datetime, timezone
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bson import Regex, json_util

from fakeviam.query.errors import QueryError
from fakeviam.query.pipeline import Pipeline
from fakeviam.query.values import sort_key

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
OPTIONS = json_util.JSONOptions(tz_aware=True)
CASES = [
    pytest.param(json_util.loads(line, json_options=OPTIONS), id=f"{path.stem}-{number}")
    for path in sorted((Path(__file__).parent / "manual").glob("*.jsonl"))
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
]


def answered(case: Any) -> object:
    if "stages" in case:
        return run(case["stages"], case["of"])
    if "filter" in case:
        return bool(run([{"$match": case["filter"]}], [case["of"]]))
    (answer,) = run([{"$project": {"_id": 0, "x": case["expression"]}}], [case.get("of", {})])
    return answer


def run(stages: list[Any], documents: list[Any]) -> list[Any]:
    chance = Random(1)  # noqa: S311 - the same in every run
    return Pipeline(stages, now=NOW, random=chance).run(documents)


def alike(one: Any, other: Any) -> bool:
    """Whether two values are the same: documents with their fields in order, doubles nearly."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isfinite(other):
        return math.isclose(one, other, rel_tol=1e-12)
    return sort_key(one) == sort_key(other)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.thinned(5)
def test_the_manual(case: Any) -> None:
    """MQ-4."""
    if "refused" in case:
        with pytest.raises(QueryError) as caught:
            answered(case)
        assert case["refused"] in (None, caught.value.code)
    elif "expression" in case:
        assert alike(answered(case), {} if "missing" in case else {"x": case["is"]})
    else:
        assert alike(answered(case), case["is"])


@pytest.mark.parametrize(
    ("filter_", "document", "fits"),
    [
        ({"a": {"$not": {"$regex": "^x"}}}, {"a": "xy"}, False),
        ({"a": {"$regex": "^X", "$options": "i"}}, {"a": "xy"}, True),
        ({"a": {"$options": "i", "$regex": "X"}}, {"a": "x"}, True),
        ({"a": {"$regex": Regex("a"), "$options": "i"}}, {"a": "A"}, True),
        ({"a": {"$regex": "x", "$gt": "w"}}, {"a": "xy"}, True),
        ({"a": {"$not": Regex("^x")}}, {}, True),
        ({"a": {"$in": [Regex("^x")]}}, {"a": "xy"}, True),
        ({"a": {"$all": [Regex("^x")]}}, {"a": ["xy"]}, True),
        ({"a": {"$elemMatch": {"$not": Regex("^x")}}}, {"a": ["x", "y"]}, True),
        ({"a": Regex("b")}, {"a": ["ab"]}, True),
        ({"a": Regex("b")}, {"a": 5}, False),
        ({"a": {"$ne": Regex("x")}}, {}, 2),
        ({"a": {"$gt": Regex("x")}}, {}, 2),
        ({"a": {"$regex": "("}}, {}, 51091),
        ({"a": {"$regex": "a", "$options": "q"}}, {}, 51108),
        ({"a": {"$regex": Regex("a", "i"), "$options": "i"}}, {}, 51075),
    ],
)  # Extended JSON has another meaning for `$regex`
def test_patterns_in_filters(filter_: Any, document: Any, fits: int) -> None:
    """MQ-4."""
    case = {"filter": filter_, "of": document}
    if fits in (True, False):
        assert answered(case) is fits
    else:
        with pytest.raises(QueryError) as caught:
            answered(case)
        assert caught.value.code == fits
