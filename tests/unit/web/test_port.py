"""HTTP and gRPC on one port, live."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import import_module
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient
from uvicorn.protocols.http.h11_impl import H11Protocol

from fakeviam import ConnectionLimits, FakeViam
from fakeviam.server.transport import protocol_switch
from fakeviam.web import first as first_side

from .browser import Browser, call
from .http2_client import Http2

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from .conftest import Open

LAZY = """
import asyncio, sys
from grpclib.client import Channel, UnaryUnaryMethod
from fakeviam import FakeViam, wire

(method,) = (each for each in wire.methods() if each.name == "Authenticate")

async def log_in(cloud):
    channel = Channel(cloud.host, cloud.port)
    stub = UnaryUnaryMethod(channel, method.path, method.request, method.response)
    assert (await stub(method.request(entity="someone"))).access_token
    channel.close()

with FakeViam() as cloud:
    asyncio.run(log_in(cloud))
print(*sorted(sys.modules))
"""


def test_grpc_alone_loads_no_http() -> None:
    """Importing, starting and serving gRPC leaves Starlette and uvicorn alone (HT-1)."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LAZY], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"starlette", "uvicorn", "h11", "anyio"}
    assert "fakeviam.web" not in done.stdout.split()


def _over_1(cloud: FakeViam) -> bytes:
    return Browser(cloud).request("GET", "/healthz").body


def _over_2(cloud: FakeViam) -> bytes:
    with Http2(cloud) as client:
        return client.request("GET", "/healthz", b"", {}).body


def _by_database(cloud: FakeViam) -> bytes:
    address = f"mongodb://{cloud.host}:{cloud.port}/?directConnection=true"
    with MongoClient[dict[str, Any]](address) as client:
        return b"ok\n" * int(client.admin.command("ping")["ok"])


@pytest.mark.parametrize("first", [_over_1, _over_2, _by_database])
def test_calls_are_answered_while_the_first_request_waits(
    monkeypatch: pytest.MonkeyPatch, first: Callable[[FakeViam], bytes]
) -> None:
    """What answers it is imported aside (HT-1, SV-18)."""
    began, called, asked = Event(), Event(), import_module

    def slow_import(name: str) -> ModuleType:
        began.set()
        assert called.wait(30), "no call was answered meanwhile"
        return asked(name)

    monkeypatch.setattr(first_side, "import_module", slow_import)
    monkeypatch.setattr(protocol_switch, "import_module", slow_import)
    with FakeViam(seed=1) as cloud, ThreadPoolExecutor() as others:
        answers = [others.submit(first, cloud) for _ in range(2)]
        assert began.wait(30)
        assert call(cloud, "Authenticate", entity="someone").access_token
        called.set()
        assert [answer.result() for answer in answers] == [b"ok\n"] * 2
        assert first(cloud) == b"ok\n"


