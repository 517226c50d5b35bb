"""Named queries of an organization."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.model.entities import SavedQuery
from fakeviam.model.errors import AlreadyExistsError, InvalidArgumentError
from fakeviam.model.names import check_name
from fakeviam.server.services.arguments import visible
from fakeviam.server.services.data.queries import checked_stages
from fakeviam.server.services.datasets import check_organization
from fakeviam.server.services.encoding import set_time
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.server.state.call import Call


@rpc("CreateSavedQuery", rests_on=["SA-1"])
def create_saved_query(
    call: Call, request: data.CreateSavedQueryRequest
) -> data.CreateSavedQueryResponse:
    """Save a query under a name (SA-1 … SA-3)."""
    check_organization(call, request.organization_id)
    if not request.mql_binary:
        raise InvalidArgumentError("mql_binary must not be empty", clause="SA-3")
    now = call.clock.now()
    query = SavedQuery(
        id=call.cloud.ids.object_id(),
        organization_id=request.organization_id,
        name=check_name(request.name, clause="SA-3"),
        stages=_stages(call, request.mql_binary),
        time_created=now,
        time_updated=now,
    )
    if not call.store.put_entities(query):
        raise _taken(query.name)
    return data.CreateSavedQueryResponse(id=query.id)


@rpc("GetSavedQuery", rests_on=["SA-1"])
def get_saved_query(call: Call, request: data.GetSavedQueryRequest) -> data.GetSavedQueryResponse:
    """The query with this id (SA-1, SA-4)."""
    return data.GetSavedQueryResponse(saved_query=_message(_found(call, request.id)))


@rpc("UpdateSavedQuery", rests_on=["SA-1", "SA-5"])
def update_saved_query(
    call: Call, request: data.UpdateSavedQueryRequest
) -> data.UpdateSavedQueryResponse:
    """Change the name of a query, its stages, or both (SA-1 … SA-5)."""
    query = _found(call, request.id)
    changes: dict[str, Any] = {"time_updated": call.clock.now()}
    if request.name:
        changes["name"] = check_name(request.name, clause="SA-3")
    if request.mql_binary:
        changes["stages"] = _stages(call, request.mql_binary)
    if not call.store.change_entity(query, lambda current: replace(current, **changes)):
        _found(call, query.id)  # another server may have deleted it
        raise _taken(request.name)
    return data.UpdateSavedQueryResponse()


@rpc("DeleteSavedQuery", rests_on=["SA-1"])
def delete_saved_query(
    call: Call, request: data.DeleteSavedQueryRequest
) -> data.DeleteSavedQueryResponse:
    """Delete a query (SA-1, SA-4)."""
    call.store.drop_entities(_found(call, request.id))
    return data.DeleteSavedQueryResponse()


@rpc("ListSavedQueries", rests_on=["SA-1", "SA-6"])
def list_saved_queries(
    call: Call, request: data.ListSavedQueriesRequest
) -> data.ListSavedQueriesResponse:
    """The queries of an organization, oldest first (SA-1, SA-6)."""
    check_organization(call, request.organization_id)
    if request.limit < 0:
        text = f"limit must not be negative, got {request.limit}"
        raise InvalidArgumentError(text, clause="SA-6")
    queries = call.store.entities(SavedQuery, request.organization_id)
    page = queries[: request.limit] if request.limit else queries
    return data.ListSavedQueriesResponse(queries=map(_message, page))


def _stages(call: Call, encoded: Sequence[bytes]) -> tuple[bytes, ...]:
    call.cite(["SA-3"])
    return checked_stages(call, encoded)


def _taken(name: str) -> AlreadyExistsError:
    text = f"the organization already has a saved query named {name!r}"
    return AlreadyExistsError(text, clause="SA-2")


def _found(call: Call, query_id: str) -> SavedQuery:
    """The query with this id, if it is visible to the caller (SA-4)."""
    query = call.store.entity(SavedQuery, query_id)
    return visible(call, query, f"saved query {query_id!r}", clause="SA-4")


def _message(query: SavedQuery) -> data.Query:
    message = data.Query(
        id=query.id,
        organization_id=query.organization_id,
        name=query.name,
        mql_binary=query.stages,
    )
    set_time(message.created_on, query.time_created)
    set_time(message.updated_at, query.time_updated)
    return message
