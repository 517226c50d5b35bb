"""Wrong clients of kinds that external reviews suggested: values are lost, swapped or added."""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING, Any

from fakeviam_client import DataClient, Records
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.wire import data, datasync
from fakeviam_contracts.clients.obligations.methods import ADDS
from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    changing,
    on_call,
    on_error,
    on_reply,
    on_request,
    on_stream,
    setting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from fakeviam_contracts.mutants.clients_base import M

READINGS = "tabular_data_by_filter"
FILES = "binary_data_by_filter"


# Filters and pages -------------------------------------------------------------------------


def _forget(name: str, kind: type[Message]) -> ClientMutant:
    """Omits the filter of one kind of request."""

    def edit(request: object) -> None:
        if isinstance(request, kind):
            getattr(request, "data_request", request).ClearField("filter")

    return on_request(name, "filter-everywhere", edit)


def _interval_gone(request: object) -> None:
    if isinstance(request, data.RemoveTagsFromBinaryDataByFilterRequest):
        request.filter.ClearField("interval")


def _later(edit: Callable[[Any], object]) -> Callable[[Any], None]:
    """An edit of all pages but the first."""

    def edit_later(request: object) -> None:
        if getattr(getattr(request, "data_request", None), "last", ""):
            edit(request)

    return edit_later


def _unordered(request: Any) -> None:
    request.data_request.ClearField("sort_order")


def _seen_once(_: object, reply: object) -> None:
    """Drops duplicate readings of a page."""
    if isinstance(reply, data.TabularDataByFilterResponse):
        distinct = {one.SerializeToString(): one for one in reply.data}
        kept = list(distinct.values())
        del reply.data[:]
        reply.data.extend(kept)


