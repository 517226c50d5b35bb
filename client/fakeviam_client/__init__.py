"""A light client for Viam's data cloud: `DataClient` as the documentation describes it.

    from fakeviam_client import connect

    async with connect("localhost:8080") as data:
        dogs = await data.binary_data_by_filter(data.create_filter(tags=["dog"]))

It needs grpclib and any protobuf from 4.25 on; neither viam-sdk nor its native library.
"""

from __future__ import annotations

from fakeviam.wire.data import (
    ORDER_ASCENDING,
    ORDER_DESCENDING,
    TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE,
    TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK,
    TABULAR_DATA_SOURCE_TYPE_STANDARD,
    BinaryID,
    DeleteTabularFilter,
    Filter,
)
from fakeviam_client._destination import load_readings
from fakeviam_client._http import DownloadError
from fakeviam_client._paging import PagingError
from fakeviam_client._progress import Progress
from fakeviam_client._records import BinaryData, Records, TabularData
from fakeviam_client.client import DataClient, connect

__all__ = [
    "ORDER_ASCENDING",
    "ORDER_DESCENDING",
    "TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE",
    "TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK",
    "TABULAR_DATA_SOURCE_TYPE_STANDARD",
    "BinaryData",
    "BinaryID",
    "DataClient",
    "DeleteTabularFilter",
    "DownloadError",
    "Filter",
    "PagingError",
    "Progress",
    "Records",
    "TabularData",
    "connect",
    "load_readings",
]
