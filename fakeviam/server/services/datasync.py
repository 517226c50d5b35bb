"""DataSyncService: the three ways to upload."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.model.records import TabularRecord
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.upload_metadata import (
    Upload,
    binary_record,
    capture_times,
    resolve_upload_metadata,
    upload_grounds,
    with_datasets_of_now,
)
from fakeviam.wire import datasync

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message

    from fakeviam.server.state.call import Call

#: Messages, and their bytes, that are joined at a time while the rest arrives.
_PIECE = 2**20
_MESSAGES = 1000


@rpc("DataCaptureUpload", rests_on=["CU-1", "CU-4"])
def data_capture_upload(
    call: Call, request: datasync.DataCaptureUploadRequest
) -> datasync.DataCaptureUploadResponse:
    """Store readings or binary contents with common metadata (CU-1 … CU-9)."""
    if not request.HasField("metadata"):
        raise InvalidArgumentError("metadata is missing", clause="A30")
    kinds: set[str | None] = {content.WhichOneof("data") for content in request.sensor_contents}
    _check_kinds(kinds)
    if kinds == {"binary"}:
        return _store_binary(call, request)
    return _store_readings(call, request)


def _check_kinds(kinds: set[str | None]) -> None:
    if not kinds:
        raise InvalidArgumentError("sensor_contents must not be empty", clause="CU-7")
    if None in kinds:
        text = "a sensor content has neither a reading (struct) nor bytes (binary)"
        raise InvalidArgumentError(text, clause="CU-8")
    if len(kinds) > 1:
        text = "sensor_contents mix readings (struct) and bytes (binary)"
        raise InvalidArgumentError(text, clause="CU-3")


def _capture_grounds(request: datasync.DataCaptureUploadRequest, upload: Upload) -> list[str]:
    metadata, contents = request.metadata, request.sensor_contents
    grounds = upload_grounds(upload, metadata, map(_sensor, contents))
    if metadata.type == datasync.DATA_TYPE_TABULAR_SENSOR:
        grounds += ("CU-2", "UP-11") if metadata.dataset_ids else ("CU-2",)
    elif len(contents) > 1:
        grounds.append("A23")
    return grounds


def _store_binary(
    call: Call, request: datasync.DataCaptureUploadRequest
) -> datasync.DataCaptureUploadResponse:
    upload = resolve_upload_metadata(call, request.metadata, kind=datasync.DATA_TYPE_BINARY_SENSOR)
    now = call.cloud.clock.now
    records = [
        (binary_record(call, upload, len(file), _sensor(content), now=now()), file)
        for content in request.sensor_contents
        for file in [content.binary]
    ]
    call.cite(_capture_grounds(request, upload))
    call.store.add_binary(records)
    first = records[0][0]
    return datasync.DataCaptureUploadResponse(
        file_id=first.file_id, binary_data_id=first.binary_data_id
    )


def _store_readings(
    call: Call, request: datasync.DataCaptureUploadRequest
) -> datasync.DataCaptureUploadResponse:
    upload = resolve_upload_metadata(call, request.metadata, kind=datasync.DATA_TYPE_TABULAR_SENSOR)
    file_id = call.cloud.ids.file_id()
    records = [_reading(call, upload, file_id, content) for content in request.sensor_contents]
    call.cite(_capture_grounds(request, upload))
    with call.cloud.as_one_step():
        call.store.add_tabular(records)
        if call.cloud.due is not None:  # pipelines may wait for this data
            from fakeviam.server.services.jobs import note_arrivals  # noqa: PLC0415 - few have jobs

            note_arrivals(call.cloud, records)
    return datasync.DataCaptureUploadResponse(file_id=file_id)


def _reading(
    call: Call, upload: Upload, file_id: str, content: datasync.SensorData
) -> TabularRecord:
    sensor = _sensor(content)
    if sensor is not None and sensor.HasField("annotations"):
        raise InvalidArgumentError("a reading cannot have annotations", clause="CU-9")
    now = call.cloud.clock.now()
    requested, received = capture_times(upload, sensor, now=now)
    return TabularRecord(
        id=call.cloud.ids.object_id(),
        file_id=file_id,
        source=upload.source,
        time_requested=requested,
        time_received=received,
        time_synced=now + call.hidden_for,
        payload=content.struct.SerializeToString(deterministic=True),
        mime_type=upload.mime_type,
        tags=upload.tags,
        internal=upload.internal,
    )


def _sensor(content: datasync.SensorData) -> datasync.SensorMetadata | None:
    return content.metadata if content.HasField("metadata") else None


@dataclass(frozen=True, slots=True)
class UploadHeader:
    """The contents of the first message of a stream."""

    upload: datasync.UploadMetadata
    sensor: datasync.SensorMetadata | None


_NOTHING = ("FU-5", "a message holds neither metadata nor contents")

#: What must not precede the metadata (False) or follow it (True), and the clause (A30, FU-5).
_REFUSED: Mapping[tuple[bool, type], tuple[str, str]] = MappingProxyType(
    {
        (False, bytes): ("A30", "contents came before metadata"),
        (False, NoneType): _NOTHING,
        (True, UploadHeader): ("A30", "metadata came twice"),
        (True, NoneType): _NOTHING,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamFormat:
    """How the messages of one streaming RPC are structured.

    Attributes:
        kind: The upload type (A29).
        response: The response message.
        read: Parses a message into a header, contents, or neither.
        clauses: The clauses that every such upload depends on.
    """

    kind: datasync.DataTypeValue
    response: type[datasync.FileUploadResponse | datasync.StreamingDataCaptureUploadResponse]
    read: Callable[[Any], UploadHeader | bytes | None]
    clauses: tuple[str, ...]


@dataclass(slots=True)
class _Contents:
    """The contents of one upload while they arrive, in pieces.

    A single buffer would be moved whenever it grows, and would fragment memory so that the
    process needed several times the size of its uploads.

    Attributes:
        messages: The number of messages so far.
        size: Bytes of the messages that are not joined yet.
    """

    messages: int = 0
    size: int = 0
    latest: list[bytes] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)

    def append(self, data: bytes) -> None:
        """Add the contents of a message."""
        self.messages += 1
        self.size += len(data)
        self.latest.append(data)
        if self.size >= _PIECE or len(self.latest) >= _MESSAGES:
            self._join_latest()

    def _join_latest(self) -> None:
        self.pieces.append(b"".join(self.latest))
        self.latest.clear()
        self.size = 0

    def join(self) -> bytes:
        """The whole file. Each piece is freed once it is copied, to avoid twice the memory."""
        if self.latest:
            self._join_latest()
        if len(self.pieces) == 1:
            return self.pieces.pop()
        whole = BytesIO()
        self.pieces.reverse()
        while self.pieces:
            whole.write(self.pieces.pop())
        return whole.getvalue()

    def clear(self) -> None:
        """Free the memory."""
        self.latest.clear()
        self.pieces.clear()


@dataclass(kw_only=True, slots=True)
class StreamedUpload:
    """One streamed upload: messages arrive one by one, and the end creates the record.

    A cancelled stream never reaches its end, and so stores nothing (A30).
    """

    call: Call
    form: StreamFormat
    contents: _Contents = field(default_factory=_Contents)
    begun: tuple[Upload, UploadHeader] | None = None

    def receive(self, message: Message) -> None:
        """Process one message of the stream.

        Raises:
            Refusal: The message is invalid, or not allowed at this point.
        """
        content = self.form.read(message)
        if (refused := _REFUSED.get((self.begun is not None, type(content)))) is not None:
            clause, text = refused
            raise InvalidArgumentError(text, clause=clause)
        if isinstance(content, UploadHeader):
            upload = resolve_upload_metadata(self.call, content.upload, kind=self.form.kind)
            self.call.cite(upload_grounds(upload, content.upload, [content.sensor]))
            self.begun = upload, content
        elif content:
            self.contents.append(content)

    def finish(self) -> Message:
        """Store the record, and return its ids (CU-4).

        Raises:
            Refusal: The stream ended too early.
        """
        if self.begun is None:
            raise InvalidArgumentError("metadata is missing: the stream was empty", clause="A30")
        upload, header = self.begun
        call, payload, grounds = self.call, self.contents.join(), self._grounds(header)
        now = call.cloud.clock.now()
        upload = with_datasets_of_now(call, upload)
        record = binary_record(call, upload, len(payload), header.sensor, now=now)
        ids = {"file_id": record.file_id, "binary_data_id": record.binary_data_id}
        call.cite(grounds)
        call.store.add_binary([(record, payload)])
        return self.form.response(**ids)

    def _grounds(self, header: UploadHeader) -> list[str]:
        grounds = ["CU-4", *self.form.clauses]
        if self.contents.messages != 1:
            grounds += ("FU-2", "FU-3")
        if header.sensor is not None and not header.sensor.ByteSize():
            grounds.append("SU-2")
        return grounds


def _read_file_upload(message: datasync.FileUploadRequest) -> UploadHeader | bytes | None:
    which = message.WhichOneof("upload_packet")
    if which == "metadata":
        return UploadHeader(message.metadata, None)
    return message.file_contents.data if which else None


def _read_streaming(
    message: datasync.StreamingDataCaptureUploadRequest,
) -> UploadHeader | bytes | None:
    which = message.WhichOneof("upload_packet")
    if which != "metadata":
        return message.data if which else None
    metadata = message.metadata
    if not metadata.HasField("upload_metadata"):
        raise InvalidArgumentError("metadata.upload_metadata is missing", clause="A30")
    sensor = metadata.sensor_metadata if metadata.HasField("sensor_metadata") else None
    return UploadHeader(metadata.upload_metadata, sensor)


STREAMS = MappingProxyType(
    {
        "FileUpload": StreamFormat(
            kind=datasync.DATA_TYPE_FILE,
            response=datasync.FileUploadResponse,
            read=_read_file_upload,
            clauses=("FU-1",),
        ),
        "StreamingDataCaptureUpload": StreamFormat(
            kind=datasync.DATA_TYPE_BINARY_SENSOR,
            response=datasync.StreamingDataCaptureUploadResponse,
            read=_read_streaming,
            clauses=("SU-1",),
        ),
    }
)
