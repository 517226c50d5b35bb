"""Wrong clients that an outside review found unseen: pages and values of results."""

from __future__ import annotations

import functools
import gzip
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from unittest import mock

from fakeviam_client import DataClient

from fakeviam.wire import data
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    on_filter,
    on_reply,
    on_request,
    on_result,
    only_for,
    setting,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from fakeviam_contracts.mutants.clients_base import M

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
READINGS, FILES = "tabular_data_by_filter", "binary_data_by_filter"


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
             only_for(data.TabularDataByFilterResponse, _last_of_full)),
    ClientMutant(
        name="gives up after ten pages", obligation="pages-complete", client=GivesUpAfterTenPages
    ),
    ClientMutant(name="keeps the metadata of the first page", obligation="pages-complete",
                 client=KeepsMetadataOfFirstPage),
    on_request("forgets bytes from the second page on", "pages-same-question",
               only_for(data.BinaryDataByFilterRequest, _no_bytes_later)),
    on_request("reads no internal data of sensors", "internal-only-on-request",
               only_for(data.TabularDataByFilterRequest,
                    setting("include_internal_data", value=False))),
    on_reply("counts what is on the page", "count-only", _counts_of_page),
    on_reply("counts to 32 bits", "count-only",
             only_for(data.BinaryDataByFilterResponse, _short_count)),
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

    return only_for(data.BinaryDataByFilterResponse, edit_page)


def _unpacked(contents: bytes) -> bytes:
    return gzip.decompress(contents) if contents.startswith(b"\x1f\x8b") else contents


def _once_by_name(page: Any) -> None:
    named = {one.metadata.file_name or number: one for number, one in enumerate(page.data)}
    kept = list(named.values())
    del page.data[:]
    page.data.extend(kept)


def _values(edit: Callable[[dict[str, Any]], Any]) -> Callable[[object, object], None]:
    """An edit of each reading of a page."""

    def edit_page(page: Any) -> None:
        for one in page.data:
            one.data.CopyFrom(struct_from(edit(mapping_from(one.data))))

    return only_for(data.TabularDataByFilterResponse, edit_page)


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


def _since_1970(rows: Any) -> Any:
    for row in rows:
        row.time_requested = max(row.time_requested, EPOCH)
    return rows


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
             only_for(data.BinaryDataByFilterResponse, _once_by_name)),
    on_result("drops empty files", "files-whole", FILES,
              lambda files: type(files)(one for one in files if one.data)),
    on_reply("takes words for values", "readings-back", _values(lambda row: _each(row, _word))),
    on_reply("cuts deep readings", "readings-back", _values(lambda row: _each(row, _shallow))),
    on_reply("takes readings out of readings", "readings-back", _values(_inner)),
    on_result("knows no time before 1970", "readings-own", READINGS, _since_1970),
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


BLIND: tuple[ClientMutant, ...] = (*PAGES, *VALUES)
