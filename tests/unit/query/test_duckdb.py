"""SQL over flat columns of one type: the answers of DuckDB, but for null in a list (SL-5)."""

# ruff: noqa: S608 - nothing is injected into these statements

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam.query.pipeline import Pipeline
from fakeviam.query.sql.operators import SQL_OPERATORS
from fakeviam.query.sql.statements import translate

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)

texts = st.none() | st.sampled_from(["a", "ab", "b", "", "B_", "a%"])
numbers = st.none() | st.sampled_from([-2.0, -0.5, 0.0, 1.0, 2.5, 4.0])
flags = st.none() | st.booleans()
rows_of_columns = st.lists(st.tuples(texts, numbers, numbers, flags), max_size=10)

# MongoDB's names of what the columns are called in DuckDB.
_PATHS = {"s": "data.s", "x": "data.x", "y": "data.y", "f": "data.f"}

values = st.recursive(
    st.sampled_from(["{x}", "{y}", "0", "1.5", "2"]),
    lambda inner: (
        st.builds("({} + {})".format, inner, inner)
        | st.builds("({} - {})".format, inner, inner)
        | st.builds("({} * {})".format, inner, inner)
        | st.builds("ABS({})".format, inner)
        | st.builds("COALESCE({}, {})".format, inner, inner)
        | st.builds("NULLIF({}, {})".format, inner, inner)
    ),
    max_leaves=3,
)
conditions = st.recursive(
    st.builds("{} {} {}".format, values, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), values)
    | st.builds("{} BETWEEN {} AND {}".format, values, values, values)
    | st.sampled_from(["{s} = 'a'", "{s} >= 'ab'", "{s} IS NULL", "{x} IS NOT NULL", "{f}"])
    | st.sampled_from(
        [
            "COALESCE({x}, 9) IN (0, 1, 2.5)",
            "COALESCE({s}, 'c') IN ('a', '')",
            "CHAR_LENGTH({s}) > 1",
        ]
    )
    | st.sampled_from(["{s} LIKE 'a%'", "UPPER({s}) = 'AB'", "{s} || 'x' = 'ax'", "NULL"]),
    lambda inner: (
        st.builds("({} AND {})".format, inner, inner)
        | st.builds("({} OR {})".format, inner, inner)
        | st.builds("(NOT {})".format, inner)
        | st.builds("(CASE WHEN {} THEN TRUE ELSE {} END)".format, inner, inner)
    ),
    max_leaves=4,
)


def ours(statement: str, rows: list[Any]) -> list[tuple[Any, ...]]:
    asked = translate(statement.format(**_PATHS), now=NOW)
    readings = [
        {
            "time_received": NOW + timedelta(seconds=place),
            "data": dict(zip("sxyf", row, strict=True)),
        }
        for place, row in enumerate(rows)
    ]
    chance = Random(1)  # noqa: S311 - the same in every run
    pipeline = Pipeline(asked.stages, now=NOW, random=chance, operators=SQL_OPERATORS)
    return [tuple(row.values()) for row in pipeline.run(readings)]


def theirs(statement: str, rows: list[Any]) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        database.execute(
            "CREATE TABLE readings (s VARCHAR, x DOUBLE, y DOUBLE, f BOOLEAN, n INTEGER)"
        )
        if rows:
            filled = [(*row, place) for place, row in enumerate(rows)]
            database.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?)", filled)
        plain = statement.replace("time_received", "n").replace("LIKE", "ILIKE")
        names = {name: name for name in _PATHS}
        return database.execute(plain.format(**names)).fetchall()


@settings(max_examples=150, deadline=None)
@given(rows=rows_of_columns, condition=conditions, value=values)
def test_rows_and_values(rows: list[Any], condition: str, value: str) -> None:
    """SL-4, SL-5."""
    statement = (
        f"SELECT {{s}} AS s, {value} AS v FROM readings WHERE {condition} ORDER BY time_received"
    )
    assert ours(statement, rows) == theirs(statement, rows)


@settings(max_examples=100, deadline=None)
@given(rows=rows_of_columns, condition=conditions, least=st.integers(0, 2))
def test_groups(rows: list[Any], condition: str, least: int) -> None:
    """SL-5, but a sum of nothing: it is 0 as in MongoDB, and null in DuckDB."""
    statement = (
        "SELECT {s} AS k, COUNT(*) AS n, COUNT({x}) AS m, COALESCE(SUM({x}), 0) AS t, "
        "AVG({y}) AS a, MIN({y}) AS lo, MAX({y}) AS hi, COUNT(DISTINCT {y}) AS d "
        f"FROM readings WHERE {condition} GROUP BY {{s}} HAVING COUNT(*) > {least}"
    )

    def in_order(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return sorted(found, key=lambda row: (row[0] is not None, row[0] or ""))

    assert in_order(ours(statement, rows)) == in_order(theirs(statement, rows))


@settings(max_examples=60, deadline=None)
@given(rows=rows_of_columns, limit=st.integers(1, 4), offset=st.integers(0, 3))
def test_distinct_order_and_slices(rows: list[Any], limit: int, offset: int) -> None:
    """SL-5: null comes first."""
    statement = (
        "SELECT DISTINCT {x} AS x, {f} AS f FROM readings "
        f"ORDER BY x ASC NULLS FIRST, f DESC NULLS LAST LIMIT {limit} OFFSET {offset}"
    )
    plain = statement.replace(" NULLS FIRST", "").replace(" NULLS LAST", "")
    assert ours(plain, rows) == theirs(statement, rows)
