"""SQL: answers by the dialect's own pages and tests, its refusals, and laws for any rows."""

# ruff: noqa: S608 - nothing is injected into these statements

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from bson import Int64, ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam.query.errors import QueryError
from fakeviam.query.pipeline import Pipeline
from fakeviam.query.sql.errors import SqlError, UnservedSqlError
from fakeviam.query.sql.operators import SQL_OPERATORS
from fakeviam.query.sql.statements import translate

NOW = datetime(2025, 1, 15, 12, tzinfo=timezone.utc)


def at(hour: int) -> datetime:
    return NOW.replace(hour=hour)


def reading(number: int, name: str, hour: int, tags: list[str], **values: Any) -> dict[str, Any]:
    return {
        "_id": ObjectId(f"{number:024x}"),
        "component_name": name,
        "part_id": "p",
        "time_requested": at(hour),
        "time_received": at(hour),
        "tags": tags,
        "data": {"k": number, "readings": values},
    }


READINGS = [
    reading(1, "s1", 9, ["a"], t=20.0, ok=True, word="Abc", **{"pm_2.5": 1.5}),
    reading(2, "s1", 10, [], t=22.0, ok=False, word="abd"),
    reading(3, "s2", 11, ["a", "b"], t=None, word="x_y"),
    reading(4, "s2", 13, ["b"], word="x%y", mixed="12"),
    {**reading(5, "cam", 14, []), "data": {"k": 5, "value": 7.0, "readings": {"mixed": 3.0}}},
]


def run(statement: str, rows: list[Any] | None = None) -> list[dict[str, Any]]:
    asked = translate(statement, now=NOW)
    chance = Random(1)  # noqa: S311 - the same in every run
    pipeline = Pipeline(asked.stages, now=NOW, random=chance, operators=SQL_OPERATORS)
    return pipeline.run((READINGS if rows is None else rows) if asked.reads else [{}])


def value(expression: str) -> Any:
    (row,) = run(f"SELECT {expression} AS x")
    return row["x"]


