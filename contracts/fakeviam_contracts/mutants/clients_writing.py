"""Wrong clients: uploads, errors, connections and files on disk."""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam_client import DataClient, connect
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.wire import datasync
from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    changing,
    on_call,
    on_error,
    on_request,
    on_stream,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from google.protobuf.message import Message

    from fakeviam_contracts.mutants.clients_base import M

FILES = "binary_data_by_filter"


# Uploads -----------------------------------------------------------------------------------


def _without_mime_type(messages: list[Any]) -> list[Any]:
    metadata = messages[0].metadata
    getattr(metadata, "upload_metadata", metadata).mime_type = ""
    return messages


def _without_dot(request: Any) -> None:
    if hasattr(request, "sensor_contents"):
        request.metadata.file_extension = request.metadata.file_extension.removeprefix(".")


def _cut_short(args: dict[str, Any]) -> None:
    times = args.get("data_request_times") or []
    args["tabular_data"] = args["tabular_data"][: len(times)]


def _invent(messages: list[Any]) -> list[object]:
    if hasattr(messages[0].metadata, "file_name"):
        messages[0].metadata.file_name = messages[0].metadata.file_name or "unnamed"
    return messages


def _one_time_for_all(args: dict[str, Any]) -> None:
    args["data_request_times"] = [args["data_request_times"][0]] * len(args["tabular_data"])


async def _empty_instead(self: DataClient, *, filepath: str, part_id: str, **_: object) -> str:
    path = Path(filepath)
    contents = path.read_bytes() if path.exists() else b""  # noqa: ASYNC240 - a small file
    return await self.file_upload(part_id, contents)


UPLOADS = (
    on_stream("sends contents before metadata", "metadata-first", lambda m: [m[1], m[0], *m[2:]]),
    on_stream("sends metadata twice", "metadata-first", lambda m: [m[0], *m]),
    on_stream("drops the last piece", "bytes-intact-up", lambda m: m[:-1]),
    on_stream("swaps two pieces", "bytes-intact-up", lambda m: [m[0], *m[:0:-1]]),
    # As viam-sdk does.
    on_stream("drops the MIME type", "mime-type-of-files", _without_mime_type),
    on_stream("invents a file name", "nothing-invented", _invent),
    on_call(
        "ignores datasets",
        "tags-and-datasets",
        "file_upload",
        changing("dataset_ids", lambda _: None),
    ),
    on_request("sends the extension without its dot", "extension", _without_dot),
    on_call(
        "drops readings without times", "lengths-differ", "tabular_data_capture_upload", _cut_short
    ),
    on_call(
        "gives all readings the first time",
        "readings-intact",
        "tabular_data_capture_upload",
        _one_time_for_all,
    ),
    ClientMutant(
        name="uploads a missing file as an empty one",
        obligation="file-missing",
        client=type(
            "EmptyInstead",
            (DataClient,),
            {
                "file_upload_from_path": functools.wraps(DataClient.file_upload_from_path)(
                    _empty_instead
                )
            },
        ),
    ),
)


# Errors and connections --------------------------------------------------------------------


async def _swallow(_: object, kind: type[Message], __: object, ___: Exception) -> object:
    return kind()


async def _cut_text(_: object, __: object, ___: object, error: Exception) -> None:
    if isinstance(error, GRPCError):
        raise GRPCError(error.status, (error.message or "")[:40]) from error
    raise error


async def _wrap(_: object, __: object, ___: object, error: Exception) -> object:
    raise RuntimeError("the call failed") from error


async def _retry(_: object, __: object, again: Callable[[], Any], error: Exception) -> object:
    if getattr(error, "status", None) is not Status.UNAVAILABLE:
        raise error
    return await again()


async def _ignore_cut(_: object, kind: type[Message], __: object, error: Exception) -> object:
    if not isinstance(error, ConnectionError):
        raise error
    return kind()


async def _blame_network(_: object, kind: type[Message], __: object, error: Exception) -> object:
    if kind is datasync.FileUploadResponse:
        raise ConnectionError("the upload broke off") from error
    raise error


class StreamsAnonymously(DataClient):
    """Sends no headers with streams."""

    async def _stream(self, kind: type[M], messages: Iterable[Message]) -> M:
        return await DataClient(self._channel, {})._stream(kind, messages)  # noqa: SLF001


@asynccontextmanager
async def _log_in_twice(target: str, **key: Any) -> AsyncIterator[DataClient]:
    async with connect(target, **key), connect(target, **key) as client:
        yield client


@asynccontextmanager
async def _forget_token(target: str, **key: Any) -> AsyncIterator[DataClient]:
    async with connect(target, **key), connect(target) as client:
        yield client


@asynccontextmanager
async def _go_on_anyway(target: str, **key: Any) -> AsyncIterator[DataClient]:
    try:
        async with connect(target, **key) as client:
            yield client
    except GRPCError:
        async with connect(target) as client:
            await client.tags_by_filter()
        raise


class WritesText(DataClient):
    """Writes Python's representation of objects, like viam-sdk."""

    @functools.wraps(DataClient.tabular_data_by_filter)
    async def tabular_data_by_filter(self, *, dest: str | None = None, **more: Any) -> object:  # type: ignore[override]
        records = await super().tabular_data_by_filter(**more)
        if dest is not None:
            Path(dest).write_text(str([str(one) for one in records]), encoding="utf-8")  # noqa: ASYNC240
        return records


TROUBLES = (
    on_error("swallows errors", "refusals-unchanged", _swallow),
    on_error("wraps errors", "refusals-unchanged", _wrap),
    on_error("cuts texts of errors", "refusals-unchanged", _cut_text),
    on_error("tries uploads again", "unavailable-while-writing", _retry),
    on_error("takes a cut stream for success", "stream-cut", _ignore_cut),
    on_error("takes an early refusal for a broken network", "early-refusal", _blame_network),
    ClientMutant(
        name="streams without the token",
        obligation="metadata-on-every-call",
        client=StreamsAnonymously,
    ),
    ClientMutant(name="logs in twice", obligation="one-login", connect=_log_in_twice),
    ClientMutant(name="forgets the token", obligation="token-carried", connect=_forget_token),
    ClientMutant(
        name="goes on after a refused login", obligation="login-refused", connect=_go_on_anyway
    ),
    on_call("ignores dest", "dest-of-files", FILES, changing("dest", lambda _: None)),
    ClientMutant(name="writes str() to dest", obligation="dest-of-readings", client=WritesText),
)
