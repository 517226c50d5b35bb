"""Data pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam.wire import datapipelines as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence


class PipelineMethods(Service):
    """Queries that run on a schedule, and their runs."""

    async def create_data_pipeline(
        self,
        organization_id: str,
        name: str,
        mql_binary: Sequence[Mapping[str, object]] | Sequence[bytes],
        schedule: str,
        enable_backfill: bool,
        data_source_type: int = data.TABULAR_DATA_SOURCE_TYPE_STANDARD,
    ) -> str:
        """Make a pipeline (DP-1).

        Args:
            organization_id: Whose readings it reads.
            name: Unique in the organization (DP-3).
            mql_binary: The stages, as dictionaries or as BSON.
            schedule: Cron of five fields in UTC; a run covers the time between two ticks (DP-2).
            enable_backfill: Run windows of the past too (DP-7).
            data_source_type: `TABULAR_DATA_SOURCE_TYPE_STANDARD` or `…_HOT_STORAGE`.

        Returns:
            The id of the pipeline.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A stage cannot be BSON, or there is no such source.
            GRPCError: The name is taken, the schedule is none, and what else the server refuses.
        """
        request = wire.CreateDataPipelineRequest(
            organization_id=arguments.text("organization_id", organization_id),
            name=arguments.text("name", name),
            mql_binary=arguments.stages("mql_binary", mql_binary),
            schedule=arguments.text("schedule", schedule),
            enable_backfill=arguments.flag("enable_backfill", enable_backfill),
            data_source_type=arguments.data_source("data_source_type", data_source_type),
        )
        return (await self._call(wire.CreateDataPipelineResponse, request)).id

    async def get_data_pipeline(self, id: str) -> wire.DataPipeline:
        """A pipeline (DP-1).

        Args:
            id: Which pipeline.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There is no such pipeline.
        """
        request = wire.GetDataPipelineRequest(id=arguments.text("id", id))
        return (await self._call(wire.GetDataPipelineResponse, request)).data_pipeline

    async def list_data_pipelines(self, organization_id: str) -> list[wire.DataPipeline]:
        """All pipelines of an organization (DP-1).

        Args:
            organization_id: Whose pipelines.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.ListDataPipelinesRequest(
            organization_id=arguments.text("organization_id", organization_id)
        )
        return list((await self._call(wire.ListDataPipelinesResponse, request)).data_pipelines)

    async def rename_data_pipeline(self, id: str, name: str) -> None:
        """Give a pipeline another name (DP-3).

        Args:
            id: Which pipeline.
            name: The new name.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There is no such pipeline, or the name is taken.
        """
        request = wire.RenameDataPipelineRequest(
            id=arguments.text("id", id), name=arguments.text("name", name)
        )
        await self._call(wire.RenameDataPipelineResponse, request)

    async def delete_data_pipeline(self, id: str) -> None:
        """Delete a pipeline with its sink (DP-10).

        Args:
            id: Which pipeline.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There is no such pipeline.
        """
        request = wire.DeleteDataPipelineRequest(id=arguments.text("id", id))
        await self._call(wire.DeleteDataPipelineResponse, request)

    def iter_data_pipeline_runs(self, id: str) -> AsyncIterator[wire.DataPipelineRun]:
        """All runs of a pipeline, the newest first; holds one page in memory (DP-5, DP-13).

        Args:
            id: Which pipeline.

        Raises:
            TypeError: An argument has the wrong type; raised by the call itself.
            GRPCError: There is no such pipeline.
        """
        return self._runs(wire.ListDataPipelineRunsRequest(id=arguments.text("id", id)))

    async def list_data_pipeline_runs(
        self, id: str, page_size: int = 10
    ) -> wire.ListDataPipelineRunsResponse:
        """The first page of the runs of a pipeline, the newest first (DP-5, DP-13).

        Args:
            id: Which pipeline.
            page_size: How many runs; `iter_data_pipeline_runs` goes through all of them.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The number is negative.
            GRPCError: There is no such pipeline.
        """
        request = wire.ListDataPipelineRunsRequest(
            id=arguments.text("id", id),
            page_size=arguments.whole("page_size", page_size, bits=32),
        )
        return await self._call(wire.ListDataPipelineRunsResponse, request)

    async def _runs(
        self, request: wire.ListDataPipelineRunsRequest
    ) -> AsyncIterator[wire.DataPipelineRun]:
        while True:
            page = await self._call(wire.ListDataPipelineRunsResponse, request)
            for run in page.runs:
                yield run
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
