"""Binary data."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from fakeviam.wire import data as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._destination import check_destination, write_files
from fakeviam_client._paging import PAGE, Extent, data_request, one_by_one, pages
from fakeviam_client._progress import Meter
from fakeviam_client._records import BinaryData, Records, files_of
from fakeviam_client.downloads import DownloadMethods

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from google.protobuf.message import Message

    from fakeviam_client._paging import FetchedPage
    from fakeviam_client._progress import Progress

#: How many files come without `num_files`: with their bytes, and without.
DEFAULT_FILES = 10
DEFAULT_FILES_WITHOUT_BYTES = 100


class BinaryMethods(DownloadMethods):
    """Reading and deleting binary data."""

    async def binary_data_by_filter(
        self,
        filter: Message | None = None,
        dest: str | None = None,
        include_file_data: bool = True,
        num_files: int | None = None,
        *,
        limit: int | None = None,
        sort_order: int | None = None,
        last: str | None = None,
        count_only: bool = False,
        include_internal_data: bool = False,
        progress: Progress | None = None,
    ) -> Records[BinaryData]:
        """Download the files that a filter selects, or the first of them (BF-1, BF-2).

        Args:
            filter: A `Filter` (`create_filter` makes one); None is all files (FI-2).
            dest: Also write them there. One file becomes that file; any other number becomes a
                directory of files and `manifest.json`; without bytes it is one JSON file of the
                metadata.
            include_file_data: Fetch the bytes too. They come one file a request, so that no
                reply is larger than its file (BF-4).
            num_files: How many at most; 0 is all of them. By default 10, or 100 without bytes.
            limit: Fetch one page of at most that many instead, as newer SDKs do; 0 is as many as
                the server likes to give (PG-1).
            sort_order: `ORDER_DESCENDING` or `ORDER_ASCENDING` by time (PG-6).
            last: Continue after these files: the `last` of an earlier result (PG-3).
            count_only: Fetch nothing; the result's `total` and `total_size_bytes` say how much
                there is (PG-8).
            include_internal_data: Also data that Viam itself ingested (PG-10).
            progress: Called after each request with the bytes of contents fetched, and how many
                there will be, or None where that is not known. Costs one more request.

        Returns:
            A list, which has `last`, `total` and `total_size_bytes` as well.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `num_files` is negative, or arguments contradict each other.
            FileExistsError: `dest` is a directory that no download made, or exists and no file
                matches.
            FileNotFoundError: The directory that `dest` is to be in does not exist.
            PagingError: The server's pages go round in circles.
            GRPCError: What the server refuses, unchanged.
        """
        path = check_destination(dest, count_only=arguments.flag("count_only", count_only))
        request = _request(filter, sort_order, last, include_internal_data, include_file_data)
        extent = _extent(num_files, limit, with_bytes=include_file_data)
        meter = Meter(progress)
        if count_only:
            return await self._binary_totals(request)
        if meter and limit is None and not last:
            meter.total = await self._bytes_expected(request, extent.wanted)
        files: Records[BinaryData] = Records()
        async for page in self._binary_pages(request, extent):
            files += page.records
            files.last = page.last
            files.total_size_bytes += page.size
            meter.add(sum(len(file.data) for file in page.records))
        files.total = len(files)
        if path is not None:
            write_files(path, files, with_bytes=include_file_data)
        meter.finish()
        return files

    def iter_binary_data_by_filter(
        self,
        filter: Message | None = None,
        *,
        include_file_data: bool = True,
        sort_order: int | None = None,
        last: str | None = None,
        include_internal_data: bool = False,
    ) -> AsyncIterator[BinaryData]:
        """As `binary_data_by_filter`, all files, one by one.

        Holds one file in memory, or one page of metadata without `include_file_data`.

        Args:
            filter: A `Filter`; None is all files (FI-2).
            include_file_data: Fetch the bytes too.
            sort_order: `ORDER_DESCENDING` or `ORDER_ASCENDING` by time (PG-6).
            last: Continue after these files: the `last` of an earlier result (PG-3).
            include_internal_data: Also data that Viam itself ingested (PG-10).

        Raises:
            TypeError: An argument has the wrong type; raised by the call itself.
            PagingError: The server's pages go round in circles.
            GRPCError: What the server refuses, unchanged.
        """
        request = _request(filter, sort_order, last, include_internal_data, include_file_data)
        extent = Extent(size=_page_size(with_bytes=include_file_data))
        return one_by_one(self._binary_pages(request, extent))

    async def binary_data_by_ids(
        self,
        binary_ids: Sequence[Message | str],
        dest: str | None = None,
        *,
        include_file_data: bool = True,
    ) -> list[BinaryData]:
        """Download files by their ids, in that order (BI-1 … BI-3).

        The bytes come one file a request, so that no reply is larger than its file. Each file comes
        once; ids that name nothing may be left out (ID-6).

        Args:
            binary_ids: At least one `BinaryID` or string id; both forms may be mixed.
            dest: Also write them there, as `binary_data_by_filter` does.
            include_file_data: Fetch the bytes too.

        Returns:
            The files.

        Raises:
            TypeError: An argument has the wrong type.
            FileExistsError: `dest` is a directory that no download made.
            FileNotFoundError: The directory that `dest` is to be in does not exist.
            GRPCError: There are no ids (ID-5), and what else the server refuses.
        """
        path = check_destination(dest)
        with_bytes = arguments.flag("include_file_data", include_file_data)
        ids = arguments.binary_ids(binary_ids)
        files: list[BinaryData] = []
        for some in _portions(ids, with_bytes=with_bytes):
            request = wire.BinaryDataByIDsRequest(
                **arguments.apart(some), include_binary=with_bytes
            )
            records, _ = files_of(await self._call_for_bytes(wire.BinaryDataByIDsResponse, request))
            files += records
        files = _distinct(files)
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
            The number of files deleted (DF-4).

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.DeleteBinaryDataByFilterRequest(
            filter=arguments.optional_filter(filter),
            include_internal_data=arguments.flag("include_internal_data", include_internal_data),
        )
        return (await self._call(wire.DeleteBinaryDataByFilterResponse, request)).deleted_count

    async def delete_binary_data_by_ids(self, binary_ids: Sequence[Message | str]) -> int:
        """Delete files by their ids (DI-1).

        Args:
            binary_ids: At least one `BinaryID` or string id.

        Returns:
            The number of files deleted.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There are no ids (ID-5).
        """
        ids = arguments.apart(arguments.binary_ids(binary_ids))
        request = wire.DeleteBinaryDataByIDsRequest(**ids)
        return (await self._call(wire.DeleteBinaryDataByIDsResponse, request)).deleted_count

    def _binary_pages(
        self, request: wire.BinaryDataByFilterRequest, extent: Extent
    ) -> AsyncIterator[FetchedPage[BinaryData]]:
        call = partial(self._call_for_bytes, wire.BinaryDataByFilterResponse)
        return pages(call, request, files_of, extent)

    async def _binary_totals(self, request: wire.BinaryDataByFilterRequest) -> Records[BinaryData]:
        counting = wire.BinaryDataByFilterRequest(
            data_request=request.data_request,
            include_internal_data=request.include_internal_data,
            count_only=True,
        )
        reply = await self._call(wire.BinaryDataByFilterResponse, counting)
        return Records(total=reply.count, total_size_bytes=reply.total_size_bytes)

    async def _bytes_expected(
        self, request: wire.BinaryDataByFilterRequest, wanted: int | None
    ) -> int | None:
        """All bytes that will come, if everything is wanted; a part's are not known."""
        if not request.include_binary:
            return 0
        totals = await self._binary_totals(request)
        return totals.total_size_bytes if wanted is None or wanted >= totals.total else None


