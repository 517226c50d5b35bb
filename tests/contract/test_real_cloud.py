"""The careful profile: what must be said first, dry runs, and what is left of a killed run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from datetime import datetime, timezone
from time import time_ns
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from fakeviam_client import connect
from fakeviam_contracts.careful import check_careful
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.contract_cli import group
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import dry_run, run
from fakeviam_contracts.set_up import YEAR_900
from fakeviam_contracts.wirelog import Refused
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import FakeViam
from fakeviam.server.instruments.interceptors import Cut, Interceptor
from fakeviam.wire import datasync
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)

#: What others have: names that are nearly those of the kit, too.
THEIRS = ("cam", "contract-of-mine", "contract-1234567", "contract-123456789", "contract-ABCDEF01")


class Watched(Interceptor):
    """Cuts every call of a run from when one of its sessions has something of everything."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.enough = threading.Event()
        self.is_armed = self.is_cutting = False
        self.awaited = ""  # or from when this RPC was answered

    def reply(self, rpc: str, request: Any, message: Any) -> Any:  # noqa: ARG002
        if self.is_armed and rpc == self.awaited:
            self.is_cutting = True
            self.enough.set()
        return message

    def request(self, rpc: str, message: Any) -> Any:
        if self.is_cutting:
            raise Cut
        if rpc == "ListSequences":
            message.page_size = 1
        if rpc == "DataCaptureUpload" and message.sensor_contents:
            content = message.sensor_contents[0].WhichOneof("data") or "nothing"
            self.seen.add((message.metadata.component_name, content))
        if rpc == "ListDatasetsByOrganizationID":
            names = {name for name, _ in self.seen if not name.endswith("-probe")}
            both = {n for n in names if {(n, "struct"), (n, "binary")} <= self.seen}
            self.is_cutting = self.is_armed and any(map(self._has_dataset, both))
            if self.is_cutting:
                self.enough.set()
        if rpc == "CreateDataset":
            self.seen.add((message.name, "dataset"))
        return message

    def _has_dataset(self, component: str) -> bool:
        return any(kind == "dataset" and name.startswith(component) for name, kind in self.seen)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def cloud(watched: Watched) -> Iterator[FakeViam]:
    with FakeViam(seed=1, auth="keys", interceptors=[watched]) as cloud:
        fill(cloud, *THEIRS)
        watched.seen.clear()
        yield cloud
        cloud.check()


def fill(cloud: FakeViam, *components: str) -> None:
    """A file and a reading of each component, and datasets of the same names."""
    where: Any = {"part_id": cloud.default_part.id, "component_type": "any", "method_name": "Any"}

    async def filled() -> None:
        login: Any = {"api_key": cloud.api_key, "api_key_id": cloud.api_key_id}
        async with connect(cloud.target, **login) as client:
            for name in components:
                await client.binary_data_capture_upload(
                    binary_data=b"theirs", component_name=name, file_extension=".jpg", **where
                )
                await client.tabular_data_capture_upload(
                    tabular_data=[{"n": 1}],
                    component_name=name,
                    data_request_times=[(NOW, NOW)],
                    **where,
                )
                await client.create_dataset(name, cloud.default_part.organization_id)

    asyncio.run(filled())


def held(cloud: FakeViam) -> tuple[list[str], list[str], list[str]]:
    """The components of files and of readings, and the names of datasets."""
    return (
        sorted(file.component_name for file in cloud.files),
        sorted(reading.component_name for reading in cloud.readings),
        sorted(each.name for each in cloud.datasets),
    )


def careful(cloud: FakeViam, **more: Any) -> RunConfig:
    given: dict[str, Any] = {
        "target": cloud.target,
        "parts": (cloud.default_part.id,),
        "api_key_id": cloud.api_key_id,
        "api_key": cloud.api_key,
        "throw_away": cloud.default_part.location_id,
        "profile": "real-cloud",
        "clauses": "DS-1",
        **more,
    }
    return RunConfig(**given)


@pytest.mark.parametrize(
    ("without", "says"),
    [
        ({"throw_away": ""}, "requires --throw-away ID"),
        ({"api_key": ""}, "requires --api-key-id and --api-key"),
        ({"exclusive": True}, "never --exclusive"),
        ({"target": ""}, "not for --self"),
    ],
)
def test_it_is_said_what_may_be_touched(
    cloud: FakeViam, without: dict[str, Any], says: str
) -> None:
    with pytest.raises(CannotRunError, match=says):
        run(careful(cloud, **without))
    check_careful(careful(cloud, throw_away="", read_only=True))


def test_parts_of_elsewhere_are_refused_before_anything_is_written(cloud: FakeViam) -> None:
    before = len(cloud.calls)
    with pytest.raises(CannotRunError, match="at --throw-away nowhere; nothing was written"):
        run(careful(cloud, throw_away="nowhere"))
    assert [call.method.name for call in cloud.calls][before:] == ["GetRobotPart"]


