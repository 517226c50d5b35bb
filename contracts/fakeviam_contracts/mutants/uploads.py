"""Wrong servers: uploads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import MemoryStore
from fakeviam.wire import datasync
from fakeviam_contracts.mutants.base import (
    CAPTURE,
    DROP,
    FILE,
    FILES,
    STREAM,
    Mutant,
    metadata_edit,
    on_exchange,
    on_refusal,
    on_reply,
    on_request,
    only_first,
    with_policy,
    with_store,
)
from fakeviam_contracts.wirelog import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.model.records import BinaryRecord
    from fakeviam_contracts.mutants.base import Memory, RequestEdit


def _upload_metadata(message: Any) -> datasync.UploadMetadata | None:
    if message.DESCRIPTOR.name == "StreamingDataCaptureUploadRequest":
        return message.metadata.upload_metadata if message.HasField("metadata") else None
    metadata: datasync.UploadMetadata | None = (
        message.metadata if message.HasField("metadata") else None
    )
    return metadata


def _upload_edit(change: Any) -> RequestEdit:
    """Edits upload metadata."""

    def edit(message: Any, _: Memory) -> None:
        metadata = _upload_metadata(message)
        if metadata is not None:
            change(metadata)

    return edit


def _sensors(message: Any) -> list[Any]:
    if message.DESCRIPTOR.name == "DataCaptureUploadRequest":
        return [content.metadata for content in message.sensor_contents]
    if message.DESCRIPTOR.name == "StreamingDataCaptureUploadRequest":
        return [message.metadata.sensor_metadata] if message.HasField("metadata") else []
    return []


def _swap_times(message: object, _: Memory) -> None:
    for sensor in _sensors(message):
        if sensor.HasField("time_requested") and sensor.HasField("time_received"):
            copy = type(sensor.time_requested)()
            copy.CopyFrom(sensor.time_requested)
            sensor.time_requested.CopyFrom(sensor.time_received)
            sensor.time_received.CopyFrom(copy)


def _milliseconds(message: object, _: Memory) -> None:
    for sensor in _sensors(message):
        for stamp in (sensor.time_requested, sensor.time_received):
            stamp.nanos -= stamp.nanos % 1_000_000


def _mime_by_content(message: object, _: Memory) -> None:
    metadata = _upload_metadata(message)
    for content in getattr(message, "sensor_contents", ()):
        if metadata is not None and content.binary.startswith(b"\x89PNG"):
            metadata.mime_type = "image/png"


def _short_pieces(message: datasync.FileUploadRequest, _: Memory) -> None:
    if message.HasField("file_contents"):
        message.file_contents.data = message.file_contents.data[:-1]


def _one_piece(message: Any, memory: Memory) -> object:
    """Stores only the first piece after the metadata."""
    if message.WhichOneof("upload_packet") == "metadata":
        memory["seen"] = False
        return None
    if memory.get("seen"):
        return DROP
    memory["seen"] = True
    return None


class _NoTwins(MemoryStore):
    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        payloads = {payload for _, payload in getattr(self, "_seen", [])}
        fresh = [(record, payload) for record, payload in records if payload not in payloads]
        self._seen = [*getattr(self, "_seen", []), *fresh]
        super().add_binary(fresh)


def _refuses_the_type_of_files(message: object, _: Memory) -> None:
    metadata = _upload_metadata(message)
    if metadata is not None and metadata.type == datasync.DATA_TYPE_FILE:
        raise GRPCError(Status.INVALID_ARGUMENT, "no such type")


def _forget_what_captured(metadata: Any) -> None:
    for field in ("component_name", "component_type", "method_name"):
        metadata.ClearField(field)


def _no_type_without_a_dot(metadata: Any) -> None:
    if metadata.file_extension and metadata.file_extension[0] != ".":
        metadata.mime_type = metadata.mime_type or "application/octet-stream"


def _remembers_contents(message: Any, memory: Memory) -> None:
    memory["contents"] = message.WhichOneof("upload_packet") != "metadata"


def _wants_contents(_: object, __: object, memory: Memory) -> None:
    if not memory["contents"]:
        raise GRPCError(Status.INVALID_ARGUMENT, "no contents")


MUTANTS: tuple[Mutant, ...] = (
    on_request("knows no type for files", "UP-2", _refuses_the_type_of_files, FILE),
    on_request(
        "takes a type from extensions with a dot only",
        "UP-3",
        _upload_edit(_no_type_without_a_dot),
        *UPLOADS,
    ),
    on_request(
        "forgets what a file was captured by", "FU-1", _upload_edit(_forget_what_captured), FILE
    ),
    on_request(
        "forgets what a stream was captured by", "SU-1", _upload_edit(_forget_what_captured), STREAM
    ),
    on_exchange(
        "wants contents in every stream",
        "FU-2",
        dict.fromkeys((FILE, STREAM), _remembers_contents),
        dict.fromkeys((FILE, STREAM), _wants_contents),
    ),
    with_policy("shows uploads after a second", "A55", visibility_lag=timedelta(seconds=1)),
    on_refusal(
        "takes readings mixed with bytes",
        "CU-3",
        lambda _, __: datasync.DataCaptureUploadResponse(file_id="x"),
    ),
    on_request("drops the last byte of each piece", "FU-3", _short_pieces, FILE),
    on_request("keeps only the first piece", "FU-3", _one_piece, STREAM),
    on_request("keeps only the first reading", "CU-2", only_first("sensor_contents"), CAPTURE),
    on_request("swaps the times", "A32", _swap_times, CAPTURE, STREAM),
    on_request("keeps milliseconds only", "TM-1", _milliseconds, CAPTURE, STREAM),
    on_request("guesses the MIME type by contents", "UP-4", _mime_by_content, CAPTURE),
    on_request(
        "ignores an explicit MIME type",
        "UP-5",
        _upload_edit(lambda m: m.ClearField("mime_type")),
        *UPLOADS,
    ),
    on_request(
        "reads extensions with case",
        "A24",
        _upload_edit(
            lambda m: setattr(
                m,
                "file_extension",
                "" if m.file_extension != m.file_extension.lower() else m.file_extension,
            )
        ),
        *UPLOADS,
    ),
    on_reply(
        "stores extensions without the dot",
        "A26",
        metadata_edit(lambda m: setattr(m, "file_ext", m.file_ext.lstrip("."))),
        *FILES,
    ),
    on_request(
        "forgets the tags of an upload",
        "UP-7",
        _upload_edit(lambda m: m.ClearField("tags")),
        *UPLOADS,
    ),
    on_request(
        "forgets the datasets of an upload",
        "UP-7",
        _upload_edit(lambda m: m.ClearField("dataset_ids")),
        *UPLOADS,
    ),
    on_request(
        "forgets the file name", "UP-6", _upload_edit(lambda m: m.ClearField("file_name")), *UPLOADS
    ),
    with_store("stores the same bytes once", "UP-9", _NoTwins),
    with_policy("lets unknown datasets of an upload pass", "A27", unknown_dataset="skip"),
    with_policy("calls an unknown part NOT_FOUND", "A22", invalid_part="NOT_FOUND"),
    on_refusal(
        "takes streams in any order", "A30", lambda _, __: datasync.FileUploadResponse(file_id="x")
    ),
    on_refusal(
        "takes any type", "A29", lambda _, __: datasync.DataCaptureUploadResponse(file_id="x")
    ),
    on_reply("leaves the file id out", "CU-4", lambda _, r, __: r.ClearField("file_id"), *UPLOADS),
)
