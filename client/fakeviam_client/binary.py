"""Binary data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._destination import check_destination, write_files
from fakeviam_client._paging import PAGE, Cursor
from fakeviam_client._records import BinaryData, Records, file_of
from fakeviam_client._service import Service
from fakeviam_client.tabular import data_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from google.protobuf.message import Message

    Progress = Callable[[int, int | None], None]

#: How many files come without `num_files`: with their bytes, and without.
DEFAULT_FILES = 10
DEFAULT_FILES_WITHOUT_BYTES = 100


class BinaryMethods(Service):
    """Reading and deleting binary data."""

    async def binary_data_by_filter(
        self,
        filter: Message | None = None,
        dest: str | None = None,
        include_file_data: bool = True,
        num_files: int | None = None,
        *,
        limit: int | None = None,
        sort_order: int = 0,
        last: str = "",
        count_only: bool = False,
        include_internal_data: bool = False,
        progress: Progress | None = None,
    ) -> list[BinaryData]:
        """Download the files that a filter selects, or the first of them (BF-1, BF-2).

        Args:
            filter: A `Filter` (`create_filter` makes one); None is all files (FI-2).
            dest: Also write them there. One file becomes that file; several become a directory
                of files and `manifest.json`; without bytes it is one JSON file of the metadata.
            include_file_data: Fetch the bytes too. They come one file a request, so that no
                reply is larger than its file.
            num_files: How many at most; 0 is all of them. By default 10, or 100 without bytes.
            limit: Fetch one page of at most that many instead, as newer SDKs do.
            sort_order: `ORDER_DESCENDING` or `ORDER_ASCENDING` by time (PG-6).
            last: Continue after these files: the `last` of an earlier result (PG-3).
            count_only: Fetch nothing; the result's `total` and `total_size_bytes` say how much
                there is (PG-8).
            include_internal_data: Also data that Viam itself ingested (PG-10).
            progress: Called after each request with the bytes of data fetched, and how many
                there will be, or None where that is not known.

        Returns:
            A list, which has `last`, `total` and `total_size_bytes` as well.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `num_files` is negative, or given together with `limit`.
            PagingError: The server's pages go round in circles.
            GRPCError: What the server refuses, unchanged.
        """
        path = check_destination(dest)
        with_bytes = arguments.flag("include_file_data", include_file_data)
        wanted = _wanted(num_files, limit, with_bytes=with_bytes)
        request = _request(filter, sort_order, last, include_internal_data)
        if arguments.flag("count_only", count_only):
            return await self._binary_totals(request)
        request.include_binary = with_bytes
        if limit is not None:
            request.data_request.limit = limit
        total = await self._bytes_expected(request, wanted, limit) if progress else None
        files: Records[BinaryData] = Records()
        async for reply in self._binary_pages(request, wanted, single=limit is not None):
            files += map(file_of, reply.data)
            files.last = reply.last
            files.total_size_bytes = sum(f.metadata.file_size_bytes for f in files)
            if progress is not None:
                progress(files.total_size_bytes, total)
        files.total = len(files)
        if path is not None:
            write_files(path, files, with_bytes=with_bytes)
        return files

    async def iter_binary_data_by_filter(
        self,
        filter: Message | None = None,
        *,
        include_file_data: bool = True,
        sort_order: int = 0,
        last: str = "",
        include_internal_data: bool = False,
    ) -> AsyncIterator[BinaryData]:
        """As `binary_data_by_filter`, all files, one at a time.

        Holds one file in memory, or one page of metadata without `include_file_data`.
        """
        request = _request(filter, sort_order, last, include_internal_data)
        request.include_binary = arguments.flag("include_file_data", include_file_data)
        async for reply in self._binary_pages(request, None, single=False):
            for entry in reply.data:
                yield file_of(entry)

    async def binary_data_by_ids(
        self,
        binary_ids: list[Message | str],
        dest: str | None = None,
        *,
        include_file_data: bool = True,
    ) -> list[BinaryData]:
        """Download files by their ids, in that order (BI-1 … BI-3).

        Args:
            binary_ids: At least one `BinaryID` or string id.
            dest: Also write them there, as `binary_data_by_filter` does.
            include_file_data: Fetch the bytes too.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There are no ids (ID-5).
        """
        path = check_destination(dest)
        with_bytes = arguments.flag("include_file_data", include_file_data)
        messages, strings = arguments.binary_ids("binary_ids", binary_ids)
        request = wire.BinaryDataByIDsRequest(
            binary_ids=messages, binary_data_ids=strings, include_binary=with_bytes
        )
        reply: wire.BinaryDataByIDsResponse = await self._call("BinaryDataByIDs", request)
        files = [file_of(entry) for entry in reply.data]
        if path is not None:
            write_files(path, files, with_bytes=with_bytes)
        return files

    async def delete_binary_data_by_filter(
        self,
        filter: Message | None,
        *,
        include_internal_data: bool = False,
    ) -> int:
        """Delete the files that a filter selects. An empty filter deletes everything (DF-1).

        Args:
            filter: A `Filter`; None is an empty one.
            include_internal_data: Also data that Viam itself ingested (DF-3).

        Returns:
            The number of files deleted.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.DeleteBinaryDataByFilterRequest(
            filter=arguments.optional_filter(filter),
            include_internal_data=arguments.flag("include_internal_data", include_internal_data),
        )
        deleted: int = (await self._call("DeleteBinaryDataByFilter", request)).deleted_count
        return deleted

    async def delete_binary_data_by_ids(self, binary_ids: list[Message | str]) -> int:
        """Delete files by their ids (DI-1).

        Args:
            binary_ids: At least one `BinaryID` or string id.

        Returns:
            The number of files deleted.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There are no ids (ID-5).
        """
        messages, strings = arguments.binary_ids("binary_ids", binary_ids)
        request = wire.DeleteBinaryDataByIDsRequest(binary_ids=messages, binary_data_ids=strings)
        deleted: int = (await self._call("DeleteBinaryDataByIDs", request)).deleted_count
        return deleted

    async def _binary_pages(
        self, request: wire.BinaryDataByFilterRequest, wanted: int | None, *, single: bool
    ) -> AsyncIterator[wire.BinaryDataByFilterResponse]:
        """Pages until `wanted` files came (None is all), or just one."""
        asked = request.data_request
        cursor = Cursor(asked.last)
        while wanted is None or wanted > 0:
            if not single:
                page = 1 if request.include_binary else PAGE
                asked.limit = page if wanted is None else min(page, wanted)
            reply: wire.BinaryDataByFilterResponse = await self._call("BinaryDataByFilter", request)
            if not reply.data:
                return
            # A server may give more than was asked for.
            if wanted is not None:
                del reply.data[wanted:]
                wanted -= len(reply.data)
            yield reply
            if single:
                return
            cursor.advance(reply.last)
            asked.last = cursor.last

    async def _binary_totals(self, request: wire.BinaryDataByFilterRequest) -> Records[BinaryData]:
        request.count_only = True
        reply: wire.BinaryDataByFilterResponse = await self._call("BinaryDataByFilter", request)
        return Records(total=reply.count, total_size_bytes=reply.total_size_bytes)

    async def _bytes_expected(
        self, request: wire.BinaryDataByFilterRequest, wanted: int | None, limit: int | None
    ) -> int | None:
        """All bytes that will come, if everything is wanted; a part's are not known."""
        if limit is not None:
            return None
        counting = wire.BinaryDataByFilterRequest()
        counting.CopyFrom(request)
        totals = await self._binary_totals(counting)
        return totals.total_size_bytes if wanted is None or wanted >= totals.total else None


def _wanted(num_files: int | None, limit: int | None, *, with_bytes: bool) -> int | None:
    """How many files to fetch; None is all."""
    if limit is not None:
        arguments.whole("limit", limit)
        if num_files is not None:
            raise ValueError("num_files and limit cannot be combined: limit fetches one page")
        return None
    if num_files is None:
        return DEFAULT_FILES if with_bytes else DEFAULT_FILES_WITHOUT_BYTES
    return arguments.whole("num_files", num_files) or None


def _request(
    filter_: Message | None,
    sort_order: int,
    last: str,
    include_internal_data: bool,
) -> wire.BinaryDataByFilterRequest:
    return wire.BinaryDataByFilterRequest(
        data_request=data_request(filter_, sort_order, last),
        include_internal_data=arguments.flag("include_internal_data", include_internal_data),
    )