@pytest.mark.slow
def test_it_takes_its_time_and_spares_others(cloud: FakeViam) -> None:
    assert careful(cloud).pace == 5
    assert careful(cloud, max_rps=2).pace == 2
    before = held(cloud)
    result = run(careful(cloud, max_rps=5_000, throw_away=cloud.default_part.id))
    assert (result.exit_status, held(cloud)) == (0, before)


@pytest.mark.slow
def test_a_dry_run_tells_every_call_and_makes_none(cloud: FakeViam) -> None:
    told: list[str] = []
    before = len(cloud.calls)
    dry_run(careful(cloud, target="nobody.invalid:1", api_key="secret"), told.append)
    *calls, last = told
    assert [line.split("  ")[0] for line in calls] == [str(n + 1) for n in range(len(calls))]
    assert [line.split("  ")[1] for line in calls[:3]] == [
        "Authenticate",
        "GetRobotPart",
        "DataCaptureUpload",
    ]
    assert cloud.default_part.id in calls[1]
    assert not any("secret" in line for line in told)
    assert "KEY" in calls[0]  # and neither is that of the fake
    assert last.startswith(f"{len(calls)} calls, in at least ")
    assert "none of which was made" in last
    assert len(cloud.calls) == before
    # A run makes as many where nobody has anything; logins are not among the fake's calls.
    with FakeViam(auth="keys") as empty:
        run(careful(empty, max_rps=10_000))
        assert len(empty.calls) == len(calls) - 1