class StopsAtFewFiles(DataClient):
    """Stops at a page with fewer files than requested."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        if kind is data.BinaryDataByFilterResponse and getattr(self, "_done", False):
            return kind()
        reply = await super()._call(kind, request, timeout)
        if isinstance(reply, data.BinaryDataByFilterResponse):
            self._done = len(reply.data) < request.data_request.limit
        return reply


FILTERS = (
    _forget("deletes whatever the filter", data.DeleteBinaryDataByFilterRequest),
    _forget("tags whatever the filter", data.AddTagsToBinaryDataByFilterRequest),
    _forget("downloads whatever the filter", data.BinaryDataByFilterRequest),
    on_request("takes tags off at any time", "filter-everywhere", _interval_gone),
    on_request("wants bytes from the second page on", "pages-same-question",
               _later(setting("include_binary", value=True))),
    on_request("forgets the order from the second page on", "pages-same-question",
               _later(_unordered)),
    on_reply("drops equal readings", "pages-complete", _seen_once),
    ClientMutant(name="stops at few files", obligation="pages-complete", client=StopsAtFewFiles),
    on_call("passes at most 100 on as limit", "pages-by-hand", READINGS,
            changing("limit", lambda limit: limit and min(limit, 100))),
    on_call("leaves the limit of files open", "pages-by-hand", FILES,
            changing("limit", lambda limit: limit and 0)),
    on_call("starts files at the beginning", "pages-by-hand", FILES,
            changing("last", lambda _: None)),
    on_call("fetches 100 files at most", "num-files-first", FILES,
            changing("num_files", lambda number: number and min(number, 100))),
    on_call("turns the order of files", "order-passed-on", FILES,
            changing("sort_order", lambda order: order and 3 - order)),
)  # fmt: skip


# Values ------------------------------------------------------------------------------------


def _tidied(value: object, unwanted: Callable[[object], bool]) -> Any:
    if isinstance(value, dict):
        return {key: _tidied(one, unwanted) for key, one in value.items() if not unwanted(one)}
    return [_tidied(one, unwanted) for one in value] if isinstance(value, list) else value


def _is(*values: object) -> Callable[[object], bool]:
    """Whether something equals one of these, with the same type."""
    return lambda one: any(one == value and type(one) is type(value) for value in values)


class Tidying:
    """Creates clients that remove something from downloaded readings."""

    def __init__(self, unwanted: Callable[[object], bool]) -> None:
        """Remove what is `unwanted`."""
        self._unwanted = unwanted

    def client(self) -> type[DataClient]:
        """A client with this edit."""
        unwanted = self._unwanted

        class Tidy(DataClient):
            @functools.wraps(DataClient.tabular_data_by_filter)
            async def tabular_data_by_filter(self, **more: Any) -> Any:  # type: ignore[override]
                records = await super().tabular_data_by_filter(**more)
                for one in records:
                    object.__setattr__(one, "data", _tidied(dict(one.data), unwanted))
                return records

        return Tidy


def _without_from(name: str, *values: object) -> tuple[ClientMutant, ...]:
    """Two clients that drop values of readings: one in uploads, one in downloads."""
    unwanted = _is(*values)
    upload = on_call(
        f"drops {name} of readings on their way up",
        "readings-intact",
        "tabular_data_capture_upload",
        changing("tabular_data", lambda rows: _tidied(rows, unwanted)),
    )
    download = ClientMutant(
        name=f"drops {name} of readings on their way down",
        obligation="readings-back",
        client=Tidying(unwanted).client(),
    )
    return upload, download


def _first_metadata(_: object, reply: object) -> None:
    if isinstance(reply, data.TabularDataByFilterResponse):
        for one in reply.data:
            one.metadata_index = 0


def _one_time(_: object, reply: object) -> None:
    """As the TypeScript SDK 0.61.1 does."""
    if isinstance(reply, data.TabularDataByFilterResponse):
        for one in reply.data:
            one.time_received.CopyFrom(one.time_requested)


def _swapped(request: object) -> None:
    if isinstance(request, data.AddBoundingBoxToImageByIDRequest):
        x, y = request.x_min_normalized, request.y_min_normalized
        request.x_min_normalized, request.y_min_normalized = y, x


def _corners(change: Callable[[float], float]) -> Callable[[Any], None]:
    def edit(request: object) -> None:
        if isinstance(request, data.AddBoundingBoxToImageByIDRequest):
            request.x_max_normalized = change(request.x_max_normalized)
            request.y_max_normalized = change(request.y_max_normalized)

    return edit


VALUES_LOST = (
    *_without_from("nulls", None),
    *_without_from("false", *[False]),
    *_without_from("zeros", 0, 0.0),
    *_without_from("empty texts", ""),
    *_without_from("empty lists", []),
    *_without_from("empty maps", {}),
    on_reply("gives all readings the first metadata", "readings-own", _first_metadata),
    on_reply("gives one time for two", "readings-own", _one_time),
    on_request("swaps x and y", "boxes-as-given", _swapped),
    on_request("rounds corners to whole numbers", "boxes-as-given", _corners(round)),
    on_request("keeps corners in four bytes", "boxes-as-given",
               _corners(lambda corner: float(struct.unpack("f", struct.pack("f", corner))[0]))),
    on_request("rounds corners to two places", "boxes-as-given",
               _corners(lambda corner: round(corner, 2))),
)  # fmt: skip


# Uploads -----------------------------------------------------------------------------------


def _pieces(edit: Callable[[list[Any]], list[Any]]) -> Callable[[list[Any]], Iterable[Any]]:
    return lambda messages: [messages[0], *edit(messages[1:])]


def _extension(change: Callable[[str], str]) -> Callable[[list[Any]], list[Any]]:
    def edit(messages: list[Any]) -> list[Any]:
        metadata = messages[0].metadata
        metadata = getattr(metadata, "upload_metadata", metadata)
        metadata.file_extension = change(metadata.file_extension)
        return messages

    return edit


def _with_empty(messages: list[Any]) -> list[Any]:
    return [messages[0], type(messages[0])(), *messages[1:]]


UPLOADS_LOST = (
    on_stream("swaps the first two pieces", "bytes-intact-up",
              _pieces(lambda pieces: [*pieces[1::-1], *pieces[2:]])),
    on_stream("sends a piece twice", "bytes-intact-up",
              _pieces(lambda pieces: [*pieces[:1], *pieces])),
    on_stream("drops the first piece", "bytes-intact-up", _pieces(lambda pieces: pieces[1:])),
    on_stream("sends a message of nothing", "metadata-first", _with_empty),
    on_stream("drops the extension of files", "extension", _extension(lambda _: "")),
    on_stream("doubles the dot of extensions", "extension", _extension(lambda text: f".{text}")),
    on_stream("lowers the extension", "extension", _extension(str.lower)),
    on_stream("keeps the last part of an extension", "extension",
              _extension(lambda text: "." + text.rpartition(".")[2])),
    on_stream("lowers the extension of paths", "file-from-path", _extension(str.lower)),
    on_call("forgets the component of files", "uploads-described", "file_upload",
            changing("component_name", lambda _: None)),
    on_call("forgets the tags of readings", "uploads-described", "tabular_data_capture_upload",
            changing("tags", lambda _: None)),
    on_call("forgets the method of streams", "uploads-described", "streaming_data_capture_upload",
            changing("method_name", lambda _: None)),
    on_call("forgets the tags of paths", "uploads-described", "file_upload_from_path",
            changing("tags", lambda _: None)),
)  # fmt: skip


# Side effects ------------------------------------------------------------------------------


class ReplacesTags(DataClient):
    """Removes all other tags before it adds some."""

    @functools.wraps(DataClient.add_tags_to_binary_data_by_ids)
    async def add_tags_to_binary_data_by_ids(self, tags: Any, binary_ids: Any) -> None:  # type: ignore[override]
        present = await self.tags_by_filter()
        others = [tag for tag in present if tag not in tags] or ["none"]
        await self.remove_tags_from_binary_data_by_ids(others, binary_ids)
        await super().add_tags_to_binary_data_by_ids(tags, binary_ids)


class DeletesWhatItRenamed(DataClient):
    """Treats renaming as copying, and deletes the original."""

    async def rename_dataset(self, id: str, name: str) -> None:  # noqa: A002
        await super().rename_dataset(id, name)
        await self.delete_dataset(id)


class WithoutHeaders(DataClient):
    """Sends no headers with unary uploads."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        if kind is datasync.DataCaptureUploadResponse:
            return await DataClient(self._channel, {})._call(kind, request, timeout)  # noqa: SLF001
        return await super()._call(kind, request, timeout)


