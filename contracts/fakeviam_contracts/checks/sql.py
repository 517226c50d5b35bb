"""Queries in SQL; the expected results are those of the dialect's documentation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts import queries, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

RPC = "TabularDataBySQL"

#: `k` identifies a reading; `x` is null in one, and missing in another.
_ROWS: tuple[dict[str, object], ...] = (
    {"k": 1, "x": 2.5, "s": "Ab"},
    {"k": 2, "x": None, "s": "b"},
    {"k": 3, "s": "ab"},
    {"k": 4, "x": -1.0},
    {"k": 5, "x": 2.5, "s": "c"},
)

#: The real service returns nothing without such a bound (APP-10891).
_BOUND = "time_received >= CAST('2000-01-01T00:00:00Z' AS TIMESTAMP)"


def _world(session: Session) -> None:
    for place, row in enumerate(_ROWS):
        text = {"t": session.name} if row["k"] == 4 else {}
        moment = BASE + place * SECOND
        times = [(moment, moment + SECOND)]
        writes.upload_rows(session, part=0, rows=[{"readings": {**row, **text}}], times=times)


def statement_of(session: Session, statement: str) -> data.TabularDataBySQLRequest:
    """A request for a statement, in which FROM reads the session's readings only."""
    place = session.place
    own = "component_name = '{}' AND ".format(place.component.replace("'", "''"))
    where = f"WHERE {own if place.component else ''}{_BOUND}"
    return data.TabularDataBySQLRequest(
        organization_id=place.organization_id,
        sql_query=re.sub(r"FROM \S*readings\b", lambda source: f"{source[0]} {where}", statement),
    )


def _expect(session: Session, clause: str, statement: str, rows: list[dict[str, Any]]) -> None:
    answer = session.wire.call(RPC, statement_of(session, statement))
    observed = queries.decoded(session.answered("SL-1", RPC, answer))
    session.expect(clause, f"rows of {statement}", rows, observed)


def _expect_ks(session: Session, clause: str, condition: str, *ks: int) -> None:
    statement = f"SELECT data.readings.k FROM readings AND ({condition}) ORDER BY k"  # noqa: S608
    _expect(session, clause, statement, [{"k": k} for k in ks])


@check("SL-1", "SL-2", "SL-3", "SL-11")
def rows_of_readings(session: Session) -> None:
    """Each row is a document with columns by name."""
    _expect(session, "SL-2", "SELECT data.readings.k FROM readings", [])
    _world(session)
    ks = [{"k": row["k"]} for row in _ROWS]
    _expect(session, "SL-1", "SELECT data.readings.k FROM readings ORDER BY k", ks)
    _expect(
        session,
        "SL-3",
        "SELECT data.readings.k AS a, data.readings.k + 1, data.readings.`s` "
        "FROM readings ORDER BY 1 DESC LIMIT 1",
        [{"a": 5, "_2": 6, "s": "c"}],
    )
    _expect(session, "SL-11", "SELECT nothing FROM readings LIMIT 1", [{}])
    _expect_whole(session)


def _expect_whole(session: Session) -> None:
    """All columns are the documented fields of a reading, as in MQL."""
    answer = session.wire.call(RPC, statement_of(session, "SELECT * FROM readings"))
    found = queries.documented(session, queries.decoded(session.answered("SL-1", RPC, answer)))
    received = session.interpretation.time_received != "stored"  # else it is the server's (A32)
    rows = [
        sorted(
            ({k: v for k, v in each.items() if received or k != "time_received"} for each in all_),
            key=lambda each: repr(each.get("time_requested")),
        )
        for all_ in (queries.readings_of(session), found)
    ]
    session.expect("SL-1", "rows of SELECT *", *rows)


