"""Calls that look at much, beside calls that do not (SV-18)."""

from __future__ import annotations

import asyncio
from importlib import import_module
from threading import Event
from typing import TYPE_CHECKING, Any

import bson
import pytest
from grpclib.const import Status

from fakeviam.model.records import BinaryRecord, Source, TabularRecord
from fakeviam.server.services.data import queries, reading_documents, resources, sql
from fakeviam.store.memory import MemoryStore
from fakeviam.wire import data
from fakeviam.wire import dataset as dataset_wire
from fakeviam.wire.values import struct_from

from .driver import (
    DEFAULT_PART,
    NOW,
    ORGANIZATION,
    SECOND,
    Viam,
    connect,
    refused,
    tagged,
    until,
    where,
)

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from .conftest import Start

pytestmark = pytest.mark.asyncio

#: So many rows, four at a time, are a hundred turns or more; a small call takes about ten.
BLOCK, ROWS = 4, 1200

SOURCE = Source(
    organization_id=ORGANIZATION,
    location_id=DEFAULT_PART.location_id,
    robot_id=DEFAULT_PART.robot_id,
    robot_name=DEFAULT_PART.robot_name,
    part_id=DEFAULT_PART.id,
    part_name=DEFAULT_PART.name,
    component_type="rdk:component:sensor",
    component_name="a",
    method_name="Readings",
)


async def filled(start: Start) -> Viam:
    """A fake with many records, of whose store nothing was asked yet."""
    viam = await start(store=lambda: MemoryStore(block_size=BLOCK))
    store = viam.cloud._cloud.store
    times: list[dict[str, Any]] = [
        {"time_requested": time, "time_received": time, "time_synced": NOW}
        for time in range(NOW, NOW + ROWS * SECOND, SECOND)
    ]
    store.add_binary(
        [
            (BinaryRecord(file_id=f"{at:064}", source=SOURCE, mime_type="a/b", **when), b"")
            for at, when in enumerate(times)
        ]
    )
    store.add_tabular(
        [
            TabularRecord(id=f"{at:024x}", file_id="f", source=SOURCE, payload=b"", **when)
            for at, when in enumerate(times)
        ]
    )
    return viam


NAMED: dict[str, Any] = {
    "part_id": DEFAULT_PART.id,
    "resource_name": "a",
    "resource_subtype": "rdk:component:sensor",
    "method_name": "Readings",
}
NOBODYS = struct_from({"parameter": "that no reading has"})
NOTHING = data.DataRequest(filter=where(component_name="none"))

LONG: dict[str, tuple[str, Message]] = {
    "latest, parameters": (
        "GetLatestTabularData",
        data.GetLatestTabularDataRequest(**NAMED, additional_parameters=NOBODYS),
    ),
    "latest, name": (
        "GetLatestTabularData",
        data.GetLatestTabularDataRequest(**{**NAMED, "resource_name": "b"}),
    ),
    "export, parameters": (
        "ExportTabularData",
        data.ExportTabularDataRequest(**NAMED, additional_parameters=NOBODYS),
    ),
    "export, name": (
        "ExportTabularData",
        data.ExportTabularDataRequest(**{**NAMED, "resource_name": "b"}),
    ),
    "files": ("BinaryDataByFilter", data.BinaryDataByFilterRequest(data_request=NOTHING)),
    "count": (
        "BinaryDataByFilter",
        data.BinaryDataByFilterRequest(data_request=NOTHING, count_only=True),
    ),
    "readings": ("TabularDataByFilter", data.TabularDataByFilterRequest(data_request=NOTHING)),
    "tags": ("TagsByFilter", data.TagsByFilterRequest(filter=where(component_name="a"))),
    "labels": ("BoundingBoxLabelsByFilter", data.BoundingBoxLabelsByFilterRequest()),
    "tag all": (
        "AddTagsToBinaryDataByFilter",
        data.AddTagsToBinaryDataByFilterRequest(tags=["all"]),
    ),
    "tag": (
        "AddTagsToBinaryDataByFilter",
        data.AddTagsToBinaryDataByFilterRequest(filter=NOTHING.filter, tags=["x"]),
    ),
    "untag": (
        "RemoveTagsFromBinaryDataByFilter",
        data.RemoveTagsFromBinaryDataByFilterRequest(filter=tagged("x"), tags=["x"]),
    ),
    "delete": (
        "DeleteBinaryDataByFilter",
        data.DeleteBinaryDataByFilterRequest(
            filter=where(organization_ids=[ORGANIZATION], component_name="none")
        ),
    ),
    "delete readings": (
        "DeleteTabularData",
        data.DeleteTabularDataRequest(
            organization_id=ORGANIZATION, filter=data.DeleteTabularFilter(robot_id="none")
        ),
    ),
}


