"""One port for gRPC and HTTP."""

from __future__ import annotations

import asyncio
import struct
from functools import partial
from typing import TYPE_CHECKING

import pytest

from fakeviam.server.transport.frames import PREFACE
from fakeviam.server.transport.protocol_switch import LazyServer, ProtocolSniffer
from fakeviam.server.transport.quiet_log import QuietLog

if TYPE_CHECKING:
    from collections.abc import Iterator


SIDES = ("grpc", "http", "database", "tls")


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
        opening = ProtocolSniffer(
            *(partial(maker, name) for name in SIDES), patience=30, quiet_log=QuietLog(float)
        )
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
        (b"\0\1\2" * 6, "http"),
        (b"\x16\x03\x01\0\xa5" + bytes(11), "tls"),
        (b"\x16\x03\x01", "tls"),
        (b"\x16\x03\x04", "tls"),
        (b"\x14\x03\x03\0\1\1", "tls"),
        (b"\x15\x03\x01\0\2\2\x28", "tls"),
        (b"\x17\x03\x03\0\x10", "tls"),
        (b"\x18\x03\x02\0\3", "tls"),
        (b"\x13\x03\x03" + bytes(13), "http"),
        (b"\x16" * 16, "http"),
        (struct.pack("<iiii", 62, 1, 0, 2013), "database"),
        (struct.pack("<iiii", 62, 1, 0, 2004), "database"),
        (struct.pack("<iiii", 0x0316, 1, 0, 2013), "database"),  # begins as SSL 3 did
        (struct.pack("<iiii", 62, 1, 0, 1), "http"),
        (struct.pack("<iiii", 15, 1, 0, 2013), "http"),
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


def test_a_silent_connection_is_dropped_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """And one that spoke is not (HT-1); what began nothing is in the log (SV-13)."""

    async def say(data: bytes) -> bool:
        line = Line()
        opening = ProtocolSniffer(
            *(partial(Heard, name) for name in SIDES), patience=0, quiet_log=QuietLog(float)
        )
        opening.connection_made(line)
        opening.data_received(data)
        for _ in range(3):
            await asyncio.sleep(0)
        return line.aborted

    assert asyncio.run(say(b""))
    assert not caplog.records
    assert asyncio.run(say(b"PRI"))
    assert "it said b'PRI' and then nothing for 0 seconds [SV-13]" in caplog.text
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

    http = LazyServer(make)
    asyncio.run(http.stop())
    assert made == []
    http.made().protocol()
    http.made().protocol()
    asyncio.run(http.stop())
    asyncio.run(http.stop())
    assert made == ["server", "protocol", "protocol", "stopped"]