class SortsResults(DataClient):
    """Returns files by ids in the order of the ids."""

    @functools.wraps(DataClient.binary_data_by_ids)
    async def binary_data_by_ids(self, **more: Any) -> Any:  # type: ignore[override]
        records = await super().binary_data_by_ids(**more)
        return Records(sorted(records, key=lambda one: str(one.metadata.binary_data_id)))


def _status(status: Status) -> Callable[[object, object, object, Exception], Any]:
    """Replaces the status of every refusal."""

    async def react(_: object, __: object, ___: object, error: Exception) -> object:
        if isinstance(error, GRPCError) and error.status is Status.ALREADY_EXISTS:
            raise GRPCError(status, error.message) from error
        raise error

    return react


async def _takes_missing_for_empty(
    _: object, kind: type[Message], __: object, error: Exception
) -> object:
    if getattr(error, "status", None) is Status.NOT_FOUND:
        return kind()
    raise error


def _again_after(rpc: str) -> Callable[[Any, Any, Callable[[], Any], Exception], Any]:
    """Retries one method after INTERNAL."""

    async def react(
        _: object, kind: type[Message], again: Callable[[], Any], error: Exception
    ) -> Any:
        if kind.DESCRIPTOR.name != f"{rpc}Response":
            raise error
        if getattr(error, "status", None) is not Status.INTERNAL:
            raise error
        return await again()

    return react


async def _cut_again(_: object, __: object, again: Callable[[], Any], error: Exception) -> Any:
    if isinstance(error, ConnectionError):
        return await again()
    raise error


BESIDE = (
    ClientMutant(name="replaces tags", obligation="writes-alone", client=ReplacesTags),
    ClientMutant(
        name="deletes what it renamed", obligation="writes-alone", client=DeletesWhatItRenamed
    ),
    ClientMutant(
        name="captures anonymously", obligation="metadata-on-every-call", client=WithoutHeaders
    ),
    ClientMutant(name="sorts files by ids", obligation="bytes-by-ids", client=SortsResults),
    on_error("calls what exists UNKNOWN", "refusals-unchanged", _status(Status.UNKNOWN)),
    on_error("takes NOT_FOUND for nothing", "refusals-unchanged", _takes_missing_for_empty),
    on_error("uploads again after a cut", "stream-cut", _cut_again),
    *(
        on_error(f"tries {asking.rpc} again", "unavailable-while-writing", _again_after(asking.rpc))
        for asking in {asking.rpc: asking for asking in ADDS}.values()
    ),
)

KINDS: tuple[ClientMutant, ...] = (*FILTERS, *VALUES_LOST, *UPLOADS_LOST, *BESIDE)
