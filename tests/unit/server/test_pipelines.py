"""Data pipelines: windows by the fake's clock, runs, sinks."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import bson
import pytest
from grpclib.const import Status
from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam import Clock
from fakeviam.model.clock import SECOND, moment_of, nanos_of
from fakeviam.model.entities import PipelineRun
from fakeviam.model.jobs import EXPORTS, RUNS
from fakeviam.model.schedules import Schedule, ScheduleError
from fakeviam.server.services import job_steps, turns
from fakeviam.server.services.data import queries
from fakeviam.store.memory import MemoryStore
from fakeviam.wire import data
from fakeviam.wire import datapipelines as wire
from fakeviam.wire.times import nanos_from, timestamp_from

from .driver import ORGANIZATION, Viam, play, reading, refused, signed_in

if TYPE_CHECKING:
    from .conftest import Start

UTC = timezone.utc
BEGIN = datetime(2026, 3, 10, 12, 10, tzinfo=UTC)
HOUR = {"$dateTrunc": {"date": "$time_requested", "unit": "hour"}}
COUNT = {"$group": {"_id": HOUR, "n": {"$sum": 1}}}
HOURLY = "0 * * * *"
SINK = data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK


def create_request(*stages: dict[str, Any], **fields: Any) -> wire.CreateDataPipelineRequest:
    known = {
        "organization_id": ORGANIZATION,
        "name": "p",
        "schedule": HOURLY,
        "mql_binary": [bson.encode(stage) for stage in stages or (COUNT,)],
    }
    return wire.CreateDataPipelineRequest(**{**known, **fields})


async def create(viam: Viam, *stages: dict[str, Any], **fields: Any) -> str:
    return str((await viam.rpc("CreateDataPipeline", create_request(*stages, **fields))).id)


async def get(viam: Viam, pipeline_id: str) -> wire.DataPipeline:
    reply = await viam.rpc("GetDataPipeline", wire.GetDataPipelineRequest(id=pipeline_id))
    pipeline: wire.DataPipeline = reply.data_pipeline
    return pipeline


async def change(viam: Viam, what: str, pipeline_id: str) -> None:
    request = getattr(wire, f"{what}DataPipelineRequest")(id=pipeline_id)
    await viam.rpc(f"{what}DataPipeline", request)


async def runs_of(viam: Viam, pipeline_id: str, **fields: Any) -> Any:
    request = wire.ListDataPipelineRunsRequest(id=pipeline_id, **fields)
    return await viam.rpc("ListDataPipelineRuns", request)


async def told(viam: Viam, pipeline_id: str) -> list[tuple[str, str]]:
    """The window and the state of each run, the newest first."""
    page = await runs_of(viam, pipeline_id, page_size=1000)
    return [
        (
            f"{_hour(run.data_start_time)}-{_hour(run.data_end_time)}",
            wire.DataPipelineRunStatus.Name(run.status).rpartition("_")[2].lower(),
        )
        for run in page.runs
    ]


def _hour(stamp: Any) -> str:
    return f"{moment_of(nanos_from(stamp)):%d/%H}"


async def sink(viam: Viam, pipeline_id: str, *stages: dict[str, Any]) -> list[dict[str, Any]]:
    request = data.TabularDataByMQLRequest(
        organization_id=ORGANIZATION,
        mql_binary=[bson.encode(stage) for stage in stages],
        data_source=data.TabularDataSource(type=SINK, pipeline_id=pipeline_id),
    )
    reply = await viam.rpc("TabularDataByMQL", request)
    return [bson.decode(document) for document in reply.raw_data]


async def upload(viam: Viam, *hours: float) -> None:
    """A reading each, so many hours after noon."""
    noon = nanos_of(datetime(2026, 3, 10, 12, tzinfo=UTC))
    for hour in hours:
        time = timestamp_from(noon + round(hour * 3600) * SECOND)
        await viam.upload_readings(reading({"h": hour}, time), component_name="a")


async def begin(start: Start, **options: Any) -> Viam:
    return await start(clock=Clock.frozen(BEGIN.isoformat()), **options)


# What is kept -------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_pipeline_is_kept_and_changed(start: Start) -> None:
    """DP-1, DP-3, DP-15."""
    viam = await begin(start)
    made = await create(viam)
    now = timestamp_from(nanos_of(BEGIN))
    assert await get(viam, made) == wire.DataPipeline(
        id=made,
        organization_id=ORGANIZATION,
        name="p",
        mql_binary=[bson.encode(COUNT)],
        schedule=HOURLY,
        enabled=True,
        created_on=now,
        updated_at=now,
        data_source_type=data.TABULAR_DATA_SOURCE_TYPE_STANDARD,
    )
    for what, enabled in (("Enable", True), ("Disable", False), ("Disable", False)):
        await change(viam, what, made)
        assert (await get(viam, made)).enabled is enabled
    await viam.rpc("RenameDataPipeline", wire.RenameDataPipelineRequest(id=made, name="q"))
    hot = data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
    other = await create(viam, data_source_type=hot)
    assert (await get(viam, other)).data_source_type == hot
    listing = wire.ListDataPipelinesRequest(organization_id=ORGANIZATION)
    found = (await viam.rpc("ListDataPipelines", listing)).data_pipelines
    assert [each.name for each in found] == ["q", "p"]
    with viam.refuses(Status.ALREADY_EXISTS, "DP-3", "named 'q'"):
        await viam.rpc("RenameDataPipeline", wire.RenameDataPipelineRequest(id=other, name="q"))
    with viam.refuses(Status.ALREADY_EXISTS, "DP-3", "named 'p'"):
        await create(viam)


BAD: dict[str, tuple[dict[str, Any], Status, str, str]] = {
    "blank name": ({"name": " "}, Status.INVALID_ARGUMENT, "DP-11", "name must not be blank"),
    "no cron": ({"schedule": "hourly"}, Status.INVALID_ARGUMENT, "DP-11", "five fields, got 1"),
    "six fields": ({"schedule": "* * * * * *"}, Status.INVALID_ARGUMENT, "DP-11", "got 6"),
    "out of range": ({"schedule": "61 * * * *"}, Status.INVALID_ARGUMENT, "DP-11", "'61 * * * *'"),
    "never": ({"schedule": "0 0 30 2 *"}, Status.INVALID_ARGUMENT, "DP-11", "Bad day-of-month"),
    "no schedule": ({"schedule": ""}, Status.INVALID_ARGUMENT, "DP-11", "schedule must be"),
    "a sink": ({"data_source_type": 3}, Status.INVALID_ARGUMENT, "DP-11", "got 3"),
    "no source": ({"data_source_type": 9}, Status.INVALID_ARGUMENT, "DP-11", "got 9"),
    "no stages": ({"mql_binary": []}, Status.INVALID_ARGUMENT, "DP-11", "mql_binary must not"),
    "junk": ({"mql_binary": [b"x"]}, Status.INVALID_ARGUMENT, "MQ-10", "mql_binary[0]"),
    "stage": (
        {"mql_binary": [bson.encode({"$out": "x"})]},
        Status.INVALID_ARGUMENT,
        "MQ-3",
        "'$out'",
    ),
    "no organization": ({"organization_id": ""}, Status.INVALID_ARGUMENT, "A48", "organization_id"),
    "organization": ({"organization_id": "x"}, Status.NOT_FOUND, "DS-11", "'x'"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("case", BAD)
async def test_what_is_no_pipeline(start: Start, case: str) -> None:
    """DP-11, and nothing is kept."""
    viam = await begin(start)
    fields, status, clause, text = BAD[case]
    with viam.refuses(status, clause, text):
        await create(viam, **fields)


@pytest.mark.asyncio
async def test_unknown_ids_and_tokens(start: Start) -> None:
    """DP-12, DP-13."""
    viam = await begin(start)
    for rpc in ("GetDataPipeline", "DeleteDataPipeline", "ListDataPipelineRuns"):
        with viam.refuses(Status.NOT_FOUND, "DP-12", "no data pipeline 'x'"):
            await viam.rpc(rpc, getattr(wire, f"{rpc}Request")(id="x"))
    made = await create(viam)
    with viam.refuses(Status.INVALID_ARGUMENT, "DP-13", "'abc'"):
        await runs_of(viam, made, page_token="abc")  # noqa: S106 - a page's


@pytest.mark.asyncio
async def test_only_owners_of_the_organization(start: Start) -> None:
    """DP-17, AC-3, A51."""
    viam = await begin(start, auth="keys")
    owner = await signed_in(viam)
    made = await create(owner)
    part = viam.cloud.fleet.add_part("arm", organization="acme")
    add_key = viam.cloud.add_api_key
    for key, status, clause in (
        (add_key(organizations=ORGANIZATION, role="operator"), Status.PERMISSION_DENIED, "AC-3"),
        (add_key(machines=viam.cloud.default_part), Status.PERMISSION_DENIED, "DP-17"),
        (add_key(organizations=part.organization_id), Status.NOT_FOUND, "DP-12"),
    ):
        client = await signed_in(viam, key.id, key.key)
        with refused(status, clause):
            await get(client, made)


@pytest.mark.asyncio
async def test_a_sink_is_for_keys_of_the_whole_organization(start: Start) -> None:
    """DP-19: an operator of it reads one; who sees a part of its data is told of none."""
    viam = await begin(start, auth="keys")
    owner = await signed_in(viam)
    part = viam.cloud.default_part
    made = await create(owner)
    await upload(owner, 0.5)
    viam.cloud.clock.advance(hours=1)
    add_key = viam.cloud.add_api_key
    for key in (add_key(machines=part), add_key(locations=part.location_id)):
        client = await signed_in(viam, key.id, key.key)
        for pipeline_id in (made, "nothing"):
            with refused(Status.PERMISSION_DENIED, "DP-19"):
                await sink(client, pipeline_id)
    key = add_key(organizations=ORGANIZATION, role="operator")
    operator = await signed_in(viam, key.id, key.key)
    assert [row["n"] for row in await sink(operator, made)] == [1]


# Runs ---------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_runs_follow_the_clock(start: Start) -> None:
    """DP-2, DP-18, DP-4, DP-5, DP-16: scheduled at the tick, done two minutes later."""
    viam = await begin(start)
    made = await create(viam)
    await upload(viam, -0.1, 0.2, 0.3, 1.5)
    assert await told(viam, made) == []
    viam.cloud.clock.advance(minutes=50)
    assert await told(viam, made) == [("10/12-10/13", "scheduled")]
    viam.cloud.clock.advance(minutes=2)
    assert await told(viam, made) == [("10/12-10/13", "completed")]
    viam.cloud.clock.advance(hours=3)
    assert await told(viam, made) == [
        ("10/15-10/16", "completed"),
        ("10/14-10/15", "completed"),
        ("10/13-10/14", "completed"),
        ("10/12-10/13", "completed"),
    ]
    (run, *_) = (await runs_of(viam, made)).runs
    tick = timestamp_from(nanos_of(datetime(2026, 3, 10, 16, 2, tzinfo=UTC)))
    assert (run.start_time, run.end_time, run.error_message) == (tick, tick, "")
    found = await sink(viam, made)
    assert [document["n"] for document in found] == [2, 1]  # what came before 12:00 is no window
    mark = found[0]["_viam_pipeline_run"]
    assert mark["organization_id"] == ORGANIZATION
    assert mark["interval"]["start"].isoformat() == "2026-03-10T12:00:00"
    assert mark["interval"]["end"].isoformat() == "2026-03-10T13:00:00"
    assert await sink(viam, made, {"$match": {"n": 2}}, {"$count": "c"}) == [{"c": 1}]


@pytest.mark.asyncio
async def test_a_run_does_not_look_at_every_other(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DP-16: when the clock moves far, the work grows with the runs, not with their square."""
    viam = await begin(start)
    made = await create(viam)
    lists: list[object] = []
    entities = MemoryStore.entities

    def listed(store: MemoryStore, kind: Any, owner: str | None = None) -> Any:
        lists.append(kind)
        return entities(store, kind, owner)

    monkeypatch.setattr(MemoryStore, "entities", listed)
    viam.cloud.clock.advance(days=2)
    await get(viam, made)
    monkeypatch.undo()
    assert lists.count(PipelineRun) == 1  # for what is in the sink
    assert len(await told(viam, made)) == 48


