"""Clients that mean ill, over TLS: the limits of a connection hold as without it."""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hyperframe.frame import ContinuationFrame, Frame, HeadersFrame, PingFrame, SettingsFrame

from fakeviam import ConnectionLimits, FakeViam
from fakeviam.server.transport.frames import PREFACE

if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
REQUEST = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def cloud() -> Iterator[FakeViam]:
    limits = ConnectionLimits(
        header_seconds=2, linger_seconds=0.3, continuations=2, control_frames=20
    )
    with FakeViam(tls=True, limits=limits) as cloud:
        yield cloud
        cloud.check()


def plain(cloud: FakeViam) -> socket.socket:
    return socket.create_connection(("127.0.0.1", cloud.port), timeout=30)


def encrypted(cloud: FakeViam) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=cloud.ca_file)
    return context.wrap_socket(plain(cloud), server_hostname="localhost")


def rest(line: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    found = b""
    try:
        while piece := line.recv(65536):
            found += piece
    except (ConnectionError, ssl.SSLEOFError):  # it hung up without a farewell
        pass
    return found


def is_served(cloud: FakeViam) -> bool:
    with encrypted(cloud) as line:
        line.sendall(REQUEST)
        return rest(line).endswith(b"ok\n")


def test_handshakes_that_stand_still_cost_others_nothing(cloud: FakeViam) -> None:
    """And are dropped in the end, at whatever byte they stopped (TL-4, SV-13)."""
    with ExitStack() as stack:
        lines = [stack.enter_context(plain(cloud)) for _ in range(100)]
        for at, line in enumerate(lines):
            line.sendall((HELLO + os.urandom(99))[: 1 + at])
        assert is_served(cloud)
        assert all(rest(line)[:1] in (b"", b"\x15", b"H") for line in lines)


@pytest.mark.parametrize("beginning", [b"", b"P", PREFACE[:-1], b"GET / HT"])
@pytest.mark.thinned(4)
def test_who_says_nothing_over_tls_is_dropped(cloud: FakeViam, beginning: bytes) -> None:
    """The time for the beginning of a connection begins after the handshake (TL-4, SV-13)."""
    with encrypted(cloud) as line:
        line.sendall(beginning)
        assert rest(line)[:12] in (b"", b"HTTP/1.1 408")


def flood(cloud: FakeViam, *frames: Frame) -> bytes:
    with encrypted(cloud) as line:
        line.sendall(PREFACE + b"".join(each.serialize() for each in (SettingsFrame(0), *frames)))
        return rest(line)


def test_floods_end_with_a_goaway_that_says_why(cloud: FakeViam) -> None:
    """It arrives, although the client has sent more than was read (SV-11, TL-1)."""
    told = flood(cloud, HeadersFrame(1), *[ContinuationFrame(1)] * 50)
    assert b"CONTINUATION" in told
    assert b"PING" in flood(cloud, *[PingFrame(0, opaque_data=b"12345678")] * 3000)
    assert is_served(cloud)


def test_nonsense_in_the_shape_of_records(cloud: FakeViam) -> None:
    """Ends its own connection (TL-4)."""
    for length in range(0, 400, 7):
        with plain(cloud) as line:
            line.sendall(b"\x16\x03\x01" + os.urandom(length))
    with encrypted(cloud) as line:
        below = socket.socket(fileno=os.dup(line.fileno()))
        with below:
            below.sendall(b"\x17\x03\x03\x00\x20" + os.urandom(32))  # a record nobody encrypted
            with pytest.raises(ssl.SSLError, match="ALERT_BAD_RECORD_MAC"):
                rest(line)
    assert is_served(cloud)


def test_a_client_that_goes_on_after_its_farewell(cloud: FakeViam) -> None:
    """Is heard no more (TL-4)."""
    with encrypted(cloud) as line, line.unwrap() as below:
        below.sendall(REQUEST)
        assert rest(below) == b""
    assert is_served(cloud)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.slow
def test_hundreds_of_connections() -> None:
    """Are served, and leave nothing behind (TL-1)."""
    with FakeViam(tls=True) as cloud, ExitStack() as stack:
        before = descriptors()
        lines = [stack.enter_context(encrypted(cloud)) for _ in range(400)]
        for line in lines:
            line.sendall(REQUEST)
        assert all(rest(line).endswith(b"ok\n") for line in lines)
        stack.pop_all().close()
        assert is_served(cloud)
        assert descriptors() <= before + 5
