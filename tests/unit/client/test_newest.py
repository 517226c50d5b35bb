"""What viam-sdk 0.85.1 has beyond the documented client, by our own."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import bson
import pytest
from fakeviam_client import TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
from grpclib.exceptions import GRPCError

from fakeviam.wire import data as wire

if TYPE_CHECKING:
    from fakeviam_client import DataClient

    from fakeviam import FakeViam

pytestmark = pytest.mark.asyncio

NOW = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
SENSOR = ("s", "rdk:component:sensor", "Readings")


async def upload(client: DataClient, cloud: FakeViam, count: int) -> None:
    """Readings of one sensor, a second after each other."""
    times = [(NOW + timedelta(seconds=n), NOW) for n in range(count)]
    readings: list[dict[str, Any]] = [{"readings": {"n": n}} for n in range(count)]
    await client.tabular_data_capture_upload(
        readings, cloud.default_part.id, SENSOR[1], SENSOR[0], SENSOR[2], data_request_times=times
    )


async def test_readings_of_a_resource(client: DataClient, cloud: FakeViam) -> None:
    """All of them, some of them, one by one, the latest (EX-1, EX-2, GL-1, GL-3)."""
    part = cloud.default_part
    await upload(client, cloud, 3)
    points = await client.export_tabular_data(part.id, *SENSOR)
    assert [point.payload["readings"]["n"] for point in points] == [0, 1, 2]
    first = points[0]
    assert first.resource_api == SENSOR[1]
    assert first.robot_name == part.robot_name
    assert (first.time_captured, first.tags, first.method_parameters) == (NOW, [], {})
    later = NOW + timedelta(seconds=1)
    assert len(await client.export_tabular_data(part.id, *SENSOR, start_time=later)) == 2
    until = [p async for p in client.iter_tabular_data(part.id, *SENSOR, end_time=later)]
    assert until == points[:2]
    assert await client.export_tabular_data(part.id, *SENSOR, additional_params={"a": 1}) == []
    found = await client.get_latest_tabular_data(part.id, *SENSOR)
    assert found == (NOW + timedelta(seconds=2), NOW, {"readings": {"n": 2}})
    assert await client.get_latest_tabular_data(part.id, "other", *SENSOR[1:]) is None
    with pytest.raises(GRPCError, match="resource_name must not be empty"):
        await client.export_tabular_data(part.id, "", *SENSOR[1:])
    with pytest.raises(TypeError, match="start_time"):
        client.iter_tabular_data(part.id, *SENSOR, start_time=5)  # type: ignore[arg-type] # wrong


async def test_queries(client: DataClient, cloud: FakeViam) -> None:
    """Rows are dictionaries, with aware dates (SL-1, SL-2, MQ-1, MQ-5)."""
    organization = cloud.default_part.organization_id
    await upload(client, cloud, 3)
    statement = "SELECT time_requested, data.readings.n FROM readings WHERE data.readings.n > 1"
    latest = {"time_requested": NOW + timedelta(seconds=2), "n": 2.0}
    assert await client.tabular_data_by_sql(organization, statement) == [latest]
    stages: list[dict[str, Any]] = [{"$match": {"data.readings.n": 2}}]
    stages += [{"$project": {"_id": 0, "time_requested": 1, "n": "$data.readings.n"}}]
    assert await client.tabular_data_by_mql(organization, stages) == [latest]
    encoded = [bson.encode(stage) for stage in stages]
    assert await client.tabular_data_by_mql(organization, encoded, True) == [latest]  # noqa: FBT003
    hot = TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
    assert await client.tabular_data_by_mql(organization, stages, None, hot) == [latest]
    with pytest.raises(GRPCError, match="Error 3002"):
        await client.tabular_data_by_sql(organization, "SELECT data, * FROM readings")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"query": "[]"}, TypeError, "query must be a list of stages"),
        ({"query": {"$limit": 1}}, TypeError, "query must be a list of stages"),
        ({"query": [5]}, TypeError, r"query\[0\] must be a dictionary or BSON"),
        ({"query": [{"$limit": 1}, {"$set": {"a": object()}}]}, ValueError, r"query\[1\] cannot"),
        ({"query": [], "tabular_data_source_type": 9}, ValueError, "must be one of"),
        ({"query": [], "use_recent_data": "yes"}, TypeError, "True or False"),
        ({"query": [], "pipeline_id": 5}, TypeError, "pipeline_id"),
    ],
)
async def test_wrong_queries(
    client: DataClient, arguments: dict[str, Any], error: type[Exception], says: str
) -> None:
    """Told before anything is sent."""
    with pytest.raises(error, match=says):
        await client.tabular_data_by_mql("organization", **arguments)
    with pytest.raises(TypeError, match="sql_query"):
        await client.tabular_data_by_sql("organization", 5)  # type: ignore[arg-type] # wrong


async def test_indexes(client: DataClient, cloud: FakeViam) -> None:
    """IX-1, IX-3."""
    place = (cloud.default_part.organization_id, 1)
    await client.create_index(*place, {"key": {"a": 1}})
    assert [index.index_name for index in await client.list_indexes(*place)] == ["_id_", "a_1"]
    await client.delete_index(*place, "a_1")
    assert len(await client.list_indexes(*place)) == 1
    with pytest.raises(GRPCError, match="no pipeline 'p'"):
        await client.list_indexes(place[0], 2, "p")
    with pytest.raises(ValueError, match="collection_type must be one of"):
        await client.list_indexes(place[0], 7)
    with pytest.raises(ValueError, match="index_spec cannot be BSON"):
        await client.create_index(*place, {"a": object()})
    with pytest.raises(TypeError, match="index_spec must be a dictionary"):
        await client.create_index(*place, "a")  # type: ignore[arg-type] # wrong


async def test_pipelines(client: DataClient, cloud: FakeViam) -> None:
    """DP-1, DP-5, DP-13."""
    owner = cloud.default_part.organization_id
    made = await client.create_data_pipeline(owner, "p", [{"$limit": 1}], "0 * * * *", False)  # noqa: FBT003
    await client.rename_data_pipeline(made, "q")
    assert (await client.get_data_pipeline(made)).name == "q"
    cloud.clock.advance(hours=60)
    assert len((await client.list_data_pipeline_runs(made)).runs) == 10
    assert len([run async for run in client.iter_data_pipeline_runs(made)]) == 60
    await client.delete_data_pipeline(made)
    assert await client.list_data_pipelines(owner) == []
    with pytest.raises(GRPCError, match="must be a cron expression"):
        await client.create_data_pipeline(owner, "p", [{"$limit": 1}], "hourly", True)  # noqa: FBT003
    with pytest.raises(TypeError, match="enable_backfill"):
        await client.create_data_pipeline(owner, "p", [], "0 * * * *", 1)  # type: ignore[arg-type] # wrong


async def test_sequences(client: DataClient, cloud: FakeViam) -> None:
    """SQ-1 … SQ-9, EJ-1."""
    part = cloud.default_part
    resources = [wire.SequenceResourceFilter(resource_name="c", method_name="ReadImage")]
    later = NOW + timedelta(seconds=9)
    await client.binary_data_capture_upload(
        b"x", part.id, "camera", "c", "ReadImage", ".jpg", data_request_times=(NOW, NOW)
    )
    made = await client.create_sequence(part.id, resources, NOW, later, ["t"])
    await client.update_sequence(made, sequence_tags=[], end_time=NOW)
    sequence = await client.get_sequence(made, timeout=5)
    assert (list(sequence.sequence_tags), sequence.start_time) == ([], sequence.end_time)
    images, token = await client.get_sequence_binary_data(made, page_size=1)
    assert (len(images), token) == (1, "")
    into = await client.create_dataset("s", part.organization_id, type=1)
    await client.add_sequences_to_dataset(into, [made])
    assert (await client.sequences_by_dataset_id(into))[2] == 1
    assert await client.sequences_by_dataset_id(into, count_only=True) == ([], "", 1)
    job = await client.start_sequence_dataset_export(into)
    cloud.clock.advance(seconds=2)
    assert (await client.get_sequence_dataset_export(job)).download_url
    await client.remove_sequences_from_dataset(into, [made])
    await client.delete_sequence(made)
    assert await client.list_sequences(part.organization_id) == ([], "")
    with pytest.raises(ValueError, match="give resources, sequence_tags"):
        await client.update_sequence(made)
    with pytest.raises(TypeError, match="resources"):
        await client.create_sequence(part.id, ["c"], NOW, later)  # type: ignore[list-item] # wrong
