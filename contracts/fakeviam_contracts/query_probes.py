"""Probes of queries and exports: each looks at a reading that is there, and at one point alone.

A server that does not find the reading when it is asked in the plainest way decides nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fakeviam.wire import data, datasync, well_known
from fakeviam.wire.values import struct_from
from fakeviam_contracts import queries
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE
from fakeviam_contracts.probing import UnsettledError, ask, call
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from fakeviam_contracts.probing import Found
    from fakeviam_contracts.session import Session

#: The time is before every reading of a probe.
LONG_AGO = "2000-01-01T00:00:00Z"
SUBTYPE, METHOD = "rdk:component:sensor", "Readings"


def _resource(session: Session) -> str:
    return session.place.component or "sensor"


def _reading(session: Session) -> None:
    """One reading, captured with a parameter."""
    metadata = raw.metadata(session, raw.TABULAR, component_type=SUBTYPE, method_name=METHOD)
    metadata.component_name = _resource(session)
    metadata.method_parameters["mode"].CopyFrom(
        well_known.Any(
            type_url="type.googleapis.com/google.protobuf.StringValue", value=b"\n\x04fast"
        )
    )
    content = datasync.SensorData(
        metadata=raw.sensor(BASE, BASE), struct=struct_from({"readings": {"n": 1.0}})
    )
    call(session, "DataCaptureUpload", raw.capture(metadata, content))


def extended_json_in_bson(session: Session, _: Found) -> tuple[object, str]:
    """MQ-11."""
    _reading(session)

    def since(time: object) -> data.TabularDataByMQLRequest:
        return queries.request(session, [{"$match": {"time_received": {"$gte": time}}}])

    date = dt.datetime.fromisoformat(LONG_AGO.replace("Z", "+00:00"))
    if not call(session, queries.RPC, since(date)).raw_data:
        raise UnsettledError("a query by a date does not find a reading")
    answer = ask(session, queries.RPC, since({"$date": LONG_AGO}))
    if isinstance(answer, Refused):
        return "refuse", f"a query by {{'$date': …}} is {answer.status}"
    if not answer.raw_data:
        raise UnsettledError("{'$date': …} is neither a date nor refused: it matches nothing")
    return "expand", "{'$date': …} in a query was taken for its date"


def sql_needs_time_bound(session: Session, _: Found) -> tuple[object, str]:
    """SL-13."""
    _reading(session)

    def finds(condition: str) -> bool:
        statement = f"SELECT * FROM readings WHERE {condition}"  # noqa: S608 - in no database
        request = data.TabularDataBySQLRequest(
            organization_id=session.place.organization_id, sql_query=statement
        )
        return bool(call(session, "TabularDataBySQL", request).raw_data)

    own = "component_name = '{}'".format(_resource(session).replace("'", "''"))
    if not finds(f"{own} AND time_received >= CAST('{LONG_AGO}' AS TIMESTAMP)"):
        raise UnsettledError("a statement with a bound on time_received does not find a reading")
    found = finds(own)
    return not found, f"SQL without a bound on time_received {'finds' if found else 'misses'} it"


def empty_parameters(session: Session, _: Found) -> tuple[object, str]:
    """A34."""
    _reading(session)

    def finds(parameters: well_known.Struct | None) -> bool:
        request = data.ExportTabularDataRequest(
            part_id=session.place.parts[0].part_id,
            resource_name=_resource(session),
            resource_subtype=SUBTYPE,
            method_name=METHOD,
            additional_parameters=parameters,
        )
        return bool(call(session, "ExportTabularData", request))

    if not finds(None):
        raise UnsettledError("an export does not find a reading")
    found = finds(well_known.Struct())
    seen = "selects" if found else "leaves out"
    return (
        "absent" if found else "constraint",
        f"an empty additional_parameters {seen} a reading that was captured with a parameter",
    )
