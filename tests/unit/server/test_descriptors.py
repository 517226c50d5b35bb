"""A server whose file descriptors run out (SV-11)."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from campaigns.client import Client
from campaigns.server import Server
from fakeviam import FakeViam
from fakeviam.server.transport.descriptors import is_kept
from fakeviam.wire import data, datasync

if TYPE_CHECKING:
    from pathlib import Path

_PART = FakeViam.default_part
KEPT_FOR = "the last file descriptors are kept for the calls of those who are connected"


async def work(client: Client) -> None:
    """Calls that import what they need, and keep bytes in files."""
    metadata = datasync.UploadMetadata(part_id=_PART.id, type=datasync.DATA_TYPE_BINARY_SENSOR)
    contents = [datasync.SensorData(binary=os.urandom(2000))]
    upload = datasync.DataCaptureUploadRequest(metadata=metadata, sensor_contents=contents)
    await client.ask("DataCaptureUpload", upload)
    query = data.TabularDataBySQLRequest(
        organization_id=_PART.organization_id, sql_query="select * from readings"
    )
    await client.ask("TabularDataBySQL", query)


def crowd(stack: ExitStack, server: Server) -> None:
    """More connections that stay than there is room for, until the last is refused."""
    for _ in range(100):
        line = stack.enter_context(socket.create_connection((server.host, server.port)))
    with pytest.raises(ConnectionResetError):
        line.recv(1)


@pytest.mark.slow
@pytest.mark.asyncio
async def test_who_is_connected_is_served_when_descriptors_run_out(tmp_path: Path) -> None:
    """Calls have files, imports and all; who comes is reset until others leave (SV-11, DD-1)."""
    log = tmp_path / "log"
    options = ("--data-dir", str(tmp_path / "data"))
    with Server.running(*options, descriptors=64, log=log) as server:
        client = await Client.over(server.unix_socket)
        with ExitStack() as stack:
            crowd(stack, server)
            await work(client)
        while server.descriptors() > 30:  # it notices one goodbye after the other
            await work(client)
        assert server.control("GET", "/clock")
        client.close()
    lines = log.read_text().splitlines()
    assert [KEPT_FOR in each for each in lines] == [True]


def test_which_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last sixteen, or a quarter of few; where there is no limit, none (SV-11)."""
    resource = pytest.importorskip("resource")

    def kept_of(most: int) -> list[int]:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (most, most))
        return [each for each in range(1100) if is_kept(each)][: max(most, 0)]

    assert kept_of(1024)[0] == 1008
    assert kept_of(40)[0] == 30
    assert kept_of(resource.RLIM_INFINITY) == []
