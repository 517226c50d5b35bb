"""Random frames and bytes: the server never hangs or breaks, and neighbours are served."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .driver import Viam
from .raw_http2 import ASK, PREFACE, RawClient, call_headers, frame

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

_STREAMS = st.one_of(st.integers(0, 9), st.just(2**31 - 1))
_RPCS = st.sampled_from(["TagsByFilter", "FileUpload", "DataCaptureUpload", "Authenticate"])
_BODIES = st.one_of(
    st.just(ASK),
    st.just(ASK * 2),
    st.binary(max_size=40),
    st.builds(lambda flag, size, body: struct.pack(">BI", flag, size) + body,
              st.integers(0, 3), st.integers(0, 2**32 - 1), st.binary(max_size=9)),
)  # fmt: skip
_NAMES = st.sampled_from(
    [b"x", b"x-bin", b"X", b":path", b"te", b"grpc-timeout", b"grpc-encoding", b"content-length",
     b"content-type", b"authorization", b"fakeviam-session", b"fakeviam-fault", b"connection"]
)  # fmt: skip
_VALUES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"trailers", b"1n", b"1S", b"gzip", b"5", b"YQ==", b"application/grpc"]),
    st.sampled_from([b"application/json", b"application/grpc-web", b"application/connect+json"]),
)


@st.composite
def _piece(draw: DrawFn) -> tuple[str, Any]:
    """Something to send: a call, one of its frames, any frame, or bytes."""
    kind = draw(st.sampled_from(["call", "headers", "data", "frame", "flip", "bytes"]))
    stream = draw(_STREAMS)
    if kind in ("call", "headers"):
        more = draw(st.lists(st.tuples(_NAMES, _VALUES), max_size=2))
        return kind, (stream, draw(_RPCS), more, draw(_BODIES), draw(st.booleans()))
    if kind == "data":
        return kind, frame(0, draw(st.sampled_from([0, 1, 8, 9])), stream, draw(_BODIES))
    if kind == "frame":
        payload = draw(st.one_of(st.binary(max_size=20), st.just(bytes(8)), st.just(bytes(4))))
        return kind, frame(draw(st.integers(0, 12)), draw(st.integers(0, 255)), stream, payload)
    if kind == "flip":
        return kind, draw(st.integers(0, 200))
    return kind, draw(st.binary(max_size=60))


def _bytes_of(client: RawClient, pieces: list[tuple[str, Any]]) -> bytes:
    sent = bytearray()
    for kind, what in pieces:
        if kind in ("call", "headers"):
            stream, rpc, more, body, end = what
            sent += client.open(stream, [*call_headers(rpc), *more], end=end and kind == "headers")
            if kind == "call":
                sent += frame(0, 1 if end else 0, stream, body)
        elif kind == "flip":
            if sent:
                sent[what % len(sent)] ^= 1 << what % 8
        else:
            sent += what
    return bytes(sent)


async def _attack(viam: Viam, greeting: bytes, pieces: list[tuple[str, Any]], cut: int) -> None:
    """Send it in two parts; what came back must make sense, and a neighbour is served."""
    client = await RawClient.connect(viam.cloud, greet=False)
    sent = greeting + _bytes_of(client, pieces)
    client.send(sent[:cut])
    assert await viam.tags_by_filter() == []
    client.send(sent[cut:])
    client.writer.write_eof()
    await asyncio.wait_for(client.end(), 60)
    assert await viam.tags_by_filter() == []
    for answer in client.answers.values():
        assert answer.status not in ("2", "13"), (sent, answer)
    if client.goaway is not None:
        _, code, text = client.goaway
        assert (code == 0) is not bool(text), (sent, client.goaway)
    assert viam.cloud.crashes == (), sent
    viam.cloud.reset()


_GREETINGS = st.sampled_from(
    [PREFACE + frame(4, 0, 0)] * 6
    + [PREFACE, PREFACE + frame(4, 1, 0), PREFACE + frame(4, 0, 0, b"\0\4\0\0\0\1"), b"", b"GET "]
)


def _campaign(examples: int) -> None:
    loop = asyncio.new_event_loop()
    running = Viam.running()
    viam = loop.run_until_complete(running.__aenter__())

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_GREETINGS, st.lists(_piece(), max_size=8), st.integers(0, 400))
    def attack(greeting: bytes, pieces: list[tuple[str, Any]], cut: int) -> None:
        loop.run_until_complete(_attack(viam, greeting, pieces, cut))

    try:
        attack()
    finally:
        loop.run_until_complete(running.__aexit__(None, None, None))
        loop.close()


def test_a_server_under_any_frames_at_all() -> None:
    """Never hangs, never INTERNAL or UNKNOWN, and says why it ends a connection (SV-11, SV-4)."""
    _campaign(40)


@pytest.mark.slow
def test_a_server_under_any_frames_for_longer() -> None:
    """The same, with more of them (SV-11, SV-4)."""
    _campaign(1500)
