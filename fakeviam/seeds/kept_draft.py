"""Queries, pipelines, indexes and sequences of a seed, made by the handlers that serve them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bson.errors import BSONError

from fakeviam.model.entities import CustomIndex, DataPipeline, Entity, SavedQuery, Sequence
from fakeviam.model.errors import AlreadyExistsError, UsageError
from fakeviam.query.bson_documents import encode, expand_extended_json
from fakeviam.seeds.kept_models import IndexEntry, PipelineEntry, SavedQueryEntry
from fakeviam.server.services.data.indexes import create_index
from fakeviam.server.services.data.saved_queries import create_saved_query
from fakeviam.server.services.data.sequences import add_sequences_to_dataset, create_sequence
from fakeviam.server.services.pipelines import create_data_pipeline
from fakeviam.server.state.call import Call
from fakeviam.wire import data, datapipelines, method
from fakeviam.wire.times import timestamp_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.model.fleet import Part
    from fakeviam.seeds.kept_models import KeptEntry, SequenceEntry
    from fakeviam.server.services.handlers import Rpc
    from fakeviam.server.state.cloud import CloudState

_SOURCES = {
    "standard": data.TABULAR_DATA_SOURCE_TYPE_STANDARD,
    "hot_storage": data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE,
}

#: Fields of entities as seeds call them, where that is different.
_WORDS = {
    "backfills": "backfill",
    "organization_id": "organization",
    "part_id": "part",
    "time_end": "end",
    "time_start": "start",
}


def add_kept(
    cloud: CloudState,
    entry: KeptEntry,
    *,
    owner_of: Callable[[str], str],
    part: Callable[[str], Part],
    dataset_id: Callable[[str, Part], str],
) -> Entity:
    """Find or make in a draft what an entry describes (SE-2, SE-3).

    Args:
        cloud: The draft.
        entry: What is wanted.
        owner_of: The id of the organization of a name.
        part: The part of a name.
        dataset_id: The id of the dataset of a name that belongs to a part.

    Raises:
        UsageError: It contradicts what is there.
        Refusal: It has no meaning.
    """
    if isinstance(entry, PipelineEntry):
        return _pipeline(cloud, entry, owner_of(entry.organization))
    if isinstance(entry, SavedQueryEntry):
        return _saved_query(cloud, entry, owner_of(entry.organization))
    if isinstance(entry, IndexEntry):
        return _index(cloud, entry, owner_of(entry.organization))
    owner = part(entry.part)
    return _sequence(cloud, entry, owner.id, [dataset_id(each, owner) for each in entry.datasets])


def _saved_query(cloud: CloudState, entry: SavedQueryEntry, owner: str) -> SavedQuery:
    stages = _encoded(entry.stages)
    request = data.CreateSavedQueryRequest(
        organization_id=owner, name=entry.name, mql_binary=stages
    )
    make = partial(_made, cloud, create_saved_query, request)
    fields = {"organization_id": owner, "name": entry.name, "stages": tuple(stages)}
    query: SavedQuery = _found_or(cloud, SavedQuery, entry, make, fields)
    return query


def _pipeline(cloud: CloudState, entry: PipelineEntry, owner: str) -> DataPipeline:
    stages = _encoded(entry.stages)
    request = datapipelines.CreateDataPipelineRequest(
        organization_id=owner,
        name=entry.name,
        mql_binary=stages,
        schedule=entry.schedule,
        data_source_type=_SOURCES[entry.source],
        enable_backfill=entry.backfill,
    )
    make = partial(_made, cloud, create_data_pipeline, request)
    values = {
        "organization_id": owner,
        "name": entry.name,
        "stages": tuple(stages),
        "schedule": entry.schedule,
        "source": entry.source,
        "backfills": entry.backfill,
    }
    fields: dict[str, Any] = {} if entry.enabled else {"enabled": False, "time_batch": None}
    pipeline: DataPipeline = _found_or(cloud, DataPipeline, entry, make, values, **fields)
    return pipeline


def _index(cloud: CloudState, entry: IndexEntry, owner: str) -> CustomIndex:
    spec = _encoded([entry.keys, *([entry.options] if entry.options else [])])
    sink = data.INDEXABLE_COLLECTION_PIPELINE_SINK
    request = data.CreateIndexRequest(
        organization_id=owner,
        collection_type=sink if entry.pipeline else data.INDEXABLE_COLLECTION_HOT_STORE,
        pipeline_name=entry.pipeline,
        index_spec=spec,
    )
    before = {index.id: index for index in cloud.store.entities(CustomIndex, owner)}
    try:
        _made(cloud, create_index, request)
    except AlreadyExistsError:
        pipelines = {each.id: each.name for each in cloud.store.entities(DataPipeline, owner)}
        for index in before.values():
            on = pipelines.get(index.pipeline_id, "")
            if (index.spec, on) == (tuple(spec), entry.pipeline):
                return index
        raise
    return next(
        index for index in cloud.store.entities(CustomIndex, owner) if index.id not in before
    )


def _sequence(
    cloud: CloudState, entry: SequenceEntry, part_id: str, dataset_ids: list[str]
) -> Sequence:
    resources = [
        data.SequenceResourceFilter(resource_name=each.component, method_name=each.method)
        for each in entry.resources
    ]
    request = data.CreateSequenceRequest(
        part_id=part_id,
        resources=resources,
        start_time=timestamp_from(entry.start),
        end_time=timestamp_from(entry.end),
        sequence_tags=entry.tags,
    )
    make = partial(_made, cloud, create_sequence, request)
    fields = {"part_id": part_id, "time_start": entry.start, "time_end": entry.end}
    sequence: Sequence = _found_or(cloud, Sequence, entry, make, fields)
    for dataset_id in dataset_ids:
        join = data.AddSequencesToDatasetRequest(dataset_id=dataset_id, sequence_ids=[sequence.id])
        _made(cloud, add_sequences_to_dataset, join)
    return sequence


def _encoded(documents: Iterable[dict[str, object]]) -> list[bytes]:
    """Documents as a client would send them."""
    try:
        return [encode(expand_extended_json(document)) for document in documents]
    except (BSONError, OverflowError, ValueError) as error:
        raise UsageError(f"cannot be sent as BSON: {error}") from None


def _made(cloud: CloudState, rpc: Rpc[Any, Any], request: object) -> object:
    return rpc.handle(Call.detached(cloud, method(rpc.name)), request)


def _found_or(
    cloud: CloudState,
    kind: Any,
    entry: SavedQueryEntry | PipelineEntry | SequenceEntry,
    make: Callable[[], Any],
    wanted: dict[str, Any],
    **fields: Any,
) -> Any:
    """What has the entry's id or name already, or a new one, with these fields changed."""
    name = getattr(entry, "name", "")
    entity = cloud.store.entity(kind, entry.id) if entry.id else None
    if entity is None and name:
        owned = cloud.store.entities(kind, wanted["organization_id"])
        entity = next((each for each in owned if each.name == name), None)
    if entity is None:
        created: Any = cloud.store.entity(kind, make().id)
        entity = replace(created, id=entry.id or created.id, **fields)
        cloud.store.drop_entities(created)
        cloud.store.put_entities(entity)
    others = [field for field, value in wanted.items() if getattr(entity, field) != value]
    if entry.id not in ("", entity.id):
        others.insert(0, "id")
    if others:
        raise UsageError(f"it already exists, with another {_WORDS.get(others[0], others[0])}")
    return entity