def ks(where: str) -> list[Any]:
    return [row["k"] for row in run(f"SELECT data.k FROM readings WHERE {where}")]


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT component_name FROM readings LIMIT 1", [{"component_name": "s1"}]),
        ("select count(*) from sensorData.readings", [{"_1": 5}]),
        (
            (
                "SELECT count(*) AS n FROM readings WHERE component_name = 's1' AND part_id = 'p' "
                "AND (CAST(data.readings.t AS DOUBLE)) > 20.5"
            ),
            [{"n": 1}],
        ),
        (
            (
                "SELECT DISTINCT component_name FROM readings "
                "WHERE time_received >= CAST('2025-01-15T11:00:00.000Z' AS TIMESTAMP)"
            ),
            [{"component_name": "s2"}, {"component_name": "cam"}],
        ),
        (
            (
                "SELECT data.readings.t AS t, data.k\nFROM readings r\n"
                "WHERE r.component_name = 's1' ORDER BY time_received DESC LIMIT 2;"
            ),
            [{"t": 22.0, "k": 2}, {"t": 20.0, "k": 1}],
        ),
        ("SELECT data.`value` FROM readings WHERE data.k = 5", [{"value": 7.0}]),
        ('SELECT data."value" AS "a.b" FROM readings WHERE data.k = 5', [{"a.b": 7.0}]),
        ("SELECT data.readings.`pm_2.5` FROM readings LIMIT 2", [{"pm_2.5": 1.5}, {}]),
        ("SELECT data['k'], tags[-1] FROM readings LIMIT 1", [{"_1": 1, "_2": "a"}]),
        ("SELECT data.k FROM readings LIMIT 2, 3", [{"k": 4}, {"k": 5}]),
        ("SELECT data.k FROM readings LIMIT 1 OFFSET 1", [{"k": 2}]),
        ("SELECT data.k FROM readings OFFSET 3 FETCH FIRST 1 ROWS ONLY", [{"k": 4}]),
        ("SELECT data.k FROM readings LIMIT 0", []),
        (
            (
                "SELECT component_name AS c, COUNT(*) AS n, AVG(data.readings.t), MAX(data.k) - 1 "
                "FROM readings GROUP BY c HAVING COUNT(*) > 1 ORDER BY c DESC"
            ),
            [
                {"c": "s2", "n": 2, "_3": None, "_4": 3},
                {"c": "s1", "n": 2, "_3": 21.0, "_4": 1},
            ],
        ),
        (
            (
                "SELECT c, COUNT(*) AS n, c || '!' FROM readings "
                "GROUP BY component_name AS c, part_id HAVING COUNT(*) > 1 AND c <> 's2' ORDER BY c"
            ),
            [{"c": "s1", "n": 2, "_3": "s1!"}],
        ),
        (
            "SELECT late, COUNT(*) n FROM readings GROUP BY data.k > 2 AS late ORDER BY late",
            [{"late": False, "n": 2}, {"late": True, "n": 3}],
        ),
        (
            "SELECT COUNT(*) n FROM readings GROUP BY component_name AS c ORDER BY c DESC LIMIT 1",
            [{"n": 2}],
        ),
        (
            "SELECT COUNT(data.readings.t), SUM(data.readings.t) FROM readings",
            [{"_1": 2, "_2": 42}],
        ),
        (
            "SELECT COUNT(DISTINCT component_name), COUNT(DISTINCT data.readings.t) FROM readings",
            [{"_1": 3, "_2": 2}],
        ),
        ("SELECT SUM(DISTINCT data.k) FROM readings WHERE data.k < 3", [{"_1": 3}]),
        ("SELECT FIRST(data.k), ADD_TO_SET(part_id) FROM readings", [{"_1": 1, "_2": ["p"]}]),
        ("SELECT COUNT(*) FROM readings WHERE component_name = 'none'", []),
        (
            "SELECT data.k > 2 AS late, COUNT(*) n FROM readings GROUP BY data.k > 2 ORDER BY 2",
            [{"late": False, "n": 2}, {"late": True, "n": 3}],
        ),
        (
            "SELECT tags, i FROM UNWIND(readings WITH PATH => tags, INDEX => i) ORDER BY tags, i",
            [{"tags": tag, "i": i} for tag, i in [("a", 0), ("a", 0), ("b", 0), ("b", 1)]],
        ),
        (
            "SELECT COUNT(*) FROM UNWIND(readings WITH OUTER => TRUE, PATH => readings.tags)",
            [{"_1": 6}],
        ),
        (
            "SELECT VALUE {'k': data.k, 'in': {'t': tags}} FROM readings LIMIT 1",
            [{"k": 1, "in": {"t": ["a"]}}],
        ),
        ("SELECT nothing, data.k FROM readings LIMIT 1", [{"k": 1}]),
        ("SELECT 1, 'it''s' -- two columns", [{"_1": 1, "_2": "it's"}]),
        (
            "SELECT DISTINCT data.k / 2 AS half FROM readings ORDER BY half DESC LIMIT 2",
            [{"half": 2}, {"half": 1}],
        ),
    ],
)
def test_rows(statement: str, rows: list[Any]) -> None:
    """SL-1, SL-2, SL-3, SL-5, SL-6."""
    assert [list(row.items()) for row in run(statement)] == [list(row.items()) for row in rows]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("data.readings.t = 20", [1]),
        ("data.readings.t + 1 = 1 + data.readings.t", [1, 2]),
        ("data.readings.t <> 20", [2]),
        ("NOT data.readings.t = 20", [2]),
        ("data.readings.t = NULL", []),
        ("data.readings.t IS NULL", [3, 4, 5]),
        ("data.readings.t IS MISSING", [4, 5]),
        ("data.readings.t IS NOT NULL", [1, 2]),
        ("data.readings.t IS NUMBER", [1, 2]),
        ("data.readings.mixed IS STRING", [4]),
        ("data.readings.t = 20 OR data.readings.t IS MISSING", [1, 4, 5]),
        ("data.readings.t = 20 AND NULL", []),
        ("data.readings.t BETWEEN 20 AND 21", [1]),
        ("data.readings.t NOT BETWEEN 20 AND 21", [2]),
        ("data.k IN (1, 5, 9)", [1, 5]),
        ("data.readings.t NOT IN (20, 21)", [2, 3, 4, 5]),
        ("data.readings.word LIKE 'AB_'", [1, 2]),
        ("data.readings.word LIKE 'x!_%' ESCAPE '!'", [3]),
        ("data.readings.word NOT LIKE 'x%'", [1, 2]),
        ("data.readings.ok", [1]),
        ("NOT data.readings.ok", [2]),
        # Types that never compare: no order is known, and they are not equal.
        ("data.readings.mixed > 1", [5]),
        ("NOT data.readings.mixed > 1", []),
        ("data.readings.mixed = 3", [5]),
        ("data.readings.mixed <> 3", [4]),
        # A text beside a date is one.
        (
            "time_received > '2025-01-15T10:00:00Z' AND time_received < '2025-01-15 14:00:00'",
            [3, 4],
        ),
        ("'2025-01-15T10:00:00Z' >= time_received", [1, 2]),
        ("time_received BETWEEN '2025-01-15T10:00:00Z' AND CURRENT_TIMESTAMP", [2, 3]),
        ("time_received > DATEADD(HOUR, -2, NOW()) AND time_received > '2025-01-15'", [3, 4, 5]),
        ("time_received = '2025-01-15T09:00:00Z'", [1]),
        ("time_received IN ('2025-01-15T09:00:00Z', '2025-01-15T10:00:00.000Z')", [1, 2]),
        ("EXTRACT(HOUR FROM time_received) = 9", [1]),
        ("_id = CAST('000000000000000000000002' AS OBJECTID)", [2]),
        ("data.readings.word = 'x' || '_y'", [3]),
        ("CASE component_name WHEN 'cam' THEN TRUE END", [5]),
    ],
)
def test_conditions(where: str, found: list[int]) -> None:
    """SL-4, SL-5, SL-9, SL-10."""
    assert ks(where) == found


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("5 / 2", 2),
        ("5.0 / 2", 2.5),
        ("1 / 0", None),
        ("-(3)", -3),
        ("1e2", 100.0),
        ("1 + NULL", None),
        ("'a' || NULL", None),
        ("SUBSTRING('hello' FROM 1 FOR 2)", "el"),
        ("SUBSTRING('hello', 3)", "lo"),
        ("SUBSTRING('hello', 0, -1)", "hello"),
        ("POSITION('l' IN 'hello')", 2),
        ("POSITION('z' IN 'hello')", -1),
        ("TRIM('  a ')", "a"),
        ("TRIM(LEADING 'x' FROM 'xax')", "ax"),
        ("TRIM('xy' FROM 'yxax')", "a"),
        ("CHAR_LENGTH('äb')", 2),
        ("OCTET_LENGTH('äb')", 3),
        ("BIT_LENGTH('ab')", 16),
        ("UPPER(NULL)", None),
        ("LOWER('Ab')", "ab"),
        ("REPLACE('aba', 'a', 'x')", "xbx"),
        ("SPLIT('a-b-c', '-', 0)", "a"),
        ("SPLIT('a-b-c', '-', -1)", "c"),
        ("SPLIT('a-b-c', '-', 9)", ""),
        ("SPLIT('a', '', 0)", None),
        ("COALESCE(NULL, NULL, 3, 4)", 3),
        ("NULLIF(1, 1)", None),
        ("NULLIF(1, 2)", 1),
        ("ABS(-2)", 2),
        ("SQRT(-1)", None),
        ("ROUND(2.345, 1)", 2.3),
        ("MOD(7, 0)", None),
        ("LOG(100, 10)", 2.0),
        ("SIZE([1, 2, NULL])", 3),
        ("SIZE('a')", None),
        ("SLICE([1, 2, 3], 2)", [1, 2]),
        ("SLICE([1, 2, 3], -1)", [3]),
        ("SLICE([1, 2, 3], 1, 1)", [2]),
        ("SLICE([1, 2, 3], 0, 0)", None),
        ("[1, 2][5]", None),
        ("{'a': {'b': 1}}.a.b", 1),
        ("CASE WHEN 1 = 2 THEN 'a' WHEN NULL THEN 'b' ELSE 'c' END", "c"),
        ("CAST('1.5' AS DOUBLE)", 1.5),
        ("'7'::INT + 1", 8),
        ("CAST('x' AS INT)", None),
        ("CAST('x' AS INT, 0 ON NULL, -1 ON ERROR)", -1),
        ("CAST(NULL AS INT, 0 ON NULL)", 0),
        ("CAST(2.9 AS INTEGER)", 2),
        ("CAST(1 AS CHARACTER VARYING(3))", "1"),
        ("CAST('a' AS DOCUMENT)", None),
        ("CAST([1] AS ARRAY)", [1]),
        ("CAST('2025-01-15' AS TIMESTAMP)", NOW.replace(hour=0)),
        ("1::!INT", 1),
        ("DATETRUNC(DAY, CURRENT_TIMESTAMP)", NOW.replace(hour=0)),
        ("DATEDIFF(HOUR, CAST('2025-01-15' AS TIMESTAMP), NOW())", Int64(12)),
        ("DATEADD(MINUTE, 30, NOW())", NOW + timedelta(minutes=30)),
        ("YEAR(NOW())", 2025),
        ("DAYOFMONTH(NOW())", 15),
        ("EXTRACT(QUARTER FROM NOW())", 1),
        ("NULL IS NULL", True),
        ("NULL IS MISSING", False),
        ("1 IN (2, NULL)", False),
    ],
)
def test_expressions(expression: str, result: Any) -> None:
    """SL-5."""
    (row,) = run(f"SELECT {expression} AS x")
    found = row.get("x")
    assert (found, type(found)) == (result, type(result))


