"""Wrong clients that an outside review found unseen: each stands for a kind."""

from __future__ import annotations

import functools
import gzip
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import unquote

from fakeviam_client import DataClient
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam.wire import data, dataset, datasync
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    changing,
    on_call,
    on_error,
    on_filter,
    on_reply,
    on_request,
    on_stream,
    setting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from fakeviam_contracts.mutants.clients_base import M

READINGS, FILES = "tabular_data_by_filter", "binary_data_by_filter"


def on_result(
    name: str, obligation: str, method: str, change: Callable[[Any], object]
) -> ClientMutant:
    """A client that changes the result of a method."""
    original = getattr(DataClient, method)

    @functools.wraps(original)
    async def changed(self: object, *args: object, **more: object) -> object:
        return change(await original(self, *args, **more))

    return ClientMutant(
        name=name, obligation=obligation, client=type("Resulting", (DataClient,), {method: changed})
    )


def _for(kind: type[Message], edit: Callable[[Any], object]) -> Callable[..., None]:
    """An edit of one kind of message, the last argument."""

    def edit_it(*args: object) -> None:
        if isinstance(args[-1], kind):
            edit(args[-1])

    return edit_it


# Filters and pages -------------------------------------------------------------------------


def _no_dataset_with_tags(filter_: Any) -> None:
    if filter_.tags_filter.tags:
        filter_.ClearField("dataset_id")


def _capitalized(filter_: Any) -> None:
    filter_.method = filter_.method[:1].upper() + filter_.method[1:]


def _last_of_full(page: Any) -> None:
    if len(page.data) == 100:
        del page.data[-1]


def _no_bytes_later(request: Any) -> None:
    if request.data_request.last:
        request.include_binary = False


def _counts_of_page(request: Any, reply: Any) -> None:
    if getattr(request, "count_only", False):
        reply.count = len(reply.data)


def _short_count(reply: Any) -> None:
    reply.count %= 2**32


class GivesUpAfterTenPages(DataClient):
    """Ends downloads of readings after ten pages."""

    _pages = 0

    async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
        self._pages += kind is data.TabularDataByFilterResponse
        return kind() if self._pages > 10 else await super()._call(kind, request, timeout)


class KeepsMetadataOfFirstPage(DataClient):
    """Names the components of all pages after those of the first."""

    _first: Any = ()

    async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
        reply = await super()._call(kind, request, timeout)
        if isinstance(reply, data.TabularDataByFilterResponse):
            self._first = self._first or list(reply.metadata)
            if len(self._first) >= len(reply.metadata):
                del reply.metadata[:]
                reply.metadata.extend(self._first)
        return reply


class LaterWithoutHeaders(DataClient):
    """Sends its headers with its first call alone."""

    async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
        try:
            return await super()._call(kind, request, timeout)
        finally:
            self._metadata = {}


PAGES = (
    on_filter("takes datasets off where there are tags", "filter-fields",
              after=_no_dataset_with_tags),
    on_filter("capitalizes methods", "filter-fields", after=_capitalized),
    on_reply("drops the last of a full page", "pages-complete",
             _for(data.TabularDataByFilterResponse, _last_of_full)),
    ClientMutant(
        name="gives up after ten pages", obligation="pages-complete", client=GivesUpAfterTenPages
    ),
    ClientMutant(name="keeps the metadata of the first page", obligation="pages-complete",
                 client=KeepsMetadataOfFirstPage),
    on_request("forgets bytes from the second page on", "pages-same-question",
               _for(data.BinaryDataByFilterRequest, _no_bytes_later)),
    on_request("reads no internal data of sensors", "internal-only-on-request",
               _for(data.TabularDataByFilterRequest,
                    setting("include_internal_data", value=False))),
    on_reply("counts what is on the page", "count-only", _counts_of_page),
    on_reply("counts to 32 bits", "count-only",
             _for(data.BinaryDataByFilterResponse, _short_count)),
    on_result("sorts readings by time", "readings-own", READINGS,
              lambda rows: rows.sort(key=lambda row: row.time_requested) or rows),
    ClientMutant(name="sends headers once", obligation="metadata-on-every-call",
                 client=LaterWithoutHeaders),
)  # fmt: skip


# Values of results -------------------------------------------------------------------------


def _content(edit: Callable[[bytes], bytes]) -> Callable[[object, object], None]:
    def edit_page(page: Any) -> None:
        for one in page.data:
            one.binary = edit(one.binary)

    return _for(data.BinaryDataByFilterResponse, edit_page)


