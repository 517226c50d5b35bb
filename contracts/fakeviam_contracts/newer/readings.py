"""Readings by newer RPCs: exports, the latest reading, SQL; compared with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam.wire.values import mapping_from
from fakeviam_contracts import mql, queries
from fakeviam_contracts.descriptions import POINT_ASPECTS
from fakeviam_contracts.operations import operation
from fakeviam_contracts.session import Ground

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.model import Row
    from fakeviam_contracts.session import Session

EXPORT, LATEST, SQL = "ExportTabularData", "GetLatestTabularData", "TabularDataBySQL"

#: The clause of each aspect; `set` is whether payload and parameters are there at all.
ASPECTS = {**POINT_ASPECTS, "set": "EX-7"}

#: The real service returns nothing without such a bound (SL-13).
_BOUND = "time_received >= CAST('2000-01-01T00:00:00Z' AS TIMESTAMP)"
_SINCE = mql.time_of(946_684_800 * 1_000_000_000)


@operation
def check_export(
    session: Session,
    *,
    part: int,
    component: str,
    component_type: str,
    method: str,
    start: int | None = None,
    end: int | None = None,
) -> None:
    """All points of a resource, or those in an interval (EX-1, EX-2, EX-4 … EX-8)."""
    names = _named(session, part, component, component_type, method)
    request = data.ExportTabularDataRequest(**names)  # type: ignore[arg-type]
    if start is not None:
        request.interval.start.CopyFrom(timestamp_from(start))
    if end is not None:
        request.interval.end.CopyFrom(timestamp_from(end))
    grounds = [] if all(names.values()) else [Ground("EX-8")]
    points = session.outcome("EX-1", EXPORT, session.wire.call(EXPORT, request), grounds)
    if points is None or grounds:
        return
    rows = _of(session, names)
    inside = [row for row in rows if _is_inside(row.requested, start, end)]
    if inside != [row for row in rows if _is_inside(row.received, start, end)]:
        return  # by which of its times a reading is chosen is an open point (A3)
    _check_points(session, "EX-1" if start is None and end is None else "EX-2", inside, points)


def _check_points(
    session: Session, clause: str, rows: Sequence[Row], points: Sequence[Any]
) -> None:
    """Compare what was exported with the readings that should be."""
    wanted = sorted((_expected(row) for row in rows), key=repr)
    seen = sorted(map(_told, points), key=repr)
    session.expect(clause, "how many points", len(wanted), len(seen))
    for expected, got in zip(wanted, seen, strict=False):
        session.expect_all(ASPECTS, expected, got, "a point")
    times = [nanos_from(point.time_captured) for point in points]
    session.expect("EX-6", "points in order of their capture", sorted(times), times)


@operation
def check_latest(
    session: Session, *, part: int, component: str, component_type: str, method: str
) -> None:
    """The most recently captured reading of a resource (GL-1, GL-3, GL-4)."""
    names = _named(session, part, component, component_type, method)
    grounds = [] if all(names.values()) else [Ground("GL-4")]
    request = data.GetLatestTabularDataRequest(**names)  # type: ignore[arg-type]
    answer = session.wire.call(LATEST, request)
    reply = session.outcome("GL-1", LATEST, answer, grounds)
    if reply is None or grounds:
        return
    rows = _of(session, names)
    payload = mapping_from(reply.payload)
    if not rows:
        session.expect("GL-3", "what was captured last of nothing", {}, payload)
        return
    last = max(row.requested for row in rows)
    session.expect("GL-1", "when the latest was captured", last, nanos_from(reply.time_captured))
    candidates = [row.data for row in rows if row.requested == last]
    # Any of several readings with the same time may be the latest.
    expected = payload if payload in candidates else candidates[0]
    session.expect("GL-1", "the latest reading", _exactly(expected), _exactly(payload))


@operation
def check_statement(
    session: Session, statement: str, condition: str, stages: Sequence[dict[str, Any]]
) -> None:
    """A SQL statement has the same result as the equivalent pipeline (SL-1 … SL-6)."""
    place = session.place
    own = "component_name = '{}' AND ".format(place.component.replace("'", "''"))
    where = f"FROM readings WHERE {own if place.component else ''}{_BOUND} AND ({condition})"
    request = data.TabularDataBySQLRequest(
        organization_id=place.organization_id,
        sql_query=statement.replace("FROM readings", where),
    )
    rows = queries.decoded(session.answered("SL-1", SQL, session.wire.call(SQL, request)))
    if rows != _wanted(session, stages) and queries.received_is_stored(session):
        session.comparisons["A32"] += 1
    ordered = "ORDER BY" in statement
    expected = queries.comparable(_wanted(session, stages), ordered=ordered)
    observed = queries.comparable(rows, ordered=ordered)
    session.expect("SL-1" if expected else "SL-2", "rows of a statement", expected, observed)


def _wanted(session: Session, stages: Sequence[dict[str, Any]]) -> list[mql.Document]:
    documents = [d for d in queries.readings_of(session) if d["time_received"] >= _SINCE]
    return mql.run(documents, stages)


def _named(
    session: Session, part: int, component: str, component_type: str, method: str
) -> dict[str, str]:
    return {
        "part_id": session.place.parts[part].part_id,
        "resource_name": session.place.component or component,
        "resource_subtype": component_type,
        "method_name": method,
    }


def _of(session: Session, names: dict[str, str]) -> list[Row]:
    """The readings of a resource."""
    return [
        row
        for row in session.model.rows
        if (row.origin.part_id, row.origin.component_name, row.origin.component_type,
            row.origin.method) == tuple(names.values())
    ]  # fmt: skip


def _is_inside(time: int, start: int | None, end: int | None) -> bool:
    return (start is None or start <= time) and (end is None or time <= end)


def _expected(row: Row) -> dict[str, object]:
    origin = row.origin
    return {
        "captured": row.requested,
        "payload": _exactly(row.data),
        "tags": sorted(row.tags),
        "part": (origin.part_id, origin.part_name),
        "where": (origin.organization_id, origin.location_id, origin.robot_id, origin.robot_name),
        "resource": (origin.component_name, origin.component_type),
        "method": origin.method,
        "parameters": {},
        "set": True,
    }


def _told(point: data.ExportTabularDataResponse) -> dict[str, object]:
    return {
        "captured": nanos_from(point.time_captured),
        "payload": _exactly(mapping_from(point.payload)),
        "tags": sorted(point.tags),
        "part": (point.part_id, point.part_name),
        "where": (point.organization_id, point.location_id, point.robot_id, point.robot_name),
        "resource": (point.resource_name, point.resource_subtype),
        "method": point.method_name,
        "parameters": mapping_from(point.method_parameters),
        "set": point.HasField("payload") and point.HasField("method_parameters"),
    }


def _exactly(value: object) -> str:
    """A value as unambiguous text, since Python treats True as 1; integers may become doubles."""
    return repr(_in_floats(value))


def _in_floats(value: object) -> object:
    if isinstance(value, dict):
        return {name: _in_floats(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_in_floats(inner) for inner in value]
    return float(value) + 0.0 if type(value) in (int, float) else value  # type: ignore[arg-type]
