"""Clients that do not read what they asked for over HTTP/1.1 (SV-11)."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from .test_connections import ClockedLoop, in_time

if TYPE_CHECKING:
    from fakeviam import FakeViam

_SIZE = 3_000_000  # more than the kernel holds for a Unix socket

_HOUR = 3600


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
            for _ in range(3):
                await loop.advance(0)
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
            while count < _SIZE:
                await loop.advance(_HOUR * 0.9)
                more, is_over = await read(loop, client, 500_000)
                count += more
                assert more or not is_over
            assert count > _SIZE  # its head, too

    in_time(scene)
