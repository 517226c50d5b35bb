"""The newest RPCs, which a server may not have yet, and how what they make is removed again."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam import wire
from fakeviam.wire import data, datapipelines
from fakeviam_contracts.wirelog import Refused, rpc_of

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping, Sequence

    from google.protobuf.message import Message

    from fakeviam_contracts.wirelog import Wire

#: A server that answers them UNIMPLEMENTED is told so; it breaks nothing.
NEWEST = frozenset(
    {
        "AddSequencesToDataset",
        "CreateBinaryDataSignedURL",
        "CreateDataPipeline",
        "CreateIndex",
        "CreateSavedQuery",
        "CreateSequence",
        "DeleteDataPipeline",
        "DeleteIndex",
        "DeleteSavedQuery",
        "DeleteSequence",
        "DisableDataPipeline",
        "EnableDataPipeline",
        "ExportTabularData",
        "GetDataPipeline",
        "GetLatestTabularData",
        "GetSavedQuery",
        "GetSequence",
        "GetSequenceBinaryData",
        "GetSequenceDatasetExport",
        "ListDataPipelineRuns",
        "ListDataPipelines",
        "ListIndexes",
        "ListSavedQueries",
        "ListSequences",
        "RemoveSequencesFromDataset",
        "RenameDataPipeline",
        "SequencesByDatasetID",
        "StartSequenceDatasetExport",
        "UpdateSavedQuery",
        "UpdateSequence",
    }
)

#: Who serves data need not serve the fleet: its RPCs may be lacking, too.
NOT_REQUIRED = NEWEST | {
    method.name for method in wire.methods() if "AppService" in method.path.split("/")[1]
}

#: Which request removes what a reply says was made.
_REMOVALS: Mapping[type[Message], Any] = MappingProxyType(
    {
        data.CreateSavedQueryResponse: data.DeleteSavedQueryRequest,
        data.CreateSequenceResponse: data.DeleteSequenceRequest,
        datapipelines.CreateDataPipelineResponse: datapipelines.DeleteDataPipelineRequest,
    }
)


def removal_of(reply: Any) -> Message | None:
    """The request that removes what a reply says was made, if it says so."""
    kind = _REMOVALS.get(type(reply))
    return kind(id=reply.id) if kind else None


def remove_made(
    wire: Wire,
    removals: Sequence[Message],
    indexes: Sequence[data.CreateIndexRequest],
    names: re.Pattern[str],
) -> list[str]:
    """Remove what was made, the latest first; the answer tells what could not be removed.

    Fields of indexes that were made have `names`, which tell them from those of others.
    """
    requests = [*_of_indexes(wire, indexes, names), *reversed(removals)]
    answers = [(request, wire.call(rpc_of([request]), request)) for request in requests]
    return [
        f"what {rpc_of([request])} would remove ({request}): {answer}"
        for request, answer in answers
        if isinstance(answer, Refused) and answer.status != "NOT_FOUND"
    ]


def _text(index: data.CreateIndexRequest | data.Index) -> str:
    return b" ".join(index.index_spec).decode("latin-1")


def _of_indexes(
    wire: Wire, indexes: Sequence[data.CreateIndexRequest], names: re.Pattern[str]
) -> Iterator[data.DeleteIndexRequest]:
    """Requests to delete the indexes that were made, whatever the server calls them."""
    for made in indexes:
        place: dict[str, Any] = {
            "organization_id": made.organization_id,
            "collection_type": made.collection_type,
        }
        if made.pipeline_name:
            place["pipeline_name"] = made.pipeline_name
        listed = wire.call("ListIndexes", data.ListIndexesRequest(**place))
        for index in () if isinstance(listed, Refused) else listed.indexes:
            # Some servers show specifications in another form than they took.
            is_same = list(index.index_spec) == list(made.index_spec)
            fields = set(names.findall(_text(made)))
            if is_same or (fields and fields == set(names.findall(_text(index)))):
                yield data.DeleteIndexRequest(index_name=index.index_name, **place)