@pytest.mark.parametrize(
    ("statement", "number", "says"),
    [
        ("", 2000, "empty"),
        ("   -- nothing", 2000, "empty"),
        ("DELETE FROM readings", 2001, "only SELECT"),
        ("SELCT * FROM readings", 2001, "`SELCT`: only SELECT is served, and a statement begins"),
        ("SELECT * FROM readings WHERE a =", 2001, "column 32 (what follows it is missing)"),
        ("SELECT a FROM", 2001, "column 13 (Expected table name)"),
        ("SELECT VALUE {'k': 1, : 2} FROM readings", 2001, "Expected a name before :"),
        ("SELECT {: 1} FROM readings", 2001, "Expected a name before :"),
        ("SELECT 1 FROM readings GROUP BY data.k AS g, AS r", 2001, "Expected an expression"),
        ("INSERT INTO readings VALUES (1)", 2001, "only SELECT"),
        ("DROP TABLE readings", 2001, "only SELECT"),
        ("SELECT 1; DROP TABLE readings", 2001, "one statement"),
        ("SELECT FROM readings", 2001, "nothing is selected"),
        ("SELECT a, * FROM readings", 3002, "only contain *"),
        ("SELECT ((data FROM readings", 2001, "line 1"),
        ("SELECT 'a FROM readings", 2000, "quote"),
        ("SELECT data.value FROM readings", 2001, "backticks"),
        ("SELECT data AS index FROM readings", 2001, "backticks"),
        ("SELECT größe FROM readings", 2000, "backticks"),
        ("SELECT * FROM sensors", 1016, "sensorData.readings"),
        ("SELECT * FROM other.readings", 1016, "other"),
        ("SELECT data.k", 3008, "no FROM"),
        ("SELECT datetime('now', '-1 day')", 2000, "DATETIME"),
        ("SELECT ROUND(1)", 1001, "exactly 2"),
        ("SELECT COUNT() FROM readings", 1001, "at least 1"),
        ("SELECT UPPER(*) FROM readings", 3010, "COUNT"),
        ("SELECT SUM(*) FROM readings", 3010, "COUNT"),
        ("SELECT SUM(data.k, 1) FROM readings", 3014, "one argument"),
        ("SELECT UPPER(DISTINCT data.k) FROM readings", 3015, "DISTINCT"),
        ("SELECT data.k FROM readings WHERE COUNT(*) > 1", 3011, "COUNT"),
        ("SELECT SUM(AVG(data.k)) FROM readings", 3011, "SUM"),
        ("SELECT data.k, COUNT(*) FROM readings", 3008, "GROUP BY"),
        ("SELECT part_id AS p FROM readings GROUP BY p HAVING n > 1", 3008, "GROUP BY"),
        ("SELECT data.k, data.k FROM readings", 3023, "k"),
        ("SELECT 1 FROM readings GROUP BY data.k AS g, tags AS g", 3023, "g"),
        ("SELECT g.x FROM readings GROUP BY data.k AS g", 3008, "g.x"),
        ("SELECT 1 FROM readings GROUP BY data.k AS", 2001, "name"),
        ("SELECT data.k AS _2, 1 FROM readings", 3023, "_2"),
        ("SELECT CAST(data.k AS DATE) FROM readings", 3030, "TIMESTAMP"),
        ("SELECT CAST(data.k AS REGEX) FROM readings", 3030, "regex"),
        ("SELECT CAST(data.k AS WORD) FROM readings", 2001, "type"),
        ("SELECT TIMESTAMP '2025-01-15'", 2001, "CAST("),
        ("SELECT data.k FROM readings ORDER BY COUNT(*)", 3034, "alias"),
        ("SELECT data.k FROM readings ORDER BY 2", 2000, "1 columns"),
        ("SELECT data.k FROM readings LIMIT -1", 2001, "whole number"),
        ("SELECT data.k FROM readings LIMIT 1.5", 2001, "1.5"),
        ("SELECT data.k FROM readings LIMIT 99999999999", 2000, "u32"),
        ("SELECT 99999999999999999999", 2000, "integer"),
        ("SELECT data FROM readings WHERE time_received > 5", 1005, "TIMESTAMP"),
        ("SELECT data FROM readings WHERE time_received > 'soon'", 1005, "TIMESTAMP"),
        ("SELECT data FROM readings WHERE component_name = 5", 1005, "string"),
        ("SELECT data FROM readings WHERE tags = 'a'", 1005, "UNWIND"),
        ("SELECT data FROM readings WHERE _id = 'a'", 1005, "OBJECTID"),
        ("SELECT data FROM readings WHERE component_name", 1002, "boolean"),
        ("SELECT time_received - time_requested FROM readings", 1002, "DATEDIFF"),
        ("SELECT AVG(component_name) FROM readings", 1002, "string"),
        ('SELECT data FROM readings WHERE data.k = \'{"$date": "2025"}\'', 1017, "CAST"),
        ("SELECT 'a' LIKE 'b' ESCAPE 'cd'", 2000, "length 1"),
        ("SELECT * FROM FLATTEN(readings)", 3025, "schema"),
        ("SELECT * FROM UNWIND(readings)", 3028, "PATH"),
        ("SELECT * FROM UNWIND(readings WITH PATH => tags, PATH => tags)", 3027, "PATH"),
        ("SELECT * FROM UNWIND(readings WITH PATH => 'tags')", 3029, "identifier"),
        ("SELECT * FROM UNWIND(readings WITH PATH => tags, INDEX => data)", 1014, "data"),
        ("SELECT * FROM readings LEFT JOIN readings", 3019, "condition"),
        ("SELECT * FROM readings FULL JOIN readings AS r ON true", 2001, "FULL"),
        ("SELECT * FROM readings NATURAL JOIN readings AS r", 2001, "NATURAL"),
        ("SELECT * FROM readings JOIN readings AS r USING (part_id)", 2001, "USING"),
        ("SELECT data FROM readings INTERSECT SELECT data FROM readings", 2001, "INTERSECT"),
        ("SELECT data FROM readings EXCEPT SELECT data FROM readings", 2001, "EXCEPT"),
        ("SELECT k FROM (SELECT data.k AS k FROM readings)", 2001, "needs a name"),
        ("SELECT k FROM (SELECT data.k AS k FROM readings) AS r (a)", 2001, "SELECT"),
        ("SELECT part_id FROM (SELECT data.k AS k FROM readings) AS r", 3008, "part_id"),
        ("SELECT k FROM (SELECT data.k FROM readings AS x) AS r WHERE x.k = 1", 3008, "`x`"),
        ("SELECT k FROM (SELECT a, * FROM readings) AS r", 3002, "only contain"),
        ("SELECT t FROM (SELECT time_received AS t FROM readings) AS r WHERE t = 1", 1005, "date"),
        ("SELECT SUM(data.k) OVER (PARTITION BY part_id) FROM readings", 2000, "WINDOW"),
        ("SELECT * EXCEPT (data) FROM readings", 2001, "alone"),
        ("SELECT data FROM readings FOR UPDATE", 2001, "LOCKS"),
        ("SELECT EXTRACT(CENTURY FROM time_received) FROM readings", 2000, "CENTURY"),
        ("SELECT DATEADD('hour', 1, time_received) FROM readings", 2000, "HOUR"),
        ("SELECT data\0 FROM readings", 2000, "null character"),
        ("SELECT x {'a': 1} FROM readings", 2001, "document"),
        ("SELECT data FROM readings ORDER BY data.k NULLS LAST", 2001, "null"),
        ("SELECT data FROM readings AS r(a)", 2001, "SELECT"),
        ("SELECT data FROM readings WHERE data.k BETWEEN SYMMETRIC 2 AND 1", 2001, "SYMMETRIC"),
    ],
)
def test_refusals(statement: str, number: int, says: str) -> None:
    """SL-7."""
    with pytest.raises(SqlError) as refused:
        run(statement)
    assert (refused.value.number, says in str(refused.value)) == (number, True), refused.value
    assert str(refused.value).startswith(f"Failed to translate SQL: Error {number}: ")
    assert len(str(refused.value)) < 700


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("SELECT * FROM readings, readings AS r", "JOIN"),
        ("SELECT * FROM readings JOIN readings AS r ON r.part_id = readings.part_id", "JOIN"),
        ("SELECT data FROM readings UNION SELECT data FROM readings", "UNION"),
        ("SELECT k FROM (SELECT 1 AS k UNION ALL SELECT 2 AS k) AS r", "UNION in FROM"),
        ("SELECT data FROM readings WHERE data.k IN (SELECT data.k FROM readings)", "subquery"),
        ("SELECT data FROM readings WHERE EXISTS (SELECT data.k FROM readings)", "subquery"),
        ("WITH r AS (SELECT 1) (SELECT * FROM readings)", "WITH"),
        ("SELECT * FROM readings GROUP BY part_id", "SELECT *"),
        ("SELECT * FROM UNWIND(readings WITH PATHS => tags)", "PATHS"),
        ("SELECT * FROM UNWIND(readings WITH OUTER => TRUE, paths => (tags[], a.b[]))", "PATHS"),
        ("SELECT COUNT(*) FROM readings GROUP BY ROLLUP (part_id)", "ROLLUP"),
        ("SELECT n FROM readings GROUP BY part_id AGGREGATE COUNT(*) AS n", "AGGREGATE"),
    ],
)
def test_what_is_not_served_is_named(statement: str, names: str) -> None:
    """SL-12."""
    with pytest.raises(UnservedSqlError, match=names.replace("*", r"\*")):
        run(statement)


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT k FROM (SELECT data.k AS k FROM readings) AS r WHERE k > 3", [{"k": 4}, {"k": 5}]),
        ("SELECT r.k + 1 FROM (SELECT data.k FROM readings LIMIT 1) AS r", [{"_1": 2}]),
        ("SELECT * FROM (SELECT data.k FROM readings ORDER BY k DESC LIMIT 2) AS r ORDER BY k",
         [{"k": 4}, {"k": 5}]),
        (("SELECT MAX(n) AS most FROM (SELECT component_name, COUNT(*) AS n FROM readings "
         "GROUP BY component_name) AS r"), [{"most": 2}]),
        ("SELECT data.k FROM (SELECT * FROM readings) AS r WHERE component_name = 'cam'",
         [{"k": 5}]),
        (("SELECT k FROM (SELECT data.k FROM readings WHERE component_name = 's1') AS r "
         "WHERE r.k > 1"), [{"k": 2}]),
        # What is outside selects from the rows that are inside, not from readings.
        (("SELECT component_name FROM (SELECT 'x' AS component_name FROM readings LIMIT 1) AS r "
         "WHERE component_name = 's1'"), []),
        ("SELECT y.a FROM (SELECT x.a FROM (SELECT 1 AS a) AS x) AS y", [{"a": 1}]),
        (("SELECT tags, k FROM UNWIND((SELECT tags, data.k FROM readings) AS r WITH PATH => tags) "
         "WHERE k = 3 ORDER BY tags"), [{"tags": "a", "k": 3}, {"tags": "b", "k": 3}]),
        ("SELECT a FROM (SELECT VALUE {'a': data.k} FROM readings LIMIT 1) AS r", [{"a": 1}]),
    ],
)  # fmt: skip
def test_statements_in_from(statement: str, rows: list[Any]) -> None:
    """SL-1."""
    assert run(statement) == rows


