"""TabularDataByMQL and GetLatestTabularData."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal

import bson
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpclib.const import Status

from fakeviam import Clock, Policy
from fakeviam.query.pushdown import TEXTS
from fakeviam.wire import data
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam.wire.well_known import Any as AnyMessage

from .driver import DEFAULT_PART, NOW, ORGANIZATION, SECOND, Viam, at, reading, refused

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

START = datetime.fromtimestamp(NOW / SECOND, timezone.utc)


async def ask(viam: Viam, *stages: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    request = data.TabularDataByMQLRequest(
        organization_id=ORGANIZATION, mql_binary=map(bson.encode, stages), **fields
    )
    reply = await viam.rpc("TabularDataByMQL", request)
    return [bson.decode(document) for document in reply.raw_data]


def parameter(text: str) -> AnyMessage:
    """A parameter of a capture, as robots send them."""
    wrapped = StringValue(value=text)
    return AnyMessage(
        type_url=f"type.googleapis.com/{wrapped.DESCRIPTOR.full_name}",
        value=wrapped.SerializeToString(),
    )


async def upload_three(viam: Viam) -> None:
    """Readings of two components; the first ends in a fraction of a millisecond."""
    await viam.upload_readings(
        reading({"k": 1}, at(0, 1_500_001), at(3)), component_name="a", method_name="Readings"
    )
    await viam.upload_readings(reading({"k": 2}, at(1), at(2)), component_name="a", tags=["x"])
    await viam.upload_readings(reading({"k": 3}, at(2), at(1)), component_name="b")


async def test_a_name_with_a_nul(viam: Viam) -> None:
    """MQ-13."""
    await viam.upload_readings(reading({"a\0b": [{"\0": 1}]}, at(0), at(0)))
    (document,) = await ask(viam)
    assert document["data"] == {"a\ufffdb": [{"\ufffd": 1}]}
    request = data.TabularDataBySQLRequest(
        organization_id=ORGANIZATION, sql_query="SELECT data FROM readings"
    )
    (row,) = (await viam.rpc("TabularDataBySQL", request)).raw_data
    assert bson.decode(row)["data"] == document["data"]
    assert "MQ-13" in {each.id for each in viam.cloud.calls.last().clauses}


async def test_what_a_document_is(viam: Viam) -> None:
    """MQ-1, MQ-2, MQ-5."""
    packed = parameter("fast")
    await viam.upload_readings(
        reading({"k": 1.5, "deep": {"a": [None, True]}}, at(0, 1_500_001), at(3)),
        component_type="rdk:component:sensor",
        component_name="a",
        method_name="Readings",
        method_parameters={"mode": packed},
        tags=["x"],
    )
    (document,) = await ask(viam)
    assert isinstance(document.pop("_id"), bson.ObjectId)
    naive = START.replace(tzinfo=None)  # as bson reads dates unless it is told otherwise
    assert document == {
        "organization_id": ORGANIZATION,
        "location_id": DEFAULT_PART.location_id,
        "robot_id": DEFAULT_PART.robot_id,
        "part_id": DEFAULT_PART.id,
        "component_type": "rdk:component:sensor",
        "component_name": "a",
        "method_name": "Readings",
        "time_requested": naive + timedelta(milliseconds=1),
        "time_received": naive + timedelta(seconds=3),
        "tags": ["x"],
        "additional_parameters": {"mode": "fast"},
        "data": {"k": 1.5, "deep": {"a": [None, True]}},
        "capture_day": naive.replace(hour=0, minute=0, second=0, microsecond=0),
    }
    assert {"MQ-1", "MQ-2", "MQ-5"} <= viam.cited()
    assert await ask(viam, {"$match": {"part_id": "nobody"}}) == []


async def test_documents_come_oldest_first_unless_sorted(viam: Viam) -> None:
    """MQ-6."""
    await upload_three(viam)
    assert [row["data"]["k"] for row in await ask(viam)] == [1, 2, 3]
    assert "MQ-6" in viam.cited()


@pytest.mark.parametrize("field", ["time_requested", "time_received"])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("limit", [1, 2, 9])
async def test_the_store_and_the_stages_sort_alike(
    viam: Viam, field: str, order: int, limit: int
) -> None:
    """MQ-1."""
    await upload_three(viam)
    match = {"$match": {"component_name": {"$in": ["a", "b"]}}}
    sort, most = {"$sort": {field: order}}, {"$limit": limit}
    assert await ask(viam, sort, most) == await ask(viam, match, sort, most)


@pytest.mark.parametrize("operator", ["$gt", "$gte", "$lt", "$lte"])
@pytest.mark.parametrize("millis", [0, 1, 2, 1000, 2000])
async def test_the_store_and_the_stages_compare_times_alike(
    viam: Viam, operator: str, millis: int
) -> None:
    """Times are cut to the millisecond in a document, and are finer in the store (MQ-2)."""
    await upload_three(viam)
    condition = {operator: START + timedelta(milliseconds=millis)}
    pushed = {"$match": {"time_requested": condition}}
    computed = {"$match": {"$and": [{"time_requested": condition}]}}
    assert await ask(viam, pushed) == await ask(viam, computed)


@pytest.mark.parametrize("field", sorted(TEXTS))
@pytest.mark.parametrize("which", [0, 1, -1])
async def test_the_store_and_the_stages_select_alike(viam: Viam, field: str, which: int) -> None:
    """By each field that the store selects by, with somebody's value and nobody's (MQ-1)."""
    other = viam.cloud.fleet.add_part("arm", robot="arm", location="shop")
    for part, name in ((DEFAULT_PART, "a"), (other, "b")):
        names = {"component_name": name, "component_type": name, "method_name": name}
        await viam.upload_readings(reading({"k": 1}, at(1)), part_id=part.id, **names)
    everything = await ask(viam)
    value = everything[which][field] if which >= 0 else "nobody"
    found = await ask(viam, {"$match": {field: value}})
    assert found == [row for row in everything if row[field] == value]
    assert len(found) == (which >= 0)


async def test_more_than_a_page_of_the_store(viam: Viam) -> None:
    """MQ-1."""
    await viam.upload_readings(*(reading({"k": k}) for k in range(2100)))
    assert await ask(viam, {"$group": {"_id": None, "n": {"$sum": 1}}}) == [
        {"_id": None, "n": 2100}
    ]
    assert len(await ask(viam, {"$sort": {"time_requested": 1}}, {"$limit": 1500})) == 1500


@pytest.mark.parametrize(
    ("stages", "clause", "text"),
    [
        ([{"$lookup": {}}], "MQ-3", "Unrecognized pipeline stage name: '$lookup' (stage 0)"),
        ([{"$project": {"x": {"$nope": 1}}}], "MQ-4", "(InvalidPipelineOperator)"),
        ([{"$limit": 1}] * 1001, "MQ-4", "no longer than 1000 stages"),
        ([{"$match": {"t": {"$date": "yesterday"}}}], "MQ-11", "mql_binary[0]"),
    ],
)
async def test_pipelines_that_are_refused(
    viam: Viam, stages: list[Any], clause: str, text: str
) -> None:
    """MQ-3, MQ-4, MQ-11."""
    with refused(Status.INVALID_ARGUMENT, clause, text):
        await ask(viam, *stages)


async def test_requests_that_are_refused(viam: Viam) -> None:
    """MQ-8, MQ-9, MQ-10, A48."""
    sink = data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK
    with refused(Status.INVALID_ARGUMENT, "MQ-8", "pipeline_id must not be empty"):
        await ask(viam, data_source=data.TabularDataSource(type=sink))
    with refused(Status.NOT_FOUND, "MQ-8", "'p'"):
        await ask(viam, data_source=data.TabularDataSource(type=sink, pipeline_id="p"))
    with refused(Status.NOT_FOUND, "MQ-9", "'daily'"):
        await ask(viam, query_prefix_name="daily")
    request = data.TabularDataByMQLRequest(organization_id=ORGANIZATION, mql_binary=[b"junk"])
    with refused(Status.INVALID_ARGUMENT, "MQ-10", "mql_binary[0] is not a BSON document"):
        await viam.rpc("TabularDataByMQL", request)
    with refused(Status.INVALID_ARGUMENT, "A48", "organization_id"):
        await viam.rpc("TabularDataByMQL", data.TabularDataByMQLRequest())


async def test_sources_of_data(viam: Viam) -> None:
    """MQ-14: an unknown one is refused; a pipeline's id beside another source is noted."""
    await upload_three(viam)
    source = data.TabularDataSource(type=9)  # type: ignore[arg-type]
    with viam.refuses(Status.INVALID_ARGUMENT, "MQ-14", "got 9"):
        await ask(viam, data_source=source)
    source = data.TabularDataSource(type=data.TABULAR_DATA_SOURCE_TYPE_STANDARD, pipeline_id="x")
    request = data.TabularDataByMQLRequest(organization_id=ORGANIZATION, data_source=source)
    async with viam.calling("TabularDataByMQL") as stream:
        await stream.send_message(request, end=True)
        assert len((await stream.recv_message()).raw_data) == 3
        await stream.recv_trailing_metadata()
    assert "was ignored" in str((stream.trailing_metadata or {})["fakeviam-note"])


