"""Saved queries: kept under a name, and put before queries that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bson
import pytest
from grpclib.const import Status

from fakeviam import Clock
from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from

from .driver import NOW, ORGANIZATION, SECOND, Viam, at, reading, refused, signed_in
from .test_queries import START, ask, upload_three

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

ONLY_A = {"$match": {"component_name": "a"}}
MISSING = "65f1a2b3c4d5e6f708192a3b"


def encoded(*stages: dict[str, Any]) -> list[bytes]:
    return [bson.encode(stage) for stage in stages]


def query(name: str = "daily", *stages: dict[str, Any], **fields: Any) -> Any:
    known = {"organization_id": ORGANIZATION, "mql_binary": encoded(*(stages or (ONLY_A,)))}
    return data.CreateSavedQueryRequest(name=name, **{**known, **fields})


async def create(viam: Viam, *args: Any, **fields: Any) -> str:
    reply = await viam.rpc("CreateSavedQuery", query(*args, **fields))
    return str(reply.id)


async def get(viam: Viam, query_id: str) -> data.Query:
    reply = await viam.rpc("GetSavedQuery", data.GetSavedQueryRequest(id=query_id))
    found: data.Query = reply.saved_query
    return found


async def names(viam: Viam, **fields: Any) -> list[str]:
    request = data.ListSavedQueriesRequest(organization_id=ORGANIZATION, **fields)
    reply = await viam.rpc("ListSavedQueries", request)
    return [each.name for each in reply.queries]


async def test_a_query_is_kept(start: Start) -> None:
    """SA-1: as it was sent, with its times."""
    viam = await start(clock=Clock.frozen(START.isoformat()))
    made = await create(viam)
    assert await get(viam, made) == data.Query(
        id=made,
        organization_id=ORGANIZATION,
        name="daily",
        mql_binary=encoded(ONLY_A),
        created_on=at(),
        updated_at=at(),
    )
    viam.cloud.clock.advance(seconds=5)
    again = encoded({"$limit": 1}, {"$skip": 1})
    update = data.UpdateSavedQueryRequest(id=made, name="weekly", mql_binary=again)
    await viam.rpc("UpdateSavedQuery", update)
    changed = await get(viam, made)
    assert (changed.name, list(changed.mql_binary)) == ("weekly", again)
    assert (changed.created_on, changed.updated_at) == (at(), timestamp_from(NOW + 5 * SECOND))
    await viam.rpc("DeleteSavedQuery", data.DeleteSavedQueryRequest(id=made))
    assert await names(viam) == []


async def test_an_update_leaves_what_is_empty(viam: Viam) -> None:
    """SA-5."""
    made = await create(viam)
    await viam.rpc("UpdateSavedQuery", data.UpdateSavedQueryRequest(id=made, name="weekly"))
    stages = encoded({"$limit": 1})
    await viam.rpc("UpdateSavedQuery", data.UpdateSavedQueryRequest(id=made, mql_binary=stages))
    changed = await get(viam, made)
    assert (changed.name, list(changed.mql_binary)) == ("weekly", stages)


async def test_lists(viam: Viam) -> None:
    """SA-6: the oldest first, all of them or so many."""
    for name in ("c", "a", "b"):
        await create(viam, name)
    assert await names(viam) == ["c", "a", "b"]
    assert await names(viam, limit=2) == ["c", "a"]
    assert await names(viam, limit=2**40) == ["c", "a", "b"]
    with viam.refuses(Status.INVALID_ARGUMENT, "SA-6", "limit must not be negative, got -1"):
        await names(viam, limit=-1)


async def test_names_are_unique(viam: Viam) -> None:
    """SA-2: on updates too; a query may keep its name."""
    await create(viam, "daily")
    other = await create(viam, "other")
    with viam.refuses(Status.ALREADY_EXISTS, "SA-2", "named 'daily'"):
        await create(viam, "daily")
    with viam.refuses(Status.ALREADY_EXISTS, "SA-2"):
        await viam.rpc("UpdateSavedQuery", data.UpdateSavedQueryRequest(id=other, name="daily"))
    await viam.rpc("UpdateSavedQuery", data.UpdateSavedQueryRequest(id=other, name="other"))


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no name": ({"name": ""}, "SA-3", "name must not be blank"),
    "blank name": ({"name": " \t"}, "SA-3", "name must not be blank, got ' \\t'"),
    "no stages": ({"mql_binary": []}, "SA-3", "mql_binary must not be empty"),
    "no BSON": ({"mql_binary": [b"x"]}, "MQ-10", "mql_binary[0] is not a BSON document"),
    "unknown stage": ({"mql_binary": encoded({"$lookup": {}})}, "MQ-3", "'$lookup'"),
    "unknown operator": (
        {"mql_binary": encoded({"$project": {"a": {"$nope": 1}}})},
        "MQ-4",
        "$nope",
    ),
    "no organization": ({"organization_id": ""}, "A48", "organization_id must not be empty"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_queries_are_not_kept(viam: Viam, case: str) -> None:
    """SA-3, and what MongoDB would refuse (MQ-3, MQ-4, MQ-10)."""
    fields, clause, text = BAD[case]
    with viam.refuses(Status.INVALID_ARGUMENT, clause, text):
        await viam.rpc("CreateSavedQuery", query(**{"name": "n", **fields}))
    made = await create(viam)
    if fields.get("mql_binary"):
        with viam.refuses(Status.INVALID_ARGUMENT, clause, text):
            await viam.rpc("UpdateSavedQuery", data.UpdateSavedQueryRequest(id=made, **fields))


async def test_unknown_ids(viam: Viam) -> None:
    """SA-4, DS-11."""
    for rpc in ("GetSavedQuery", "UpdateSavedQuery", "DeleteSavedQuery"):
        request = getattr(data, f"{rpc}Request")(id=MISSING)
        with viam.refuses(Status.NOT_FOUND, "SA-4", f"no saved query '{MISSING}'"):
            await viam.rpc(rpc, request)
    with viam.refuses(Status.NOT_FOUND, "DS-11"):
        await create(viam, organization_id="nobody")


async def test_other_organizations_have_their_own(start: Start) -> None:
    """A51: by id they do not exist, by name they are forbidden."""
    viam = await start(auth="keys")
    ours = await signed_in(viam)
    made = await create(ours)
    part = viam.cloud.fleet.add_part("arm", organization="acme")
    key = viam.cloud.add_api_key(organizations=part.organization_id)
    theirs = await signed_in(viam, key.id, key.key)
    with viam.refuses(Status.NOT_FOUND, "SA-4"):
        await get(theirs, made)
    with viam.refuses(Status.PERMISSION_DENIED, "A51"):
        await names(theirs)
    await create(theirs, organization_id=part.organization_id)


# As a prefix ------------------------------------------------------------------------------------


async def test_its_stages_go_first(viam: Viam) -> None:
    """MQ-12; the store sees them too."""
    await upload_three(viam)
    await create(viam, "a", ONLY_A, {"$sort": {"time_requested": -1}})
    found = await ask(viam, {"$limit": 1}, query_prefix_name="a")
    assert [row["data"]["k"] for row in found] == [2]
    assert len(await ask(viam, query_prefix_name="a")) == 2
    assert "MQ-12" in viam.cited()


async def test_a_prefix_that_does_not_exist(viam: Viam) -> None:
    """MQ-9: the error names those that do."""
    with refused(Status.NOT_FOUND, "MQ-9", "no saved query 'daily'; it has none"):
        await ask(viam, query_prefix_name="daily")
    await create(viam, "weekly")
    with refused(Status.NOT_FOUND, "MQ-9", "no saved query 'daily'; it has 'weekly'"):
        await ask(viam, query_prefix_name="daily")


async def test_a_prefix_is_for_keys_of_the_whole_organization(start: Start) -> None:
    """SA-7, DP-17: an operator of it uses one, though only owners list them."""
    viam = await start(auth="keys")
    await create(await signed_in(viam), "a", ONLY_A)
    key = viam.cloud.add_api_key(machines=viam.cloud.default_part)
    machine = await signed_in(viam, key.id, key.key)
    for name in ("a", "b"):
        with refused(Status.PERMISSION_DENIED, "SA-7"):
            await ask(machine, query_prefix_name=name)
    key = viam.cloud.add_api_key(organizations=ORGANIZATION, role="operator")
    operator = await signed_in(viam, key.id, key.key)
    assert await ask(operator, query_prefix_name="a") == []
    with refused(Status.PERMISSION_DENIED, "AC-3"):
        await names(operator)


async def test_a_reset_forgets_them(viam: Viam) -> None:
    """SN-3, SN-1."""
    await create(viam)
    snapshot = viam.cloud.snapshot()
    assert viam.cloud.reset().entities == 1
    assert await names(viam) == []
    viam.cloud.restore(snapshot)
    assert await names(viam) == ["daily"]
    await viam.upload_readings(reading({"k": 1}))
