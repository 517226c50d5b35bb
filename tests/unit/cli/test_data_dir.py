"""`fakeviam serve --data-dir`: what was answered is there after the server was killed.

The two hundred kills are in tests/unit/datadir, without a server; here are a few with one.
"""

from __future__ import annotations

import asyncio
import random
import signal
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.client import Channel, UnaryUnaryMethod

from fakeviam.wire import data, datasync

from .program import METHODS, run

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from .program import Serve, Served

KILLS = 3


def serve_kept(serve: Serve, folder: Path, number: int) -> Served:
    # A killed server leaves its socket behind.
    return serve("--data-dir", str(folder / "data"), "--unix-socket", str(folder / f"{number}"))


class Answered:
    """What a server said that it has."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.files: dict[str, bytes] = {}
        self.tags: dict[str, list[str]] = {}
        self.datasets: dict[str, str] = {}
        self.unknown = 0

    def write(self, server: Served) -> None:
        """Write, one call after another, until the server is killed in the midst of one."""
        asyncio.run(self._write(server))

    async def _write(self, server: Served) -> None:
        channel = Channel(server.facts["host"], server.facts["port"])
        for _ in range(self.dice.randint(4, 14)):
            await self._step(channel, server)
        last = asyncio.create_task(self._step(channel, server))
        for _ in range(self.dice.randrange(30)):
            await asyncio.sleep(0)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        [failed] = await asyncio.gather(last, return_exceptions=True)
        self.unknown += failed is not None
        channel.close()

    async def _step(self, channel: Channel, server: Served) -> None:
        kind = self.dice.randrange(4)
        if kind == 0 and not self.files:
            kind = 2
        if kind == 0:
            chosen, tag = self.dice.choice(list(self.files)), f"tag {self.dice.random()}"
            await ask(channel, "AddTagsToBinaryDataByIDs", binary_data_ids=[chosen], tags=[tag])
            self.tags.setdefault(chosen, []).append(tag)
        elif kind == 1:
            name = f"dataset {self.dice.random()}"
            owner = server.facts["organization_id"]
            made = await ask(channel, "CreateDataset", name=name, organization_id=owner)
            self.datasets[made.id] = name
        else:
            payload = self.dice.randbytes(1000)
            reply = await ask(
                channel,
                "DataCaptureUpload",
                metadata=datasync.UploadMetadata(
                    part_id=server.facts["part_id"], type=datasync.DATA_TYPE_BINARY_SENSOR
                ),
                sensor_contents=[datasync.SensorData(binary=payload)],
            )
            self.files[reply.binary_data_id] = payload

    def check(self, server: Served) -> None:
        """It has all of that, and at most one write more for each kill."""
        ids = list(self.files)
        if ids:
            reply = server.call("BinaryDataByIDs", binary_data_ids=ids, include_binary=True)
            assert [one.binary for one in reply.data] == list(self.files.values())
            for one in reply.data:
                wanted = self.tags.get(one.metadata.binary_data_id, [])
                assert set(wanted) <= set(one.metadata.capture_metadata.tags)
        listed = server.call(
            "ListDatasetsByOrganizationID", organization_id=server.facts["organization_id"]
        )
        assert self.datasets.items() <= {one.id: one.name for one in listed.datasets}.items()
        every = server.call("BinaryDataByFilter", data_request=data.DataRequest(), count_only=True)
        assert len(ids) <= every.count <= len(ids) + self.unknown


async def ask(channel: Channel, rpc: str, **fields: Any) -> Any:
    method = METHODS[rpc]
    stub: UnaryUnaryMethod[Message, Message] = UnaryUnaryMethod(
        channel, method.path, method.request, method.response
    )
    return await stub(method.request(**fields))


@pytest.mark.slow
def test_a_killed_server_loses_nothing_that_it_answered(serve: Serve, folder: Path) -> None:
    """Files, tags and datasets; what was not answered is there or is not (DD-1)."""
    answered = Answered(random.Random(0))  # noqa: S311 - a test's
    for number in range(KILLS):
        server = serve_kept(serve, folder, number)
        answered.check(server)
        answered.write(server)
    answered.check(serve_kept(serve, folder, KILLS))
    assert answered.files
    assert answered.tags
    assert answered.datasets


@pytest.mark.slow
def test_a_second_server_is_told_who_has_the_directory(serve: Serve, folder: Path) -> None:
    """And when that has ended, it may (DD-2)."""
    first = serve_kept(serve, folder, 0)
    done = run("serve", "--port", "0", "--data-dir", str(folder / "data"))
    assert done.returncode != 0
    assert f"is in use by process {first.facts['pid']}; stop that process, or choose" in done.stderr
    assert first.stop()[0] == 0
    assert serve_kept(serve, folder, 1).stop()[0] == 0
