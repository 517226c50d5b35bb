"""Plain calls for checks that the model has no operations for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from
from fakeviam_contracts import captures
from fakeviam_contracts.session import Ground

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.model import Origin
    from fakeviam_contracts.session import Session

BINARY, TABULAR = datasync.DATA_TYPE_BINARY_SENSOR, datasync.DATA_TYPE_TABULAR_SENSOR

#: A reading that every server accepts.
READING: dict[str, object] = {"readings": {"n": 1.0}}

#: An unknown id of a dataset, an organization or a file.
NOBODY = "0" * 24

capture = captures.capture


def call(session: Session, clause: str, rpc: str, request: Message) -> Any:
    """The reply of a call that must succeed."""
    return session.answered(clause, rpc, session.wire.call(rpc, request))


def stream(session: Session, clause: str, rpc: str, requests: Sequence[Message]) -> Any:
    """The reply of a stream that must succeed."""
    return session.answered(clause, rpc, session.wire.stream(rpc, requests))


def refuse(session: Session, clause: str, status: str, rpc: str, *requests: Message) -> bool:
    """Make a call that must be refused; the status is compared if clients may rely on it.

    Returns whether it was refused, because an accepted call may have changed the subject.
    """
    return judge(session, clause, status, rpc, _sent(session, rpc, requests))


#: Clauses that require an error without a particular status.
_STATUS = {"UP-1": "A22", "CU-3": "A29"}


def judge(session: Session, clause: str, status: str, rpc: str, answer: object) -> bool:
    """Whether a reply is the expected refusal."""
    ground = Ground(clause, status, names_status=_STATUS.get(clause, ""))
    return session.outcome(clause, rpc, answer, [ground]) is None


def _sent(session: Session, rpc: str, requests: Sequence[Message]) -> object:
    if rpc in ("FileUpload", "StreamingDataCaptureUpload"):
        return session.wire.stream(rpc, requests)
    return session.wire.call(rpc, requests[0])


def metadata(
    session: Session, kind: datasync.DataTypeValue, part: Origin | None = None, **fields: Any
) -> datasync.UploadMetadata:
    """Upload metadata for a part, by default the first."""
    return datasync.UploadMetadata(
        part_id=(part or session.place.parts[0]).part_id,
        type=kind,
        component_name=session.place.component,
        **fields,
    )


def reading() -> datasync.SensorData:
    """A content that every server accepts as a reading."""
    return datasync.SensorData(struct=struct_from(READING))


def sensor(requested: int, received: int, **fields: Any) -> datasync.SensorMetadata:
    """Sensor metadata with times in ns."""
    return datasync.SensorMetadata(
        time_requested=timestamp_from(requested), time_received=timestamp_from(received), **fields
    )


def mine(session: Session, **fields: Any) -> data.Filter:
    """A filter for the session's component."""
    return data.Filter(component_name=session.place.component, **fields)


def page(session: Session, clause: str, rpc: str, filter_: data.Filter, **how: object) -> Any:
    """A page of up to 50 records, oldest first."""
    data_request = data.DataRequest(filter=filter_, sort_order=data.ORDER_ASCENDING)
    return call(
        session, clause, rpc, getattr(data, f"{rpc}Request")(data_request=data_request, **how)
    )


def first(session: Session, clause: str, what: str, entries: Sequence[object]) -> Any:
    """The first element of a reply, which must not be empty."""
    session.require(clause, f"there are {what}", expected=True, observed=bool(entries))
    return entries[0]


def files(session: Session, *ids: str) -> list[data.BinaryMetadata]:
    """The subject's metadata of files, in the order of the ids whatever theirs is (BI-3)."""
    request = data.BinaryDataByIDsRequest(binary_data_ids=ids)
    reply = call(session, "BI-1", "BinaryDataByIDs", request)
    metadata = [entry.metadata for entry in reply.data]
    session.require("BI-1", "files answered", len(ids), len(metadata))
    places = {file_id: at for at, file_id in enumerate(ids)}
    return sorted(metadata, key=lambda one: places.get(one.binary_data_id, len(ids)))
