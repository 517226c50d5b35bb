"""Stages and operators of published queries; the answers are those of MongoDB's manual, by hand.

The naive interpreter knows few of them. Each query ends in fields of its own, so that neither
ids nor fields beyond the documented ones matter.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from fakeviam_contracts import mql, queries, writes
from fakeviam_contracts.checks.base import BASE, SECOND, check

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

_MINUTE = 60 * SECOND
#: The moments of the readings: two in one hour, one late in the day, and one on the next.
_MOMENTS = (550 * _MINUTE + 5_250_000_000, 590 * _MINUTE, 1410 * _MINUTE, 1980 * _MINUTE)
#: `k` identifies a reading; the last one has no `t`.
_READINGS: tuple[dict[str, Any], ...] = (
    {"k": 1, "t": 20.0, "w": "Ab", "xs": [3, 1, 2], "x": 2.36},
    {"k": 2, "t": 22.5, "w": "b", "xs": [], "x": -2.5},
    {"k": 3, "t": 25.0, "w": "Ab", "xs": [5, 4], "x": 7.0},
    {"k": 4, "w": "c", "xs": [6], "x": 9.0, "found": [{"c": "dog", "p": 0.9}, {"c": "cat"}]},
)
K, T, W, XS, X = (f"$data.readings.{name}" for name in ("k", "t", "w", "xs", "x"))
TIME = "$time_requested"
IN_TIME: dict[str, Any] = {"$sort": {"time_requested": 1}}


def _each(**fields: Any) -> queries.Stages:
    """Calculates fields of each reading, in the order of their times."""
    return [IN_TIME, {"$project": {"_id": 0, **fields}}]


def _all(**fields: Any) -> queries.Stages:
    """Calculates fields of all readings together."""
    return [IN_TIME, {"$group": {"_id": None, **fields}}, {"$unset": "_id"}]


def _by_time(unit: str, **how: Any) -> queries.Stages:
    date = {"$dateTrunc": {"date": TIME, "unit": unit, **how}}
    return [{"$group": {"_id": date, "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}]


def _matching(condition: dict[str, Any]) -> queries.Stages:
    return [{"$match": condition}, *_each(k=K)]


def _at(*moment: int) -> dt.datetime:
    return dt.datetime(*moment, tzinfo=dt.timezone.utc)  # type: ignore[misc,arg-type]


def _ks(*ks: int) -> list[mql.Document]:
    return [{"k": k} for k in ks]


def _values(*values: object) -> list[mql.Document]:
    """One field of each reading; of a missing value there is none."""
    return [{} if value is None else {"v": value} for value in values]


_LISTED = [{"_id": _at(2023, 12, 31, 18, 30), "n": 2}, {"_id": _at(2024, 1, 1, 18, 30), "n": 2}]

#: The stage or operator, the query, and its answer.
Cases = tuple[tuple[str, queries.Stages, list[mql.Document]], ...]

_TIMES: Cases = (
    ("$dateTrunc", _by_time("hour"), [
        {"_id": _at(2024, 1, 1, 9), "n": 2}, {"_id": _at(2024, 1, 1, 23), "n": 1},
        {"_id": _at(2024, 1, 2, 9), "n": 1}]),
    ("$dateTrunc", _by_time("day", timezone="Asia/Kolkata"), _LISTED),
    ("$dateTrunc", _each(v={"$dateTrunc": {"date": TIME, "unit": "minute", "binSize": 15}}),
     _values(_at(2024, 1, 1, 9), _at(2024, 1, 1, 9, 45), _at(2024, 1, 1, 23, 30),
             _at(2024, 1, 2, 9))),
    ("$dateToString", _each(v={"$dateToString": {"date": TIME, "format": "%Y-%m-%d %H:00"}}),
     _values("2024-01-01 09:00", "2024-01-01 09:00", "2024-01-01 23:00", "2024-01-02 09:00")),
    ("$dateToString", _each(v={"$dateToString": {
        "date": TIME, "format": "%H:%M", "timezone": "+02:00"}}),
     _values("11:10", "11:50", "01:30", "11:00")),
    ("$dateToString", [*_matching({"data.readings.k": 1})[:1],
                       *_each(v={"$dateToString": {"date": TIME}})],
     _values("2024-01-01T09:10:05.250Z")),
    ("$minute", _each(v=[{"$month": TIME}, {"$minute": TIME}, {"$second": TIME}]),
     _values([1, 10, 5], [1, 50, 0], [1, 30, 0], [1, 0, 0])),
    ("$toDate", _matching({"$expr": {"$gte": [TIME, {"$toDate": "2024-01-01T23:30:00Z"}]}}),
     _ks(3, 4)),
    ("$toLong", _all(v={"$max": {"$toLong": TIME}}), _values(1_704_067_200_000 + 1980 * 60_000)),
    ("$subtract", [*_all(first={"$min": TIME}, last={"$max": TIME}),
                  {"$project": {"v": {"$subtract": ["$last", "$first"]}}}],
     _values((1980 - 550) * 60_000 - 5250)),
)  # fmt: skip

_VALUES: Cases = (
    ("$round", _each(v=[{"$round": [X, 1]}, {"$floor": X}, {"$divide": [X, 2]}]),
     _values([2.4, 2, 1.18], [-2.5, -3, -1.25], [7, 7, 3.5], [9, 9, 4.5])),
    ("$toString", _each(v={"$concat": [W, "/", {"$toString": {"$hour": TIME}}]}),
     _values("Ab/9", "b/9", "Ab/23", "c/9")),
    ("$substr", _each(v=[{"$substr": [W, 1, 1]}, {"$toUpper": W}]),
     _values(["b", "AB"], ["", "B"], ["b", "AB"], ["", "C"])),
    ("$cond", _each(v=[{"$cond": [{"$gt": [X, 5]}, "more", "less"]},
                       {"$cond": {"if": {"$lt": [X, 0]}, "then": 1, "else": 0}}]),
     _values(["less", 0], ["less", 1], ["more", 0], ["more", 0])),
    ("$switch", _each(v={"$switch": {"branches": [
        {"case": {"$eq": [W, "b"]}, "then": "one"}, {"case": {"$gt": [X, 8]}, "then": "two"}],
        "default": "none"}}), _values("none", "one", "none", "two")),
    ("$arrayElemAt", _each(v={"$arrayElemAt": [XS, 1]}), _values(1, None, 4, None)),
    ("$arrayElemAt", _each(v={"$arrayElemAt": [XS, -1]}), _values(2, None, 4, 6)),
    ("$filter", _each(v={"$filter": {"input": XS, "as": "x", "cond": {"$gte": ["$$x", 3]}}}),
     _values([3], [], [5, 4], [6])),
    ("$map", _each(v={"$map": {"input": XS, "as": "x", "in": {"$multiply": ["$$x", 2]}}}),
     _values([6, 2, 4], [], [10, 8], [12])),
    ("$addToSet", [*_all(all={"$addToSet": W}), {"$project": {"v": {"$size": "$all"}}}],
     _values(3)),
    ("$percentile", _all(v={"$percentile": {"input": T, "p": [0.5], "method": "approximate"}}),
     _values([22.5])),
    ("$push", _all(v={"$push": {"k": K, "t": T}}),
     _values([{"k": 1, "t": 20}, {"k": 2, "t": 22.5}, {"k": 3, "t": 25}, {"k": 4}])),
    ("$in", _matching({"data.readings.w": {"$in": ["c", "x", "b"]}}), _ks(2, 4)),
    ("$regex", _matching({"data.readings.w": {"$regex": "^A", "$options": "i"}}), _ks(1, 3)),
    ("$regex", _matching({"data.readings.w": {"$regex": "B", "$options": "i"}}), _ks(1, 2, 3)),
    ("$elemMatch", _matching({"data.readings.xs": {"$elemMatch": {"$gt": 1, "$lt": 3}}}), _ks(1)),
    ("$elemMatch", _matching({"data.readings.found": {"$elemMatch": {
        "c": "cat", "p": {"$exists": True}}}}), []),
)  # fmt: skip

_STAGES: Cases = (
    ("$unwind", [IN_TIME, {"$unwind": {"path": XS, "includeArrayIndex": "at"}},
                 {"$project": {"_id": 0, "x": XS, "at": 1}}],
     [{"x": 3, "at": 0}, {"x": 1, "at": 1}, {"x": 2, "at": 2}, {"x": 5, "at": 0},
      {"x": 4, "at": 1}, {"x": 6, "at": 0}]),
    ("$unwind", [{"$unwind": "$data.readings.found"}, {"$project": {
        "_id": 0, "v": "$data.readings.found.c"}}, {"$sort": {"v": -1}}], _values("dog", "cat")),
    ("$setWindowFields", [{"$setWindowFields": {
        "partitionBy": W, "sortBy": {"time_requested": 1}, "output": {
            "before": {"$shift": {"output": K, "by": -1, "default": 0}}}}},
        *_each(k=K, v="$before")],
     [{"k": 1, "v": 0}, {"k": 2, "v": 0}, {"k": 3, "v": 1}, {"k": 4, "v": 0}]),
    ("$setWindowFields", [{"$setWindowFields": {"sortBy": {"time_requested": 1}, "output": {
        "sum": {"$sum": K, "window": {"documents": ["unbounded", "current"]}}}}},
        *_each(v="$sum")], _values(1, 3, 6, 10)),
    ("$bucket", [{"$bucket": {"groupBy": T, "boundaries": [20, 22.5, 30], "default": "none"}},
                 {"$sort": {"count": 1, "_id": 1}}],
     [{"_id": 20, "count": 1}, {"_id": "none", "count": 1}, {"_id": 22.5, "count": 2}]),
    ("$bucketAuto", [{"$bucketAuto": {"groupBy": K, "buckets": 2}}],
     [{"_id": {"min": 1, "max": 3}, "count": 2}, {"_id": {"min": 3, "max": 4}, "count": 2}]),
    ("$sample", [{"$sample": {"size": 2}}, {"$count": "v"}], _values(2)),
    ("$replaceWith", [IN_TIME, {"$replaceWith": {"v": {"$add": [K, 1]}}}], _values(2, 3, 4, 5)),
    ("$redact", [{"$redact": {"$cond": [{"$gt": [X, 5]}, "$$KEEP", "$$PRUNE"]}}, *_each(k=K)],
     _ks(3, 4)),
    ("$densify", [*_matching({"data.readings.k": {"$in": [1, 4]}}), {"$densify": {
        "field": "k", "range": {"step": 1, "bounds": "full"}}}], _ks(1, 2, 3, 4)),
    ("$fill", [*_each(k=K, v=T), {"$fill": {
        "sortBy": {"k": 1}, "output": {"v": {"method": "locf"}}}}, {"$unset": "k"}],
     _values(20, 22.5, 25, 25)),
    ("$fill", [*_each(k=K, v=T), {"$fill": {"output": {"v": {"value": 0}}}}, {"$unset": "k"}],
     _values(20, 22.5, 25, 0)),
    ("$sortByCount", [{"$sortByCount": W}, {"$limit": 1}], [{"_id": "Ab", "count": 2}]),
)  # fmt: skip


@check("MQ-1")
def times_in_published_queries(session: Session) -> None:
    """Times are cut, written, compared and reckoned with."""
    _compare(session, _TIMES)


@check("MQ-1")
def values_in_published_queries(session: Session) -> None:
    """Operators on numbers, texts and lists, conditions, and what matches."""
    _compare(session, _VALUES)


@check("MQ-1")
def stages_of_published_queries(session: Session) -> None:
    """Windows, buckets, samples, what is unwound, and what fills gaps."""
    _compare(session, _STAGES)


def _compare(session: Session, cases: Cases) -> None:
    for moment, reading in zip(_MOMENTS, _READINGS, strict=True):
        times = [(BASE + moment, BASE + moment + SECOND)]
        writes.upload_rows(session, part=0, rows=[{"readings": reading}], times=times)
    for name, stages, expected in cases:
        observed = queries.asked(session, stages)
        same = [queries.comparable(each, ordered=True) for each in (expected, observed)]
        if same[0] != same[1]:
            what = f"documents of a query by {name}"
            session.expect("MQ-1", what, expected, observed, cause=name)
        session.comparisons["MQ-1"] += 1


CHECKS = (times_in_published_queries, values_in_published_queries, stages_of_published_queries)
