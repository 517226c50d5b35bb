"""What a call writes is one entry of the log: after a kill, all of it is there or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from fakeviam import Clock, FakeViam
from fakeviam.model.errors import Refusal
from fakeviam.model.fleet import DEFAULT_PART as PART
from fakeviam.server.state.retention import enforce_retention
from fakeviam.wire import dataset
from tests.unit.server.driver import DEFAULT_PART, ORGANIZATION, RefusedError, Viam, at, reading
from tests.unit.server.newest_requests import READS, Things, make_things, newest_requests

from .faulty import FaultyFiles
from .worlds import NOON, World

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message


def entries(path: Path) -> int:
    return (path / "log.jsonl").read_bytes().count(b"\n")


async def check(viam: Viam, path: Path, name: str, request: Message) -> None:
    before = entries(path)
    try:
        await viam.rpc(name, request)
    except RefusedError:
        assert entries(path) == before, name
    assert entries(path) <= before + 1, name


async def backfilling(viam: Viam) -> None:
    """A pipeline whose past windows are run again when their data comes late."""
    wanted = newest_requests(DEFAULT_PART)["CreateDataPipeline"][0]
    await viam.rpc("CreateDataPipeline", wanted)
    viam.cloud.clock.advance(timedelta(hours=3))
    await viam.binary()  # what is due is done


@pytest.mark.asyncio
async def test_each_newest_rpc_is_one_entry(tmp_path: Path) -> None:
    """Sequences, pipelines, indexes, saved queries (DD-4)."""
    path = tmp_path / "data"
    async with Viam.running(data_dir=path) as viam:
        there = await make_things(viam)
        for name, requests in newest_requests(DEFAULT_PART, there).items():
            if name not in READS:
                for request in requests:
                    await check(viam, path, name, request)


def merged(there: Things) -> dataset.MergeDatasetsRequest:
    return dataset.MergeDatasetsRequest(
        name="merged", organization_id=ORGANIZATION, dataset_ids=[there.sequences]
    )


@pytest.mark.asyncio
async def test_what_follows_from_a_call_is_in_its_entry(tmp_path: Path) -> None:
    """Members of merged datasets, and runs of pipelines that late readings ask for (DD-4)."""
    path = tmp_path / "data"
    async with Viam.running(data_dir=path, clock=Clock.frozen(NOON)) as viam:
        there = await make_things(viam)
        await check(viam, path, "MergeDatasets", merged(there))
        await backfilling(viam)
        before = entries(path)
        await viam.upload_readings(reading({"n": 1}, requested=at(0)))
        assert entries(path) == before + 1


def test_whoever_reads_is_told_that_nothing_can_be_kept(tmp_path: Path) -> None:
    """In the form of each side of the port, and as no bug: retention is due (RE-1, DD-4)."""
    clock = Clock.frozen(NOON)
    with FakeViam(data_dir=tmp_path / "data", clock=clock) as cloud:
        cloud.load({"files": [{"name": "a.jpg", "data": "aGVsbG8="}]})
        file = next(iter(cloud.files)).id
        cloud._cloud.fleet.put(replace(PART, retention_days=1))
        uri = cloud.database_uri()
        clock.advance(timedelta(days=9))
        assert cloud._cloud.directory is not None
        files = cloud._cloud.directory._files = FaultyFiles()
        cloud._cloud.directory._log._files = files  # type: ignore[union-attr]
        files.arm(0, "fails for good")
        with MongoClient[dict[str, Any]](uri) as client, pytest.raises(OperationFailure) as told:
            client["sensorData"]["readings"].find_one()
        assert told.value.code == 14031
        assert "cannot write to the data directory" in str(told.value)
        for path in (f"/files/{file}", "/ui/files"):
            with pytest.raises(HTTPError) as refused:
                urlopen(f"{cloud.url}{path}")  # noqa: S310 - of the fake
            with refused.value as answer:
                assert answer.code == 507
        files.disarm()
        assert not cloud.crashes


def test_retention_that_cannot_be_kept_is_still_due(tmp_path: Path) -> None:
    """The next call tries again (RE-1, DD-4)."""
    files = FaultyFiles()
    world = World(tmp_path / "data", files)
    world.cloud.fleet.put(replace(PART, retention_days=1))
    world.write("add files")
    before = world.state()
    files.arm(0, "fails")
    with pytest.raises(Refusal, match="nothing was changed"):
        enforce_retention(world.cloud)
    files.disarm()
    assert world.state() == before
    enforce_retention(world.cloud)
    assert not list(world.cloud.store.binary_rows())
    world.close()
