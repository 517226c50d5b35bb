"""Custom indexes. They are only stored and listed: replies are the same with and without them."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.model.entities import Collection, CustomIndex, DataPipeline
from fakeviam.model.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from fakeviam.model.names import check_name
from fakeviam.server.services.datasets import check_organization
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.server.state.call import Call

_COLLECTIONS: MappingProxyType[int, Collection] = MappingProxyType(
    {
        data.INDEXABLE_COLLECTION_HOT_STORE: "hot_store",
        data.INDEXABLE_COLLECTION_PIPELINE_SINK: "pipeline_sink",
    }
)

#: The index that every MongoDB collection has (IX-5).
_OWN = "_id_"

#: The kinds of indexes that the specification of a key may name, besides 1 and -1.
_KINDS = frozenset({"2d", "2dsphere", "hashed", "text"})


class _Place(NamedTuple):
    """A collection of an organization that can have indexes."""

    organization_id: str
    collection: Collection
    pipeline: DataPipeline | None

    def holds(self, index: CustomIndex) -> bool:
        """Whether an index is on this collection."""
        pipeline_id = "" if self.pipeline is None else self.pipeline.id
        return (index.collection, index.pipeline_id) == (self.collection, pipeline_id)


@rpc("CreateIndex", rests_on=["IX-1", "IX-2", "IX-3"])
def create_index(call: Call, request: data.CreateIndexRequest) -> data.CreateIndexResponse:
    """Create an index, which is available immediately (IX-1 … IX-4)."""
    place = _place(call, request)
    index = CustomIndex(
        id=call.cloud.ids.object_id(),
        organization_id=place.organization_id,
        collection=place.collection,
        name=_name(request.index_spec),
        spec=tuple(request.index_spec),
        pipeline_id="" if place.pipeline is None else place.pipeline.id,
    )
    if index.name == _OWN or not call.store.put_entities(index):
        text = f"the collection already has an index named {index.name!r}"
        raise AlreadyExistsError(text, clause="IX-6")
    return data.CreateIndexResponse()


@rpc("ListIndexes", rests_on=["IX-1", "IX-2", "IX-5"])
def list_indexes(call: Call, request: data.ListIndexesRequest) -> data.ListIndexesResponse:
    """The indexes of a collection: MongoDB's own, then the custom ones (IX-1, IX-2, IX-5)."""
    place = _place(call, request)
    own = data.Index(
        index_name=_OWN, index_spec=[_encoded({"_id": 1})], created_by=data.INDEX_CREATOR_VIAM
    )
    custom = (
        data.Index(
            index_name=index.name,
            index_spec=index.spec,
            created_by=data.INDEX_CREATOR_CUSTOMER,
        )
        for index in _indexes(call, place)
    )
    reply = data.ListIndexesResponse(indexes=[own, *custom])
    for index in reply.indexes:
        index.collection_type = request.collection_type
        if place.pipeline is not None:
            index.pipeline_name = place.pipeline.name
    return reply


@rpc("DeleteIndex", rests_on=["IX-1"])
def delete_index(call: Call, request: data.DeleteIndexRequest) -> data.DeleteIndexResponse:
    """Drop a custom index by its name (IX-1, IX-5, IX-7)."""
    place = _place(call, request)
    if request.index_name == _OWN:
        raise FailedPreconditionError(f"index {_OWN!r} cannot be deleted", clause="IX-5")
    for index in _indexes(call, place):
        if index.name == request.index_name:
            call.store.drop_entities(index)
            return data.DeleteIndexResponse()
    known = ", ".join(repr(index.name) for index in _indexes(call, place)) or "no custom index"
    text = f"no index {request.index_name!r} on this collection; it has {known}"
    raise NotFoundError(text, clause="IX-7")


def _indexes(call: Call, place: _Place) -> list[CustomIndex]:
    indexes = call.store.entities(CustomIndex, place.organization_id)
    return [index for index in indexes if place.holds(index)]