def _unpacked(contents: bytes) -> bytes:
    return gzip.decompress(contents) if contents.startswith(b"\x1f\x8b") else contents


def _once_by_name(page: Any) -> None:
    named = {one.metadata.file_name or number: one for number, one in enumerate(page.data)}
    kept = list(named.values())
    del page.data[:]
    page.data.extend(kept)


def _values(edit: Callable[[dict[str, Any]], object]) -> Callable[[object, object], None]:
    """An edit of each reading of a page."""

    def edit_page(page: Any) -> None:
        for one in page.data:
            one.data.CopyFrom(struct_from(edit(mapping_from(one.data))))

    return _for(data.TabularDataByFilterResponse, edit_page)


def _each(value: Any, change: Callable[[Any, int], Any], depth: int = 0) -> Any:
    if isinstance(value, dict):
        value = {key: _each(item, change, depth + 1) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_each(item, change, depth + 1) for item in value]
    return change(value, depth)


def _word(value: Any, _: int) -> Any:
    return {"true": True}.get(value, value) if isinstance(value, str) else value


def _shallow(value: Any, depth: int) -> Any:
    return str(value) if depth == 8 else value


def _inner(row: dict[str, Any]) -> Any:
    inner = row.get("readings")
    return inner if isinstance(inner, dict) else row


def _no_labels(names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith("VIAM_DATASET_")]


def _write_page(path: Any, rows: Any, *, write: Callable[..., None], **more: Any) -> None:
    write(path, rows[-1:], **more)


def _writing_last(module: str, function: str, method: str) -> type[DataClient]:
    """A client that writes the last record alone to `dest`."""
    original = getattr(DataClient, method)

    @functools.wraps(original)
    async def written(self: object, **args: object) -> object:
        import importlib  # noqa: PLC0415 - it is patched where it is used

        write = getattr(importlib.import_module(module), function)
        with mock.patch(f"{module}.{function}", functools.partial(_write_page, write=write)):
            return await original(self, **args)

    return type("Writing", (DataClient,), {method: written})


VALUES = (
    on_reply("takes marks off texts", "files-whole",
             _content(lambda each: each.removeprefix(b"\xef\xbb\xbf"))),
    on_reply("takes NULs off files", "files-whole", _content(lambda each: each.rstrip(b"\0"))),
    on_reply("unpacks files", "files-whole", _content(_unpacked)),
    on_reply("gives files of one name once", "files-whole",
             _for(data.BinaryDataByFilterResponse, _once_by_name)),
    on_result("drops empty files", "files-whole", FILES,
              lambda files: type(files)(one for one in files if one.data)),
    on_reply("takes words for values", "readings-back", _values(lambda row: _each(row, _word))),
    on_reply("cuts deep readings", "readings-back", _values(lambda row: _each(row, _shallow))),
    on_reply("takes readings out of readings", "readings-back", _values(_inner)),
    on_result("hides labels of datasets", "names-as-lists", "tags_by_filter", _no_labels),
    on_result("takes the port off the hostname", "hostname", "get_database_connection",
              lambda name: name.partition(":")[0]),
    on_result("lists datasets of one name once", "datasets-as-given", "list_dataset_by_ids",
              lambda found: list({one.name: one for one in found}.values())),
    on_result("gives ids of boxes in lower case", "boxes-as-given",
              "add_bounding_box_to_image_by_id", str.lower),
    on_result("gives ids of captures in lower case", "upload-ids", "binary_data_capture_upload",
              str.lower),
    ClientMutant(name="writes the last reading alone", obligation="dest-of-readings",
                 client=_writing_last("fakeviam_client.tabular", "write_readings", READINGS)),
    ClientMutant(name="writes the last file alone", obligation="dest-of-files",
                 client=_writing_last("fakeviam_client.binary", "write_files", FILES)),
)  # fmt: skip


# Arguments ---------------------------------------------------------------------------------


def _no_zeros(messages: list[Any]) -> Iterable[Any]:
    for one in messages:
        contents = one.file_contents.data if hasattr(one, "file_contents") else one.data
        if one.HasField("metadata") or contents.strip(b"\0"):
            yield one


def _in_order_of_clocks(request: Any) -> None:
    for one in request.sensor_contents:
        times = one.metadata
        if times.time_received.ToNanoseconds() < times.time_requested.ToNanoseconds():
            times.time_received.CopyFrom(times.time_requested)


def _readings_once(request: Any) -> None:
    distinct = {one.SerializeToString(): one for one in request.sensor_contents}
    kept = list(distinct.values())
    del request.sensor_contents[:]
    request.sensor_contents.extend(kept)


