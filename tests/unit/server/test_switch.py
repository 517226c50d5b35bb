"""One port for gRPC and HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fakeviam.server.transport.frames import PREFACE
from fakeviam.server.transport.protocol_switch import Http, ProtocolSniffer

if TYPE_CHECKING:
    from collections.abc import Iterator


class Heard(asyncio.Protocol):
    """Remembers what it was given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard = b""
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data


class Line(asyncio.Transport):
    """A transport without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.BaseProtocol | None = None
        self.aborted = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def abort(self) -> None:
        self.aborted = True


def pieces(data: bytes) -> Iterator[bytes]:
    yield from (data[at : at + 1] for at in range(len(data)))


def spoken(*data: bytes) -> tuple[Line, Heard | None]:
    """Who got a connection on which these pieces came, one by one."""
    line = Line()
    made: list[Heard] = []

    def maker(name: str) -> Heard:
        made.append(Heard(name))
        return made[-1]

    async def speak() -> None:
        opening = ProtocolSniffer(lambda: maker("grpc"), lambda: maker("http"), patience=30)
        opening.connection_made(line)
        for piece in data:
            (opening if line.protocol is None else made[0]).data_received(piece)
        opening.connection_lost(None)

    asyncio.run(speak())
    assert len(made) <= 1
    return line, made[0] if made else None


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(
    ("data", "name"),
    [
        (PREFACE, "grpc"),
        (PREFACE + b"\0\0\0", "grpc"),
        (b"GET / HTTP/1.1\r\n\r\n", "http"),
        (b"PRI / HTTP/1.1\r\n\r\n", "http"),
        (b"PRIVATE / HTTP/1.1\r\n\r\n", "http"),
        (b"POST / HTTP/1.1\r\n\r\n", "http"),
        (PREFACE[:-1] + b"?", "http"),
        (b"\0\1\2", "http"),
        (b"\x16\x03\x01", "http"),
    ],
)
def test_the_first_bytes_tell(data: bytes, name: str, *, split: bool) -> None:
    """However they are cut; the one who gets the connection gets every byte (HT-1)."""
    line, heard = spoken(*(pieces(data) if split else [data]))
    assert heard is not None
    assert heard.name == name
    assert heard.heard == data
    assert heard.transport is line
    assert line.protocol is heard


@pytest.mark.parametrize("data", [b"", b"P", PREFACE[:-1]])
def test_a_connection_that_has_not_said_enough_belongs_to_nobody(data: bytes) -> None:
    """It may still become either (HT-1)."""
    assert spoken(*pieces(data))[1] is None


def test_a_silent_connection_is_dropped_in_the_end() -> None:
    """And one that spoke is not (HT-1)."""

    async def say(data: bytes) -> bool:
        line = Line()
        opening = ProtocolSniffer(lambda: Heard("grpc"), lambda: Heard("http"), patience=0)
        opening.connection_made(line)
        opening.data_received(data)
        for _ in range(3):
            await asyncio.sleep(0)
        return line.aborted

    assert asyncio.run(say(b"PRI"))
    assert not asyncio.run(say(b"GET"))
    assert not asyncio.run(say(PREFACE))


def test_the_http_side_is_made_once_and_when_it_is_needed() -> None:
    """For most tests it is never made (HT-1)."""
    made: list[str] = []

    class Server:
        def protocol(self) -> asyncio.Protocol:
            made.append("protocol")
            return asyncio.Protocol()

        async def stop(self) -> None:
            made.append("stopped")

    def make() -> Server:
        made.append("server")
        return Server()

    http = Http(make)
    asyncio.run(http.stop())
    assert made == []
    http.protocol()
    http.protocol()
    asyncio.run(http.stop())
    asyncio.run(http.stop())
    assert made == ["server", "protocol", "protocol", "stopped"]
