"""Custom indexes: made, listed, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bson
import pytest
from grpclib.const import Status

from fakeviam.wire import data

from .driver import ORGANIZATION, Viam, refused, signed_in
from .test_pipelines import create as create_pipeline

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

HOT = data.INDEXABLE_COLLECTION_HOT_STORE
SINK = data.INDEXABLE_COLLECTION_PIPELINE_SINK


def place(**fields: Any) -> dict[str, Any]:
    return {"organization_id": ORGANIZATION, "collection_type": HOT, **fields}


async def create(viam: Viam, *spec: Any, **fields: Any) -> None:
    packed = [one if isinstance(one, bytes) else bson.encode(one) for one in spec]
    await viam.rpc("CreateIndex", data.CreateIndexRequest(**place(**fields), index_spec=packed))


async def listed(viam: Viam, **fields: Any) -> list[data.Index]:
    reply = await viam.rpc("ListIndexes", data.ListIndexesRequest(**place(**fields)))
    return list(reply.indexes)


async def names(viam: Viam, **fields: Any) -> list[str]:
    return [index.index_name for index in await listed(viam, **fields)]


async def delete(viam: Viam, name: str, **fields: Any) -> None:
    await viam.rpc("DeleteIndex", data.DeleteIndexRequest(**place(**fields), index_name=name))


async def test_an_index_comes_back_as_it_was_sent(viam: Viam) -> None:
    """IX-1, IX-2, IX-5: behind MongoDB's own."""
    spec = bson.encode({"key": {"data.k": 1, "tags": -1.0}})
    await create(viam, spec)
    own, made = await listed(viam)
    assert (own.index_name, own.created_by) == ("_id_", data.INDEX_CREATOR_VIAM)
    assert made == data.Index(
        collection_type=HOT,
        index_name="data.k_1_tags_-1",
        index_spec=[spec],
        created_by=data.INDEX_CREATOR_CUSTOMER,
    )
    await delete(viam, "data.k_1_tags_-1")
    assert await names(viam) == ["_id_"]


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ([{"a": 1}], "a_1"),
        ([{"a": 1, "b": "text"}], "a_1_b_text"),
        ([{"keys": {"a": 1}, "name": "mine"}], "mine"),
        ([{"key": {"a": 1}, "options": {"name": "mine"}}], "mine"),
        ([{"a": 1}, {"name": "mine", "sparse": True}], "mine"),
        ([b'{"a": 1}'], "a_1"),
        ([b' {"key": {"a": -1}}'], "a_-1"),
    ],
)
async def test_forms_of_specifications(viam: Viam, spec: list[Any], name: str) -> None:
    """IX-3."""
    await create(viam, *spec)
    assert await names(viam) == ["_id_", name]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ([], "index_spec must not be empty"),
        ([{}], "index_spec must name a field"),
        ([{"key": {}}], "index_spec must name a field"),
        ([{"a": 0}], "'a' must be 1, -1 or a kind of index, got 0"),
        ([{"a": "up"}], "got 'up'"),
        ([{"a": True}], "got True"),
        ([{"a": 1, "options": {"x": 1}}], "'options' must be 1"),
        ([{"key": {"a": 1}, "name": 5}], "name must be text, got 5"),
        ([b"?"], "index_spec[0] is no document in BSON or JSON"),
        ([b"{"], "index_spec[0] is no document in BSON or JSON"),
        ([b"[1]"], "index_spec[0] is no document in BSON or JSON"),
        ([{"a": 1}, b"\x05"], "index_spec[1] is no document"),
    ],
)
async def test_what_is_no_specification(viam: Viam, spec: list[Any], text: str) -> None:
    """IX-3."""
    with viam.refuses(Status.INVALID_ARGUMENT, "IX-3", text):
        await create(viam, *spec)
    assert await names(viam) == ["_id_"]