def _lower_mime(request: Any) -> None:
    request.metadata.mime_type = request.metadata.mime_type.lower()


class CountsLastBatch(DataClient):
    """Deletes in batches, and returns the count of the last one."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        if not isinstance(request, data.DeleteBinaryDataByIDsRequest):
            return await super()._call(kind, request, timeout)
        ids, replies = list(request.binary_data_ids), []
        for at in range(0, max(len(ids), 1), 100):
            batch = type(request)(binary_data_ids=ids[at : at + 100], binary_ids=request.binary_ids)
            replies.append(await super()._call(kind, batch, timeout))
        return replies[-1]


ARGUMENTS = (
    on_stream("sends no zeros", "bytes-intact-up", _no_zeros),
    on_request("corrects clocks", "readings-intact",
               _for(datasync.DataCaptureUploadRequest, _in_order_of_clocks)),
    on_request("uploads equal readings once", "readings-intact",
               _for(datasync.DataCaptureUploadRequest, _readings_once)),
    on_request("writes MIME types in lower case", "mime-type-of-captures",
               _for(datasync.DataCaptureUploadRequest, _lower_mime)),
    on_request("lists datasets of one type", "datasets-as-given",
               _for(dataset.ListDatasetsByOrganizationIDRequest,
                    setting("type", value=dataset.DATASET_TYPE_BINARY_DATA))),
    on_request("makes datasets of sequences", "datasets-as-given",
               _for(dataset.CreateDatasetRequest,
                    setting("type", value=dataset.DATASET_TYPE_SEQUENCE_DATA))),
    on_call("asks for resources in lower case", "queries-as-given", "get_latest_tabular_data",
            changing("resource_name", lambda name: str(name).lower())),
    on_call("exports to whole seconds", "queries-as-given", "export_tabular_data",
            changing("start_time", lambda time: time and time.replace(microsecond=0))),
    on_call("exports stripped ids", "queries-as-given", "start_sequence_dataset_export",
            changing("dataset_id", lambda name: str(name).strip())),
    ClientMutant(
        name="counts the last batch", obligation="counts-returned", client=CountsLastBatch
    ),
)  # fmt: skip


# Errors ------------------------------------------------------------------------------------


def _status_of(error: Exception) -> object:
    return error.status if isinstance(error, GRPCError) else None


def _excused(kind: type[Message], status: Status) -> Any:
    """Takes a refusal of one RPC for success."""

    async def react(_: object, of: type[Message], __: object, error: Exception) -> Any:
        if of is not kind or _status_of(error) is not status:
            raise error
        return kind()

    return react


async def _decode_again(_: object, __: object, ___: object, error: Exception) -> Any:
    if not isinstance(error, GRPCError):
        raise error
    raise GRPCError(error.status, unquote(error.message or "")) from error


async def _upload_later(
    _: object, kind: type[Message], again: Callable[[], Any], error: Exception
) -> Any:
    if kind is not datasync.FileUploadResponse or _status_of(error) is not Status.ABORTED:
        raise error
    return await again()


async def _cut_is_end(_: object, kind: type[Message], __: object, error: Exception) -> Any:
    if kind is data.TagsByFilterResponse and isinstance(error, ConnectionError):
        return kind()
    raise error


class KeepsWhatItHas(DataClient):
    """Returns the files that it has when a later call for more of them is refused."""

    _fetched = False

    async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
        try:
            reply = await super()._call(kind, request, timeout)
        except GRPCError:
            if kind is not data.BinaryDataByIDsResponse or not self._fetched:
                raise
            return kind()
        self._fetched = True
        return reply


ERRORS = (
    on_error("takes a name that is taken for its own", "refusals-unchanged",
             _excused(dataset.CreateDatasetResponse, Status.ALREADY_EXISTS)),
    on_error("takes what is gone for deleted", "refusals-unchanged",
             _excused(dataset.DeleteDatasetResponse, Status.NOT_FOUND)),
    on_error("decodes texts twice", "refusals-unchanged", _decode_again),
    on_error("uploads again after ABORTED", "unavailable-while-writing", _upload_later),
    on_error("takes a cut reply for none", "broken-replies", _cut_is_end),
    ClientMutant(
        name="keeps the files that it has", obligation="ids-error-raised", client=KeepsWhatItHas
    ),
)  # fmt: skip

BLIND: tuple[ClientMutant, ...] = (*PAGES, *VALUES, *ARGUMENTS, *ERRORS)