def killed_run(cloud: FakeViam, watched: Watched, *more: str) -> None:
    """A run that is killed while it has files, readings and datasets there."""
    options = [
        *("--target", cloud.target, "--part", cloud.default_part.id, "--max-rps", "5000"),
        *("--profile", "real-cloud", "--throw-away", cloud.default_part.location_id),
        *more,
    ]
    watched.enough.clear()
    watched.is_armed = True
    command = [sys.executable, "-m", "fakeviam_contracts", "run", *options]
    keys = {"VIAM_API_KEY_ID": cloud.api_key_id, "VIAM_API_KEY": cloud.api_key}
    running = subprocess.Popen(
        command, env={**os.environ, **keys}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert watched.enough.wait(60)
    finally:
        running.kill()
        running.wait()
        watched.is_armed = watched.is_cutting = False


#: What clean-up says it found and left where nothing is.
NONE = (
    "0 files, readings of 0 components, 0 datasets and 0 pipelines, saved queries, sequences and "
    "indexes"
)


def clean_up(cloud: FakeViam, *more: str) -> tuple[int, str]:
    part = cloud.default_part
    options = ["--target", cloud.target, "--part", part.id, "--organization", part.organization_id]
    login = ["--api-key-id", cloud.api_key_id, "--api-key", cloud.api_key]
    done = CliRunner().invoke(group, ["clean-up", *options, *login, *more])
    return done.exit_code, done.output


@pytest.mark.slow
def test_what_a_killed_run_left_is_removed_and_nothing_else(
    cloud: FakeViam, watched: Watched
) -> None:
    theirs = held(cloud)
    killed_run(cloud, watched)
    left = held(cloud)
    extra = [sorted(set(now) - set(then)) for now, then in zip(left, theirs, strict=True)]
    assert any(extra), "the run was killed too late"
    status, told = clean_up(cloud, "--dry-run")
    assert (status, held(cloud)) == (0, left)
    names = [name for kind in extra[1:] for name in kind]
    assert all(f"would remove {name}" in told for name in names)
    status, told = clean_up(cloud)
    assert (status, held(cloud)) == (0, theirs), told
    assert told.splitlines()[-1].endswith(f"left: {NONE}")
    assert clean_up(cloud) == (0, f"found {NONE}\n")


#: What others have that is nearly the kit's.
NEARLY = """
pipelines:
  - {name: contract-of-mine, schedule: 0 0 1 1 *, stages: {$limit: 1}}
  - {name: my-contract-0123abcd, schedule: 0 0 1 1 *, stages: {$limit: 1}}
saved_queries:
  - {name: contract-123456789, stages: {$match: {tags: contract-0123abcd}}}
indexes:
  - {keys: {data.readings.n: 1}, pipeline: contract-of-mine}
  - keys: {data.readings.contract-of-mine: 1}
  - keys: {data.readings.my-contract-0123abcd: 1}
  - keys: {metadata.readings.contract-0123abcd: 1}
  - keys: {contract-0123abcd: 1}
sequences:
  - {start: 2024-01-01, end: 2024-01-02, tags: contract-ABCDEF01,
     resources: {component: cam, method: ReadImage}}
  - {start: 2024-01-01, end: 2024-01-03, resources: [
     {component: cam, method: ReadImage}, {component: contract-0123abcd, method: ReadImage}]}
"""

#: What a run of the kit had there, which nobody killed at the right moment.
OURS = """
pipelines:
  - {name: contract-0123abcd-7mice, schedule: 0 0 1 1 *, stages: {$limit: 1}}
indexes:
  - {keys: {data.readings.n: 1}, pipeline: contract-0123abcd-7mice}
sequences:
  - {start: 2024-01-01, end: 2024-01-04, tags: [x, contract-0123abcd-7day],
     resources: {component: cam, method: ReadImage}}
"""


@pytest.mark.slow
def test_what_the_newest_rpcs_made_is_removed_and_nothing_else(
    cloud: FakeViam, watched: Watched, tmp_path: Path
) -> None:
    """Pipelines, saved queries, sequences and indexes, beside those of others."""
    store = cloud._cloud.store
    for name, text in (("theirs", NEARLY), ("ours", OURS)):
        seed = tmp_path / f"{name}.yaml"
        seed.write_text(text)
        before = list(store.all_entities())
        cloud.load(seed)
    for rpc, clause in (
        ("CreateDataPipeline", "DP-1"),
        ("CreateSavedQuery", "SA-1"),
        ("CreateIndex", "IX-2"),
        ("CreateSequence", "SQ-1"),
    ):
        watched.awaited = rpc
        there = store.stats().entities
        killed_run(cloud, watched, "--clauses", clause)
        assert store.stats().entities > there, rpc
    left = list(store.all_entities())
    status, told = clean_up(cloud, "--dry-run")
    assert (status, list(store.all_entities())) == (0, left)
    assert told.count("would remove") >= len(left) - len(before) > 6
    assert "would remove contract-0123abcd-7mice\n" in told
    assert "_id_" not in told  # MongoDB's own, on every sink
    status, told = clean_up(cloud)
    assert (status, list(store.all_entities())) == (0, before), told
    assert told.splitlines()[-1].endswith(f"left: {NONE}")


class Lacks(Interceptor):
    """Refuses to list pipelines."""

    status = Status.UNIMPLEMENTED

    def request(self, rpc: str, message: Any) -> Any:
        if rpc == "ListDataPipelines":
            raise GRPCError(self.status, "no")
        return message


def test_a_server_need_not_have_the_newest_rpcs() -> None:
    """But where it does not say what is there, nothing is said of it."""
    with FakeViam(seed=1, auth="keys", interceptors=[lacks := Lacks()]) as cloud:
        assert clean_up(cloud) == (0, f"found {NONE}\n")
        lacks.status = Status.INTERNAL
        status, told = clean_up(cloud)
        assert (status, "ListDataPipelines does not show what is there" in told) == (2, True)


class Ignores(Interceptor):
    """Ignores the filters of deletes."""

    def request(self, rpc: str, message: Any) -> Any:
        if rpc == "DeleteTabularData":
            message.ClearField("filter")
        return message


def test_readings_stay_where_a_delete_would_take_those_of_others() -> None:
    with FakeViam(seed=1, auth="keys", interceptors=[Ignores()]) as cloud:
        fill(cloud, "cam", "contract-0123abcd-7")
        status, told = clean_up(cloud)
        assert status == 1
        assert "left: 0 files, readings of 1 components" in told
        assert {"cam", "contract-0123abcd-7"} <= set(held(cloud)[1])


def test_who_may_not_be_asked_is_told(cloud: FakeViam) -> None:
    status, told = clean_up(cloud, "--api-key", "wrong")
    assert status != 0
    assert "refuses the API key" in told


def test_what_a_set_up_left_hides_no_other_readings(cloud: FakeViam) -> None:
    """DT-1: a reading of the year 900, by which the next delete is tried, was taken for others'."""
    theirs = held(cloud)
    line = RemoteConnection(
        Address(target=cloud.target, api_key_id=cloud.api_key_id, api_key=cloud.api_key)
    )
    for component, time in (("probe", YEAR_900), ("7", time_ns())):
        sensor = datasync.SensorMetadata(
            time_requested=timestamp_from(time), time_received=timestamp_from(time)
        )
        metadata = datasync.UploadMetadata(
            part_id=cloud.default_part.id,
            component_name=f"contract-0123abcd-{component}",
            type=datasync.DATA_TYPE_TABULAR_SENSOR,
        )
        content = datasync.SensorData(metadata=sensor, struct=struct_from({"n": 1.0}))
        request = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=[content])
        assert not isinstance(line.wire().call("DataCaptureUpload", request), Refused)
    line.close()
    assert held(cloud) != theirs
    status, told = clean_up(cloud)
    assert (status, held(cloud)) == (0, theirs), told
