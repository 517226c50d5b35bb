"""Tabular data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from fakeviam.wire import data as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._destination import check_destination, write_readings
from fakeviam_client._paging import PAGE, Cursor
from fakeviam_client._records import Records, TabularData, readings_of
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message


class TabularMethods(Service):
    """Reading and deleting tabular data."""

    async def tabular_data_by_filter(
        self,
        filter: Message | None = None,
        dest: str | None = None,
        *,
        limit: int | None = None,
        sort_order: int = 0,
        last: str = "",
        count_only: bool = False,
        include_internal_data: bool = False,
    ) -> list[TabularData]:
        """Download the readings that a filter selects (TD-1 … TD-3).

        Args:
            filter: A `Filter` (`create_filter` makes one); None is all readings (FI-2).
            dest: Also write them there as JSON, which `load_readings` reads back equal.
            limit: Fetch one page of at most that many; by default everything is fetched.
            sort_order: `ORDER_DESCENDING` or `ORDER_ASCENDING` by time (PG-6).
            last: Continue after these records: the `last` of an earlier result (PG-3).
            count_only: Fetch no readings; the result's `total` and `total_size_bytes` say how
                many there are (PG-8).
            include_internal_data: Also data that Viam itself ingested (PG-10).

        Returns:
            A list, which has `last`, `total` and `total_size_bytes` as well.

        Raises:
            TypeError: An argument has the wrong type.
            PagingError: The server's pages go round in circles.
            GRPCError: What the server refuses, unchanged.
        """
        path = check_destination(dest)
        request = self._tabular_request(filter, sort_order, last, include_internal_data)
        readings: Records[TabularData] = Records()
        if arguments.flag("count_only", count_only):
            request.count_only = True
            reply = await self._call("TabularDataByFilter", request)
            return Records(total=reply.count, total_size_bytes=reply.total_size_bytes)
        pages = self._tabular_pages(request, limit)
        async for reply in pages:
            readings += readings_of(reply)
            readings.last = reply.last
            readings.total_size_bytes += reply.total_size_bytes
        readings.total = len(readings)
        if path is not None:
            write_readings(path, readings)
        return readings

    async def iter_tabular_data_by_filter(
        self,
        filter: Message | None = None,
        *,
        sort_order: int = 0,
        last: str = "",
        include_internal_data: bool = False,
    ) -> AsyncIterator[TabularData]:
        """As `tabular_data_by_filter`, one reading at a time; holds one page in memory."""
        request = self._tabular_request(filter, sort_order, last, include_internal_data)
        async for reply in self._tabular_pages(request, None):
            for reading in readings_of(reply):
                yield reading

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
                "delete_older_than_days", delete_older_than_days
            ),
        )
        if filter is not None:
            request.filter.CopyFrom(arguments.message("filter", wire.DeleteTabularFilter, filter))
        deleted: int = (await self._call("DeleteTabularData", request)).deleted_count
        return deleted

    async def delete_tabular_data_by_filter(
        self,
        filter: Message | None,
    ) -> NoReturn:
        """Deprecated, and never was anything else.

        Raises:
            NotImplementedError: Always; it names its successor.
        """
        raise NotImplementedError(
            "delete_tabular_data_by_filter is deprecated; use delete_tabular_data"
        )

    @staticmethod
    def _tabular_request(
        filter_: Message | None,
        sort_order: int,
        last: str,
        include_internal_data: bool,
    ) -> wire.TabularDataByFilterRequest:
        return wire.TabularDataByFilterRequest(
            data_request=data_request(filter_, sort_order, last),
            include_internal_data=arguments.flag("include_internal_data", include_internal_data),
        )

    async def _tabular_pages(
        self, request: wire.TabularDataByFilterRequest, limit: int | None
    ) -> AsyncIterator[wire.TabularDataByFilterResponse]:
        asked = request.data_request
        asked.limit = PAGE if limit is None else arguments.whole("limit", limit)
        cursor = Cursor(asked.last)
        while True:
            reply: wire.TabularDataByFilterResponse = await self._call(
                "TabularDataByFilter", request
            )
            if not reply.data:
                return
            yield reply
            if limit is not None:
                return
            cursor.advance(reply.last)
            asked.last = cursor.last


def data_request(filter_: Message | None, sort_order: int, last: str) -> wire.DataRequest:
    """What by-filter requests have in common."""
    return wire.DataRequest(
        filter=arguments.optional_filter(filter_),
        sort_order=wire.Order.Name(arguments.whole("sort_order", sort_order)),  # type: ignore[arg-type]
        last=arguments.text("last", last),
    )