def test_a_statement_in_from_has_the_bounds_and_the_unknown_columns_of_its_own() -> None:
    """SL-11, SL-13."""
    inner = "SELECT nope FROM readings WHERE time_received > '2025-01-15'"
    asked = translate(f"SELECT nope FROM ({inner}) AS r", now=NOW)
    assert (asked.bounded, asked.text_dates, list(asked.unknown)) == (True, True, ["nope"])
    late = translate("SELECT t FROM (SELECT time_received AS t FROM readings) AS r "
                     "WHERE t > '2025-01-15'", now=NOW)  # fmt: skip
    assert not late.bounded


def test_what_a_statement_asks_the_store() -> None:
    """SL-1: the leading stages are such that the store answers them."""
    asked = translate(
        "SELECT data FROM readings WHERE component_name = 's1' AND data.k > 1 "
        "AND time_received > '2025-01-15' AND '2025-01-16' > time_received "
        "AND component_name = 's2' ORDER BY time_received DESC LIMIT 3",
        now=NOW,
    )
    day = NOW.replace(hour=0)
    assert asked.bounded
    assert asked.stages[0] == {
        "$match": {
            "component_name": "s1",
            "time_received": {"$gt": day, "$lt": day + timedelta(days=1)},
        }
    }
    assert asked.stages[2:4] == [{"$sort": {"time_received": -1}}, {"$limit": 3}]


