"""Custom indexes of the hot store and of the sinks of pipelines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, datapipelines
from fakeviam_contracts import queries
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import check
from fakeviam_contracts.scope import NameScope
from fakeviam_contracts.session import permission
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

CREATE, LIST, DELETE = "CreateIndex", "ListIndexes", "DeleteIndex"
HOT, SINK = data.INDEXABLE_COLLECTION_HOT_STORE, data.INDEXABLE_COLLECTION_PIPELINE_SINK


def own_name(session: Session) -> str:
    """A unique name on the subject."""
    edge = session.wire.edge
    return edge.name if isinstance(edge, NameScope) else "own"


def _place(session: Session, pipeline: str = "") -> dict[str, Any]:
    place = {"organization_id": session.place.organization_id, "collection_type": HOT}
    return {**place, "collection_type": SINK, "pipeline_name": pipeline} if pipeline else place


def _spec(*documents: dict[str, Any]) -> list[bytes]:
    import bson  # noqa: PLC0415 - with the first index

    return [bson.encode(document) for document in documents]


def _create(session: Session, spec: list[bytes], pipeline: str = "") -> None:
    request = data.CreateIndexRequest(index_spec=spec, **_place(session, pipeline))
    raw.call(session, "IX-1", CREATE, request)


def _listed(session: Session, pipeline: str = "") -> list[data.Index]:
    request = data.ListIndexesRequest(**_place(session, pipeline))
    indexes: list[data.Index] = list(raw.call(session, "IX-1", LIST, request).indexes)
    return indexes


def _names(session: Session, pipeline: str = "") -> list[str]:
    return [index.index_name for index in _listed(session, pipeline)]


def _new(session: Session, spec: list[bytes], before: list[str], pipeline: str = "") -> data.Index:
    """The entries of the list that an index has added."""
    new = [each for each in _listed(session, pipeline) if each.index_name not in before]
    session.require("IX-1", "indexes listed after one was made", 1, len(new))
    (index,) = new
    session.expect("IX-1", "the collection of an index", (SINK if pipeline else HOT, pipeline),
                   (index.collection_type, index.pipeline_name))  # fmt: skip
    creator = data.INDEX_CREATOR_CUSTOMER
    session.expect("IX-1", "who made an index", creator, index.created_by)
    session.expect("IX-2", "the specification of an index", spec, list(index.index_spec))
    return index


def _delete(session: Session, name: str, pipeline: str = "") -> None:
    request = data.DeleteIndexRequest(index_name=name, **_place(session, pipeline))
    raw.call(session, "IX-1", DELETE, request)


@check("IX-1", "IX-2", "IX-3", "IX-5")
def indexes_of_the_hot_store(session: Session) -> None:
    """Indexes are listed as created, under their own names or those of their keys."""
    field = f"data.readings.{own_name(session)}"
    indexes = _listed(session)
    own = [each.created_by for each in indexes if each.index_name == "_id_"]
    session.expect("IX-5", "MongoDB's own index", [data.INDEX_CREATOR_VIAM], own)
    # As keys, keys and options, or one document of both; in BSON, or in JSON as the protos specify.
    named = f"named {own_name(session)}"
    both = {"key": {field: -1, "part_id": 1}, "options": {"name": f"both {named}"}}
    in_json = [json.dumps({f"{field}.json": 1}).encode()]
    for spec, name in (
        (_spec({field: 1}), f"{field}_1"),
        (_spec({f"{field}.more": 1, "tags": -1}), f"{field}.more_1_tags_-1"),
        (_spec({field: -1}, {"name": named}), named),
        (_spec(both), f"both {named}"),
        (in_json, f"{field}.json_1"),
    ):
        request = data.CreateIndexRequest(index_spec=spec, **_place(session))
        grounds = [permission("IX-3")] if spec is in_json else []
        before, answer = _names(session), session.wire.call(CREATE, request)
        if session.outcome("IX-1", CREATE, answer, grounds) is None:
            continue
        index = _new(session, spec, before)
        session.expect("IX-3", "the name of an index", name, index.index_name)


@check("IX-1")
def indexes_are_deleted(session: Session) -> None:
    """One index is deleted by its name; the others remain."""
    field = f"data.readings.{own_name(session)}"
    first, new = set(_names(session)), []
    for keys in ({field: 1}, {field: -1}):
        before = _names(session)
        _create(session, _spec(keys))
        new.append(_new(session, _spec(keys), before).index_name)
    _delete(session, new[0])
    left = [name for name in _names(session) if name not in first]
    session.expect("IX-1", "indexes after one was deleted", new[1:], left)
    _create(session, _spec({field: 1}))


def pipeline_named(session: Session, name: str) -> str:
    """Create a pipeline that runs once a year; returns its id."""
    request = datapipelines.CreateDataPipelineRequest(
        organization_id=session.place.organization_id,
        name=name,
        schedule="0 0 1 1 *",
        mql_binary=queries.encoded(session, [{"$limit": 1}]),
    )
    return str(raw.call(session, "DP-1", "CreateDataPipeline", request).id)


@check("IX-1", "IX-2", "IX-5")
def indexes_of_sinks(session: Session) -> None:
    """Each sink and the hot store have their own indexes, with separate names."""
    field = f"data.readings.{own_name(session)}"
    made = [pipeline_named(session, name) for name in ("first", "second")]
    there = {name: sorted(_names(session, name)) for name in ("", "first", "second")}
    empty = there["first"]
    session.expect("IX-5", "indexes of a new sink", ["_id_"], empty)
    named = _spec({field: -1}, {"name": f"named {own_name(session)}"})
    for name, spec in (("second", named), ("first", _spec({field: 1})), ("", _spec({field: 1}))):
        before = _names(session, name)
        _create(session, spec, name)
        index = _new(session, spec, before, name)
        there[name] = sorted([*there[name], index.index_name])
        for other, expected in there.items():
            what = "indexes of a sink" if other else "indexes of the hot store"
            session.expect("IX-1", what, expected, sorted(_names(session, other)))
    _delete(session, index.index_name, "first")
    session.expect("IX-1", "indexes of a sink", empty, _names(session, "first"))
    names = sorted(_names(session))
    session.expect("IX-1", "indexes of the hot store", there[""], names)
    renaming = datapipelines.RenameDataPipelineRequest(id=made[1], name="third")
    raw.call(session, "DP-1", "RenameDataPipeline", renaming)
    names = sorted(_names(session, "third"))
    session.expect("IX-1", "indexes of the sink of a renamed pipeline", there["second"], names)


@check("DP-10")
def indexes_go_with_their_pipeline(session: Session) -> None:
    """A new pipeline does not inherit the indexes of a deleted one with the same name."""
    made = pipeline_named(session, "first")
    _create(session, _spec({f"data.readings.{own_name(session)}": 1}), "first")
    request = datapipelines.DeleteDataPipelineRequest(id=made)
    raw.call(session, "DP-10", "DeleteDataPipeline", request)
    pipeline_named(session, "first")
    custom = [name for name in _names(session, "first") if name != "_id_"]
    session.expect("DP-10", "custom indexes of a new sink", [], custom)


@check("IX-3", "IX-4", "IX-5", "IX-6", "IX-7")
def indexes_that_cannot_be(session: Session) -> None:
    """Invalid specifications, collections and names are refused, and change nothing."""
    field = f"data.readings.{own_name(session)}"
    _create(session, _spec({field: 1}))
    before = _names(session)
    for spec in ([], _spec({}), [b"no document"], _spec({field: "sideways"}), _spec({field: 0})):
        request = data.CreateIndexRequest(index_spec=spec, **_place(session))
        raw.refuse(session, "IX-3", "INVALID_ARGUMENT", CREATE, request)
    taken = data.CreateIndexRequest(index_spec=_spec({field: 1}), **_place(session))
    raw.refuse(session, "IX-6", "ALREADY_EXISTS", CREATE, taken)
    for place, status in (
        ({"collection_type": 7}, "INVALID_ARGUMENT"),
        ({"collection_type": SINK}, "INVALID_ARGUMENT"),
        ({"collection_type": SINK, "pipeline_name": "nobody"}, "NOT_FOUND"),
        ({"collection_type": HOT, "pipeline_name": "nobody"}, "INVALID_ARGUMENT"),
    ):
        where = {**_place(session), **place}
        spec = _spec({field: -1})
        for rpc, asked in (
            (CREATE, data.CreateIndexRequest(index_spec=spec, **where)),
            (LIST, data.ListIndexesRequest(**where)),
            (DELETE, data.DeleteIndexRequest(index_name=f"{field}_1", **where)),
        ):
            raw.refuse(session, "IX-4", status, rpc, asked)
    unknown = data.DeleteIndexRequest(index_name=f"{field}_-1", **_place(session))
    answer = session.wire.call(DELETE, unknown)
    if raw.judge(session, "IX-7", "NOT_FOUND", DELETE, answer) and isinstance(answer, Refused):
        told = f"{field}_1" in answer.text
        session.expect("IX-7", "the text names the index that exists", expected=True, observed=told)
    own = data.DeleteIndexRequest(index_name="_id_", **_place(session))
    raw.refuse(session, "IX-5", "FAILED_PRECONDITION", DELETE, own)
    session.expect("IX-3", "indexes after refusals", before, _names(session))


CHECKS = (
    indexes_of_the_hot_store,
    indexes_are_deleted,
    indexes_of_sinks,
    indexes_go_with_their_pipeline,
    indexes_that_cannot_be,
)