@pytest.mark.asyncio
async def test_a_running_clock_runs_them_by_itself() -> None:
    """DP-16: nobody calls, and the run is there."""
    base, moved = nanos_of(BEGIN), [0]
    async with Viam.running(clock=Clock(lambda: base + moved[0])) as viam:
        made = await create(viam, {"$limit": 1})
        cloud = viam.cloud._cloud
        assert cloud.alarm is None  # it is set when a call has found out what is due
        await get(viam, made)
        assert cloud.alarm is not None
        moved[0] = 3600 * SECOND
        cloud.alarm._run()  # the loop would, in an hour
        assert cloud.catching_up is not None
        await cloud.catching_up
        assert cloud.store.stats().entities == 2


@pytest.mark.asyncio
async def test_windows_while_it_is_disabled_are_left_out(start: Start) -> None:
    """DP-9."""
    viam = await begin(start)
    made = await create(viam)
    await change(viam, "Disable", made)
    viam.cloud.clock.advance(hours=2)
    await change(viam, "Enable", made)
    viam.cloud.clock.advance(hours=1)
    assert await told(viam, made) == [("10/14-10/15", "completed")]


@pytest.mark.asyncio
async def test_runs_that_fail(start: Start) -> None:
    """DP-6, DP-8: they say why, and put nothing into the sink."""
    viam = await begin(start)
    same = await create(viam, {"$group": {"_id": "$component_name"}}, name="same")
    many = await create(
        viam,
        {"$project": {"a": {"$range": [0, 10_001]}, "_id": 0}},
        {"$unwind": "$a"},
        name="many",
    )
    wrong = await create(viam, {"$project": {"x": {"$divide": ["$data.h", 0]}}}, name="wrong")
    await upload(viam, 0.1, 1.1)
    viam.cloud.clock.advance(hours=2)
    assert [state for _, state in await told(viam, same)] == ["failed", "completed"]
    (run, *_) = (await runs_of(viam, same)).runs
    text = f"E11000 duplicate key error collection: sensorData.sink-{same} index: _id_ dup key: "
    assert run.error_message == text + "{ _id: 'a' }"
    assert len(await sink(viam, same)) == 1
    assert {state for _, state in await told(viam, many)} == {"failed"}
    (run, _) = (await runs_of(viam, many)).runs
    assert "10001 results; a run may have 10000" in run.error_message
    assert "divide by zero" in (await runs_of(viam, wrong)).runs[0].error_message
    assert await sink(viam, many) == await sink(viam, wrong) == []