@check("SL-1", "SL-4", "SL-5", "SL-9")
def conditions_of_statements(session: Session) -> None:
    """Null and missing values, patterns, texts, times, intervals and lists."""
    _world(session)
    _expect_ks(session, "SL-4", "data.readings.x IS NULL", 2, 3)
    _expect_ks(session, "SL-4", "data.readings.x IS MISSING", 3)
    _expect_ks(session, "SL-4", "NOT data.readings.x = 2.5", 4)
    _expect_ks(session, "SL-4", "data.readings.x <> 2.5", 4)
    _expect_ks(session, "SL-5", "data.readings.s LIKE 'A_'", 1, 3)
    _expect_ks(session, "SL-5", "data.readings.x NOT IN (2.5)", 2, 3, 4)
    quoted = session.name.replace("'", "''")
    _expect_ks(session, "SL-1", f"data.readings.t = '{quoted}'", 4)
    _expect_ks(session, "SL-1", f"data.readings.t = '{quoted.swapcase()}'")
    _expect_ks(session, "SL-9", "time_received < '1999-01-01T00:00:00Z'")
    _expect_ks(session, "SL-5", "data.readings.k BETWEEN 2 AND 4", 2, 3, 4)
    # OR binds less than AND, and IN looks at each of its values.
    either = "data.readings.k = 3 OR data.readings.k > 3 AND data.readings.x > 0"
    _expect_ks(session, "SL-1", either, 3, 5)
    _expect_ks(session, "SL-5", "data.readings.s IN ('x', 'b', 'c')", 2, 5)


@check("SL-1", "SL-5", "SL-6")
def statements(session: Session) -> None:
    """Limits, what is distinct, functions, groups and aggregates."""
    _world(session)
    limited = [{"k": 4}]
    _expect(session, "SL-5", "SELECT data.readings.k FROM readings ORDER BY k LIMIT 1, 3", limited)
    ordered = "SELECT data.readings.k FROM readings ORDER BY k LIMIT 1"
    _expect(session, "SL-1", f"{ordered} OFFSET 3", limited)
    distinct = "SELECT DISTINCT data.readings.x AS x FROM readings AND data.readings.x > 0"
    _expect(session, "SL-1", distinct, [{"x": 2.5}])
    calculated = "SUBSTRING('hello' FROM 1 FOR 2) AS a, 1 / 0 AS b, CAST('x' AS INT) AS c"
    row = {"a": "el", "b": None, "c": None}
    _expect(session, "SL-5", f"SELECT {calculated} FROM readings LIMIT 1", [row])  # noqa: S608
    _expect(
        session,
        "SL-5",
        "SELECT data.readings.x AS x, COUNT(*) AS n FROM readings "
        "GROUP BY data.readings.x HAVING COUNT(*) > 1 ORDER BY x",
        [{"x": None, "n": 2}, {"x": 2.5, "n": 2}],
    )
    _expect(
        session,
        "SL-5",
        "SELECT MIN(data.readings.k) AS a, MAX(data.readings.k) AS b, SUM(data.readings.k) AS c, "
        'AVG(data.readings.k) AS d\nFROM sensorData.readings AND "data"."readings"."k" > 1',
        [{"a": 2, "b": 5, "c": 14, "d": 3.5}],
    )
    cases = "CASE WHEN data.readings.x > 0 THEN 'more' WHEN data.readings.x < 0 THEN 'less' END"
    _expect(
        session,
        "SL-5",
        f"SELECT data.readings.k, {cases} AS v FROM readings "  # noqa: S608
        "AND data.readings.k IN (1, 4) ORDER BY k DESC",
        [{"k": 4, "v": "less"}, {"k": 1, "v": "more"}],
    )
    count = "SELECT COUNT(*) AS n, COUNT(data.readings.x) AS m FROM readings"
    _expect(session, "SL-5", count, [{"n": 5, "m": 3}])
    distinct = "SELECT COUNT(DISTINCT data.readings.x) AS n FROM readings"
    _expect(session, "SL-5", distinct, [{"n": 2}])
    _expect(session, "SL-6", f"{count} AND data.readings.k > 9", [])


@check("SL-7")
def statements_that_the_dialect_refuses(session: Session) -> None:
    """Each statement is refused with its error number."""
    _world(session)
    for statement in (
        "SELECT data, * FROM readings",
        "SELECT data.value FROM readings",
        "DELETE FROM readings",
        "SELECT data.readings.k, COUNT(*) FROM readings",
        "SELECT CAST(data.readings.k AS DATE) FROM readings",
        "SELECT (data FROM readings",
    ):
        request = statement_of(session, statement)
        raw.refuse(session, "SL-7", "INVALID_ARGUMENT", RPC, request)


CHECKS = (
    rows_of_readings,
    conditions_of_statements,
    statements,
    statements_that_the_dialect_refuses,
)
