"""A client may be gone between any two steps of the server: nobody else notices (SV-11)."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import FakeViam
from fakeviam.server.transport.connection import GrpcConnection
from fakeviam.server.transport.limits import ConnectionLimits
from fakeviam.server.transport.protocol_switch import RejectedConnection
from fakeviam.server.transport.quiet_log import QuietLog
from fakeviam.server.transport.routes import Routes

from .raw_http2 import ASK, END_STREAM, PING, PREFACE, SETTINGS, RawClient, call_headers, frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from .driver import Viam

GREETING = PREFACE + frame(SETTINGS, 0, 0)
GONE = OSError(errno.ENOTCONN, "Transport endpoint is not connected")


class Failing(asyncio.Transport):
    """A transport of a TCP socket, whose peer is gone from its step `last` on."""

    def __init__(self, last: int, *, buffered: int = 0) -> None:
        super().__init__()
        self.steps: list[str] = []
        self.protocol: Any = None
        self._last, self._buffered = last, buffered
        self._is_closing = False
        self.family = socket.AF_INET

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if len(self.steps) > self._last:
            raise GONE

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"socket": self, "peername": ("192.0.2.1", 1)}.get(name, default)

    def setsockopt(self, *_: object) -> None:
        self._step("setsockopt")

    def write(self, data: object) -> None:
        del data
        self._step("write")

    def pause_reading(self) -> None:
        self._step("pause_reading")

    def resume_reading(self) -> None:
        self._step("resume_reading")

    def can_write_eof(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return self._buffered

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert (high, low) == (0, None)
        self._step("set_write_buffer_limits")
        self.protocol.pause_writing()
        self._buffered = 0
        self.protocol.resume_writing()

    def write_eof(self) -> None:
        self._step("write_eof")

    def close(self) -> None:
        self._step("close")

    def is_closing(self) -> bool:
        return self._is_closing

    def abort(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, GONE)
        self._step("abort")


def good_call() -> bytes:
    return RawClient(None, None).call(1)  # type: ignore[arg-type]


def unfinished_call() -> bytes:
    return RawClient(None, None).open(1, call_headers("FileUpload"))  # type: ignore[arg-type]


#: What the client said before it vanished.
SAID: dict[str, Callable[[], bytes]] = {
    "nothing": bytes,
    "a call": good_call,
    "a call that goes on": unfinished_call,
    "a call, and something wrong": lambda: good_call() + frame(PING, 0, 0, b"abc"),
    "a call that goes on, and something wrong": lambda: unfinished_call() + frame(PING, 0, 0, b"a"),
    "much at once": lambda: good_call() + frame(PING, 0, 0, bytes(8)) * 100,
    "GOAWAY": lambda: good_call() + frame(7, 0, 0, bytes(8)),
    "data of no call": lambda: frame(0, END_STREAM, 1, ASK),
}


async def steps_of(routes: Routes, said: bytes, last: int, buffered: int) -> list[str]:
    """The steps of a connection whose peer is gone after `last`."""
    loop = asyncio.get_running_loop()
    quiet = QuietLog(loop.time)
    connection = GrpcConnection(routes, limits=ConnectionLimits(), largest=None, quiet_log=quiet)
    transport = Failing(last, buffered=buffered)
    transport.protocol = connection
    connection.connection_made(transport)
    if not transport.is_closing():
        connection.data_received(GREETING + said)
    for _ in range(12):
        await asyncio.sleep(0)
    connection.begin_to_close()
    await connection.close(patience=1)
    for _ in range(2):
        await asyncio.sleep(0)
    return transport.steps


@pytest.mark.asyncio
@pytest.mark.parametrize("name", SAID)
async def test_each_step_may_find_the_client_gone(name: str) -> None:
    """And is not heard of: no exception gets into the event loop, or out of the connection."""
    heard: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context))
    said, ends = SAID[name](), "wrong" in name or "no call" in name or name == "GOAWAY"
    async with FakeViam() as cloud:
        routes = Routes(cloud._hosting._registry)
        for buffered in (0, 10):
            steps = await steps_of(routes, said, 10**6, buffered)
            assert steps[-1] == "abort"
            assert ("write_eof" in steps) == ends
            for last in range(len(steps)):
                found = await steps_of(routes, said, last, buffered)
                assert (found[: last + 1], found[-1]) == (steps[: last + 1], "abort")
        assert cloud.crashes == ()
    loop.set_exception_handler(None)
    assert heard == []


@pytest.mark.asyncio
async def test_a_connection_that_is_rejected_when_it_is_gone() -> None:
    """Is dropped all the same (FT-8)."""
    transport = Failing(0)
    transport.protocol = rejected = RejectedConnection()
    rejected.connection_made(transport)
    assert transport.steps == ["setsockopt", "abort"]


@pytest.mark.asyncio
async def test_clients_that_reset_their_connection(
    viam: Viam, caplog: pytest.LogCaptureFixture
) -> None:
    """In the middle of whatever they said; neighbours are answered, nothing is logged."""
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    loop = asyncio.get_running_loop()
    for said in SAID.values():
        with socket.create_connection((viam.cloud.host, viam.cloud.port)) as client:
            client.settimeout(0)
            await loop.sock_sendall(client, GREETING + said())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert await viam.tags_by_filter() == []
    loop.set_exception_handler(None)
    assert heard == []
    assert all("closed the connection of" in each for each in caplog.messages)
