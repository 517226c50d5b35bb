"""Fields that a pipeline does not read need not be there, and many documents are as each alone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fakeviam.query.errors import QueryError
from fakeviam.query.pipeline import Pipeline
from fakeviam.query.reads import paths_read, tree_of
from fakeviam.query.values import sort_key

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)


def run(stages: list[Any], documents: list[Any]) -> list[Any]:
    chance = Random(1)  # noqa: S311 - the same in every run
    return Pipeline(stages, now=NOW, random=chance).run(documents)


def part_of(value: Any, tree: dict[str, Any]) -> Any:
    """What a tree leads to; arrays as a whole."""
    if not tree or not isinstance(value, dict):
        return value
    return {name: part_of(value[name], inner) for name, inner in tree.items() if name in value}


GROUP = {"$group": {"_id": "$a.b", "n": {"$sum": "$c"}}}


@pytest.mark.parametrize(
    ("stages", "paths"),
    [
        ([], None),
        ([{"$limit": 1}], None),
        ([{"$match": {"a": 1}}], None),
        ([GROUP], {"a.b", "c"}),
        ([{"$match": {"d.e": {"$gt": 1}, "$or": [{"f": 1}]}}, GROUP], {"a.b", "c", "d.e", "f"}),
        ([{"$match": {"$expr": {"$gt": ["$d", "$$NOW"]}}}, {"$count": "n"}], {"d"}),
        ([{"$sort": {"d": 1}}, {"$skip": 1}, GROUP], {"a.b", "c", "d"}),
        ([{"$set": {"x": "$d.e"}}, {"$unset": "f"}, GROUP], {"a.b", "c", "d.e"}),
        ([{"$unwind": {"path": "$d"}}, GROUP], {"a.b", "c", "d"}),
        ([GROUP, {"$match": {"x": 1}}], {"a.b", "c"}),
        ([{"$group": {"_id": "$$ROOT.a.b"}}], {"a.b"}),
        ([{"$group": {"_id": None, "all": {"$push": "$$ROOT"}}}], None),
        ([{"$group": {"_id": 1, "t": {"$top": {"sortBy": {"d": 1}, "output": "$c"}}}}], {"d", "c"}),
        ([{"$project": {"a.b": 1, "x": "$c", "d": {"e": 1}}}], {"_id", "a.b", "x", "c", "d"}),
        ([{"$project": {"a": 0}}], None),
        ([{"$project": {"_id": 0}}], None),
        ([{"$replaceWith": {"x": "$a"}}], {"a"}),
        ([{"$replaceRoot": {"newRoot": "$a"}}], {"a"}),
        ([{"$sortByCount": "$a"}], {"a"}),
        ([{"$bucket": {"groupBy": "$a", "boundaries": [0, 1]}}], {"a"}),
        ([{"$group": {"_id": {"$getField": "a"}}}], None),
        ([{"$group": {"_id": {"$literal": "$a"}}}], set()),
        ([{"$fill": {"output": {"a": {"value": 1}}}}, GROUP], None),
    ],
)
def test_what_a_pipeline_reads(stages: list[Any], paths: set[str] | None) -> None:
    """MQ-1."""
    assert paths_read(stages) == paths


def test_a_tree_has_what_is_above_all() -> None:
    """MQ-1."""
    assert tree_of({"a.b.c", "a.b", "d.e", "d.f", "ab"}) == {
        "a": {"b": {}},
        "d": {"e": {}, "f": {}},
        "ab": {},
    }


scalars = st.none() | st.booleans() | st.sampled_from([0, 1, 2.5, -3, "x", "y", ""]) | st.just(NOW)
values = scalars | st.lists(
    scalars | st.fixed_dictionaries({}, optional={"b": scalars}), max_size=2
)
documents = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "a": st.fixed_dictionaries({}, optional={"b": values, "c": values}) | values,
            "c": values,
            "d": values,
            "t": st.integers(0, 48).map(lambda hours: NOW + timedelta(hours=hours)),
        },
    ),
    max_size=6,
).map(lambda rows: [{"_id": place, **row} for place, row in enumerate(rows)])
expressions = st.recursive(
    st.sampled_from(["$a", "$a.b", "$c", "$d", "$nothing", 1, 2.5, None, "x", "$$NOW"]),
    lambda inner: (
        st.builds(lambda one, other: {"$eq": [one, other]}, inner, inner)
        | st.builds(lambda one, other: {"$lt": [one, other]}, inner, inner)
        | st.builds(lambda one, other: {"$ifNull": [one, other]}, inner, inner)
        | st.builds(lambda one, other: {"p": one, "q": other}, inner, inner)
        | st.builds(lambda one, other, last: {"$cond": [one, other, last]}, inner, inner, inner)
        | st.builds(lambda one: {"$type": [one]}, inner)
        | st.builds(lambda one: {"$concat": [{"$type": [one]}, "!"]}, inner)
        | st.builds(lambda one: [one, "$c"], inner)
    ),
    max_leaves=4,
)
pipelines = st.one_of(
    st.builds(lambda e, f: [{"$group": {"_id": e, "all": {"$push": f}}}], expressions, expressions),
    st.builds(lambda e: [{"$project": {"x": [e]}}], expressions),
    st.builds(lambda e: [{"$set": {"z": e}}, {"$sortByCount": "$z"}], expressions),
    st.builds(lambda e: [{"$match": {"$expr": e}}, {"$count": "n"}], expressions),
    st.builds(
        lambda name, value: [{"$match": {name: value}}, {"$project": {"a": 1}}],
        st.sampled_from(["a", "a.b", "c", "d", "a.0.b"]),
        scalars
        | st.sampled_from([{"$gt": 0}, {"$lte": 2.5}, {"$exists": True}, {"$in": [1, None]}]),
    ),
    st.just([{"$unwind": "$a"}, {"$group": {"_id": "$a.b", "s": {"$sum": "$c"}}}]),
    st.just([{"$sort": {"a.b": -1, "c": 1}}, {"$replaceWith": {"a": "$a", "i": "$_id"}}]),
)


@settings(deadline=None, max_examples=60)
@given(stages=pipelines, rows=documents)
def test_other_fields_may_be_missing(stages: list[Any], rows: list[Any]) -> None:
    """MQ-1."""
    paths = paths_read(stages)
    assert paths is not None
    tree = tree_of(paths)
    parts = [{name: part_of(row[name], tree[name]) for name in tree if name in row} for row in rows]
    assert run(stages, parts) == run(stages, rows)


@settings(deadline=None, max_examples=60)
@given(expression=expressions, rows=documents)
def test_many_documents_at_once_are_as_each_alone(expression: Any, rows: list[Any]) -> None:
    """MQ-1: groups evaluate columns, other stages document by document."""
    stages = [{"$group": {"_id": None, "all": {"$push": [expression]}}}]
    try:
        run(stages, [])
    except QueryError:  # drawn at random, it may have no meaning
        assume(condition=False)
    alone = [run([{"$replaceWith": {"x": [expression]}}], [row])[0]["x"] for row in rows]
    together = run(stages, rows)
    assert together == ([{"_id": None, "all": alone}] if rows else [])
    keys = [each["_id"] for each in run([{"$group": {"_id": expression}}], rows)]
    marks = [sort_key(each) for each in keys]
    assert len(set(marks)) == len(marks)
    of_rows = {sort_key(value[0]) for value in alone}  # an array holds null for what is missing
    assert set(marks) == of_rows


def test_groups_of_more_documents_than_are_looked_at_together() -> None:
    """MQ-1: keys of several types, and equal ones that are not alike."""
    keys = ["a", 1, 1.0, None, NOW, NOW + timedelta(hours=1), True, {"a": 1}, {"a": 1.0}]
    rows = [{"k": keys[place % 9], "n": place} for place in range(10_000)]
    rows += [{"n": 1}]
    groups = run(
        [{"$group": {"_id": "$k", "n": {"$sum": 1}, "f": {"$first": "$n"}, "l": {"$last": "$n"}}}],
        rows,
    )
    assert [(group["_id"], group["f"]) for group in groups] == [
        ("a", 0),
        (1, 1),
        (None, 3),
        (NOW, 4),
        (NOW + timedelta(hours=1), 5),
        (True, 6),
        ({"a": 1}, 7),
    ]
    assert [group["n"] for group in groups] == [1112, 2222, 1112, 1111, 1111, 1111, 2222]
    assert groups[0]["l"] == 9999
