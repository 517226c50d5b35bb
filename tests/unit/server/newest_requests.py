"""Requests for each RPC that viam-sdk 0.85.1 has beyond the documented client, fields all set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bson

from fakeviam.wire import data, dataset
from fakeviam.wire import datapipelines as pipelines
from fakeviam.wire.values import struct_from

from .driver import DEFAULT_PART, METHODS, at, interval

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam.model.fleet import Part

    from .driver import Viam

#: An id that nothing has.
NOBODY = "f" * 24

HOT, SINK = data.INDEXABLE_COLLECTION_HOT_STORE, data.INDEXABLE_COLLECTION_PIPELINE_SINK
STAGES = [bson.encode({"$limit": 1})]

#: RPCs that look at things only.
READS = {
    "ExportTabularData",
    "GetDataPipeline",
    "GetSequence",
    "GetSequenceBinaryData",
    "GetSequenceDatasetExport",
    "ListSequences",
    "SequencesByDatasetID",
    "ListDataPipelineRuns",
    "ListDataPipelines",
    "GetSavedQuery",
    "ListIndexes",
    "ListSavedQueries",
}


@dataclass(kw_only=True)
class Things:
    """Ids of what `newest_requests` speaks of."""

    query: str = NOBODY
    pipeline: str = NOBODY
    disabled: str = NOBODY
    sequence: str = NOBODY
    member: str = NOBODY
    sequences: str = NOBODY  # a dataset
    export: str = NOBODY


async def make_things(viam: Viam, part: Part = DEFAULT_PART) -> Things:
    """Make what the requests speak of."""
    owner = part.organization_id
    index = data.CreateIndexRequest(
        organization_id=owner, collection_type=HOT, index_spec=[bson.encode({"a": 1})]
    )
    await viam.rpc("CreateIndex", index)
    query = data.CreateSavedQueryRequest(organization_id=owner, name="first", mql_binary=STAGES)
    pipeline = pipelines.CreateDataPipelineRequest(
        organization_id=owner, name="first", mql_binary=STAGES, schedule="0 * * * *"
    )
    made = []
    for name in ("first", "second"):
        pipeline.name = name
        made.append((await viam.rpc("CreateDataPipeline", pipeline)).id)
    await viam.rpc("DisableDataPipeline", pipelines.DisableDataPipelineRequest(id=made[1]))
    return Things(
        query=(await viam.rpc("CreateSavedQuery", query)).id,
        pipeline=made[0],
        disabled=made[1],
        **await _make_sequences(viam, part),
    )


def newest_requests(part: Part, things: Things | None = None) -> dict[str, list[Message]]:
    """About a part and its organization; the first of each RPC does something."""
    there = things or Things()
    owner = part.organization_id
    query = there.query
    made = [
        *_indexes(owner),
        *_sequences(part, there),
        *_pipelines(owner, there.pipeline, there.disabled),
        data.CreateSavedQueryRequest(organization_id=owner, name="q", mql_binary=STAGES),
        data.UpdateSavedQueryRequest(id=query, name="r", mql_binary=STAGES),
        data.GetSavedQueryRequest(id=query),
        data.ListSavedQueriesRequest(organization_id=owner, limit=1),
        data.DeleteSavedQueryRequest(id=query),
        data.ExportTabularDataRequest(
            part_id=part.id,
            resource_name="c",
            resource_subtype="t",
            method_name="m",
            interval=interval(at(0), at(9)),
            additional_parameters=struct_from({"a": 1}),
        ),
    ]
    requests: dict[str, list[Message]] = {}
    for message in made:
        requests.setdefault(_RPCS[message.DESCRIPTOR.full_name], []).append(message)
    return requests


_RPCS = {method.request_type: name for name, method in METHODS.items()}


async def _make_sequences(viam: Viam, part: Part) -> dict[str, str]:
    request = data.CreateSequenceRequest(part_id=part.id, **WINDOW)
    first = (await viam.rpc("CreateSequence", request)).id
    member = (await viam.rpc("CreateSequence", request)).id
    made = await viam.create_dataset("sequences", organization_id=part.organization_id, type=1)
    add = data.AddSequencesToDatasetRequest(dataset_id=made, sequence_ids=[member])
    await viam.rpc("AddSequencesToDataset", add)
    start = dataset.StartSequenceDatasetExportRequest(dataset_id=made)
    job = (await viam.rpc("StartSequenceDatasetExport", start)).job_id
    return {"sequence": first, "member": member, "sequences": made, "export": job}


WINDOW: dict[str, Any] = {
    "resources": [data.SequenceResourceFilter(resource_name="c", method_name="m")],
    "sequence_tags": ["t"],
    "start_time": at(0),
    "end_time": at(9),
}


def _sequences(part: Part, there: Things) -> list[Any]:
    mask = data.UpdateSequenceRequest(id=there.sequence, **{**WINDOW, "sequence_tags": ["u"]})
    mask.field_mask.paths.extend(["resources", "sequence_tags", "start_time", "end_time"])
    page: dict[str, Any] = {"page_size": 1}
    owner = part.organization_id
    return [
        data.CreateSequenceRequest(part_id=part.id, **WINDOW),
        data.GetSequenceRequest(id=there.sequence),
        mask,
        data.ListSequencesRequest(organization_id=owner, **page),
        data.ListSequencesRequest(organization_id=owner, page_token="x", **page),  # noqa: S106
        data.SequencesByDatasetIDRequest(dataset_id=there.sequences, count_only=True),
        data.SequencesByDatasetIDRequest(
            dataset_id=there.sequences,
            page_token="x",  # noqa: S106
            **page,
        ),
        data.GetSequenceBinaryDataRequest(sequence_id=there.sequence, **page),
        data.GetSequenceBinaryDataRequest(sequence_id=there.sequence, page_token="x"),  # noqa: S106
        data.AddSequencesToDatasetRequest(
            dataset_id=there.sequences, sequence_ids=[there.sequence]
        ),
        data.RemoveSequencesFromDatasetRequest(
            dataset_id=there.sequences, sequence_ids=[there.member]
        ),
        data.DeleteSequenceRequest(id=there.sequence),
        dataset.StartSequenceDatasetExportRequest(dataset_id=there.sequences),
        dataset.GetSequenceDatasetExportRequest(job_id=there.export),
    ]


def _pipelines(owner: str, pipeline: str, disabled: str) -> list[Any]:
    return [
        pipelines.CreateDataPipelineRequest(
            organization_id=owner,
            name="p",
            mql_binary=STAGES,
            schedule="0 * * * *",
            enable_backfill=True,
            data_source_type=data.TABULAR_DATA_SOURCE_TYPE_STANDARD,
        ),
        pipelines.GetDataPipelineRequest(id=pipeline),
        pipelines.ListDataPipelinesRequest(organization_id=owner),
        pipelines.RenameDataPipelineRequest(id=pipeline, name="r"),
        pipelines.ListDataPipelineRunsRequest(id=pipeline, page_size=1),
        pipelines.ListDataPipelineRunsRequest(id=pipeline, page_size=1, page_token="x"),  # noqa: S106
        pipelines.DisableDataPipelineRequest(id=pipeline),
        pipelines.EnableDataPipelineRequest(id=disabled),
        pipelines.DeleteDataPipelineRequest(id=pipeline),
    ]


def _indexes(owner: str) -> list[Any]:
    hot: dict[str, Any] = {"organization_id": owner, "collection_type": HOT}
    sink = {**hot, "collection_type": SINK, "pipeline_name": "p"}
    return [
        request
        for place in (hot, sink)
        for request in (
            data.CreateIndexRequest(**place, index_spec=[bson.encode({"b": 1})]),
            data.ListIndexesRequest(**place),
            data.DeleteIndexRequest(**place, index_name="a_1"),
        )
    ]