def _place(
    call: Call,
    request: data.CreateIndexRequest | data.ListIndexesRequest | data.DeleteIndexRequest,
) -> _Place:
    """The collection that a request refers to.

    Raises:
        InvalidArgumentError: It names none, or a pipeline where none is allowed (IX-4).
        NotFoundError: The organization or the pipeline does not exist.
    """
    check_organization(call, request.organization_id)
    collection = _COLLECTIONS.get(request.collection_type)
    if collection is None:
        text = (
            "collection_type must be INDEXABLE_COLLECTION_HOT_STORE (1) or "
            f"INDEXABLE_COLLECTION_PIPELINE_SINK (2), got {request.collection_type}"
        )
        raise InvalidArgumentError(text, clause="IX-4")
    if collection == "hot_store":
        if request.pipeline_name:
            text = f"pipeline_name {request.pipeline_name!r} has no meaning for the hot store"
            raise InvalidArgumentError(text, clause="IX-4")
        return _Place(request.organization_id, collection, None)
    if not request.pipeline_name:
        text = "pipeline_name must not be empty for the sink of a pipeline"
        raise InvalidArgumentError(text, clause="IX-4")
    for pipeline in call.store.entities(DataPipeline, request.organization_id):
        if pipeline.name == request.pipeline_name:
            return _Place(request.organization_id, collection, pipeline)
    text = f"pipeline_name: the organization has no pipeline {request.pipeline_name!r}"
    raise NotFoundError(text, clause="IX-4")


def _name(spec: Sequence[bytes]) -> str:
    """The name of an index: from its options, or derived from its keys as MongoDB does (IX-3).

    Raises:
        InvalidArgumentError: The specification is invalid.
    """
    documents = [_decoded(each, place) for place, each in enumerate(spec)]
    if not documents:
        raise InvalidArgumentError("index_spec must not be empty", clause="IX-3")
    first, *others = documents
    keys, options = first, others[0] if others else {}
    for name in ("key", "keys"):
        if isinstance(first.get(name), dict):
            keys, options = first[name], {**first, **options}
    if not keys:
        raise InvalidArgumentError("index_spec must name a field to index", clause="IX-3")
    for field, kind in keys.items():
        if not _is_kind(kind):
            text = f"index_spec: {field!r} must be 1, -1 or a kind of index, got {kind!r:.80}"
            raise InvalidArgumentError(text, clause="IX-3")
    inner = options.get("options")
    explicit: object = options.get("name") or (inner.get("name") if isinstance(inner, dict) else "")
    if explicit is not None and not isinstance(explicit, str):
        text = f"index_spec: name must be text, got {explicit!r:.80}"
        raise InvalidArgumentError(text, clause="IX-3")
    result = explicit or "_".join(f"{field}_{_shown(kind)}" for field, kind in keys.items())
    return check_name(result, clause="IX-3", field="index_spec: name")


def _is_kind(kind: object) -> bool:
    """Whether this is a valid index direction or type."""
    if isinstance(kind, str):
        return kind in _KINDS
    return isinstance(kind, int | float) and not isinstance(kind, bool) and kind != 0


def _shown(kind: object) -> str:
    return str(int(kind)) if isinstance(kind, float) and kind.is_integer() else str(kind)


def _decoded(spec: bytes, place: int) -> dict[str, Any]:
    """A specification. The protos document JSON, but clients send BSON."""
    from fakeviam.query.bson_documents import decode  # noqa: PLC0415 - with the first index

    try:
        return decode(spec)
    except ValueError as error:
        why: Exception = error
    try:
        document = json.loads(spec)
        if isinstance(document, dict):
            return document
    except (ValueError, RecursionError) as error:
        why = error if spec.lstrip()[:1] == b"{" else why
    text = f"index_spec[{place}] is no document in BSON or JSON: {why}"
    raise InvalidArgumentError(text, clause="IX-3")


def _encoded(document: dict[str, object]) -> bytes:
    from fakeviam.query.bson_documents import encode  # noqa: PLC0415 - with the first index

    return encode(document)