@pytest.mark.parametrize(
    ("where", "bounded"),
    [
        ("time_received >= '2025-01-15'", True),
        ("time_received BETWEEN '2025-01-15' AND '2025-01-16'", True),
        ("time_received = '2025-01-15'", True),
        ("time_received < '2025-01-15'", False),
        ("time_requested > '2025-01-15'", False),
        ("time_received > '2025-01-15' OR data.k = 1", False),
        ("data.k = 1", False),
    ],
)
def test_bounds(where: str, *, bounded: bool) -> None:
    """SL-13: only a lower bound of `time_received` that all rows obey is one."""
    statement = f"SELECT data FROM readings WHERE {where}"
    assert translate(statement, now=NOW).bounded is bounded


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
        "SELECT " + "NOT " * 5_000 + "TRUE",
        "SELECT " + " + ".join(["1"] * 3_000),
        "SELECT " + "CASE WHEN TRUE THEN " * 2_000 + "1" + " END" * 2_000,
        "SELECT " + ", ".join(f"{n} AS a{n}" for n in range(10_000)),
        "SELECT data FROM readings WHERE " + " OR ".join(["tags = 1"] * 1_000),
        "SELECT data FROM readings WHERE " + " OR ".join(["data.k = 1"] * 10_000),
        "SELECT data." + ".".join(["a"] * 5_000) + " FROM readings",
        "SELECT '" + "x" * 300_000 + "'",
        "SELECT 1" + "0" * 5_000,
        "SELECT 'a' LIKE '" + "%a" * 3_000 + "b'",
        "'; DROP TABLE readings; --",
        "SELECT data FROM readings WHERE component_name = '' OR '1' = '1' -- '",
        "SELECT \U0001f600 FROM readings",
        "SELECT " + "[" * 300 + "]" * 300,
    ],
    ids=lambda statement: statement[:24],
)
@pytest.mark.thinned(3)
def test_odd_statements_have_an_answer_or_a_clear_refusal(statement: str) -> None:
    """SL-7, SL-8."""
    with suppress(SqlError, UnservedSqlError, QueryError):
        run(statement)