@pytest.mark.parametrize(("name", "request_message"), LONG.values(), ids=LONG)
@pytest.mark.thinned(3)
async def test_others_are_answered_meanwhile(
    start: Start, name: str, request_message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that comes later and looks at nothing is answered first (SV-18)."""
    monkeypatch.setattr(reading_documents, "PAGE", BLOCK)
    monkeypatch.setattr(resources, "PAGE", BLOCK)
    viam = await filled(start)
    order: list[str] = []
    with connect(viam.cloud) as channel:
        other = Viam(viam.cloud, channel)
        await _small(other)

        async def long() -> None:
            await viam.rpc(name, request_message)
            order.append("long")

        running = asyncio.create_task(long())
        await until(lambda: any(call.rpc == name for call in viam.cloud.calls))
        await _small(other)
        order.append("small")
        await running
    assert order == ["small", "long"]


async def _small(viam: Viam) -> Any:
    wanted = dataset_wire.ListDatasetsByOrganizationIDRequest(organization_id=ORGANIZATION)
    return await viam.rpc("ListDatasetsByOrganizationID", wanted)


QUERIES: dict[str, tuple[str, Message]] = {
    "mql": (
        "TabularDataByMQL",
        data.TabularDataByMQLRequest(
            organization_id=ORGANIZATION, mql_binary=[bson.encode({"$match": {"data.n": 1}})]
        ),
    ),
    "sql": (
        "TabularDataBySQL",
        data.TabularDataBySQLRequest(
            organization_id=ORGANIZATION, sql_query="SELECT data FROM readings WHERE data.n = 1"
        ),
    ),
}


@pytest.mark.parametrize(("name", "request_message"), QUERIES.values(), ids=QUERIES)
async def test_queries_are_computed_aside(
    start: Start, name: str, request_message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are answered while one computes, and what they change it does not see (SV-18)."""
    for module in sql._DIALECT:  # which is done aside, too, and before anything is looked at
        import_module(module)
    viam = await filled(start)
    others_are_done = Event()
    run = queries.run_pipeline
    found: list[int] = []

    def waiting(*args: Any) -> Any:
        assert others_are_done.wait(30), "nobody was answered meanwhile"
        found.append(args[0].store.stats().tabular.records)
        return run(*args)

    monkeypatch.setattr(queries, "run_pipeline", waiting)
    monkeypatch.setattr(sql, "run_pipeline", waiting)
    asking = asyncio.create_task(viam.rpc(name, request_message))
    await until(lambda: any(call.rpc == name for call in viam.cloud.calls))
    with connect(viam.cloud) as channel:
        other = Viam(viam.cloud, channel)
        deleted = await other.rpc(
            "DeleteTabularData", data.DeleteTabularDataRequest(organization_id=ORGANIZATION)
        )
    others_are_done.set()
    assert list((await asking).raw_data) == []
    assert (deleted.deleted_count, found) == (ROWS, [ROWS])


async def test_what_goes_wrong_aside_is_refused_as_ever(start: Start) -> None:
    """The reason comes back from the thread (SV-18)."""
    viam = await filled(start)
    stage = {"$addFields": {"x": {"$divide": [1, 0]}}}
    wanted = data.TabularDataByMQLRequest(
        organization_id=ORGANIZATION, mql_binary=[bson.encode(stage)]
    )
    with refused(Status.INVALID_ARGUMENT, "MQ-4", "divide by zero"):
        await viam.rpc("TabularDataByMQL", wanted)


async def test_a_write_is_one_step_all_the_same(start: Start) -> None:
    """What is uploaded while a delete looks for its files is deleted with them (SV-18)."""
    viam = await filled(start)
    name, everything = "DeleteBinaryDataByFilter", where(organization_ids=[ORGANIZATION])
    deleting = asyncio.create_task(
        viam.rpc(name, data.DeleteBinaryDataByFilterRequest(filter=everything))
    )
    await until(lambda: any(call.rpc == name for call in viam.cloud.calls))
    with connect(viam.cloud) as channel:
        await Viam(viam.cloud, channel).upload(component_name="a")
    assert not deleting.done()
    assert (await deleting).deleted_count == ROWS + 1
    assert len(viam.cloud.files) == 0
