"""Requests that HTTP calls malformed, and all forms of those that are fine (HT-11)."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from fakeviam import Clock

from .http2_client import Http2

if TYPE_CHECKING:
    from .browser import Browser
    from .conftest import Open

CONTROL = "/control/v1/clock"


def answers(web: Browser, *lines: str, target: str = "/healthz", method: str = "GET") -> str:
    """What comes back to a request, and to another one behind it that closes the connection."""
    first = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""])
    last = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    with socket.create_connection((web.cloud.host, web.cloud.port), timeout=10) as peer:
        peer.sendall((first + last).encode("latin-1"))
        received = b""
        while piece := peer.recv(10_000):
            received += piece
    return received.decode("latin-1")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["host: a b"], "host is no host and port"),
        (["host: localhost#.evil.example"], "host is no host and port"),
        (["host: localhost/.evil.example"], "host is no host and port"),
        (["host: localhost?.evil.example"], "host is no host and port"),
        (["host: evil.example@localhost"], "host is no host and port"),
        (["host: localhost:abc"], "host is no host and port"),
        (["host: localhost", "origin: http://evil.example", "origin: http://localhost"], "origin"),
        (["host: localhost", "connect-timeout-ms: 0", "connect-timeout-ms: 99"], "2 times"),
        (["host: localhost", "content-encoding: gzip", "content-encoding: identity"], "2 times"),
        (["host: localhost", "authorization: a", "authorization: b"], "authorization is repeated"),
        (["host: localhost", "fakeviam-session: a", "fakeviam-session: b"], "is repeated"),
    ],
)
def test_a_malformed_request_ends_its_connection(web: Browser, lines: list[str], says: str) -> None:
    """With 400, before anything is done; what follows on it is not looked at (HT-11)."""
    for target in ("/healthz", CONTROL, "/ui/calls", "/viam.app.v1.AppService/ListOrganizations"):
        received = answers(web, *lines, "content-length: 0", target=target, method="POST")
        assert received.startswith("HTTP/1.1 400 "), received
        assert says in received
        assert "[HT-11]" in received
        assert received.count("HTTP/1.1 ") == 1
    assert not web.cloud.calls


@pytest.mark.parametrize(
    ("lines", "status", "says"),
    [
        (["content-length: 0"], 400, "Missing mandatory Host: header"),
        (["host: localhost", "content-length: 2", "content-length: 3"], 400, "conflicting"),
        (["host: localhost", "content-length: -1"], 400, "bad Content-Length"),
        (["host: localhost", "a line"], 400, "a line"),
        (["host: localhost", "transfer-encoding: gzip"], 501, "Transfer-Encoding: chunked"),
        (["host: localhost", "transfer-encoding: chunked", "", "X"], 400, "illegal chunk header"),
    ],
)
def test_what_is_wrong_is_told(web: Browser, lines: list[str], status: int, says: str) -> None:
    """Of what is HTTP/1.1, even where nothing could be read (HT-11, HT-4)."""
    received = answers(web, *lines, target="/control/v1/reset", method="POST")
    assert received.startswith(f"HTTP/1.1 {status} "), received
    assert says in received
    assert "[HT-11]" in received
    assert received.count("HTTP/1.1 ") == 1


def test_two_lengths_are_none(web: Browser) -> None:
    """Where the body ends is a matter of opinion then: another request could hide in it (HT-11)."""
    lines = ["host: localhost", "content-length: 5", "transfer-encoding: chunked"]
    received = answers(web, *lines, "", "0", target=CONTROL, method="POST")
    assert received.startswith("HTTP/1.1 400 ")
    assert "contradict" in received
    assert received.count("HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:8080", "a.b-c_d", "fake"]
)
def test_hosts_that_are_some(web: Browser, host: str) -> None:
    """Names of containers among them (HT-11)."""
    assert answers(web, f"host: {host}").count("HTTP/1.1 200 ") == 2


def test_every_form_of_a_target(web: Browser) -> None:
    """That of proxies, whose host counts, and that of the whole server (HT-11)."""
    received = answers(web, "host: other.example", target="http://localhost:1/healthz")
    assert received.count("HTTP/1.1 200 ") == 2
    received = answers(web, "host: localhost", target=f"http://evil.example{CONTROL}")
    assert "does not accept the host name 'evil.example'" in received
    assert answers(web, "host: localhost", target="http://localhost").count("303") <= 1
    assert answers(web, "host: localhost", target="*", method="OPTIONS").count("HTTP/1.1 ") == 2


def test_inside_http_2(web: Browser) -> None:
    """A host beside another authority is a second one (HT-11)."""
    for host, status in [(web.cloud.target, 200), ("evil.example", 400)]:
        with Http2(web.cloud) as client:
            client._h2.config.validate_outbound_headers = False
            reply = client.answer(client.begin("GET", "/healthz", {"host": host}, end=True))
        assert reply.status == status, reply.body
        assert "connection" not in reply.headers


def test_answers_are_dated(browse: Open) -> None:
    """By the fake's clock, as what was modified last is (HT-11)."""
    web = browse(clock=Clock.frozen("2026-01-31T12:00:00Z"))
    for path in ("/healthz", CONTROL, "/nothing"):
        reply = web.request("GET", path)
        assert reply.headers["date"] == "Sat, 31 Jan 2026 12:00:00 GMT"