@pytest.mark.slow
@pytest.mark.parametrize(
    "condition",
    [
        " OR ".join(["data.k=1"] * 8_000),
        " AND ".join(["data.k=1"] * 7_000),
        "data.k IN (" + ", ".join(map(str, range(1, 10_000))) + ")",
    ],
    ids=lambda condition: condition[:10],
)
def test_thousands_of_terms_are_answered(condition: str) -> None:
    """SL-5."""
    assert 1 in ks(condition)


numbers = st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0])
rows = st.lists(
    st.fixed_dictionaries(
        {"part_id": st.sampled_from("ab"), "data": st.fixed_dictionaries({"x": numbers})}
    )
    | st.fixed_dictionaries({"part_id": st.sampled_from("ab"), "data": st.just({})}),
    max_size=8,
)
conditions = st.recursive(
    st.sampled_from(
        [
            *("data.x > 0", "data.x = 1", "data.x <> 1", "data.x IS NULL", "data.x <= 0.5"),
            *("NULL", "TRUE", "part_id = 'a'", "data.x BETWEEN 0 AND 1", "data.x IN (0, 2)"),
            "data.x IS MISSING",
        ]
    ),
    lambda inner: (
        st.builds("({} AND {})".format, inner, inner)
        | st.builds("({} OR {})".format, inner, inner)
        | st.builds("(NOT {})".format, inner)
    ),
    max_leaves=4,
)


