"""Whatever a pipeline holds: an answer, or a refusal with one of MongoDB's codes."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from random import Random
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam.query.accumulators import SIMPLE
from fakeviam.query.budget import Limits
from fakeviam.query.errors import QueryError
from fakeviam.query.operator_table import OPERATORS
from fakeviam.query.pipeline import Pipeline, encodable
from fakeviam.query.stages import STAGES
from fakeviam.query.values import JavaScript

pytestmark = pytest.mark.slow  # some 200 operators and stages

NOW = datetime(2026, 3, 10, 12, 30, 15, 250_000, tzinfo=timezone.utc)

scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from(
        [0, 1, -1, 2, 3, 2**31, 2**62, -(2**63), 0.0, 0.5, -1.5, 1e300, float("nan"), float("inf")]
    )
    | st.sampled_from(
        ["", "a", "day", "$a", "$a.b", "$$ROOT", "$missing", "%Y-%m", "2026-01-31", "Europe/Berlin"]
    )
    | st.sampled_from(
        [
            NOW,
            ObjectId("65f0000000000000000000ab"),
            Int64(7),
            Decimal128("1.5"),
            Decimal128("NaN"),
            Regex("^a", "i"),
            Timestamp(1, 2),
            MinKey(),
            MaxKey(),
            JavaScript(text="f()"),
            JavaScript(text="f()", scope=b"\x05\x00\x00\x00\x00"),
            Binary(b"\x00\x01", 4),
            b"\x00\x01",
        ]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "k", "v"]), inner, max_size=3)
    ),
    max_leaves=6,
)
documents = st.lists(
    st.fixed_dictionaries({"_id": scalars}, optional={"a": values, "b": values}), max_size=3
)

#: Every name that some operator gives its operands.
NAMES = sorted(
    {
        name
        for function in OPERATORS.named.values()
        for name in function.required + function.optional
    }
    | {"input", "as", "in", "cond", "vars", "initialValue", "limit", "if", "then", "else"}
    | {
        "branches",
        "default",
        "to",
        "onError",
        "onNull",
        "regex",
        "options",
        "n",
        "sortBy",
        "output",
    }
    | {"by", "unit", "window", "N", "alpha", "date", "timezone", "p", "method", "field"}
)
operands = values | st.dictionaries(st.sampled_from(NAMES), values, max_size=5)


def answered(stages: list[Any], rows: list[Any]) -> None:
    """Run a pipeline; anything but an answer or a refusal fails."""
    limits = Limits(steps=20_000, regex_seconds=0.2)
    chance = Random(1)  # noqa: S311 - the same in every run
    with suppress(QueryError):
        for row in Pipeline(stages, now=NOW, random=chance, limits=limits).run(rows):
            encodable(row)


EXPRESSIONS = sorted({*OPERATORS.functions, *OPERATORS.named, *OPERATORS.special})


@pytest.mark.parametrize("name", EXPRESSIONS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_operators_of_expressions(name: str, data: st.DataObject) -> None:
    """MQ-4."""
    function = OPERATORS.named.get(name)
    own = operands
    if function is not None:
        own = st.fixed_dictionaries(
            dict.fromkeys(function.required, values),
            optional=dict.fromkeys(function.optional, values),
        )
    spec = data.draw(own | operands)
    answered([{"$project": {"x": {name: spec}}}], data.draw(documents))


ACCUMULATORS = [
    *SIMPLE,
    "$count", "$firstN", "$lastN", "$maxN", "$minN", "$top", "$topN", "$bottom", "$bottomN",
    "$percentile", "$median",
]  # fmt: skip


@pytest.mark.parametrize("name", ACCUMULATORS)
@settings(max_examples=15, deadline=None)
@given(spec=operands, key=values, rows=documents)
def test_accumulators(name: str, spec: Any, key: Any, rows: list[Any]) -> None:
    """MQ-4."""
    answered([{"$group": {"_id": key, "x": {name: spec}}}], rows)


WINDOWS = ["$shift", "$rank", "$denseRank", "$documentNumber", "$expMovingAvg", "$derivative",
           "$integral", "$linearFill", "$locf", "$sum", "$covariancePop"]  # fmt: skip


@pytest.mark.parametrize("name", WINDOWS)
@settings(max_examples=15, deadline=None)
@given(
    spec=operands,
    window=operands,
    order=st.sampled_from([{"a": 1}, {"b": -1}, None]),
    rows=documents,
)
def test_window_functions(name: str, spec: Any, window: Any, order: Any, rows: list[Any]) -> None:
    """MQ-4."""
    output = {"x": {name: spec, "window": window}}
    answered([{"$setWindowFields": {"sortBy": order, "output": output}}], rows)


FILTERS = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$type", "$regex",
           "$mod", "$size", "$all", "$elemMatch", "$not", "$bitsAllSet", "$bitsAnySet",
           "$bitsAllClear", "$bitsAnyClear", "$options"]  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
@settings(max_examples=15, deadline=None)
@given(value=operands, path=st.sampled_from(["a", "a.b", "a.0", "a.b.0.k"]), rows=documents)
def test_operators_of_filters(name: str, value: Any, path: str, rows: list[Any]) -> None:
    """MQ-4."""
    answered([{"$match": {path: {name: value}}}], rows)


stage_options = st.dictionaries(
    st.sampled_from(
        ["_id", "path", "includeArrayIndex", "preserveNullAndEmptyArrays", "groupBy", "boundaries",
         "default", "output", "buckets", "newRoot", "size", "field", "range", "partitionByFields",
         "partitionBy", "sortBy", "a", "a.b", "b"]
    ),
    values,
    max_size=5,
)  # fmt: skip
bounds = st.sampled_from(["full", "partition"]) | st.lists(scalars, min_size=1, max_size=2)
orders = st.none() | st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([1, -1]))
densify = st.fixed_dictionaries(
    {
        "field": st.sampled_from(["a", "a.b"]),
        "range": st.fixed_dictionaries(
            {"step": scalars, "bounds": bounds},
            optional={"unit": st.sampled_from(["day", "month"])},
        ),
    },
    optional={"partitionByFields": st.just(["b"]) | values},
)
fill = st.fixed_dictionaries(
    {"output": st.dictionaries(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["linear", "locf"]).map(lambda method: {"method": method})
        | values.map(lambda value: {"value": value}),
    )},
    optional={"sortBy": orders, "partitionBy": values, "partitionByFields": values},
)  # fmt: skip
bucket = st.fixed_dictionaries(
    {"groupBy": st.sampled_from(["$a", "$b"])},
    optional={
        "boundaries": st.lists(scalars, min_size=2, max_size=3), "default": values,
        "buckets": st.integers(1, 3), "granularity": st.sampled_from(["R5", "POWERSOF2"]) | scalars,
        "output": values,
    },
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "specs"),
    [("$densify", densify), ("$fill", fill), ("$bucket", bucket), ("$bucketAuto", bucket)],
)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_stages_that_are_nearly_right(name: str, specs: Any, data: st.DataObject) -> None:
    """MQ-4."""
    answered([{name: data.draw(specs)}], data.draw(documents))


@pytest.mark.parametrize("name", sorted(STAGES))
@settings(max_examples=25, deadline=None)
@given(spec=values | stage_options, rows=documents)
def test_stages(name: str, spec: Any, rows: list[Any]) -> None:
    """MQ-3, MQ-4."""
    answered([{name: spec}], rows)
