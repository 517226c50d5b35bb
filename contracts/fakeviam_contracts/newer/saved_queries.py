"""Saved queries in random programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import queries
from fakeviam_contracts.descriptions import query_seen
from fakeviam_contracts.kept import SavedQuery, of_handle
from fakeviam_contracts.newer.common import check_created, end_if_doubtful, found, new_handle
from fakeviam_contracts.operations import operation
from fakeviam_contracts.session import Ground, permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session

GET, LIST = "GetSavedQuery", "ListSavedQueries"
CREATE, UPDATE, DELETE = "CreateSavedQuery", "UpdateSavedQuery", "DeleteSavedQuery"

ASPECTS: dict[str, str] = dict.fromkeys(("id", "organization", "name", "stages", "dated"), "SA-1")


@operation
def save_query(session: Session, name: str, stages: Sequence[dict[str, Any]]) -> None:
    """Save a query (SA-1, SA-2, SA-3)."""
    encoded = queries.encoded(session, stages) if stages else []
    request = data.CreateSavedQueryRequest(
        organization_id=session.place.organization_id, name=name, mql_binary=encoded
    )
    grounds = _name_grounds(session, name)
    if not can_run(stages):
        grounds.append(Ground("SA-3"))
    reply = session.outcome("SA-1", CREATE, session.wire.call(CREATE, request), grounds)
    if reply is not None:
        handle = new_handle(session, "SA-1", session.handles.queries, reply.id, grounds)
        session.model.kept.queries.append(
            SavedQuery(handle=handle, name=name, stages=list(stages), encoded=encoded)
        )
    check_saved_queries(session)


@operation
def update_query(session: Session, query: int, name: str, stages: Sequence[dict[str, Any]]) -> None:
    """Change the name or the stages of a saved query, or both (SA-1, SA-2, SA-3, SA-5)."""
    model_query = of_handle(session.model.kept.queries, query)
    encoded = queries.encoded(session, stages) if stages else []
    request = data.UpdateSavedQueryRequest(
        id=session.handles.queries[query], name=name, mql_binary=encoded
    )
    grounds = [] if model_query else [Ground("SA-4", "NOT_FOUND")]
    grounds += _name_grounds(session, name, but=query) if name else []
    if stages and not can_run(stages):
        grounds.append(Ground("SA-3"))
    if not grounds and not (name and stages):
        grounds.append(permission("SA-5"))
    if not grounds and model_query is not None and model_query.name == name:
        grounds.append(permission("SA-2"))
    answer = session.wire.call(UPDATE, request)
    if session.outcome("SA-1", UPDATE, answer, grounds) is not None:
        end_if_doubtful(grounds)
        if model_query is not None:
            model_query.name = name or model_query.name
            if stages:
                model_query.stages, model_query.encoded = list(stages), encoded
    check_saved_queries(session)


@operation
def delete_query(session: Session, query: int) -> None:
    """Delete a saved query (SA-1, SA-4)."""
    model_query = of_handle(session.model.kept.queries, query)
    grounds = [] if model_query else [Ground("SA-4", "NOT_FOUND")]
    request = data.DeleteSavedQueryRequest(id=session.handles.queries[query])
    reply = session.outcome("SA-1", DELETE, session.wire.call(DELETE, request), grounds)
    if reply is not None and model_query is not None:
        session.model.kept.queries.remove(model_query)
        lookup = data.GetSavedQueryRequest(id=request.id)
        session.outcome("SA-4", GET, session.wire.call(GET, lookup), [Ground("SA-4", "NOT_FOUND")])
    check_saved_queries(session)


@operation
def check_saved_queries(session: Session, *, limit: int = 0) -> None:
    """Queries by id and in the list, with and without a limit (SA-1, SA-6)."""
    ids, model_queries = session.handles.queries, session.model.kept.queries
    for query in model_queries:
        request = data.GetSavedQueryRequest(id=ids[query.handle])
        reply = session.answered("SA-1", GET, session.wire.call(GET, request)).saved_query
        session.expect_all(ASPECTS, _expected(session, query), query_seen(reply), "a saved query")
        check_created(session, "SA-1", query, nanos_from(reply.created_on), "a saved query")
    organization_id = session.place.organization_id
    listing = data.ListSavedQueriesRequest(organization_id=organization_id, limit=limit)
    listed = session.answered("SA-1", LIST, session.wire.call(LIST, listing)).queries
    expected = [_expected(session, query) for query in model_queries]
    observed = found(query_seen, listed, ids)
    if limit:
        session.expect("SA-6", "a list is as long as its limit", True, len(listed) <= limit)  # noqa: FBT003
        session.expect("SA-6", "the first saved queries", expected[: len(observed)], observed)
        return
    in_order = sorted(observed, key=lambda each: ids.index(each["id"]))
    session.expect("SA-1", "saved queries in the list", expected, in_order)
    session.expect("SA-6", "saved queries, the oldest first", in_order, observed)


@operation
def check_behind(session: Session, query: int, stages: Sequence[dict[str, Any]]) -> None:
    """A saved query as a prefix is equivalent to its stages (MQ-9, MQ-12)."""
    model_query = of_handle(session.model.kept.queries, query)
    if model_query is None:
        return
    whole = [*model_query.stages, *stages]
    documents = queries.readings_of(session)
    if not queries.is_determined(documents, whole):
        return
    request = queries.request(session, stages)
    request.query_prefix_name = model_query.name
    answer = session.wire.call(queries.RPC, request)
    behind = queries.decoded(session.answered("MQ-12", queries.RPC, answer))
    ordered = bool(whole) and "$sort" in whole[-1]
    expected = queries.comparable(queries.asked(session, whole), ordered=ordered)
    observed = queries.comparable(behind, ordered=ordered)
    session.expect("MQ-12", "a query behind a saved one", expected, observed)


def can_run(stages: Sequence[dict[str, Any]]) -> bool:
    """Whether stages are valid: not empty, and all of them known."""
    return bool(stages) and not any({"$nothing", "$out"} & stage.keys() for stage in stages)


def _name_grounds(session: Session, name: str, *, but: int | None = None) -> list[Ground]:
    if not name.strip():
        return [Ground("SA-3")]
    others = [each for each in session.model.kept.queries if each.handle != but]
    is_taken = any(each.name == name for each in others)
    return [Ground("SA-2", "ALREADY_EXISTS")] if is_taken else []


def _expected(session: Session, query: SavedQuery) -> dict[str, object]:
    return {
        "id": session.handles.queries[query.handle],
        "organization": session.place.organization_id,
        "name": query.name,
        "stages": query.encoded,
        "dated": True,
    }
