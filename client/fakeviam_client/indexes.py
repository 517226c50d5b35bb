"""Custom indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping


class IndexMethods(Service):
    """Indexes on the hot store and on sinks of pipelines."""

    async def create_index(
        self,
        organization_id: str,
        collection_type: int,
        index_spec: Mapping[str, Any],
        pipeline_name: str | None = None,
    ) -> None:
        """Make an index (IX-1).

        Args:
            organization_id: Whose data.
            collection_type: A value of `IndexableCollection`.
            index_spec: The fields and their order, as MongoDB has them (IX-3).
            pipeline_name: The pipeline whose sink it is on.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: There is no such collection, or BSON cannot hold the specification.
            GRPCError: The name is taken, and what else the server refuses.
        """
        request = wire.CreateIndexRequest(
            **_place(organization_id, collection_type, pipeline_name),
            index_spec=[arguments.document("index_spec", index_spec)],
        )
        await self._call(wire.CreateIndexResponse, request)

    async def list_indexes(
        self, organization_id: str, collection_type: int, pipeline_name: str | None = None
    ) -> list[wire.Index]:
        """The indexes of a collection (IX-1).

        Args:
            organization_id: Whose data.
            collection_type: A value of `IndexableCollection`.
            pipeline_name: The pipeline whose sink it is.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: There is no such collection.
            GRPCError: What the server refuses, unchanged.
        """
        place = _place(organization_id, collection_type, pipeline_name)
        reply = await self._call(wire.ListIndexesResponse, wire.ListIndexesRequest(**place))
        return list(reply.indexes)

    async def delete_index(
        self,
        organization_id: str,
        collection_type: int,
        index_name: str,
        pipeline_name: str | None = None,
    ) -> None:
        """Drop an index (IX-1).

        Args:
            organization_id: Whose data.
            collection_type: A value of `IndexableCollection`.
            index_name: Its name, as `list_indexes` gives it.
            pipeline_name: The pipeline whose sink it is on.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: There is no such collection.
            GRPCError: There is no such index, and what else the server refuses.
        """
        place = _place(organization_id, collection_type, pipeline_name)
        name = arguments.text("index_name", index_name)
        await self._call(
            wire.DeleteIndexResponse, wire.DeleteIndexRequest(**place, index_name=name)
        )


def _place(organization_id: object, collection_type: object, pipeline_name: object) -> Any:
    return {
        "organization_id": arguments.text("organization_id", organization_id),
        "collection_type": arguments.choice(
            "collection_type", collection_type, wire.IndexableCollection
        ),
        "pipeline_name": None
        if pipeline_name is None
        else arguments.text("pipeline_name", pipeline_name),
    }