async def test_a_collection_must_be_named(viam: Viam) -> None:
    """IX-4, A48, DS-11."""
    for fields, status, clause, text in (
        ({"collection_type": 0}, Status.INVALID_ARGUMENT, "IX-4", "got 0"),
        ({"collection_type": 9}, Status.INVALID_ARGUMENT, "IX-4", "got 9"),
        ({"pipeline_name": "p"}, Status.INVALID_ARGUMENT, "IX-4", "no meaning for the hot store"),
        ({"collection_type": SINK}, Status.INVALID_ARGUMENT, "IX-4", "pipeline_name must not"),
        ({"collection_type": SINK, "pipeline_name": "p"}, Status.NOT_FOUND, "IX-4", "'p'"),
        ({"organization_id": ""}, Status.INVALID_ARGUMENT, "A48", "organization_id"),
        ({"organization_id": "x"}, Status.NOT_FOUND, "DS-11", "'x'"),
    ):
        for call in (create(viam, {"a": 1}, **fields), listed(viam, **fields)):
            with viam.refuses(status, clause, text):
                await call
        with viam.refuses(status, clause, text):
            await delete(viam, "a_1", **fields)


async def test_names_are_unique_in_a_collection(viam: Viam) -> None:
    """IX-6; MongoDB's own too."""
    await create(viam, {"a": 1})
    with viam.refuses(Status.ALREADY_EXISTS, "IX-6", "named 'a_1'"):
        await create(viam, {"key": {"b": 1}, "name": "a_1"})
    with viam.refuses(Status.ALREADY_EXISTS, "IX-6", "named '_id_'"):
        await create(viam, {"key": {"b": 1}, "name": "_id_"})


async def test_collections_have_their_own(start: Start) -> None:
    """IX-1, IX-6, A51: those of each sink, of the hot store and of other organizations."""
    viam = await start(auth="keys")
    ours = await signed_in(viam)
    part = viam.cloud.fleet.add_part("arm", organization="acme")
    key = viam.cloud.add_api_key(organizations=part.organization_id)
    theirs = await signed_in(viam, key.id, key.key)
    stage = {"$group": {"_id": "$part_id"}}
    for client, owner, name in (
        (ours, ORGANIZATION, "p"),
        (ours, ORGANIZATION, "q"),
        (theirs, part.organization_id, "p"),
    ):
        await create_pipeline(client, stage, organization_id=owner, name=name)
    places: list[tuple[Any, dict[str, Any]]] = [
        (ours, {}),
        (ours, {"collection_type": SINK, "pipeline_name": "p"}),
        (ours, {"collection_type": SINK, "pipeline_name": "q"}),
        (theirs, {"organization_id": part.organization_id}),
        (
            theirs,
            {
                "organization_id": part.organization_id,
                "collection_type": SINK,
                "pipeline_name": "p",
            },
        ),
    ]
    for number, (client, fields) in enumerate(places):
        await create(client, {"same": 1}, **fields)
        await create(client, {f"own{number}": 1}, **fields)
    await delete(ours, "same_1", **places[1][1])
    for number, (client, fields) in enumerate(places):
        same = [] if number == 1 else ["same_1"]
        assert await names(client, **fields) == ["_id_", *same, f"own{number}_1"]
        if client is theirs:
            with refused(Status.PERMISSION_DENIED, "A51"):
                await names(ours, **fields)
    with refused(Status.NOT_FOUND, "IX-4", "no pipeline 'q'"):
        await names(theirs, **{**places[4][1], "pipeline_name": "q"})


async def test_what_cannot_be_deleted(viam: Viam) -> None:
    """IX-5, IX-7."""
    with viam.refuses(Status.FAILED_PRECONDITION, "IX-5", "'_id_' cannot be deleted"):
        await delete(viam, "_id_")
    with viam.refuses(Status.NOT_FOUND, "IX-7", "no index 'x' on this collection; it has no cust"):
        await delete(viam, "x")
    await create(viam, {"a": 1})
    with viam.refuses(Status.NOT_FOUND, "IX-7", "it has 'a_1'"):
        await delete(viam, "x")
