"""Tabular data."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NoReturn

from fakeviam.wire import data as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._destination import check_destination, write_readings
from fakeviam_client._paging import Extent, data_request, one_by_one, pages
from fakeviam_client._progress import Meter
from fakeviam_client._records import Records, TabularData, readings_of
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from fakeviam_client._paging import FetchedPage
    from fakeviam_client._progress import Progress


class TabularMethods(Service):
    """Reading and deleting tabular data."""

    async def tabular_data_by_filter(
        self,
        filter: Message | None = None,
        dest: str | None = None,
        *,
        limit: int | None = None,
        sort_order: int | None = None,
        last: str | None = None,
        count_only: bool = False,
        include_internal_data: bool = False,
        progress: Progress | None = None,
    ) -> Records[TabularData]:
        """Download the readings that a filter selects (TD-1 … TD-3).

        Args:
            filter: A `Filter` (`create_filter` makes one); None is all readings (FI-2).
            dest: Also write them there as JSON, which `load_readings` reads back equal.
            limit: Fetch one page of at most that many; 0 is as many as the server likes to give
                (PG-1). By default all pages are fetched (PG-4, PG-5).
            sort_order: `ORDER_DESCENDING` or `ORDER_ASCENDING` by time (PG-6).
            last: Continue after these readings: the `last` of an earlier result (PG-3).
            count_only: Fetch no readings; the result's `total` and `total_size_bytes` say how
                many there are (PG-8).
            include_internal_data: Also data that Viam itself ingested (PG-10).
            progress: Called after each page with the bytes of readings fetched, and how many
                there will be, or None where that is not known. Costs one more request.

        Returns:
            A list, which has `last`, `total` and `total_size_bytes` as well.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A number is negative, or `count_only` leaves nothing to write to `dest`.
            FileExistsError: `dest` is a directory that no download made.
            FileNotFoundError: The directory that `dest` is to be in does not exist.
            PagingError: The server's pages go round in circles.
            GRPCError: What the server refuses, unchanged.
        """
        path = check_destination(dest, count_only=arguments.flag("count_only", count_only))
        request = _request(filter, sort_order, last, include_internal_data)
        one_page = arguments.optional_whole("limit", limit)
        extent = Extent() if one_page is None else Extent.of_limit(one_page)
        meter = Meter(progress)
        if count_only:
            return await self._tabular_totals(request)
        if meter and limit is None and not last:
            meter.total = (await self._tabular_totals(request)).total_size_bytes
        readings: Records[TabularData] = Records()
        async for page in self._tabular_pages(request, extent):
            readings += page.records
            readings.last = page.last
            readings.total_size_bytes += page.size
            meter.add(page.size)
        readings.total = len(readings)
        if path is not None:
            write_readings(path, readings)
        meter.finish()
        return readings

    def iter_tabular_data_by_filter(
        self,
        filter: Message | None = None,
        *,
        sort_order: int | None = None,
        last: str | None = None,
        include_internal_data: bool = False,
    ) -> AsyncIterator[TabularData]:
        """As `tabular_data_by_filter`, all readings one by one; holds one page in memory.

        Args:
            filter: A `Filter`; None is all readings (FI-2).
            sort_order: `ORDER_DESCENDING` or `ORDER_ASCENDING` by time (PG-6).
            last: Continue after these readings: the `last` of an earlier result (PG-3).
            include_internal_data: Also data that Viam itself ingested (PG-10).

        Raises:
            TypeError: An argument has the wrong type; raised by the call itself.
            PagingError: The server's pages go round in circles.
            GRPCError: What the server refuses, unchanged.
        """
        request = _request(filter, sort_order, last, include_internal_data)
        return one_by_one(self._tabular_pages(request, Extent()))

    async def delete_tabular_data(
        self,
        organization_id: str,
        delete_older_than_days: int,
        *,
        filter: Message | None = None,
    ) -> int:
        """Delete an organization's readings older than some UTC days (DT-1 … DT-4).

        Args:
            organization_id: Whose readings.
            delete_older_than_days: 1 deletes up to the end of yesterday, UTC; 0 deletes all.
            filter: A `DeleteTabularFilter` that narrows it further.

        Returns:
            The number of readings deleted.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The number of days is negative.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.DeleteTabularDataRequest(
            organization_id=arguments.text("organization_id", organization_id),
            delete_older_than_days=arguments.whole(
                "delete_older_than_days", delete_older_than_days, bits=32
            ),
        )
        if filter is not None:
            request.filter.CopyFrom(arguments.message("filter", wire.DeleteTabularFilter, filter))
        return (await self._call(wire.DeleteTabularDataResponse, request)).deleted_count

    async def delete_tabular_data_by_filter(self, filter: Message | None) -> NoReturn:
        """Deprecated, and does nothing: use `delete_tabular_data`.

        Raises:
            NotImplementedError: Always; it names its successor.
        """
        raise NotImplementedError(
            "delete_tabular_data_by_filter is deprecated; use delete_tabular_data"
        )

    def _tabular_pages(
        self, request: wire.TabularDataByFilterRequest, extent: Extent
    ) -> AsyncIterator[FetchedPage[TabularData]]:
        return pages(
            partial(self._call, wire.TabularDataByFilterResponse), request, readings_of, extent
        )

    async def _tabular_totals(
        self, request: wire.TabularDataByFilterRequest
    ) -> Records[TabularData]:
        counting = wire.TabularDataByFilterRequest(count_only=True)
        counting.MergeFrom(request)
        reply = await self._call(wire.TabularDataByFilterResponse, counting)
        return Records(total=reply.count, total_size_bytes=reply.total_size_bytes)


def _request(
    filter_: object, sort_order: object, last: object, include_internal_data: object
) -> wire.TabularDataByFilterRequest:
    return wire.TabularDataByFilterRequest(
        data_request=data_request(filter_, sort_order, last),
        include_internal_data=arguments.flag("include_internal_data", include_internal_data),
    )
