"""A light client for Viam's data cloud: `DataClient` as the documentation describes it.

    from fakeviam_client import connect

    async with connect("localhost:8080") as data:
        ids = await data.binary_data_by_filter(data.create_filter(tags=["dog"]))

It needs grpclib and any protobuf from 4.25 on; neither viam-sdk nor its native library.
"""

from __future__ import annotations

from fakeviam.wire.data import ORDER_ASCENDING, ORDER_DESCENDING, BinaryID, Filter
from fakeviam_client._destination import load_readings
from fakeviam_client._paging import PagingError
from fakeviam_client._records import BinaryData, Records, TabularData
from fakeviam_client.client import DataClient, connect

__all__ = [
    "ORDER_ASCENDING",
    "ORDER_DESCENDING",
    "BinaryData",
    "BinaryID",
    "DataClient",
    "Filter",
    "PagingError",
    "Records",
    "TabularData",
    "connect",
    "load_readings",
]