def test_who_does_not_wait_for_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that leaves meanwhile, or a server that stops, leaves nothing behind (SV-18)."""
    began, left, asked = Event(), Event(), import_module

    def slow_import(name: str) -> ModuleType:
        began.set()
        assert left.wait(30)
        return asked(name)

    monkeypatch.setattr(first_side, "import_module", slow_import)
    with FakeViam(seed=1) as cloud, socket.create_connection((cloud.host, cloud.port)) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert began.wait(30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        with socket.create_connection((cloud.host, cloud.port)) as other:
            other.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            other.shutdown(socket.SHUT_WR)
            left.set()
            with other.makefile("rb") as answer:
                assert answer.read().endswith(b"\r\n\r\nok\n")


def test_both_are_served_in_turn(web: Browser) -> None:
    """On TCP and on the Unix socket (HT-1)."""
    for _ in range(2):
        assert call(web.cloud, "Authenticate", entity="someone").access_token
        assert web.request("GET", "/healthz").body == b"ok\n"
        assert web.request("GET", "/healthz", unix=True).body == b"ok\n"


def test_health_is_plain_and_for_everyone(browse: Open) -> None:
    """Also where the control API is for few, or off (HT-2)."""
    for options in ({}, {"control_token": "t"}, {"control": False}):
        web = browse(**options)
        reply = web.request("GET", "/healthz", headers={"host": "example.org"})
        assert (reply.status, reply.body) == (200, b"ok\n")
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        assert web.request("HEAD", "/healthz").body == b""
        assert web.request("POST", "/healthz").error["what"] == "/healthz does not allow POST"


def test_one_connection_carries_many_requests(web: Browser) -> None:
    with closing(http.client.HTTPConnection(web.cloud.host, web.cloud.port)) as connection:
        for _ in range(3):
            connection.request("GET", "/control/v1/clock")
            assert connection.getresponse().read()
        first = connection.sock
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok\n"
        assert connection.sock is first


def raw(cloud: FakeViam, data: bytes) -> bytes:
    """What comes back until the server hangs up."""
    with socket.create_connection((cloud.host, cloud.port), timeout=30) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02\0\x01", b"hello\r\n\r\n", b"GET /\r\n\r\n"],
    ids=["TLS", "a word", "HTTP/0.9"],
)
def test_garbage_is_answered_in_words(web: Browser, data: bytes) -> None:
    """Whoever sends it hears what this port speaks (HT-1)."""
    head, _, body = raw(web.cloud, data).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"connection: close" in head
    wanted = "this port speaks no TLS" if data[0] == 0x16 else "this is neither HTTP/1.1 nor gRPC"
    assert json.loads(body)["error"]["what"].startswith(wanted)


@pytest.mark.parametrize("data", [b"", b"PRI"])
def test_a_half_word_gets_no_answer(web: Browser, data: bytes) -> None:
    """It hangs up, so does the server (HT-1)."""
    assert raw(web.cloud, data) == b""


def test_nothing_is_logged_of_clients_that_speak_something_else(
    web: Browser, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    raw(web.cloud, b"hello\r\n\r\n")
    assert caplog.records == []
    assert capfd.readouterr().err == ""


CHUNKED = (
    b" HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n"
)
CALL = b"POST /viam.app.v1.AppService/ListOrganizations"
LONG = b"400\r\n%b\r\n" % (b" " * 1024)


@pytest.mark.parametrize(
    "start", [CALL, b"POST /control/v1/reset", b"HEAD /healthz", b"GET /a.B/C"]
)
@pytest.mark.parametrize(
    "rest", [b"\r\nzz\r\n", b"\r\n2\r\n{}\r\n-1\r\n\r\n", b"content-length: x\r\n\r\n"]
)
def test_a_body_that_is_none_ends_its_request(
    web: Browser, caplog: pytest.LogCaptureFixture, start: bytes, rest: bytes
) -> None:
    """With one answer; what would have answered is heard no more, nor in the log (HT-11)."""
    head, _, body = raw(web.cloud, start + CHUNKED + rest).partition(b"\r\n\r\n")
    assert head.partition(b"\r\n")[0] in (b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 200 OK")
    assert b"\r\n" not in body
    assert fetch(web) == b"ok\n"
    assert caplog.records == []


def fetch(web: Browser) -> bytes:
    return web.request("GET", "/healthz").body


@pytest.mark.parametrize("sent", [b"\r\n", b"\r\n2\r\n{", b"\r\nffffffffff\r\n{"])
def test_a_body_that_stands_still_ends_its_connection(browse: Open, sent: bytes) -> None:
    """After as long as a call of gRPC may (SV-13)."""
    web = browse(limits=ConnectionLimits(stalled_seconds=0.1))
    with socket.create_connection(("127.0.0.1", web.cloud.port), timeout=30) as line:
        line.sendall(CALL + CHUNKED + sent)
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"the body of the request stood still after 0.1 seconds" in answer


@pytest.mark.parametrize(
    ("chunk", "count", "most"),
    [(b"1\r\n \r\n", 40_000, 1024), (LONG, 400, 2**20)],
    ids=["1", "1024"],
)
def test_others_have_their_turn_between_small_chunks(
    web: Browser, monkeypatch: pytest.MonkeyPatch, chunk: bytes, count: int, most: int
) -> None:
    """Each costs as much as a request; nothing of them is lost (SV-11)."""
    sent = CALL + CHUNKED + b"\r\n" + chunk * count + b"2\r\n{}\r\n0\r\n\r\n"
    taken: list[int] = []
    take = H11Protocol.data_received

    def note(self: H11Protocol, data: bytes) -> None:
        taken.append(len(data))
        take(self, data)

    monkeypatch.setattr(H11Protocol, "data_received", note)
    with socket.create_connection(("127.0.0.1", web.cloud.port), timeout=60) as line:
        line.sendall(sent)
        assert line.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert sum(taken) == len(sent)
    assert max(taken) <= most


def test_the_end_drops_http_connections_too() -> None:
    """Those that rest, those that wait for an answer and those that never spoke (HT-1)."""
    cloud = FakeViam()
    with cloud:
        web = Browser(cloud)
        assert web.request("GET", "/healthz").status == 200
        lines = [socket.create_connection((cloud.host, cloud.port)) for _ in range(4)]
        lines[0].sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert lines[0].recv(100)
        waiting = (
            b"GET /control/v1/calls?wait=60&rpc=FileUpload HTTP/1.1\r\nhost: localhost\r\n\r\n"
        )
        lines[1].sendall(waiting)
        lines[2].sendall(b"PRI")
        assert web.request("GET", "/healthz").status == 200
        start = time.perf_counter()
    assert time.perf_counter() - start < 30  # not the minute that the second one waits for
    for line in lines:
        with line:
            line.settimeout(30)
            assert hung_up(line)


def hung_up(line: socket.socket) -> bool:
    try:
        while line.recv(1000):
            continue
    except ConnectionResetError:
        return True
    return True


def test_it_can_start_again_after_it_stopped() -> None:
    """The HTTP side belongs to the loop it was made in (HT-1)."""
    cloud = FakeViam()
    for _ in range(2):
        with cloud:
            assert Browser(cloud).get("/clock")["frozen"] is False


@pytest.mark.parametrize("content_type", ["application/grpc", "application/grpc+proto"])
def test_grpc_over_http_1_is_told_to_use_http_2(web: Browser, content_type: str) -> None:
    """A client or proxy without HTTP/2 learns why it reaches no RPC (HT-1, HT-4)."""
    path = "/viam.app.data.v1.DataService/TagsByFilter"
    reply = web.request("POST", path, b"\0\0\0\0\0", headers={"content-type": content_type})
    assert reply.status == 505
    assert reply.error == {
        "what": f"gRPC over HTTP/1.1 is not supported: POST {path}",
        "field": "content-type",
        "value": content_type,
        "hint": "use HTTP/2 or gRPC-Web, on the same port",
    }
