"""Clients that do not read what they asked for, by whatever protocol (SV-11)."""

from __future__ import annotations

import fcntl
import socket
import sys
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from fakeviam.server.transport.connection import GrpcConnection
from fakeviam.wire import data
from tests.unit.database.test_wire_messages import op_msg

from .raw_http2 import (
    DATA,
    END_STREAM,
    PING,
    SETTINGS,
    WINDOW_UPDATE,
    RawClient,
    call_headers,
    frame,
)
from .test_connections import ClockedLoop, in_time

if TYPE_CHECKING:
    from fakeviam import FakeViam

_SIZE = 3_000_000  # more than the kernel holds for a Unix socket

_HOUR = 3600

_MUCH = 20_000  # and less than the kernel holds


def ask(cloud: FakeViam, *, hangs_up: bool) -> socket.socket:
    """A client that asks for a large file."""
    cloud.load({"files": [{"name": "a.bin", "data": "AAAA" * (_SIZE // 3)}]})
    (file,) = cloud.files
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(0)
    client.connect(cloud.unix_socket)
    client.send(f"GET /files/{file.id} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    if hangs_up:
        client.shutdown(socket.SHUT_WR)
    return client


async def begun(loop: ClockedLoop, client: socket.socket) -> None:
    """Wait until there is more than fits into the kernel: threads may import, or read files."""
    while int.from_bytes(fcntl.ioctl(client, termios.FIONREAD, bytes(4)), sys.byteorder) < _MUCH:
        await loop.advance(0)
    for _ in range(100):
        await loop.advance(0)


async def read(loop: ClockedLoop, client: socket.socket, most: int = 2**40) -> tuple[int, bool]:
    """How much comes, up to so many bytes, and whether the server has ended it."""
    count = 0
    while count < most:
        received = b""
        for _ in range(20):  # the server writes when the client has read
            with suppress(BlockingIOError):
                received = client.recv(65536)
                break
            await loop.advance(0)
        else:
            return count, False
        if not received:
            return count, True
        count += len(received)
    return count, False


@pytest.mark.parametrize("hangs_up", [False, True])
def test_who_reads_nothing_for_an_hour_is_dropped(hangs_up: bool) -> None:  # noqa: FBT001 - drawn
    """With what waited for it, whether it has said its last word or not (SV-11)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        with ask(cloud, hangs_up=hangs_up) as client:
            await begun(loop, client)
            await loop.advance(_HOUR + 1)
            count, is_over = await read(loop, client)
            assert count < _SIZE
            assert is_over

    in_time(scene)


@pytest.mark.parametrize("hangs_up", [False, True])
def test_who_reads_slowly_gets_everything(hangs_up: bool) -> None:  # noqa: FBT001 - drawn
    """However long it takes (SV-11)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        with ask(cloud, hangs_up=hangs_up) as client:
            count = 0
            await begun(loop, client)
            while count < _SIZE:
                await loop.advance(_HOUR * 0.9)
                more, is_over = await read(loop, client, 500_000)
                count += more
                assert more or not is_over
            assert count > _SIZE  # its head, too

    in_time(scene)


# HTTP/2 --------------------------------------------------------------------------------------

#: Windows without end, and frames as large as there may be.
_GREEDY = (
    frame(SETTINGS, 0, 0, b"\0\4\x7f\xff\xff\xff\0\5\0\xff\xff\xff"),
    frame(WINDOW_UPDATE, 0, 0, (2**31 - 1 - 65_535).to_bytes(4, "big")),
)


async def call_for_much(cloud: FakeViam) -> RawClient:
    """A client that calls for a large file, and has not read any of it yet."""
    cloud.load({"files": [{"name": "a.bin", "data": "AAAA" * (_SIZE // 3)}]})
    client = await RawClient.connect(cloud)
    request = data.BinaryDataByFilterRequest(include_binary=True).SerializeToString()
    body = b"\0" + len(request).to_bytes(4, "big") + request
    opening = client.open(1, call_headers("BinaryDataByFilter"))
    client.send(*_GREEDY, opening, frame(DATA, END_STREAM, 1, body))
    return client


def test_who_reads_no_call_for_an_hour_is_dropped() -> None:
    """Even if it sends something now and then (SV-11)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        client = await call_for_much(cloud)
        for _ in range(8):
            client.send(frame(PING, 0, 0, bytes(8)))
            await loop.advance(_HOUR * 0.4)
        answer = await client.answer(1)
        client.writer.close()
        assert len(answer.body) < _SIZE

    in_time(scene)


def test_who_reads_a_call_slowly_gets_everything() -> None:
    """However long it takes (SV-11)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        client = await call_for_much(cloud)
        while not client.answers or not client.answers[1].has_ended:
            await loop.advance(_HOUR * 0.1)
            await client.read()
            client.send(frame(PING, 0, 0, bytes(8)))
        assert len(client.answers[1].body) > _SIZE
        client.writer.close()

    in_time(scene)


def test_large_frames_do_not_wait_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients such as gRPC's C core allow frames of many megabytes (SV-11, SV-18)."""
    waiting: list[int] = []
    pause = GrpcConnection.pause_writing

    def paused(self: GrpcConnection) -> None:
        waiting.append(self._link.unsent)
        pause(self)

    monkeypatch.setattr(GrpcConnection, "pause_writing", paused)

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        client = await call_for_much(cloud)
        await loop.advance(0)
        answer = await client.answer(1)
        client.writer.close()
        assert len(answer.body) > _SIZE
        assert 0 < max(waiting) < 2**18

    in_time(scene)


# MongoDB's protocol --------------------------------------------------------------------------


@pytest.mark.parametrize("reads", [False, True])
def test_database_clients_that_do_not_read(reads: bool) -> None:  # noqa: FBT001 - drawn
    """Are dropped after an hour, but not if they read slowly (SV-11)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(cloud.unix_socket)
            client.settimeout(0)
            asked = op_msg({"hello": 1, "$db": "admin"}) * 5_000  # whose replies are much longer
            with suppress(BlockingIOError):
                while asked:
                    asked = asked[client.send(asked) :]
            await begun(loop, client)
            over = False
            for _ in range(3):
                await loop.advance(_HOUR * 0.9)
                if reads:
                    _, over = await read(loop, client, 300_000)
                    assert not over
            if not reads:
                _, over = await read(loop, client)
                assert over

    in_time(scene)
