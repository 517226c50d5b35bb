"""What checks say for themselves, where reads and writes have no words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from
from fakeviam_contracts import captures
from fakeviam_contracts.session import Ground
from fakeviam_contracts.visibility import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.model import Origin
    from fakeviam_contracts.session import Session

BINARY, TABULAR = datasync.DATA_TYPE_BINARY_SENSOR, datasync.DATA_TYPE_TABULAR_SENSOR

#: A reading that any server takes.
READING: dict[str, object] = {"readings": {"n": 1.0}}

#: A dataset, an organization or a file that nobody has.
NOBODY = "0" * 24

capture = captures.capture


def call(session: Session, clause: str, rpc: str, request: Message) -> Any:
    """The answer of a call that must succeed."""
    reply = session.answered(clause, rpc, session.wire.call(rpc, request))
    if rpc == "DataCaptureUpload":
        settle(session)
    return reply


def stream(session: Session, clause: str, rpc: str, requests: Sequence[Message]) -> Any:
    """The answer of a stream that must succeed."""
    reply = session.answered(clause, rpc, session.wire.stream(rpc, requests))
    settle(session)
    return reply


def refuse(session: Session, clause: str, status: str, rpc: str, *requests: Message) -> bool:
    """Make a call that must be refused, with a status that clients may rely on or not.

    The answer says whether it was: what an open point accepts changes the subject.
    """
    return judge(session, clause, status, rpc, _sent(session, rpc, requests))


#: Clauses that call something an error and leave it to others to name the status.
_STATUS = {"UP-1": "A22", "CU-3": "A29"}


def judge(session: Session, clause: str, status: str, rpc: str, answer: object) -> bool:
    """Whether an answer is the refusal that it must be."""
    ground = Ground(clause, status, names_status=_STATUS.get(clause, ""))
    return session.outcome(clause, rpc, answer, [ground]) is None


def _sent(session: Session, rpc: str, requests: Sequence[Message]) -> object:
    if rpc in ("FileUpload", "StreamingDataCaptureUpload"):
        return session.wire.stream(rpc, requests)
    return session.wire.call(rpc, requests[0])


def metadata(
    session: Session, kind: datasync.DataTypeValue, part: Origin | None = None, **fields: Any
) -> datasync.UploadMetadata:
    """Metadata of an upload for a part, by default the first."""
    return datasync.UploadMetadata(
        part_id=(part or session.place.parts[0]).part_id,
        type=kind,
        component_name=session.place.component,
        **fields,
    )


def reading() -> datasync.SensorData:
    """A content of an upload that any server takes for a reading."""
    return datasync.SensorData(struct=struct_from(READING))


def sensor(requested: int, received: int, **fields: Any) -> datasync.SensorMetadata:
    """Metadata of a content with its times in ns."""
    return datasync.SensorMetadata(
        time_requested=timestamp_from(requested), time_received=timestamp_from(received), **fields
    )


def mine(session: Session, **fields: Any) -> data.Filter:
    """A filter that keeps to the session's component."""
    return data.Filter(component_name=session.place.component, **fields)


def page(session: Session, clause: str, rpc: str, filter_: data.Filter, **how: object) -> Any:
    """A page of up to 50 records, the oldest first."""
    data_request = data.DataRequest(filter=filter_, sort_order=data.ORDER_ASCENDING)
    return call(
        session, clause, rpc, getattr(data, f"{rpc}Request")(data_request=data_request, **how)
    )


def first(session: Session, clause: str, what: str, entries: Sequence[object]) -> Any:
    """The first of what a reply must hold."""
    session.require(clause, f"there are {what}", expected=True, observed=bool(entries))
    return entries[0]


def files(session: Session, *ids: str) -> list[data.BinaryMetadata]:
    """What the subject says of some files."""
    request = data.BinaryDataByIDsRequest(binary_data_ids=ids)
    reply = call(session, "BI-1", "BinaryDataByIDs", request)
    metadata = [entry.metadata for entry in reply.data]
    session.require("BI-1", "files answered", len(ids), len(metadata))
    return metadata
