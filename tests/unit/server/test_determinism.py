"""One seed and one order of calls give one answer."""

from __future__ import annotations

import ast
import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam import Clock, FakeViam, UsageError
from fakeviam.server.transport.routes import built
from fakeviam.wire import data, datasync
from fakeviam.wire.values import struct_from

from .driver import DEFAULT_PART, METHODS, ORGANIZATION, Viam, file_parts, stream_parts
from .fleet_requests import fleet_requests
from .frames import Frames
from .newest_requests import newest_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from .frames import Seen

PACKAGE = Path(__file__).parents[3] / "fakeviam"
BUILT = sorted(built())
FLEET = fleet_requests(DEFAULT_PART)

NAMES = st.sampled_from(["cats", "dogs"])
STEPS = st.lists(st.tuples(st.sampled_from(BUILT), NAMES, st.integers(0, 3)), max_size=25)


class Program:
    """Requests that refer to what earlier answers gave."""

    def __init__(self) -> None:
        self.files: list[str] = ["nobody/knows/it"]
        self.datasets: list[str] = ["65f1a2b3c4d5e6f708192a3b"]

    def request(self, rpc: str, name: str, which: int) -> Sequence[Message]:
        """The messages of a call."""
        if rpc == "FileUpload":
            return file_parts(name.encode(), file_extension=".jpg", tags=[name])
        if rpc == "StreamingDataCaptureUpload":
            return stream_parts(name.encode(), b"more")
        if rpc == "DataCaptureUpload":
            content = datasync.SensorData(binary=b"x")
            kind = datasync.DATA_TYPE_BINARY_SENSOR
            if which % 2:
                content = datasync.SensorData(struct=struct_from({name: which}))
                kind = datasync.DATA_TYPE_TABULAR_SENSOR
            metadata = datasync.UploadMetadata(part_id=DEFAULT_PART.id, type=kind)
            return [datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=[content])]
        if rpc in FLEET:
            return [FLEET[rpc]]
        return [self._fill(METHODS[rpc].request(), name, which)]

    def _fill(self, request: Any, name: str, which: int) -> Message:
        file = self.files[which % len(self.files)]
        ready = {
            "organization_id": ORGANIZATION,
            "part_id": DEFAULT_PART.id,
            "resource_name": name,
            "resource_subtype": name,
            "method_name": name,
            "name": name,
            "label": name,
            "id": self.datasets[which % len(self.datasets)],
            "dataset_id": self.datasets[which % len(self.datasets)],
            "binary_data_id": file,
            "password": name,
            "sql_query": "SELECT * FROM readings",
            "entity": name,
            "x_max_normalized": 1.0,
            "y_max_normalized": 1.0,
        }
        many = {
            "tags": [name],
            "binary_data_ids": [file],
            "ids": self.datasets,
            "dataset_ids": self.datasets,
        }
        for field in request.DESCRIPTOR.fields:
            if field.name in ready:
                setattr(request, field.name, ready[field.name])
            elif field.name in many:
                getattr(request, field.name).extend(many[field.name])
        if isinstance(request, data.AddTagsToBinaryDataByFilterRequest) and which == 3:
            request.filter.SetInParent()
        return request  # type: ignore[no-any-return]

    def learn(self, rpc: str, seen: Seen) -> None:
        """Take ids out of an answer."""
        for message in seen.messages:
            reply: Any = METHODS[rpc].response.FromString(message)
            if getattr(reply, "binary_data_id", ""):
                self.files.append(reply.binary_data_id)
            if rpc in ("CreateDataset", "MergeDatasets"):
                self.datasets.append(getattr(reply, "id", "") or reply.dataset_id)


async def answers(steps: list[tuple[str, str, int]], seed: int, ids: Any) -> list[Any]:
    """All that a client sees of these calls."""
    clock = Clock.frozen("2026-03-10T12:00:00Z")
    async with FakeViam(seed=seed, clock=clock, ids=ids) as cloud:
        cloud.faults.on("*Tags*").with_probability(0.3).status("UNAVAILABLE")
        frames, program = await Frames.over_tcp(cloud), Program()
        told = []
        for rpc, name, which in steps:
            seen = await frames.call(rpc, *program.request(rpc, name, which))
            program.learn(rpc, seen)
            told.append((rpc, seen))
            clock.advance(seconds=1)
        frames.close()
        cloud.check()
        return told


