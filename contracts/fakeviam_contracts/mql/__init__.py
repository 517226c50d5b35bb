"""A naive interpreter of MongoDB's pipelines, to compute the expected results of queries.

It uses plain lists and dictionaries, and only supports stages and operators that MongoDB's manual
specifies unambiguously. It shares no code with the fake, so that both cannot have the same bug.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fakeviam_contracts.mql.expressions import Document, key
from fakeviam_contracts.mql.stages import run

if TYPE_CHECKING:
    from fakeviam_contracts.model import Row

__all__ = ["FIELDS", "Document", "document_of", "key", "nanos_of", "run", "time_of"]

#: The documented fields of a reading beside its id (MQ-2).
FIELDS = (
    "organization_id", "location_id", "robot_id", "part_id", "component_type", "component_name",
    "method_name", "time_requested", "time_received", "tags", "additional_parameters", "data",
    "capture_day",
)  # fmt: skip

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def document_of(row: Row) -> Document:
    """A reading as a document, without its id (MQ-2)."""
    origin, requested = row.origin, time_of(row.requested)
    return {
        "organization_id": origin.organization_id,
        "location_id": origin.location_id,
        "robot_id": origin.robot_id,
        "part_id": origin.part_id,
        "component_type": origin.component_type,
        "component_name": origin.component_name,
        "method_name": origin.method,
        "time_requested": requested,
        "time_received": time_of(row.received),
        "tags": list(row.tags),
        "additional_parameters": {},
        "data": row.data,
        "capture_day": requested.replace(hour=0, minute=0, second=0, microsecond=0),
    }


def time_of(nanos: int) -> dt.datetime:
    """A time in BSON, which is truncated to milliseconds."""
    return _EPOCH + dt.timedelta(milliseconds=nanos // 1_000_000)


def nanos_of(time: dt.datetime) -> int:
    """A time from BSON in ns."""
    return (time - _EPOCH) // dt.timedelta(microseconds=1) * 1000
