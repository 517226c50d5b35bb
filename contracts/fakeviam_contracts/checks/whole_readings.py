"""Readings are returned unchanged by every RPC."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.values import mapping_from
from fakeviam_contracts import queries, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, check

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

SENSOR = "rdk:component:sensor"

#: Booleans, nulls and empty values, which are easily lost.
_VALUES: dict[str, Any] = {
    "yes": True,
    "no": False,
    "one": 1.0,
    "zero": 0.0,
    "nothing": None,
    "text": "true",
    "blank": "",
    "list": [True, 1.0, None, [], {}],
    "deep": {"er": {"est": [None, False]}, "empty": {}, "none": []},
}


def _exactly(value: Any) -> str:
    """A value as unambiguous text, since Python treats True as 1; integers may become doubles."""
    return json.dumps(_in_floats(value), sort_keys=True)


def _in_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_floats(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_in_floats(inner) for inner in value]
    return float(value) if type(value) is int else value


def _expect(session: Session, clause: str, rpc: str, readings: Any) -> None:
    session.expect(clause, f"a reading by {rpc}", _exactly(_VALUES), _exactly(readings))


def _uploaded(session: Session) -> dict[str, Any]:
    """Upload the values; returns the fields of the resource."""
    writes.upload_rows(
        session,
        part=0,
        rows=[{"readings": _VALUES}],
        times=[(BASE, BASE + SECOND)],
        component="sensor",
        component_type=SENSOR,
        method="Readings",
    )
    return {
        "part_id": session.place.parts[0].part_id,
        "resource_name": session.place.component or "sensor",
        "resource_subtype": SENSOR,
        "method_name": "Readings",
    }


@check("GL-1")
def all_of_the_latest_reading(session: Session) -> None:
    """The latest reading is complete."""
    rpc, request = "GetLatestTabularData", data.GetLatestTabularDataRequest(**_uploaded(session))
    payload = raw.call(session, "GL-1", rpc, request).payload
    _expect(session, "GL-1", rpc, mapping_from(payload).get("readings"))


@check("EX-1")
def all_of_an_exported_reading(session: Session) -> None:
    """An exported reading is complete."""
    rpc, request = "ExportTabularData", data.ExportTabularDataRequest(**_uploaded(session))
    point = raw.first(session, "EX-1", "points", raw.call(session, "EX-1", rpc, request))
    _expect(session, "EX-1", rpc, mapping_from(point.payload).get("readings"))


@check("MQ-2")
def all_of_a_reading_as_a_document(session: Session) -> None:
    """A reading is complete as a document of a query."""
    _uploaded(session)
    request = queries.request(session, [{"$project": {"_id": 0, "data": 1}}])
    answer = session.wire.call(queries.RPC, request)
    found = queries.decoded(session.answered("MQ-1", queries.RPC, answer))
    document = raw.first(session, "MQ-1", "documents", found)
    _expect(session, "MQ-2", queries.RPC, document.get("data", {}).get("readings"))


CHECKS = (
    all_of_the_latest_reading,
    all_of_an_exported_reading,
    all_of_a_reading_as_a_document,
)