@given(STEPS, st.integers(0, 2**64), st.sampled_from(["real", "readable"]))
def test_two_fakes_answer_the_same_bytes(
    steps: list[tuple[str, str, int]], seed: int, ids: str
) -> None:
    """Replies, headers and trailers of every RPC, with chance in the faults (CK-3)."""
    first = asyncio.run(answers(steps, seed, ids))
    assert first == asyncio.run(answers(steps, seed, ids))


def test_every_rpc_is_in_it() -> None:
    """And most are answered OK, so that there are bytes to compare (CK-3)."""
    steps = [("DataCaptureUpload", "cats", 0), ("FileUpload", "cats", 0), ("CreateDataset", "d", 0)]
    # The newest have requests of their own, and tests that they are the same (DP-16).
    older = set(BUILT) - (newest_requests(DEFAULT_PART).keys() - {"ExportTabularData"})
    rest = [(rpc, "cats", 1) for rpc in sorted(older) if "Delete" not in rpc]
    told = asyncio.run(answers([*steps, *rest], 1, "real"))
    refused = {rpc for rpc, seen in told if seen.headers["grpc-status"] not in ("0", "14")}
    assert refused == {  # for want of an image, of a box, of another name
        "AddBoundingBoxToImageByID",
        "RemoveBoundingBoxFromImageByID",
        "RenameDataset",
        "UpdateBoundingBox",
    } | (refused & {"MergeDatasets"})


def test_another_seed_gives_other_ids() -> None:
    """In real shapes (CK-4)."""
    steps = [("FileUpload", "cats", 0), ("CreateDataset", "cats", 0)]
    one, other = (asyncio.run(answers(steps, seed, "real")) for seed in (1, 2))
    for (rpc, mine), (_, theirs) in zip(one, other, strict=True):
        assert mine.body != theirs.body, rpc


# Ids -----------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_readable_ids(start: Any) -> None:
    """They count; where clients check a shape, they have it (CK-4)."""
    viam: Viam = await start(ids="readable")
    cloud = viam.cloud
    assert (await viam.upload("a.jpg")).endswith("/file-000001")
    assert (await viam.upload("b.jpg")).endswith("/file-000002")
    made = await viam.create_dataset("cats")
    assert made == "000000000000000000000001"
    box = await viam.add_box(await viam.upload("c.jpg", ext=".jpg"))
    assert box == "000000000000000000000002"
    part = cloud.fleet.add_part("arm", robot="arm", location="lab", organization="acme")
    assert re.fullmatch(r"00000000-0000-4000-8000-0000000000\d\d", part.id)
    assert re.fullmatch(r"loc\d{7}", part.location_id)
    assert part.id != part.robot_id != part.organization_id
    await viam.add_tags(await viam.upload("d.jpg"), tags=["x"])
    key = cloud.add_api_key(organizations=part.organization_id)
    assert len(key.key) == 64  # secrets stay secret


@pytest.mark.asyncio
async def test_readable_ids_in_sessions_and_after_a_restore(start: Any) -> None:
    """A session goes on where its fake is; no id is given twice (CK-4)."""
    viam: Viam = await start(ids="readable")
    first = await viam.upload("a.jpg")
    session = viam.cloud.session("one")
    reply = await viam.rpc("FileUpload", *file_parts(b"x"), metadata={"fakeviam-session": "one"})
    assert first.endswith("file-000001")
    assert reply.binary_data_id.endswith("file-000002")
    assert len(session.calls) == 1


def test_ids_are_real_or_readable() -> None:
    """Anything else is a mistake (CK-4)."""
    wrong: Any = "pretty"
    with pytest.raises(UsageError, match="ids must be one of 'real', 'readable', got 'pretty'"):
        FakeViam(ids=wrong)


# Time ----------------------------------------------------------------------------------------

#: Where real time and chance may come in, and why.
EDGES = {
    "server/fake.py": {"time.time_ns", "time.perf_counter_ns", "secrets.randbits"},
}
_REAL = re.compile(
    r"(time\.(time|monotonic|perf_counter|sleep|localtime|gmtime)\w*"
    r"|(datetime|date)\.(now|utcnow|today)|random\.\w+|secrets\.\w+|uuid\.uuid[14]|os\.urandom)"
)


def test_nobody_reads_the_wall_clock() -> None:
    """Real time, real chance and the fake meet in one file (CK-1, CK-3)."""
    rooms = ("model", "store", "server")
    for path in sorted(each for room in rooms for each in (PACKAGE / room).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        found = {name for name in used if _REAL.fullmatch(name)}
        assert found <= EDGES.get(path.relative_to(PACKAGE).as_posix(), set()), path