@pytest.mark.asyncio
async def test_a_long_run_that_fails_where_nobody_calls(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DP-8: a look at what is stored does what is due, too, and is answered."""
    monkeypatch.setattr(turns, "_FEW", 0)
    viam = await begin(start)
    wrong = await create(viam, {"$project": {"x": {"$divide": ["$data.h", 0]}}})
    await upload(viam, 0.1)
    viam.cloud.clock.advance(hours=1, minutes=5)
    assert len(viam.cloud.readings) == 1
    assert [state for _, state in await told(viam, wrong)] == ["failed"]


@pytest.mark.asyncio
async def test_a_query_that_takes_too_long(start: Start) -> None:
    """DP-6: it is started for five minutes, then it has failed."""
    viam = await begin(start)
    made = await create(viam, {"$project": {"x": {"$range": [0, 10**9]}}})
    await upload(viam, 0.1)
    viam.cloud.clock.advance(minutes=52)
    assert await told(viam, made) == [("10/12-10/13", "started")]
    viam.cloud.clock.advance(minutes=5)
    assert await told(viam, made) == [("10/12-10/13", "failed")]
    assert (await runs_of(viam, made)).runs[0].error_message == "query timed out"


@pytest.mark.asyncio
async def test_the_past_is_filled_newest_first(start: Start) -> None:
    """DP-7, DP-14: ten windows that hold data, every two minutes."""
    viam = await begin(start)
    await upload(viam, *(0.1 - hour for hour in range(1, 14)), -100)
    made = await create(viam, enable_backfill=True)
    viam.cloud.clock.advance(minutes=2)
    assert len(await told(viam, made)) == 10
    assert ("10/11-10/12", "completed") in await told(viam, made)
    viam.cloud.clock.advance(minutes=2)
    assert len(await told(viam, made)) == 14
    viam.cloud.clock.advance(minutes=20)
    assert len(await told(viam, made)) == 14
    assert sum(document["n"] for document in await sink(viam, made)) == 14


@pytest.mark.asyncio
async def test_late_data_runs_its_window_again(start: Start) -> None:
    """DP-7: and replaces what that window had; without back-fill nothing happens."""
    viam = await begin(start)
    made = await create(viam, enable_backfill=True)
    other = await create(viam, name="other")
    await upload(viam, 0.1)
    viam.cloud.clock.advance(hours=1)
    await upload(viam, 0.2)
    viam.cloud.clock.advance(minutes=2)
    assert await told(viam, made) == [("10/12-10/13", "completed")] * 2
    assert [document["n"] for document in await sink(viam, made)] == [2]
    assert [document["n"] for document in await sink(viam, other)] == [1]


@pytest.mark.asyncio
async def test_what_is_late_is_what_a_run_has_missed(start: Start) -> None:
    """DP-2, DP-7: not what comes between the end of a window and its run, or for later windows."""
    viam = await begin(start)
    made = await create(viam, enable_backfill=True)
    viam.cloud.clock.advance(minutes=51)  # the run of 12 to 13 starts in a minute
    await upload(viam, 0.5, 1.5)
    viam.cloud.clock.advance(minutes=9)
    assert await told(viam, made) == [("10/12-10/13", "completed")]
    await upload(viam, 1.0)  # the start of the window that is open
    viam.cloud.clock.advance(minutes=9)
    assert await told(viam, made) == [("10/12-10/13", "completed")]
    await upload(viam, 0.0, 0.999)  # both ends of the one that was run
    viam.cloud.clock.advance(minutes=2)
    assert await told(viam, made) == [("10/12-10/13", "completed")] * 2
    assert [document["n"] for document in await sink(viam, made)] == [3]


@pytest.mark.asyncio
async def test_late_data_waits_while_a_pipeline_is_disabled(start: Start) -> None:
    """DP-7, DP-9: late while it was disabled is not late; late before that is run afterwards."""
    viam = await begin(start)
    made = await create(viam, enable_backfill=True)
    viam.cloud.clock.advance(hours=1)
    await upload(viam, 0.1)
    await change(viam, "Disable", made)
    await upload(viam, 0.2)
    viam.cloud.clock.advance(minutes=30)
    assert await told(viam, made) == [("10/12-10/13", "completed")]
    await change(viam, "Enable", made)
    viam.cloud.clock.advance(minutes=2)
    assert await told(viam, made) == [("10/12-10/13", "completed")] * 2
    assert [document["n"] for document in await sink(viam, made)] == [2]


@pytest.mark.asyncio
async def test_a_run_has_begun_once_it_has_started(start: Start) -> None:
    """DP-5: what is scheduled has no start yet."""
    viam = await begin(start)
    made = await create(viam)
    for minutes, begun in ((50, False), (2, True)):
        viam.cloud.clock.advance(minutes=minutes)
        (run,) = (await runs_of(viam, made)).runs
        assert (run.HasField("start_time"), run.HasField("end_time")) == (begun, begun)


@pytest.mark.asyncio
async def test_of_many_late_windows_the_newest_are_run_first(start: Start) -> None:
    """DP-7: ten at a time; and a sink is read in the order of its windows."""
    viam = await begin(start)
    made = await create(viam, enable_backfill=True)
    viam.cloud.clock.advance(hours=12)
    await upload(viam, *(0.5 + hour for hour in range(12)))
    viam.cloud.clock.advance(minutes=2)
    windows = [row["_viam_pipeline_run"]["interval"]["start"] for row in await sink(viam, made)]
    assert [window.hour for window in windows] == list(range(14, 24))
    viam.cloud.clock.advance(minutes=2)
    windows = [row["_viam_pipeline_run"]["interval"]["start"] for row in await sink(viam, made)]
    assert [window.hour for window in windows] == list(range(12, 24))


@pytest.mark.asyncio
async def test_what_viam_itself_captures_is_not_late(start: Start) -> None:
    """DP-7, PG-10: runs do not see it."""
    viam = await begin(start)
    made = await create(viam, enable_backfill=True)
    part = viam.cloud.fleet.add_part("own", internal=True)
    viam.cloud.clock.advance(hours=1)
    time = timestamp_from(nanos_of(datetime(2026, 3, 10, 12, 30, tzinfo=UTC)))
    await viam.upload_readings(reading({}, time), part_id=part.id)
    viam.cloud.clock.advance(minutes=5)
    assert await told(viam, made) == [("10/12-10/13", "completed")]


@pytest.mark.asyncio
async def test_numbers_are_one_key_whatever_their_type(start: Start) -> None:
    """DP-8: 1 and 1.0."""
    viam = await begin(start)
    key = {"$cond": [{"$lt": ["$data.h", 1]}, 1, 1.0]}
    made = await create(viam, {"$group": {"_id": key}})
    await upload(viam, 0.5, 1.5)
    viam.cloud.clock.advance(hours=2)
    assert [status for _, status in await told(viam, made)] == ["failed", "completed"]


@pytest.mark.asyncio
async def test_keys_of_results_that_were_replaced_are_free(start: Start) -> None:
    """DP-7, DP-8: for another window, in one step of the clock."""
    viam = await begin(start)
    middle = {"$and": [{"$gte": ["$data.h", 0.3]}, {"$lt": ["$data.h", 1]}]}
    key = {"$project": {"_id": {"$cond": [middle, "y", "x"]}}}
    last: list[Any] = [{"$sort": {"data.h": -1}}, {"$limit": 1}]
    made = await create(viam, *last, key, enable_backfill=True)
    await upload(viam, 0.1)
    viam.cloud.clock.advance(hours=1)
    assert [row["_id"] for row in await sink(viam, made)] == ["x"]
    await upload(viam, 0.5, 1.5)
    viam.cloud.clock.advance(hours=1)
    assert [row["_id"] for row in await sink(viam, made)] == ["y", "x"]


@pytest.mark.asyncio
async def test_as_many_results_as_a_run_may_have(start: Start) -> None:
    """DP-6."""
    viam = await begin(start)
    many: list[Any] = [{"$project": {"_id": 0, "n": {"$range": [0, 10_000]}}}, {"$unwind": "$n"}]
    made = await create(viam, *many)
    await upload(viam, 0.5)
    viam.cloud.clock.advance(hours=1)
    assert [row["n"] for row in await sink(viam, made, {"$count": "n"})] == [10_000]


@pytest.mark.asyncio
async def test_other_organizations_have_their_own_sinks(start: Start) -> None:
    """DP-12, MQ-8, A51: by whatever organization, and their data is in no run."""
    viam = await begin(start, auth="keys")
    owner = await signed_in(viam)
    part = viam.cloud.fleet.add_part("arm", organization="acme")
    key = viam.cloud.add_api_key(organizations=part.organization_id)
    theirs = await signed_in(viam, key.id, key.key)
    made = await create(owner)
    own = await create(theirs, organization_id=part.organization_id)
    time = timestamp_from(nanos_of(datetime(2026, 3, 10, 12, 30, tzinfo=UTC)))
    await theirs.upload_readings(reading({}, time), part_id=part.id)
    viam.cloud.clock.advance(hours=1)
    assert await sink(owner, made) == []
    with refused(Status.NOT_FOUND, "MQ-8", "there is no data pipeline"):
        await sink(owner, own)
    with refused(Status.PERMISSION_DENIED, "A51"):
        await sink(theirs, made)
    request = data.TabularDataByMQLRequest(
        organization_id=part.organization_id,
        data_source=data.TabularDataSource(type=SINK, pipeline_id=made),
    )
    with refused(Status.NOT_FOUND, "MQ-8"):
        await theirs.rpc("TabularDataByMQL", request)
    request.data_source.pipeline_id = own
    assert len((await theirs.rpc("TabularDataByMQL", request)).raw_data) == 1


@pytest.mark.asyncio
async def test_late_data_of_a_seed_runs_its_window_again(start: Start) -> None:
    """DP-7, SE-2: seeds are late as uploads are, once they are whole."""
    viam = await begin(start)
    made = await create(viam, enable_backfill=True)
    viam.cloud.clock.advance(hours=1)
    rows = [{"time": "2026-03-10T12:10:00Z", "h": 0.2}]
    viam.cloud.load({"version": 1, "readings": [{"component": "a", "rows": rows}]})
    viam.cloud.clock.advance(minutes=2)
    assert [document["n"] for document in await sink(viam, made)] == [1]


@pytest.mark.asyncio
async def test_runs_in_pages(start: Start) -> None:
    """DP-13."""
    viam = await begin(start)
    made = await create(viam)
    viam.cloud.clock.advance(hours=7)
    seen, token = [], ""
    while True:
        page = await runs_of(viam, made, page_size=3, page_token=token)
        seen += [run.id for run in page.runs]
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.asyncio
async def test_deleting_takes_all_along(start: Start) -> None:
    """DP-10: runs, sink and indexes; a new one of that name begins anew."""
    viam = await begin(start)
    made = await create(viam)
    place: dict[str, Any] = {"organization_id": ORGANIZATION, "collection_type": 2}
    index = data.CreateIndexRequest(**place, pipeline_name="p", index_spec=[bson.encode({"n": 1})])
    await viam.rpc("CreateIndex", index)
    viam.cloud.clock.advance(hours=1)
    assert len(await told(viam, made)) == 1
    await change(viam, "Delete", made)
    assert viam.contents().entities == []
    with refused(Status.NOT_FOUND, "MQ-8"):
        await sink(viam, made)
    again = await create(viam)
    listing = data.ListIndexesRequest(**place, pipeline_name="p")
    assert len((await viam.rpc("ListIndexes", listing)).indexes) == 1
    assert await told(viam, again) == []


@pytest.mark.asyncio
async def test_sessions_and_snapshots_have_their_own_runs(start: Start) -> None:
    """SS-1, SN-1."""
    viam = await begin(start)
    made = await create(viam)
    snapshot = viam.cloud.snapshot()
    with viam.cloud.session() as session:
        session.clock.advance(hours=5)
        request = wire.ListDataPipelineRunsRequest(id=made)
        there = await viam.rpc("ListDataPipelineRuns", request, metadata=dict(session.metadata))
    assert len(there.runs) == 5
    assert await told(viam, made) == []
    viam.cloud.clock.advance(hours=2)
    assert len(await told(viam, made)) == 2
    viam.cloud.restore(snapshot)
    assert await told(viam, made) == []
    viam.cloud.clock.advance(hours=1)
    assert len(await told(viam, made)) == 1


# Laws ---------------------------------------------------------------------------------------------

MOVES = st.lists(
    st.one_of(
        st.integers(1, 400).map(lambda minutes: ("advance", minutes)),
        st.sampled_from([("enable", 0), ("disable", 0), ("look", 0)]),
    ),
    max_size=12,
)


@settings(max_examples=10, deadline=None)
@given(MOVES, st.sampled_from(["0 * * * *", "*/17 * * * *", "30 6 * * *", "5,50 */2 * * *"]))
def test_windows_tile_time(moves: list[tuple[str, int]], cron: str) -> None:
    """The runs are the windows whose ticks came while it was enabled, each once (DP-2, DP-9)."""

    async def story(viam: Viam) -> None:
        made = await create(viam, {"$limit": 1}, schedule=cron)
        clock, enabled, wanted = viam.cloud.clock, True, []
        schedule, now = Schedule(cron), nanos_of(BEGIN)
        last = schedule.upto(now)
        for what, minutes in moves:
            if what == "advance":
                clock.advance(minutes=minutes)
                now += minutes * 60 * SECOND
                while (tick := schedule.after(last)) <= now:
                    if enabled:
                        wanted.append((last, tick))
                    last = tick
            elif what == "look":
                await get(viam, made)
            else:
                enabled = what == "enable"
                await change(viam, what.capitalize(), made)
        page = await runs_of(viam, made, page_size=1000)
        found = [
            (nanos_from(run.data_start_time), nanos_from(run.data_end_time)) for run in page.runs
        ]
        assert sorted(found) == wanted

    play(story, clock=Clock.frozen(BEGIN.isoformat()))


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.booleans())
def test_how_the_clock_moves_is_no_matter(steps: list[int], backfills: bool) -> None:  # noqa: FBT001 - drawn
    """One step or many, windows with data or without: the same runs, ids, documents (DP-16)."""
    ends: list[Any] = []

    async def story(viam: Viam, steps: list[int]) -> None:
        await upload(viam, 0.5, 1.5, 2.5)
        stage = {"$project": {"k": "$data.h", "_id": 0}}
        made = await create(viam, stage, schedule="*/7 * * * *", enable_backfill=backfills)
        for minutes in steps:
            viam.cloud.clock.advance(minutes=minutes)
            await get(viam, made)
        runs = await runs_of(viam, made, page_size=1000)
        ends.append((runs.SerializeToString(), await sink(viam, made)))

    for each in (steps, [sum(steps)]):
        play(lambda viam, each=each: story(viam, each), clock=Clock.frozen(BEGIN.isoformat()))  # type: ignore[misc]
    assert ends[0] == ends[1]


@pytest.mark.asyncio
async def test_windows_without_data_cost_no_queries(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is moved by months meets hundreds of thousands of them (DP-16)."""
    viam = await begin(start)
    made = await create(viam, schedule="* * * * *")
    hour = timestamp_from(nanos_of(datetime(2026, 3, 11, 12, 30, tzinfo=UTC)))
    await viam.upload_readings(reading({"x": 1}, hour))
    queried = Mock(wraps=queries.run_pipeline)
    monkeypatch.setattr(queries, "run_pipeline", queried)
    viam.cloud.clock.advance(days=2)
    page = await runs_of(viam, made, page_size=1000)
    scheduled, done = (
        wire.DATA_PIPELINE_RUN_STATUS_SCHEDULED,
        wire.DATA_PIPELINE_RUN_STATUS_COMPLETED,
    )
    assert [run.status for run in page.runs] == [scheduled] * 2 + [done] * 998
    assert queried.call_count == 2  # what it makes of nothing, and of the reading
    assert [row["n"] for row in await sink(viam, made)] == [1]


@pytest.mark.asyncio
async def test_windows_that_are_far_too_many_are_passed_over(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Those without data; the log names them (DP-20)."""
    monkeypatch.setattr(job_steps, "MOST_IDLE", 20)
    viam = await begin(start)
    made = await create(viam)
    day = timestamp_from(nanos_of(datetime(2026, 3, 14, 12, 30, tzinfo=UTC)))
    await viam.upload_readings(reading({"x": 1}, day))
    viam.cloud.clock.advance(days=8)
    windows = [window for window, _ in reversed(await told(viam, made))]
    assert windows[:2] == ["10/12-10/13", "13/15-13/16"]
    assert windows[-2:] == ["18/10-18/11", "18/11-18/12"]
    assert "14/12-14/13" in windows
    assert len(windows) == len(set(windows)) == 1 + 21 + 1 + 21
    assert [row["n"] for row in await sink(viam, made)] == [1]
    assert "no runs of the windows from 2026-03-10 13:00:00+00:00" in caplog.text


@pytest.mark.asyncio
async def test_schedules_end_with_the_calendar(start: Start) -> None:
    """In the last minute of the year 9999 no other follows (DP-16)."""
    viam = await start(clock=Clock.frozen("9999-12-31T23:50:00Z"))
    made = await create(viam, schedule="*/5 * * * *")
    viam.cloud.clock.advance(minutes=9)
    assert len((await runs_of(viam, made)).runs) == 1
    viam.cloud.clock.set("9999-12-31T23:59:59Z")
    assert len((await runs_of(viam, made)).runs) == 1


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["* * * * *", "*/7 3-5 * * mon", "0 0 29 2 *", "15 12 1,15 * *"]),
)
def test_ticks_of_a_schedule(moment: datetime, cron: str) -> None:
    """After and up to are each other's inverse, and nothing is between."""
    time, schedule = nanos_of(moment), Schedule(cron)
    before, after = schedule.upto(time), schedule.after(time)
    assert before <= time < after
    assert schedule.after(before) == after
    assert schedule.upto(after) == after
    assert schedule.upto(after - 1) == before


def test_what_is_no_schedule() -> None:
    for text in (
        "",
        "* * * *",
        "@daily",
        "L * * * *",
        "* * * * 8",
        "a b c d e",
        "5-1 * * * *",
        "*/0 * * * *",
        "0 0 30 2 *",
        "1,,2 * * * *",
        f"{'1,' * 300}1 * * * *",
    ):
        with pytest.raises(ScheduleError):
            Schedule(text)


def test_states_that_nothing_leaves() -> None:
    """Ends are ends, and each state is reached (DP-5, EJ-1)."""
    for table, first in ((RUNS, "scheduled"), (EXPORTS, "running")):
        assert {"completed", "failed"}.isdisjoint(state for state, _ in table)
        assert set(table.values()) | {first} >= {state for state, _ in table}


@pytest.mark.asyncio
async def test_a_name_with_a_nul_in_a_sink(start: Start) -> None:
    """As the key of a group, too (MQ-13)."""
    viam = await begin(start)
    made = await create(viam, {"$group": {"_id": "$data"}})
    time = timestamp_from(nanos_of(datetime(2026, 3, 10, 12, 30, tzinfo=UTC)))
    await viam.upload_readings(reading({"a\0b": 1}, time))
    viam.cloud.clock.advance(hours=1)
    assert [row["_id"] for row in await sink(viam, made)] == [{"a\ufffdb": 1}]
