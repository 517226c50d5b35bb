"""ExportTabularData: streams all readings of one resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datasync, well_known
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts import queries, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check
from fakeviam_contracts.descriptions import POINT_ASPECTS
from fakeviam_contracts.session import permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.model import Row
    from fakeviam_contracts.session import Session

RPC = "ExportTabularData"
SENSOR = "rdk:component:sensor"


def _request(session: Session, **changes: Any) -> data.ExportTabularDataRequest:
    names = {
        "part_id": session.place.parts[0].part_id,
        "resource_name": session.place.component or "sensor",
        "resource_subtype": SENSOR,
        "method_name": "Readings",
    }
    return data.ExportTabularDataRequest(**{**names, **changes})


def _export(session: Session, clause: str = "EX-1", **changes: object) -> list[Any]:
    points: list[Any] = raw.call(session, clause, RPC, _request(session, **changes))
    return points


def _captured(session: Session, *seconds: float, **changes: Any) -> None:
    """Upload readings of the resource, or of another, whose payload is their second."""
    how = {"component": "sensor", "component_type": SENSOR, "method": "Readings", "part": 0}
    rows = [{"readings": {"n": float(second)}} for second in seconds]
    moments = [BASE + round(second * 1000) * SECOND // 1000 + 7 for second in seconds]
    times = [(moment, moment + SECOND // 10) for moment in moments]
    writes.upload_rows(session, rows=rows, times=times, **{**how, **changes})


def _numbers(points: Sequence[Any]) -> list[Any]:
    return [_number(mapping_from(point.payload)) for point in points]


def _number(payload: Any) -> Any:
    readings = payload.get("readings")
    return readings.get("n") if isinstance(readings, dict) else payload


def _told(point: Any) -> dict[str, Any]:
    return {
        "part": (point.part_id, point.part_name),
        "where": (point.organization_id, point.location_id, point.robot_id, point.robot_name),
        "resource": (point.resource_name, point.resource_subtype),
        "method": point.method_name,
        "captured": nanos_from(point.time_captured),
        "tags": list(point.tags),
        "payload": mapping_from(point.payload),
        "parameters": mapping_from(point.method_parameters),
    }


def _expected(row: Row) -> dict[str, Any]:
    origin = row.origin
    return {
        "part": (origin.part_id, origin.part_name),
        "where": (origin.organization_id, origin.location_id, origin.robot_id, origin.robot_name),
        "resource": (origin.component_name, origin.component_type),
        "method": origin.method,
        "captured": row.requested,
        "tags": row.tags,
        "payload": row.data,
        "parameters": {},
    }


@check("EX-1", "EX-4", "EX-5", "EX-6", "EX-7")
def points_say_all(session: Session) -> None:
    """Each reading is one message with all of its data."""
    session.expect("EX-6", "points of an unknown source", [], _export(session))
    _captured(session, 2, tags=["dog", "Dog", "cat"])
    _captured(session, 0.5)
    points = sorted(_export(session), key=lambda point: nanos_from(point.time_captured))
    session.require("EX-1", "points of two readings", 2, len(points))
    for row, point in zip(reversed(session.model.rows), points, strict=True):
        session.expect_all(POINT_ASPECTS, _expected(row), _told(point), "a point")
        is_set = point.HasField("payload") and point.HasField("method_parameters")
        session.expect("EX-7", "payload and parameters are set", expected=True, observed=is_set)


@check("EX-1", "EX-6")
def points_of_one_resource(session: Session) -> None:
    """Readings of another part, component, type or method are excluded; oldest first."""
    _captured(session, 2, 0, 1.5)
    _captured(session, 4, method=session.name)
    _captured(session, 5, component_type="rdk:component:camera")
    if len(session.place.parts) > 1:
        _captured(session, 6, part=1)
    if not session.place.component:
        _captured(session, 7, component="sensor2")
    points = _export(session)
    session.expect("EX-1", "points of one resource", [0, 1.5, 2], sorted(_numbers(points)))
    captured = [nanos_from(point.time_captured) for point in points]
    session.expect("EX-6", "points in order of their capture", sorted(captured), captured)
    points = _numbers(_export(session, method_name=session.name))
    session.expect("EX-1", "points of a method with strange characters", [4], points)


@check("EX-7")
def points_without_anything(session: Session) -> None:
    """An empty reading has a payload."""
    metadata = raw.metadata(session, raw.TABULAR, component_type=SENSOR, method_name="Readings")
    metadata.component_name = session.place.component or "sensor"
    content = datasync.SensorData(metadata=raw.sensor(BASE, BASE), struct=struct_from({}))
    if session.outcome(
        "CU-10",
        "DataCaptureUpload",
        session.wire.call("DataCaptureUpload", raw.capture(metadata, content)),
        [permission("CU-10")],
    ) is None:  # fmt: skip
        return
    point = raw.first(session, "EX-1", "points", _export(session))
    session.expect("EX-7", "an empty payload is set", expected=True,
                   observed=point.HasField("payload"))  # fmt: skip


def _interval(start: float | None = None, end: float | None = None) -> data.CaptureInterval:
    made = data.CaptureInterval()
    if start is not None:
        made.start.CopyFrom(timestamp_from(BASE + round(start * SECOND)))
    if end is not None:
        made.end.CopyFrom(timestamp_from(BASE + round(end * SECOND)))
    return made


@check("EX-2")
def exports_of_an_interval(session: Session) -> None:
    """Both bounds are optional, and so is the interval."""
    _captured(session, 1, 2, 3)
    for interval, expected in (
        (None, [1, 2, 3]),
        (_interval(), [1, 2, 3]),
        (_interval(start=1.5), [2, 3]),
        (_interval(end=2.5), [1, 2]),
        (_interval(1.5, 2.5), [2]),
        (_interval(3.5), []),
    ):
        found = sorted(_numbers(_export(session, "EX-2", interval=interval)))
        ends = [] if interval is None else [field.name for field, _ in interval.ListFields()]
        session.expect("EX-2", f"points of an interval with ends {ends}", expected, found)


@check("EX-3", "EX-5", "A34", "MQ-2")
def exports_by_parameters(session: Session) -> None:
    """Absent parameters match all readings; present ones must be equal."""
    _captured(session, 1)
    metadata = raw.metadata(session, raw.TABULAR, component_type=SENSOR, method_name="Readings")
    metadata.component_name = session.place.component or "sensor"
    packed = well_known.Any(
        type_url="type.googleapis.com/google.protobuf.StringValue", value=b"\n\x04fast"
    )
    metadata.method_parameters["mode"].CopyFrom(packed)
    content = datasync.SensorData(
        metadata=raw.sensor(BASE, BASE), struct=struct_from({"readings": {"n": 2.0}})
    )
    raw.call(session, "UP-8", "DataCaptureUpload", raw.capture(metadata, content))
    points = _export(session)
    found = [mapping_from(point.method_parameters) for point in points]
    session.expect("EX-5", "parameters of the points", [{}, {"mode": "fast"}],
                   sorted(found, key=len))  # fmt: skip
    named = queries.asked(session, [{"$project": {"_id": 0, "p": "$additional_parameters"}}])
    same = sorted((each["p"] for each in named), key=len)
    session.expect("MQ-2", "parameters in documents", sorted(found, key=len), same)
    for parameters, expected in (
        (None, [1.0, 2.0]),
        ({"mode": "fast"}, [2.0]),
        ({"mode": "slow"}, []),
        ({"mode": "fast", "more": 1}, []),
    ):
        asked = None if parameters is None else struct_from(parameters)
        numbers = sorted(_numbers(_export(session, additional_parameters=asked)))
        session.expect("EX-3", f"points with {parameters}", expected, numbers)
    numbers = _numbers(_export(session, additional_parameters=struct_from({})))
    if numbers != [1.0]:
        session.expect("A34", "points with empty parameters", [1.0], sorted(numbers))
    else:
        session.comparisons.update(("A34", "EX-3"))


@check("EX-8")
def exports_of_what(session: Session) -> None:
    """All four fields of the resource are required."""
    _captured(session, 1)
    for name in ("part_id", "resource_name", "resource_subtype", "method_name"):
        request = _request(session)
        request.ClearField(name)
        raw.refuse(session, "EX-8", "INVALID_ARGUMENT", RPC, request)


@check("EX-1")
def many_points(session: Session) -> None:
    """More readings than fit into a page, in one stream."""
    writes.upload_many_rows(session, 1001)
    points = _export(session, resource_subtype="sensor")
    expected = [row.data["readings"]["n"] for row in session.model.rows]
    session.expect("EX-1", "points of many readings", expected, sorted(_numbers(points)))


CHECKS = (
    points_say_all,
    points_of_one_resource,
    points_without_anything,
    exports_of_an_interval,
    exports_by_parameters,
    exports_of_what,
    many_points,
)
