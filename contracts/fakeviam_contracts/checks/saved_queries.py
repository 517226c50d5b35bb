"""Saved queries: created, updated, listed and used as a prefix of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from
from fakeviam_contracts import mql, queries, writes
from fakeviam_contracts.awkward_values import LONG_NAME
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, Need, check
from fakeviam_contracts.descriptions import query_seen
from fakeviam_contracts.session import permission

if TYPE_CHECKING:
    from collections.abc import Collection

    from fakeviam_contracts.session import Session

GET, LIST = "GetSavedQuery", "ListSavedQueries"
CREATE, UPDATE, DELETE = "CreateSavedQuery", "UpdateSavedQuery", "DeleteSavedQuery"

COUNT: queries.Stages = [{"$match": {"component_name": "sensor"}}, {"$count": "n"}]
LIMIT: queries.Stages = [{"$limit": 1}]


def create(session: Session, name: str, stages: queries.Stages) -> str:
    """Save a query; returns its id."""
    request = _creation(session, name, stages)
    return str(raw.call(session, "SA-1", CREATE, request).id)


def _creation(session: Session, name: str, stages: queries.Stages) -> data.CreateSavedQueryRequest:
    return data.CreateSavedQueryRequest(
        organization_id=session.place.organization_id,
        name=name,
        mql_binary=queries.encoded(session, stages),
    )


def _get(session: Session, query_id: str) -> data.Query:
    request = data.GetSavedQueryRequest(id=query_id)
    query: data.Query = raw.call(session, "SA-1", GET, request).saved_query
    return query


def in_list(session: Session, ids: Collection[str], clause: str = "SA-1") -> list[data.Query]:
    """The entries of the list with these ids."""
    # Which limit holds for a list without one is not documented (SA-6).
    organization_id, most = session.place.organization_id, 1000
    request = data.ListSavedQueriesRequest(organization_id=organization_id, limit=most)
    reply = raw.call(session, clause, LIST, request)
    return [query for query in reply.queries if query.id in ids]


def _expect_told(session: Session, expected: dict[str, Any], of: str, clause: str = "SA-1") -> None:
    """Expect a query, by its id and in the list."""
    query_id = expected["id"]
    session.expect(clause, f"a saved query {of}", expected, query_seen(_get(session, query_id)))
    listed = [query_seen(query) for query in in_list(session, [query_id])]
    session.expect(clause, f"a saved query {of}, in the list", [expected], listed)


@check("SA-1", "SA-6")
def saved_queries_are_kept(session: Session) -> None:
    """Queries are listed as created, oldest first."""
    organization = session.place.organization_id
    made = []
    for name, stages in (("zebras", COUNT), ("apes", LIMIT), (session.name, [*LIMIT, *COUNT])):
        query_id = create(session, name, stages)
        made.append(query_id)
        expected = {
            "id": query_id,
            "organization": organization,
            "name": name,
            "stages": queries.encoded(session, stages),
            "dated": True,
        }
        _expect_told(session, expected, "as created")
    session.expect("SA-1", "ids of saved queries", 3, len(set(made)))
    listed = [query.id for query in in_list(session, made, "SA-6")]
    session.expect("SA-6", "saved queries in their order", made, listed)
    _check_limits(session, made)
    session.expect("SA-1", "saved queries listed", set(made), set(listed))
    answer = session.wire.call(CREATE, _creation(session, LONG_NAME, LIMIT))
    if (reply := session.outcome("SA-1", CREATE, answer, [permission("NM-1")])) is not None:
        session.expect("SA-1", "a long name", LONG_NAME, _get(session, reply.id).name)


@check("SA-1", "SA-4")
def saved_queries_are_deleted(session: Session) -> None:
    """One query and its name are deleted; the others remain."""
    made = [create(session, name, LIMIT) for name in ("zebras", "apes")]
    raw.call(session, "SA-1", DELETE, data.DeleteSavedQueryRequest(id=made[0]))
    left = [query.id for query in in_list(session, made)]
    session.expect("SA-1", "saved queries after one was deleted", made[1:], left)
    raw.refuse(session, "SA-4", "NOT_FOUND", GET, data.GetSavedQueryRequest(id=made[0]))
    create(session, "zebras", LIMIT)


def _check_limits(session: Session, made: list[str]) -> None:
    request = data.ListSavedQueriesRequest(organization_id=session.place.organization_id, limit=2)
    reply = raw.call(session, "SA-6", LIST, request)
    session.expect("SA-6", "saved queries of a list with a limit", 2, len(reply.queries))
    if session.place.exclusive:
        found = [query.id for query in reply.queries]
        session.expect("SA-6", "the first saved queries", made[:2], found)
    request.limit = -1
    raw.refuse(session, "SA-6", "INVALID_ARGUMENT", LIST, request)


@check("SA-1", "SA-5")
def saved_queries_are_changed(session: Session) -> None:
    """Updates replace name and stages; absent fields and other queries remain."""
    other = create(session, "apes", LIMIT)
    query_id = create(session, "zebras", COUNT)
    untouched, query = _get(session, other), _get(session, query_id)
    expected, created = query_seen(query), nanos_from(query.created_on)
    updated = nanos_from(query.updated_at)
    longer = [*LIMIT, *COUNT]
    for name, stages, clause in (
        (session.name, longer, "SA-1"),
        ("rats", [], "SA-5"),
        ("", COUNT, "SA-5"),
    ):
        if session.place.sleep is not None:
            session.place.sleep(SECOND // 1000)
        request = data.UpdateSavedQueryRequest(id=query_id, name=name)
        if name:
            expected["name"] = name
        if stages:
            request.mql_binary[:] = expected["stages"] = queries.encoded(session, stages)
        answer = session.wire.call(UPDATE, request)
        if session.outcome(clause, UPDATE, answer) is None:
            return
        parts = " and ".join([*(["name"] if name else []), *(["stages"] if stages else [])])
        query = _get(session, query_id)
        session.expect(clause, f"a saved query whose {parts} changed", expected, query_seen(query))
        times = nanos_from(query.created_on), nanos_from(query.updated_at) >= created
        session.expect("SA-1", "times of a saved query that was changed", (created, True), times)
        session.expect("SA-1", "a saved query beside one that was changed", untouched,
                       _get(session, other))  # fmt: skip
        before, updated = updated, nanos_from(query.updated_at)
        if session.place.advance is not None:  # elsewhere, times may be rounded
            session.expect("SA-5", "an update has a time of its own", expected=True,
                           observed=updated > before)  # fmt: skip
    create(session, "zebras", LIMIT)  # its former name is available again


@check("SA-2", "SA-3")
def names_of_saved_queries(session: Session) -> None:
    """Names are unique; invalid queries are refused and change nothing."""
    first, second = create(session, "zebras", LIMIT), create(session, "apes", LIMIT)
    there = {query.id for query in _listed_all(session)}
    taken = _creation(session, "zebras", COUNT)
    raw.refuse(session, "SA-2", "ALREADY_EXISTS", CREATE, taken)
    renaming = data.UpdateSavedQueryRequest(id=second, name="zebras")
    raw.refuse(session, "SA-2", "ALREADY_EXISTS", UPDATE, renaming)
    for name, stages in (("", LIMIT), ("  ", LIMIT), ("mice", []), ("rats", [{"$nothing": {}}]),
                         ("bats", [*LIMIT, {"$out": "elsewhere"}])):  # fmt: skip
        request = _creation(session, name, stages)
        if not stages:
            del request.mql_binary[:]
        raw.refuse(session, "SA-3", "INVALID_ARGUMENT", CREATE, request)
    garbage = _creation(session, "cats", [])
    garbage.mql_binary[:] = [b"no document"]
    raw.refuse(session, "SA-3", "INVALID_ARGUMENT", CREATE, garbage)
    wrong = queries.encoded(session, [{"$nothing": {}}])
    for changing in (
        data.UpdateSavedQueryRequest(id=first, name=" "),
        data.UpdateSavedQueryRequest(id=first, mql_binary=wrong),
    ):
        raw.refuse(session, "SA-3", "INVALID_ARGUMENT", UPDATE, changing)
    if session.place.exclusive and not session.differences:
        now = {query.id for query in _listed_all(session)}
        session.expect("SA-3", "saved queries after refusals", there, now)
    names = [_get(session, each).name for each in (first, second)]
    session.expect("SA-3", "names after refusals", ["zebras", "apes"], names)


def _listed_all(session: Session) -> list[data.Query]:
    request = data.ListSavedQueriesRequest(organization_id=session.place.organization_id)
    queries_: list[data.Query] = list(raw.call(session, "SA-1", LIST, request).queries)
    return queries_


@check("SA-4")
def saved_queries_of_nobody(session: Session) -> None:
    """Every request with an unknown id is NOT_FOUND."""
    for nobody in (raw.NOBODY, "no id", ""):
        for rpc, request in (
            (GET, data.GetSavedQueryRequest(id=nobody)),
            (UPDATE, data.UpdateSavedQueryRequest(id=nobody, name="mice")),
            (DELETE, data.DeleteSavedQueryRequest(id=nobody)),
        ):
            raw.refuse(session, "SA-4", "NOT_FOUND", rpc, request)


@check("MQ-9", "MQ-12")
def queries_behind_saved_ones(session: Session) -> None:
    """The stages of the saved query are executed first."""
    for at in range(5):
        moment = BASE + at * SECOND
        writes.upload_rows(
            session,
            part=0,
            rows=[{"readings": {"n": float(at)}}],
            times=[(moment, moment)],
            component="sensor",
        )
    number = "data.readings.n"
    saved: queries.Stages = [{"$sort": {number: 1}}, {"$limit": 3}]
    create(session, session.name, saved)
    later: queries.Stages = [{"$sort": {number: -1}}, {"$project": {"_id": 0, "n": f"${number}"}}]
    source = data.TabularDataSource(type=data.TABULAR_DATA_SOURCE_TYPE_STANDARD)
    for name, stages, sources in (
        (session.name, [*saved, *later], ()),
        (session.name, [*saved, *later], (source,)),
        ("", later, ()),
    ):
        request = queries.request(session, later)
        for each in sources:
            request.data_source.CopyFrom(each)
        # The saved query already selects the session's readings.
        request.query_prefix_name = name
        expected = mql.run(queries.readings_of(session), stages)
        reply = session.answered("MQ-12", queries.RPC, session.wire.call(queries.RPC, request))
        what = "a query behind a saved one" if name else "a query with no other in front"
        session.expect("MQ-12", what, expected, queries.decoded(reply))
    bare = data.TabularDataByMQLRequest(
        organization_id=session.place.organization_id, query_prefix_name=session.name
    )
    reply = session.answered("MQ-12", queries.RPC, session.wire.call(queries.RPC, bare))
    count = len(queries.decoded(reply))
    session.expect("MQ-12", "documents of a saved query with no stages behind it", 3, count)
    request = queries.request(session, later)
    request.query_prefix_name = session.name.swapcase()
    raw.refuse(session, "MQ-9", "NOT_FOUND", queries.RPC, request)


@check("SA-1", "SA-2", "MQ-9", needs=(Need.FOREIGN,))
def saved_queries_of_two_organizations(session: Session) -> None:
    """Organizations have separate names, lists and prefixes."""
    place = session.place
    assert place.foreign is not None  # noqa: S101 - required by the check
    organizations = (place.organization_id, place.foreign.organization_id)
    made = []
    for organization in organizations:
        request = _creation(session, "zebras", COUNT)
        request.organization_id = organization
        reply = session.outcome("SA-2", CREATE, session.wire.call(CREATE, request))
        if reply is None:
            return
        made.append(reply.id)
    for organization, own in zip(organizations, made, strict=True):
        listing = data.ListSavedQueriesRequest(organization_id=organization)
        listed = [query.id for query in raw.call(session, "SA-1", LIST, listing).queries]
        found = [query_id for query_id in listed if query_id in made]
        session.expect("SA-1", "saved queries of one of two organizations", [own], found)
    request = _creation(session, "apes", COUNT)
    request.organization_id = organizations[1]
    raw.call(session, "SA-1", CREATE, request)
    asking = queries.request(session, LIMIT)
    asking.query_prefix_name = "apes"
    raw.refuse(session, "MQ-9", "NOT_FOUND", queries.RPC, asking)


CHECKS = (
    saved_queries_are_kept,
    saved_queries_are_deleted,
    saved_queries_are_changed,
    names_of_saved_queries,
    saved_queries_of_nobody,
    queries_behind_saved_ones,
    saved_queries_of_two_organizations,
)
