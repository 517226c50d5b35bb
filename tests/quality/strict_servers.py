"""Servers with rules of their own for texts, numbers, times and lists that nobody wrote down."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.mutants.base import (
    CAPTURE,
    FILE,
    PAGES,
    STREAM,
    Mutant,
    filter_of,
    on_request,
)
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import Interceptor
from fakeviam.wire import data, datasync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam_contracts.mutants.base import Memory


class _Named(Interceptor):
    """Refuses what a clause of ours accepts."""

    def __init__(self, wrong: Any) -> None:
        self._wrong = wrong

    def request(self, rpc: str, message: Any) -> Any:
        if self._wrong(rpc, message):
            raise GRPCError(Status.INVALID_ARGUMENT, "not here")
        return message


def refusing_where(name: str, clause: str, wrong: object) -> Mutant:
    """A server that refuses some requests that we accept."""
    return Mutant(name=name, clause=clause, interceptor=lambda: _Named(wrong))


def _of_long_ago(rpc: str, message: datasync.DataCaptureUploadRequest) -> bool:
    return rpc == CAPTURE and any(
        content.metadata.time_requested.seconds < 0 for content in message.sensor_contents
    )


def _texts(message: Any) -> Iterator[str]:
    """Texts of a message, and of the messages in it."""
    for _, value in message.ListFields():
        for one in value if isinstance(value, Iterable) and not isinstance(value, str) else [value]:
            if isinstance(one, str):
                yield one
            elif hasattr(one, "ListFields"):
                yield from _texts(one)


def _fancy_name(rpc: str, message: Any) -> bool:
    names = [message.name] if rpc in ("CreateDataset", "RenameDataset") else []
    if rpc in (CAPTURE, FILE) and message.HasField("metadata"):
        names.append(message.metadata.file_name)
    return not all(re.fullmatch(r"[\w.-]{0,64}", name, re.ASCII) for name in names)


def _nul(_: str, message: Any) -> bool:
    return any("\0" in text for text in _texts(message))


def _dollar_key(rpc: str, message: datasync.DataCaptureUploadRequest) -> bool:
    return rpc == CAPTURE and any(
        not key or "$" in key or "." in key
        for content in message.sensor_contents
        if "readings" in content.struct.fields
        for key in content.struct.fields["readings"].struct_value.fields
    )


def _empty_contents(rpc: str, message: datasync.DataCaptureUploadRequest) -> bool:
    return rpc == CAPTURE and any(
        content.HasField("binary") and not content.binary for content in message.sensor_contents
    )


def _empty_piece(_: str, message: Any) -> bool:
    """Whether this is an empty piece; an upload without pieces is taken."""
    kind = message.DESCRIPTOR.name
    if kind == "FileUploadRequest":
        return message.HasField("file_contents") and not message.file_contents.data
    is_stream = kind == "StreamingDataCaptureUploadRequest"
    return is_stream and message.WhichOneof("upload_packet") == "data" and not message.data


def _interval_of(message: Any) -> Any:
    filter_ = filter_of(message)
    return getattr(filter_, "interval", None)


def _inside_out(_: str, message: Any) -> bool:
    interval = _interval_of(message)
    if interval is None or not (interval.HasField("start") and interval.HasField("end")):
        return False
    ends = [(time.seconds, time.nanos) for time in (interval.start, interval.end)]
    return ends != sorted(ends)


def _asks_for_long_ago(_: str, message: Any) -> bool:
    interval = _interval_of(message)
    return interval is not None and min(interval.start.seconds, interval.end.seconds) < 0


def _named_capture(message: Any, _: Memory) -> None:
    metadata = getattr(message.metadata, "upload_metadata", message.metadata)
    if metadata.part_id and metadata.type == datasync.DATA_TYPE_BINARY_SENSOR:
        metadata.file_name = metadata.file_name or "invented"


class _TiedTokens(Interceptor):
    """Refuses a token with another filter or order than that which it was given for."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[str, bytes]] = {}

    def request(self, rpc: str, message: Any) -> Any:
        token = message.data_request.last if rpc in PAGES else ""
        if token:
            last, question = self._given.get(token, (token, b""))
            if token in self._given and question != _question(message):
                raise GRPCError(Status.FAILED_PRECONDITION, "a token of another question")
            message.data_request.last = last
        return message

    def reply(self, rpc: str, request: Any, message: Any) -> Any:
        if rpc in PAGES and message.last:
            token = f"{len(self._given)}"
            self._given[token] = message.last, _question(request)
            message.last = token
        return message


class _MissesTags(Interceptor):
    """Answers NOT_FOUND where there was nothing to remove."""

    def reply(self, rpc: str, _: Any, message: Any) -> Any:
        if rpc.startswith("RemoveTagsFrom") and not message.deleted_count:
            raise GRPCError(Status.NOT_FOUND, "no such tags")
        return message


def _question(request: Any) -> bytes:
    asked = data.DataRequest(
        filter=request.data_request.filter, sort_order=request.data_request.sort_order
    )
    return asked.SerializeToString(deterministic=True)


STRICT: tuple[Mutant, ...] = (
    refusing_where("refuses what was captured before 1970", "TM-3", _of_long_ago),
    refusing_where("refuses tags with characters that nobody sees", "NM-2",
                   lambda _, m: any(ord(c) < 32 for tag in getattr(m, "tags", ()) for c in tag)),
    refusing_where("takes plain names of files and datasets alone", "NM-2", _fancy_name),
    Mutant(name="misses tags that are not there", clause="TR-3", interceptor=_MissesTags),
    refusing_where("has no NUL in any text", "NM-2", _nul),
    refusing_where("refuses names of datasets above 64 characters", "NM-1",
                   lambda rpc, m: rpc == "CreateDataset" and len(m.name) > 64),
    refusing_where("refuses keys that MongoDB would not store", "CU-13", _dollar_key),
    refusing_where("refuses contents without a byte", "FU-6", _empty_contents),
    refusing_where("refuses empty pieces of uploads", "FU-6", _empty_piece),
    refusing_where("refuses intervals inside out", "FI-18", _inside_out),
    refusing_where("refuses filters of before 1970", "TM-3", _asks_for_long_ago),
    refusing_where("takes 100 tags at most", "A72",
                   lambda _, m: len(getattr(m, "tags", ())) > 100),
    refusing_where("refuses ids of datasets that are none", "A13",
                   lambda rpc, m: rpc == "ListDatasetsByIDs" and "no id" in m.ids),
    refusing_where("lists 100 datasets at most by their ids", "A70",
                   lambda rpc, m: rpc == "ListDatasetsByIDs" and len(m.ids) > 100),
    Mutant(name="ties tokens to their questions", clause="A56", interceptor=_TiedTokens),
    on_request("names captures", "UP-14", _named_capture, CAPTURE, STREAM),
)  # fmt: skip