async def test_queries_that_take_too_long(viam: Viam) -> None:
    """QG-2."""
    await upload_three(viam)
    with refused(Status.DEADLINE_EXCEEDED, "QG-2", "query timed out"):
        await ask(viam, {"$project": {"x": {"$range": [0, 10**9]}}})


async def test_hot_storage_holds_the_same(viam: Viam) -> None:
    """MQ-7."""
    await upload_three(viam)
    hot = data.TabularDataSource(type=data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE)
    assert await ask(viam, data_source=hot) == await ask(viam)
    assert await ask(viam, use_recent_data=True) == await ask(viam)
    assert "MQ-7" in viam.cited()


async def test_extended_json_stands_for_its_value(start: Start) -> None:
    """MQ-11."""
    later = {"$gte": {"$date": (START + timedelta(seconds=1)).isoformat()}}
    viam = await start()
    await upload_three(viam)
    found = await ask(viam, {"$match": {"time_requested": later}})
    assert [row["data"]["k"] for row in found] == [2, 3]
    assert "MQ-11" in viam.cited()
    strict = await start(policy=Policy(extended_json_in_bson="refuse"))
    with refused(Status.INVALID_ARGUMENT, "MQ-11", "send dates"):
        await ask(strict, {"$match": {"time_requested": later}})


