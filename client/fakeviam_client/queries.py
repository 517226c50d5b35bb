"""Queries over readings, in MongoDB's languages."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Rows = list[dict[str, Any]]


class QueryMethods(Service):
    """Asking for readings with SQL and with pipelines."""

    async def tabular_data_by_sql(self, organization_id: str, sql_query: str) -> Rows:
        """The rows that a SELECT over `readings` has (SL-1, SL-2).

        Args:
            organization_id: Whose readings.
            sql_query: A statement in MongoDB's dialect of SQL.

        Returns:
            A dictionary for each row; its dates are aware UTC.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.TabularDataBySQLRequest(
            organization_id=arguments.text("organization_id", organization_id),
            sql_query=arguments.text("sql_query", sql_query),
        )
        return _rows((await self._call(wire.TabularDataBySQLResponse, request)).raw_data)

    async def tabular_data_by_mql(
        self,
        organization_id: str,
        query: Sequence[Mapping[str, object]] | Sequence[bytes],
        use_recent_data: bool | None = None,
        tabular_data_source_type: int = wire.TABULAR_DATA_SOURCE_TYPE_STANDARD,
        pipeline_id: str | None = None,
        query_prefix_name: str | None = None,
    ) -> Rows:
        """What a pipeline makes of the readings (MQ-1, MQ-5).

        Args:
            organization_id: Whose readings.
            query: The stages, as dictionaries or as BSON.
            use_recent_data: The hot store, in older words (MQ-7).
            tabular_data_source_type: `TABULAR_DATA_SOURCE_TYPE_STANDARD`, `…_HOT_STORAGE` or
                `…_PIPELINE_SINK`.
            pipeline_id: Which pipeline, with the sink of one (MQ-8).
            query_prefix_name: A saved query whose stages run first (MQ-9).

        Returns:
            A dictionary for each document; its dates are aware UTC.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A stage cannot be BSON, or there is no such source.
            GRPCError: What the server refuses, unchanged.
        """
        source = wire.TabularDataSource(
            type=arguments.data_source("tabular_data_source_type", tabular_data_source_type),
            pipeline_id=arguments.optional_text("pipeline_id", pipeline_id) or None,
        )
        if use_recent_data is not None and arguments.flag("use_recent_data", use_recent_data):
            source.type = wire.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
        request = wire.TabularDataByMQLRequest(
            organization_id=arguments.text("organization_id", organization_id),
            mql_binary=arguments.stages("query", query),
            data_source=source,
            query_prefix_name=arguments.optional_text("query_prefix_name", query_prefix_name)
            or None,
        )
        return _rows((await self._call(wire.TabularDataByMQLResponse, request)).raw_data)


def _rows(encoded: Iterable[bytes]) -> Rows:
    import bson  # noqa: PLC0415 - with the first query
    from bson.codec_options import CodecOptions  # noqa: PLC0415

    aware: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=timezone.utc)
    return [bson.decode(row, aware) for row in encoded]
