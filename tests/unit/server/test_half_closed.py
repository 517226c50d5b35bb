"""A client that ends its side of the connection still waits for its answer (SV-16)."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import bson
import pytest

from fakeviam import FakeViam

from .raw_http2 import CANCEL, DATA, PREFACE, RST_STREAM, SETTINGS, RawClient, call_headers, frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TAGS = "/viam.app.data.v1.DataService/TagsByFilter"


@pytest.fixture(scope="module")
def cloud() -> Iterator[FakeViam]:
    with FakeViam(tls=True, plaintext_port=0) as cloud:
        # Longer than clients are trusted to be there; who only waits is not given up.
        cloud.faults.on("TagsByFilter").delay("0.3s", real_time=True).optional()
        yield cloud
        cloud.check()


def plain(cloud: FakeViam) -> socket.socket:
    _, _, port = cloud.plaintext_target.rpartition(":")
    return socket.create_connection((cloud.host, int(port)), timeout=30)


def unix(cloud: FakeViam) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(30)
    line.connect(cloud.unix_socket)
    return line


class Sealed:
    """TLS of which one side can be ended, by what TLS has for it; Python's socket ends both."""

    def __init__(self, cloud: FakeViam) -> None:
        self._line = socket.create_connection((cloud.host, cloud.port), timeout=30)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=cloud.ca_file)
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")
        self._until(self._tls.do_handshake)

    def _until(self, step: Callable[[], Any]) -> Any:
        found = None
        while found is None:
            with suppress(ssl.SSLWantReadError):
                found = step() or b""
            self._line.sendall(self._out.read())
            if found is None:
                self._in.write(self._line.recv(65536))
        return found

    def sendall(self, data: bytes) -> None:
        self._tls.write(data)

    def shutdown(self, _: int) -> None:
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._line.sendall(self._out.read())

    def recv(self, size: int) -> bytes:
        try:
            return bytes(self._until(lambda: self._tls.read(size)))
        except ssl.SSLZeroReturnError:
            return b""

    def close(self) -> None:
        self._line.close()


def answer(line: Any, data: bytes) -> bytes:
    """What comes to a client that has sent this, and nothing more."""
    line.sendall(data)
    line.shutdown(socket.SHUT_WR)
    found = b"".join(iter(lambda: line.recv(65536), b""))
    line.close()
    return found


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    told = {"host": "localhost", "content_length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in told.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def http2(data: bytes) -> bytes:
    return PREFACE + frame(SETTINGS, 0, 0) + data


_ASKED = {
    "a page": (request("GET", "/healthz"), b"\r\n\r\nok\n"),
    "two pages": (request("GET", "/healthz") + request("GET", "/"), b'"fakeviam":'),
    "HTTP/1.0": (b"GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n", b"\r\n\r\nok\n"),
    "the control API": (request("GET", "/control/v1/clock"), b'"now":'),
    "Connect": (request("POST", _TAGS, b"{}", content_type="application/json"), b"\r\n\r\n{}"),
    "gRPC-Web": (
        request("POST", _TAGS, bytes(5), content_type="application/grpc-web"),
        b"grpc-status: 0",
    ),
    "gRPC": (http2(RawClient(None, None).call(1)), frame(DATA, 0, 1, bytes(5))),  # type: ignore[arg-type]
    "MongoDB": (b"", b"isWritablePrimary"),
}


def hello() -> bytes:
    body = bytes(4) + b"\0" + bson.encode({"hello": 1, "$db": "admin"})
    return struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body


@pytest.mark.parametrize("connect", [plain, unix, Sealed])
@pytest.mark.parametrize("name", _ASKED)
@pytest.mark.thinned(3)
def test_what_was_asked_in_full_is_answered(
    cloud: FakeViam, name: str, connect: Callable[[FakeViam], Any]
) -> None:
    """In every protocol, over every kind of connection, even if that takes time (SV-16)."""
    data, wanted = _ASKED[name]
    assert wanted in answer(connect(cloud), data or hello())


_CUT = {
    "a head": (b"GET /healthz HTT", b"the connection ended in the head of the request"),
    "a body": (
        request("POST", "/control/v1/reset", b"{}")[:-1],
        b"the connection ended in the body of the request",
    ),
    "a call": (
        request("POST", _TAGS, b"{}", content_type="application/json")[:-1],
        b"the connection ended in the body of the request",
    ),
    "a call of gRPC": (
        http2(RawClient(None, None).open(1, call_headers())),  # type: ignore[arg-type]
        frame(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")),
    ),
}


@pytest.mark.parametrize("connect", [plain, unix, Sealed])
@pytest.mark.parametrize("name", _CUT)
def test_what_was_cut_is_refused(
    cloud: FakeViam, name: str, connect: Callable[[FakeViam], Any]
) -> None:
    """And says so: nobody is left without an answer (SV-16)."""
    data, wanted = _CUT[name]
    assert wanted in answer(connect(cloud), data)


async def _leave(cloud: FakeViam, name: str, path: str | None) -> None:
    """Ask something that is never answered, and hang up."""
    if path is None:
        reader, writer = await asyncio.open_connection(cloud.host, cloud.port)
    else:
        reader, writer = await asyncio.open_unix_connection(path)
    writer.write(_ASKED[name][0])
    if name == "gRPC":
        await reader.readexactly(9)  # the server's greeting: it has seen the call
    writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("over", ["TCP", "a Unix socket"])
@pytest.mark.parametrize("name", ["gRPC", "gRPC-Web", "Connect"])
async def test_who_has_gone_is_noticed(name: str, over: str) -> None:
    """Soon, though it looks like a client that waits for its answer (SV-16)."""
    async with FakeViam() as cloud:
        cloud.faults.on("TagsByFilter").stall()
        await _leave(cloud, name, None if over == "TCP" else cloud.unix_socket)
        call = await cloud.calls.wait_for_async("TagsByFilter")
        assert call.status == "CANCELLED"
        assert call.text.startswith(("the client", "the connection was lost"))