@given(rows=rows, condition=conditions)
@settings(max_examples=25, deadline=None)
def test_a_condition_its_negation_and_neither_share_all_rows(
    rows: list[Any], condition: str
) -> None:
    """SL-4: three values of truth."""

    def count(where: str) -> int:
        return len(run(f"SELECT data FROM readings WHERE {where}", rows))

    unknown = f"({condition}) IS NULL"
    assert count(condition) + count(f"NOT {condition}") + count(unknown) == len(rows)


@given(rows=rows, one=conditions, other=conditions)
@settings(max_examples=25, deadline=None)
def test_conditions_split(rows: list[Any], one: str, other: str) -> None:
    """SL-4, SL-5: a group of the rows is what a condition leaves of all."""
    both = run(f"SELECT COUNT(*) n FROM readings WHERE {one} AND {other}", rows)
    negated = run(  # by De Morgan
        f"SELECT COUNT(*) n FROM readings WHERE NOT (NOT {one} OR NOT {other})",
        rows,
    )
    assert both == negated


@given(rows=rows)
@settings(max_examples=20, deadline=None)
def test_groups_are_what_conditions_leave(rows: list[Any]) -> None:
    """SL-5."""
    groups = run(
        "SELECT part_id AS p, COUNT(data.x) n, SUM(data.x) s FROM readings GROUP BY p", rows
    )
    for group in groups:
        where = f"part_id = '{group['p']}'"
        alone = run(f"SELECT COUNT(data.x) n, SUM(data.x) s FROM readings WHERE {where}", rows)
        assert alone == [{"n": group["n"], "s": group["s"]}]
    assert {group["p"] for group in groups} == {row["part_id"] for row in rows}
