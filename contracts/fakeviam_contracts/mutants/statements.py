"""Wrong servers: SQL queries. Random programs send none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts.mutants.base import on_refusal, on_reply, on_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.mutants.base import QueryReply

SQL = "TabularDataBySQL"


def _statement(old: str, new: str) -> Any:
    """An edit of the text of a statement."""

    def edit(message: data.TabularDataBySQLRequest, _: dict[Any, Any]) -> None:
        message.sql_query = message.sql_query.replace(old, new)

    return edit


def _pattern(pattern: str, new: str) -> Any:
    """An edit of whatever looks like a pattern in a statement."""

    def edit(message: data.TabularDataBySQLRequest, _: dict[Any, Any]) -> None:
        message.sql_query = re.sub(pattern, new, message.sql_query)

    return edit


def _rows(change: Callable[[list[dict[str, Any]]], object]) -> Any:
    """An edit of the rows in a reply."""

    def edit(_: object, reply: QueryReply, __: dict[Any, Any]) -> None:
        import bson  # noqa: PLC0415 - with the first statement

        rows = [bson.decode(row) for row in reply.raw_data]
        change(rows)
        reply.raw_data[:] = [bson.encode(row) for row in rows]

    return edit


def _from_zero(rows: list[dict[str, object]]) -> None:
    for row in rows:
        if "_2" in row:
            row["_1"] = row.pop("_2")


def _zero(
    request: data.TabularDataBySQLRequest, reply: QueryReply, _: dict[object, object]
) -> None:
    import bson  # noqa: PLC0415

    if "data.readings.k > 9" in request.sql_query:
        reply.raw_data.append(bson.encode({"n": 0, "m": 0}))


def _null(rows: list[dict[str, object]]) -> None:
    if rows == [{}]:
        rows[0]["nothing"] = None


def _nothing(rpc: str, _: object) -> object:
    return getattr(data, f"{rpc}Response")()


MUTANTS = (
    on_request("reads nothing with SQL", "SL-1", _statement("WHERE ", "WHERE FALSE AND "), SQL),
    on_reply("has a row of nothing", "SL-2", _rows(lambda d: d.extend([] if d else [{}])), SQL),
    on_reply("numbers columns from 0", "SL-3", _rows(_from_zero), SQL),
    on_request("takes missing for null", "SL-4", _statement("IS MISSING", "IS NULL"), SQL),
    on_request("compares null", "SL-4", _statement("<> 2.5", "NOT IN (2.5)"), SQL),
    on_request("minds case with LIKE", "SL-5", _statement("LIKE 'A_'", "= 'Ab'"), SQL),
    on_request("has the offset first", "SL-5", _statement("1, 3", "3 OFFSET 1"), SQL),
    on_request("counts characters from 1", "SL-5", _statement("FROM 1 FOR", "FROM 0 FOR"), SQL),
    on_request("counts null", "SL-5", _statement("COUNT(data.readings.x)", "COUNT(*)"), SQL),
    on_request("groups without HAVING", "SL-5", _statement("HAVING COUNT(*) > 1", ""), SQL),
    on_request("leaves out the end of BETWEEN", "SL-5",
               _pattern(r"([\w.]+) BETWEEN (\S+) AND ([^\s)]+)", r"(\1 >= \2 AND \1 < \3)"), SQL),
    on_request("counts what is not distinct", "SL-5", _pattern(r"COUNT\(DISTINCT ", "COUNT("), SQL),
    on_request("selects what is not distinct", "SL-1", _pattern("SELECT DISTINCT", "SELECT"), SQL),
    on_request("has no offset", "SL-1", _pattern(r"OFFSET \d+", ""), SQL),
    on_reply("counts nothing as 0", "SL-6", _zero, SQL),
    on_reply("leaves tags out of *", "SL-1", _rows(lambda d: [row.pop("tags", None) for row in d]),
             SQL),
    on_reply("has the moment for the day in *", "SL-1",
             _rows(lambda d: [row.update(capture_day=row["time_requested"])
                              for row in d if "capture_day" in row]), SQL),
    on_request("reads one line", "SL-5",
               lambda m, _: setattr(m, "sql_query", m.sql_query.partition("\n")[0]), SQL),
    on_request("knows readings without their database alone", "SL-5",
               _statement("sensorData.readings", "sensordata.nothing"), SQL),
    on_request("takes MIN for MAX", "SL-5", _statement("MAX(", "MIN("), SQL),
    on_request("takes AVG for SUM", "SL-5", _statement("SUM(", "AVG("), SQL),
    on_request("looks at the first value of IN", "SL-5",
               _pattern(r"(?<!NOT )IN \(([^,)]*),[^)]*\)", r"IN (\1)"), SQL),
    on_request("binds OR before AND", "SL-1",
               _pattern(r"\((\S+ = 3 OR \S+ > 3) AND (.*?)\)", r"((\1) AND \2)"), SQL),
    on_request("has one case", "SL-5", _pattern(" WHEN [^()]*? END", " END"), SQL),
    on_refusal("answers statements that are none", "SL-7", _nothing),
    on_request("takes texts for no times", "SL-9", _statement("< '1999", "> '1999"), SQL),
    on_reply("has null for what no reading has", "SL-11", _rows(_null), SQL),
)  # fmt: skip
