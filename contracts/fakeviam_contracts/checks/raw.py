"""What checks say for themselves, where reads and writes have no words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datasync
from fakeviam.wire.times import timestamp_from
from fakeviam_contracts.assertions import AnyError
from fakeviam_contracts.session import Wrong
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.model import Origin
    from fakeviam_contracts.session import Session

BINARY, TABULAR = datasync.DATA_TYPE_BINARY_SENSOR, datasync.DATA_TYPE_TABULAR_SENSOR

#: A dataset, an organization or a file that nobody has.
NOBODY = "0" * 24


def call(session: Session, clauses: Sequence[str], rpc: str, request: Message) -> Any:
    """The answer of a call that must succeed."""
    return session.answered(clauses, rpc, session.wire.call(rpc, request))


def refuse(
    session: Session, clauses: tuple[str, ...], status: str, rpc: str, *requests: Message
) -> None:
    """Make a call that must be refused with a status."""
    session.refused(rpc, _sent(session, rpc, requests), [Wrong(status, clauses)])


def fail(session: Session, clauses: tuple[str, ...], rpc: str, *requests: Message) -> None:
    """Make a call that must be an error; no document names the status."""
    answer = _sent(session, rpc, requests)
    got = answer.status if isinstance(answer, Refused) else "OK"
    session.expect(clauses, f"status of {rpc}", AnyError(), got)


def _sent(session: Session, rpc: str, requests: Sequence[Message]) -> Any:
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


def capture(
    upload: datasync.UploadMetadata, *contents: datasync.SensorData
) -> datasync.DataCaptureUploadRequest:
    """One upload of captured data."""
    return datasync.DataCaptureUploadRequest(metadata=upload, sensor_contents=contents)


def sensor(requested: int, received: int, **fields: Any) -> datasync.SensorMetadata:
    """Metadata of a content with its times in ns."""
    return datasync.SensorMetadata(
        time_requested=timestamp_from(requested), time_received=timestamp_from(received), **fields
    )


def mine(session: Session, **fields: Any) -> data.Filter:
    """A filter that keeps to the session's component."""
    return data.Filter(component_name=session.place.component, **fields)


def page(
    session: Session, clauses: Sequence[str], rpc: str, filter_: data.Filter, **how: Any
) -> Any:
    """A page of up to 50 records, the oldest first."""
    asked = data.DataRequest(filter=filter_, sort_order=data.ORDER_ASCENDING)
    return call(session, clauses, rpc, getattr(data, f"{rpc}Request")(data_request=asked, **how))


def first(session: Session, clauses: Sequence[str], what: str, entries: Sequence[Any]) -> Any:
    """The first of what a reply must hold."""
    session.expect(clauses, f"there are {what}", expected=True, observed=bool(entries))
    return entries[0]


def files(session: Session, clauses: Sequence[str], *ids: str) -> list[data.BinaryMetadata]:
    """What the subject says of some files."""
    request = data.BinaryDataByIDsRequest(binary_data_ids=ids)
    reply = call(session, clauses, "BinaryDataByIDs", request)
    found = [entry.metadata for entry in reply.data]
    session.expect(clauses, "files answered", len(ids), len(found))
    return found