def _extent(num_files: object, limit: object, *, with_bytes: bool) -> Extent:
    """How many files to fetch."""
    number = arguments.optional_whole("num_files", num_files)
    one_page = arguments.optional_whole("limit", limit)
    if one_page is not None:
        if number is not None:
            raise ValueError("num_files and limit cannot be combined: limit fetches one page")
        return Extent.of_limit(one_page)
    if number is None:
        number = DEFAULT_FILES if with_bytes else DEFAULT_FILES_WITHOUT_BYTES
    return Extent(size=_page_size(with_bytes=with_bytes), wanted=number or None)


def _page_size(*, with_bytes: bool) -> int:
    return 1 if with_bytes else PAGE


def _portions(
    ids: list[wire.BinaryID | str], *, with_bytes: bool
) -> Iterator[list[wire.BinaryID | str]]:
    """What to ask for at a time; if there are no ids, nothing, which the server refuses.

    A request has two lists of ids, one for each form, so only ids of one form keep their order.
    """
    if not ids:
        yield []
    elif with_bytes:
        yield from ([one] for one in ids)
    else:
        yield from (list(run) for _, run in groupby(ids, type))


def _distinct(files: list[BinaryData]) -> list[BinaryData]:
    """Each file once, as if one request had asked for all of them; without an id, all are kept."""
    names = [file.metadata.binary_data_id or file.metadata.id for file in files]
    first = {name: at for at, name in reversed(list(enumerate(names)))}
    return [file for at, file in enumerate(files) if not names[at] or first[names[at]] == at]


def _request(
    filter_: object,
    sort_order: object,
    last: object,
    include_internal_data: object,
    include_file_data: object,
) -> wire.BinaryDataByFilterRequest:
    return wire.BinaryDataByFilterRequest(
        data_request=data_request(filter_, sort_order, last),
        include_internal_data=arguments.flag("include_internal_data", include_internal_data),
        include_binary=arguments.flag("include_file_data", include_file_data),
    )