# The latest reading -----------------------------------------------------------------------------


def latest(**fields: Any) -> data.GetLatestTabularDataRequest:
    names = {"resource_name": "a", "resource_subtype": "t", "method_name": "m"}
    return data.GetLatestTabularDataRequest(**{"part_id": DEFAULT_PART.id, **names, **fields})


async def test_the_latest_reading(viam: Viam) -> None:
    """The one captured last, not the one uploaded last (GL-1)."""
    of = {"component_name": "a", "component_type": "t", "method_name": "m"}
    await viam.upload_readings(reading({"k": 2}, at(2), at(2)), **of)
    await viam.upload_readings(reading({"k": 1}, at(1), at(1)), **of)
    reply = await viam.rpc("GetLatestTabularData", latest())
    assert (mapping_from(reply.payload), reply.time_captured) == ({"k": 2}, at(2))
    assert reply.time_synced == at()


async def test_nothing_is_found(start: Start) -> None:
    """Nothing there, or nothing that was synced within a year (GL-2, GL-3)."""
    clock = Clock.frozen(START.isoformat())
    viam = await start(clock=clock)
    assert await viam.rpc("GetLatestTabularData", latest()) == data.GetLatestTabularDataResponse()
    of = {"component_name": "a", "component_type": "t", "method_name": "m"}
    await viam.upload_readings(reading({"k": 1}), **of)
    clock.advance(days=365)
    assert (await viam.rpc("GetLatestTabularData", latest())).HasField("payload")
    clock.advance(seconds=1)
    assert await viam.rpc("GetLatestTabularData", latest()) == data.GetLatestTabularDataResponse()


async def test_parameters_choose(start: Start) -> None:
    """A34."""
    packed = parameter("fast")
    of = {"component_name": "a", "component_type": "t", "method_name": "m"}
    either: list[tuple[Literal["constraint", "absent"], Any]]
    either = [("constraint", {"k": 1}), ("absent", {"k": 2})]
    for empty, wanted in either:
        viam = await start(policy=Policy(empty_parameters=empty))
        await viam.upload_readings(reading({"k": 1}, at(1)), **of)
        await viam.upload_readings(
            reading({"k": 2}, at(2)), method_parameters={"mode": packed}, **of
        )
        asked = latest(additional_parameters=struct_from({}))
        assert mapping_from((await viam.rpc("GetLatestTabularData", asked)).payload) == wanted
        assert "A34" in viam.cited()
        asked = latest(additional_parameters=struct_from({"mode": "fast"}))
        assert mapping_from((await viam.rpc("GetLatestTabularData", asked)).payload) == {"k": 2}


@pytest.mark.parametrize("name", ["part_id", "resource_name", "resource_subtype", "method_name"])
async def test_a_resource_is_named_in_full(viam: Viam, name: str) -> None:
    """GL-4."""
    with refused(Status.INVALID_ARGUMENT, "GL-4", f"{name} must not be empty"):
        await viam.rpc("GetLatestTabularData", latest(**{name: ""}))
