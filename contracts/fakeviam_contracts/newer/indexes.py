"""Custom indexes in random programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts.kept import Index, of_handle
from fakeviam_contracts.newer.common import end_if_doubtful
from fakeviam_contracts.operations import operation
from fakeviam_contracts.scope import NameScope
from fakeviam_contracts.session import Ground

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam_contracts.session import Session

CREATE, LIST, DELETE = "CreateIndex", "ListIndexes", "DeleteIndex"
HOT, SINK = data.INDEXABLE_COLLECTION_HOT_STORE, data.INDEXABLE_COLLECTION_PIPELINE_SINK
CREATOR = data.INDEX_CREATOR_CUSTOMER

#: The index that MongoDB creates in each collection.
OWN = "_id_"


@operation
def create_index(
    session: Session,
    keys: Mapping[str, object],
    *,
    name: str = "",
    pipeline: int | None = None,
) -> None:
    """Create an index on the hot store or on a sink (IX-1 … IX-3, IX-6)."""
    import bson  # noqa: PLC0415 - with the first index

    stem = f"data.readings.{_own_name(session)}"
    own = {f"{stem}.{key}": direction for key, direction in keys.items()}
    called = f"{name} {_own_name(session)}" if name else _name_of(own)
    spec = [bson.encode(own), *([bson.encode({"name": called})] if name else [])]
    place = _place(session, pipeline)
    if place is None:
        return
    before = _names(session, pipeline)
    grounds = [Ground("IX-6", "ALREADY_EXISTS")] if called in before else []
    if not keys or not all(direction in (1, -1) for direction in keys.values()):
        grounds = [Ground("IX-3")]
    request = data.CreateIndexRequest(index_spec=spec, **place)
    reply = session.outcome("IX-1", CREATE, session.wire.call(CREATE, request), grounds)
    if reply is not None:
        # Creating an existing index may be accepted.
        end_if_doubtful([ground for ground in grounds if ground.clause != "IX-6"])
        if not grounds:
            _learn_new(session, spec, called, before, pipeline)
    check_indexes(session, pipeline=pipeline)


@operation
def delete_index(session: Session, index: int) -> None:
    """Delete an index (IX-1, IX-7)."""
    model_index = of_handle(session.model.kept.indexes, index)
    place = _place(session, model_index.pipeline if model_index is not None else None)
    if place is None:
        return
    request = data.DeleteIndexRequest(index_name=session.handles.indexes[index], **place)
    there = request.index_name in _names(
        session, model_index.pipeline if model_index is not None else None
    )
    grounds = [] if model_index or there else [Ground("IX-7", "NOT_FOUND")]
    if model_index is None and there:  # another index with its name
        return
    reply = session.outcome("IX-1", DELETE, session.wire.call(DELETE, request), grounds)
    if reply is not None and model_index is not None:
        session.model.kept.indexes.remove(model_index)
    check_indexes(session, pipeline=None if model_index is None else model_index.pipeline)


@operation
def check_indexes(session: Session, *, pipeline: int | None = None) -> None:
    """The indexes of a collection: created ones, and MongoDB's own (IX-1, IX-2, IX-5)."""
    if _place(session, pipeline) is None:
        return
    ours = {session.handles.indexes[each.handle]: each for each in _kept(session, pipeline)}
    listed = _listed(session, pipeline)
    own = [each.created_by for each in listed if each.index_name == OWN]
    session.expect("IX-5", "MongoDB's own index", [data.INDEX_CREATOR_VIAM], own)
    by_name = {
        each.index_name: each for each in listed if each.index_name in session.handles.indexes
    }
    if pipeline is not None or session.place.exclusive:
        # Sinks belong to this program, so there are no other indexes.
        by_name = {each.index_name: each for each in listed if each.index_name != OWN}
    session.expect("IX-1", "names of custom indexes", sorted(ours), sorted(by_name))
    where = (HOT, "") if pipeline is None else (SINK, _pipeline_name(session, pipeline))
    for name in ours.keys() & by_name.keys():
        index = by_name[name]
        collection = (index.collection_type, index.pipeline_name)
        session.expect("IX-1", "the collection of an index", where, collection)
        session.expect("IX-1", "who made an index", CREATOR, index.created_by)
        session.expect("IX-2", "the specification of an index", ours[name].spec,
                       list(index.index_spec))  # fmt: skip


def _learn_new(
    session: Session, spec: list[bytes], called: str, before: list[str], pipeline: int | None
) -> None:
    """Register an index with the name that the server chose."""
    new = [name for name in _names(session, pipeline) if name not in before]
    session.require("IX-1", "indexes listed after one was made", 1, len(new))
    session.expect("IX-3", "the name of an index", called, new[0])
    handle = len(session.handles.indexes)
    session.handles.indexes.append(new[0])
    session.model.kept.indexes.append(Index(handle=handle, pipeline=pipeline, spec=spec))


def _own_name(session: Session) -> str:
    """A unique field on the subject."""
    edge = session.wire.edge
    return edge.name if isinstance(edge, NameScope) else "own"


def _name_of(keys: Mapping[str, object]) -> str:
    """MongoDB's default name of an index with these keys."""
    return "_".join(f"{field}_{direction}" for field, direction in keys.items())


def _pipeline_name(session: Session, pipeline: int) -> str:
    model_pipeline = of_handle(session.model.kept.pipelines, pipeline)
    # It is not documented whether the indexes of a renamed pipeline follow its name.
    return model_pipeline.name if model_pipeline is not None and not model_pipeline.renamed else ""


def _place(session: Session, pipeline: int | None) -> dict[str, Any] | None:
    """The fields that identify a collection; None if it no longer exists."""
    place: dict[str, Any] = {"organization_id": session.place.organization_id}
    if pipeline is None:
        return {**place, "collection_type": HOT}
    name = _pipeline_name(session, pipeline)
    return {**place, "collection_type": SINK, "pipeline_name": name} if name else None


def _listed(session: Session, pipeline: int | None) -> list[data.Index]:
    request = data.ListIndexesRequest(**(_place(session, pipeline) or {}))
    indexes: list[data.Index] = list(
        session.answered("IX-1", LIST, session.wire.call(LIST, request)).indexes
    )
    return indexes


def _names(session: Session, pipeline: int | None) -> list[str]:
    return [index.index_name for index in _listed(session, pipeline)]


def _kept(session: Session, pipeline: int | None) -> list[Index]:
    return [each for each in session.model.kept.indexes if each.pipeline == pipeline]
