"""What a client may do to its connection, and how it ends; neighbours are served all the while."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import struct
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.exceptions import GRPCError, StreamTerminatedError

from fakeviam import FakeViam, Interceptor
from fakeviam.server.transport.frames import FrameCutter, FrameRules
from fakeviam.server.transport.limits import ConnectionLimits, TokenBucket
from fakeviam.server.transport.quiet_log import QuietLog, accept_quietly
from fakeviam.wire import data

from .raw_http2 import (
    ASK,
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HEADERS,
    NO_ERROR,
    PING,
    PREFACE,
    PRIORITY,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    RawClient,
    call_headers,
    frame,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .conftest import Start
    from .driver import Viam

SMALL = ConnectionLimits(
    streams=3, resets=20, control_frames=50, continuations=4, header_list_bytes=1000
)


def number(value: int) -> bytes:
    return struct.pack(">I", value)


# Broken by the whole connection --------------------------------------------------------------

BROKEN: dict[str, tuple[bytes, int, str]] = {
    "data of no stream": (frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR, "DATA of stream 0"),
    "a large frame": (frame(DATA, 0, 1, bytes(16_385)), FRAME_SIZE_ERROR, "16385 bytes"),
    "data before headers": (
        frame(DATA, 0, 1, b"x"),
        PROTOCOL_ERROR,
        "DATA of stream 1, which was never opened",
    ),
    "a stream of servers": (frame(HEADERS, 5, 2, b"\x82"), PROTOCOL_ERROR, "stream 2"),
    "stream 0": (frame(HEADERS, 5, 0, b"\x82"), PROTOCOL_ERROR, "the connection"),
    "broken compression": (frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff"), PROTOCOL_ERROR, ""),
    "an index of nothing": (frame(HEADERS, 5, 1, b"\xfe"), PROTOCOL_ERROR, "header block"),
    "padding beyond the frame": (frame(DATA, 8, 1, b"\xffx"), PROTOCOL_ERROR, ""),
    "RST_STREAM of nothing": (frame(RST_STREAM, 0, 7, number(8)), PROTOCOL_ERROR, "never opened"),
    "RST_STREAM of 0": (frame(RST_STREAM, 0, 0, number(8)), PROTOCOL_ERROR, "never opened"),
    "WINDOW_UPDATE of nothing": (frame(WINDOW_UPDATE, 0, 7, number(0)), PROTOCOL_ERROR, "opened"),
    "WINDOW_UPDATE by 0": (frame(WINDOW_UPDATE, 0, 0, number(0)), PROTOCOL_ERROR, "by 0"),
    "WINDOW_UPDATE of 3 bytes": (frame(WINDOW_UPDATE, 0, 0, b"abc"), FRAME_SIZE_ERROR, ""),
    "too large a window": (
        frame(WINDOW_UPDATE, 0, 0, number(2**31 - 1)),
        FLOW_CONTROL_ERROR,
        "window",
    ),
    "CONTINUATION alone": (frame(CONTINUATION, 4, 1, b""), PROTOCOL_ERROR, "without HEADERS"),
    "something in between": (
        frame(HEADERS, 0, 1, b"\x82") + frame(PING, 0, 0, bytes(8)),
        PROTOCOL_ERROR,
        "in the middle of the headers of stream 1",
    ),
    "PUSH_PROMISE": (frame(PUSH_PROMISE, 4, 1, number(2)), PROTOCOL_ERROR, "for servers"),
    "PRIORITY of 0": (frame(PRIORITY, 0, 0, bytes(5)), PROTOCOL_ERROR, "PRIORITY"),
    "PING of 3 bytes": (frame(PING, 0, 0, b"abc"), FRAME_SIZE_ERROR, ""),
    "PING of a stream": (frame(PING, 0, 1, bytes(8)), PROTOCOL_ERROR, ""),
    "SETTINGS of 3 bytes": (frame(SETTINGS, 0, 0, b"abc"), FRAME_SIZE_ERROR, ""),
    "SETTINGS of a stream": (frame(SETTINGS, 0, 1), PROTOCOL_ERROR, ""),
    "a setting out of range": (frame(SETTINGS, 0, 0, b"\0\4\xff\xff\xff\xff"), 3, ""),
    "GOAWAY of a stream": (frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL_ERROR, "GOAWAY"),
    "GOAWAY of 3 bytes": (frame(GOAWAY, 0, 0, bytes(3)), FRAME_SIZE_ERROR, "GOAWAY"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.thinned(3)
async def test_a_broken_connection_ends(
    viam: Viam, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """With a GOAWAY that says why, and a line in the log; its neighbours go on (SV-11)."""
    raw_bytes, code, text = BROKEN[name]
    raw = await RawClient.connect(viam.cloud)
    raw.send(raw_bytes)
    goaway = await raw.end()
    assert goaway is not None
    assert (goaway[1], bool(goaway[2])) == (code, True)
    assert text in goaway[2]
    assert goaway[2] in caplog.text
    assert await viam.tags_by_filter() == []
    assert viam.cloud.calls.where(status="INTERNAL").count() == 0


@pytest.mark.asyncio
async def test_calls_on_a_connection_that_breaks(viam: Viam) -> None:
    """Are cut, and their journal entries say by what (SV-11)."""
    raw = await RawClient.connect(viam.cloud)
    raw.send(raw.open(1, call_headers("FileUpload")))
    await raw.ping()
    raw.send(frame(PING, 0, 0, b"abc"))
    goaway = await raw.end()
    assert goaway is not None
    assert goaway[0] == 1
    call = await viam.cloud.calls.wait_for_async("FileUpload")
    assert (call.status, goaway[2]) == ("CANCELLED", call.text)


@pytest.mark.asyncio
async def test_what_a_connection_begins_with(viam: Viam) -> None:
    """SETTINGS; a call before it is REFUSED_STREAM (SV-12, SV-11)."""
    raw = await RawClient.connect(viam.cloud, greet=False)
    raw.send(PREFACE, raw.call(1))
    answer = await raw.answer(1)
    assert answer.reset == REFUSED_STREAM
    assert await raw.end() == (0, PROTOCOL_ERROR, "the connection did not begin with SETTINGS")
    raw = await RawClient.connect(viam.cloud, greet=False)
    raw.send(PREFACE, frame(SETTINGS, 1, 0))  # that acknowledges some
    assert await raw.end() == (0, PROTOCOL_ERROR, "the connection did not begin with SETTINGS")
    assert len(viam.cloud.calls) == 0


# Broken by one call --------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_headers_of_no_stream_before_settings(
    viam: Viam, caplog: pytest.LogCaptureFixture
) -> None:
    """End the connection as elsewhere, and break nothing (SV-11)."""
    raw = await RawClient.connect(viam.cloud, greet=False)
    raw.send(PREFACE, frame(HEADERS, 4, 0, b"\x82"))
    assert await raw.end() is not None
    assert "Fatal" not in caplog.text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        (WINDOW_UPDATE, number(0), PROTOCOL_ERROR),
        (WINDOW_UPDATE, number(2**31 - 1), FLOW_CONTROL_ERROR),
        (PRIORITY, bytes(4), FRAME_SIZE_ERROR),
    ],
)
async def test_a_frame_that_breaks_its_call_alone(
    viam: Viam, kind: int, payload: bytes, code: int
) -> None:
    """Is answered with RST_STREAM (SV-9)."""
    raw = await RawClient.connect(viam.cloud)
    raw.send(raw.open(1, call_headers("FileUpload")), frame(kind, 0, 1, payload))
    assert (await raw.answer(1)).reset == code
    assert (await raw.ask(3)).status == "0"
    assert (await viam.cloud.calls.wait_for_async("FileUpload")).status == "CANCELLED"
    raw.writer.close()


@pytest.mark.asyncio
async def test_what_comes_after_a_reset_is_ignored(viam: Viam) -> None:
    """One RST_STREAM is enough, and what came gives its room back (SV-9)."""
    raw = await RawClient.connect(viam.cloud)
    raw.send(raw.open(1, call_headers("FileUpload", X=b"upper case")))
    assert (await raw.answer(1)).reset == PROTOCOL_ERROR
    raw.answers[1].reset = None
    raw.send(frame(DATA, 0, 1, bytes(1000)) * 5, raw.open(1, [(b"x", b"y")], end=True))
    before = raw.window
    await raw.ping()
    assert raw.answers[1].reset is None
    assert raw.window - before == 5000
    assert (await raw.ask(3)).status == "0"
    raw.writer.close()


@pytest.mark.asyncio
async def test_data_after_the_end_of_a_request(viam: Viam) -> None:
    """STREAM_CLOSED (SV-9)."""
    raw = await RawClient.connect(viam.cloud)
    await raw.ask(1)
    raw.send(frame(DATA, 0, 1, b"x"))
    raw.answers.clear()
    assert (await raw.answer(1)).reset == STREAM_CLOSED
    assert (await raw.ask(3)).status == "0"
    raw.writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", [10, 12, 99, 255])
async def test_frames_that_nobody_knows_are_ignored(viam: Viam, kind: int) -> None:
    """As RFC 9113 wants it, in the middle of a call too (SV-11)."""
    raw = await RawClient.connect(viam.cloud)
    unknown = frame(kind, 0xFF, 1, b"anything") + frame(kind, 0, 0)
    raw.send(unknown, raw.open(1, call_headers()), unknown, frame(DATA, END_STREAM, 1, ASK))
    assert (await raw.answer(1)).status == "0"
    raw.writer.close()


# Too many ------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_calls_beyond_the_number_at_a_time(start: Start) -> None:
    """REFUSED_STREAM, though the client had not heard the number yet; others go on (SV-12)."""
    viam = await start(limits=SMALL)
    raw = await RawClient.connect(viam.cloud)
    raw.send(*(raw.open(stream, call_headers("FileUpload")) for stream in (1, 3, 5, 7, 9)))
    assert [(await raw.answer(stream)).reset for stream in (7, 9)] == [REFUSED_STREAM] * 2
    assert raw.settings[3] == 3
    raw.send(frame(RST_STREAM, 0, 1, number(CANCEL)))
    assert (await raw.ask(11)).status == "0"
    await raw.ping()
    assert [call.rpc for call in viam.cloud.calls] == ["FileUpload"] * 3 + ["TagsByFilter"]
    raw.writer.close()


FLOODS: dict[str, tuple[Callable[[RawClient], bytes], str]] = {
    "PING": (lambda _: frame(PING, 0, 0, bytes(8)) * 60, "PING"),
    "PING acknowledged": (lambda _: frame(PING, 1, 0, bytes(8)) * 60, "PING"),
    "SETTINGS": (lambda _: frame(SETTINGS, 0, 0) * 60, "SETTINGS"),
    "SETTINGS acknowledged": (lambda _: frame(SETTINGS, 1, 0) * 60, "SETTINGS"),
    "PRIORITY": (lambda _: frame(PRIORITY, 0, 1, bytes(5)) * 60, "PRIORITY"),
    "WINDOW_UPDATE": (lambda _: frame(WINDOW_UPDATE, 0, 0, number(1)) * 60, "WINDOW_UPDATE"),
    "unknown frames": (lambda _: frame(77, 0, 0) * 60, "unknown"),
    "empty data": (
        lambda raw: raw.open(1, call_headers("FileUpload")) + frame(DATA, 0, 1) * 70,
        "empty",
    ),
    "data of padding": (
        lambda raw: raw.open(1, call_headers("FileUpload")) + frame(DATA, 8, 1, b"\3abc") * 70,
        "empty",
    ),
    "rapid resets": (
        lambda raw: b"".join(
            raw.open(stream, call_headers()) + frame(RST_STREAM, 0, stream, number(CANCEL))
            for stream in range(1, 101, 2)
        ),
        "calls in a row were reset",
    ),
    "malformed calls": (
        lambda raw: b"".join(raw.open(stream, call_headers(X=b"")) for stream in range(1, 101, 2)),
        "malformed",
    ),
    "refused calls": (
        lambda raw: b"".join(
            raw.open(stream, call_headers("FileUpload")) for stream in range(1, 101, 2)
        ),
        "calls in a row",
    ),
    "CONTINUATION": (
        lambda raw: (
            frame(HEADERS, 0, 1, raw.encode(call_headers())) + frame(CONTINUATION, 0, 1) * 5
        ),
        "CONTINUATION",
    ),
    "endless headers": (
        lambda _: frame(HEADERS, 0, 1, bytes(3000)) + frame(CONTINUATION, 0, 1, bytes(3000)),
        "4000 bytes",
    ),
    "a bomb of headers": (
        lambda raw: raw.open(1, [*call_headers(x=b"y" * 900), *[(b"x", b"y" * 900)] * 5]),
        "Oversized header block",
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_ends_its_connection(start: Start, name: str) -> None:
    """ENHANCE_YOUR_CALM, and a text that says of what there was too much (SV-11)."""
    viam = await start(limits=SMALL)
    flood, text = FLOODS[name]
    raw = await RawClient.connect(viam.cloud)
    raw.send(flood(raw))
    goaway = await raw.end()
    assert goaway is not None
    assert goaway[1] == ENHANCE_YOUR_CALM
    assert text in goaway[2]
    assert await viam.tags_by_filter() == []


@pytest.mark.asyncio
async def test_neighbours_of_many_malformed_calls(viam: Viam) -> None:
    """Are answered after a few of them, each of which costs as much as many frames (SV-18)."""
    raw = await RawClient.connect(viam.cloud)
    await viam.tags_by_filter()
    await raw.ping()
    refused = range(1, 801, 2)
    raw.send(*(raw.open(stream, call_headers("FileUpload", X=b"")) for stream in refused))
    await viam.tags_by_filter()
    assert 0 < viam.cloud.calls.where(rpc="FileUpload").count() < len(refused) / 10
    await raw.ping()
    assert viam.cloud.calls.where(rpc="FileUpload").count() == len(refused)
    raw.writer.close()


@pytest.mark.asyncio
async def test_as_many_continuations_as_there_may_be(start: Start) -> None:
    """The limit is within it (SV-11)."""
    viam = await start(limits=SMALL)
    raw = await RawClient.connect(viam.cloud)
    raw.send(
        frame(HEADERS, 0, 1, raw.encode(call_headers())),
        frame(CONTINUATION, 0, 1) * (SMALL.continuations - 1),
        frame(CONTINUATION, END_HEADERS, 1),
        frame(DATA, END_STREAM, 1, ASK),
    )
    assert (await raw.answer(1)).status == "0"
    raw.writer.close()


def test_complete_headers_are_waited_for_no_longer() -> None:
    """What must come in time is what was begun (SV-13)."""
    cutter, rules = FrameCutter(), FrameRules(SMALL, {}, now=0, answer=lambda _: None)
    cutter.received += PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1)
    cutter.received += frame(CONTINUATION, END_HEADERS, 1)
    awaited = [rules.unfinished]
    for each in cutter.cut(9):
        rules.apply(each)
        awaited.append(rules.unfinished)
    assert awaited == ["the beginning of the connection", "", "the headers of stream 1", ""]


@pytest.mark.asyncio
async def test_an_answer_to_a_ping_is_not_answered(viam: Viam) -> None:
    """RFC 9113, 6.7: both sides would go on for ever (SV-11)."""
    raw = await RawClient.connect(viam.cloud)
    raw.send(frame(PING, 1, 0, b"an echo."))
    await raw.ping()
    assert raw.pings == [b"01234567"]
    raw.writer.close()


@pytest.mark.asyncio
async def test_padding_and_the_reserved_bit_mean_nothing(viam: Viam) -> None:
    """RFC 9113, 4.1 and 6.1: a call's data may have both (SV-11)."""
    raw = await RawClient.connect(viam.cloud)
    stream = 1 | 1 << 31
    raw.send(
        raw.open(1, call_headers()),
        frame(DATA, 8, stream, b"\3" + ASK + b"abc"),
        frame(DATA, END_STREAM, stream),
    )
    assert (await raw.answer(1)).status == "0"
    raw.writer.close()


@pytest.mark.asyncio
async def test_control_frames_between_calls_are_no_flood(start: Start) -> None:
    """Each call buys some more (SV-11)."""
    viam = await start(limits=SMALL)
    raw = await RawClient.connect(viam.cloud)
    for stream in range(1, 41, 2):
        raw.send(frame(PING, 0, 0, bytes(8)) * 4, frame(WINDOW_UPDATE, 0, 0, number(9)) * 4)
        assert (await raw.ask(stream)).status == "0"
    assert raw.goaway is None
    raw.writer.close()


def test_a_budget() -> None:
    """So many at once, and so many a second in the long run (SV-11)."""
    budget = TokenBucket(3, 2.0, now=0.0)
    assert [budget.spend(now=0.0) for _ in range(4)] == [True, True, True, False]
    assert [budget.spend(now=at) for at in (0.25, 0.5, 0.75, 1.0)] == [False, True, False, True]
    assert [budget.spend(now=100.0) for _ in range(4)] == [True, True, True, False]
    budget.earn(2)
    assert [budget.spend(now=100.0) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("value", [0, -1, 1.5, "5", True, None])
def test_limits_are_numbers(value: object) -> None:
    """The text names what is wrong (SV-11)."""
    with pytest.raises(ValueError, match="streams must be "):
        ConnectionLimits(streams=value)  # type: ignore[arg-type]
    if value != 1.5:
        with pytest.raises(ValueError, match="idle_seconds must be "):
            ConnectionLimits(idle_seconds=value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="limits must be a ConnectionLimits"):
        FakeViam(limits=5)  # type: ignore[arg-type]


def test_the_log_says_each_kind_of_thing_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """And how often it happened meanwhile (SV-11)."""
    now = 0.0
    quiet = QuietLog(lambda: now, period=10)
    with caplog.at_level(logging.WARNING):
        for now in (0.0, 1.0, 2.0, 10.5):
            quiet.say("a", "first")
            if now:
                quiet.say("b", "other")
    assert caplog.messages == [
        "first",
        "other",
        "first (and 2 more of the kind since the last line)",
    ]


# GOAWAY of clients ---------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_client_that_says_goodbye(viam: Viam) -> None:
    """Its calls go on, new ones are refused, then the connection closes (SV-12)."""
    raw = await RawClient.connect(viam.cloud)
    raw.send(raw.open(1, call_headers()))
    raw.send(frame(GOAWAY, 0, 0, bytes(8)), raw.call(3), frame(DATA, END_STREAM, 1, ASK))
    assert (await raw.answer(3)).reset == REFUSED_STREAM
    assert (await raw.answer(1)).status == "0"
    assert await raw.end() is None


@pytest.mark.asyncio
async def test_a_client_that_says_goodbye_with_nothing_to_do(viam: Viam) -> None:
    """The connection closes (SV-12)."""
    raw = await RawClient.connect(viam.cloud)
    raw.send(frame(GOAWAY, 0, 0, bytes(8)))
    assert await raw.end() is None


@pytest.mark.asyncio
async def test_the_neighbours_of_a_call_that_ends_with_goaway(viam: Viam) -> None:
    """Are answered before the connection closes (FT-6, SV-12)."""
    viam.cloud.faults.on("CreateDataset").goaway()
    raw = await RawClient.connect(viam.cloud)
    raw.send(raw.open(1, call_headers()), raw.open(3, call_headers("CreateDataset"), end=False))
    raw.send(frame(DATA, END_STREAM, 3, ASK))
    while raw.goaway is None:
        await raw.read()
    raw.send(raw.call(5), frame(DATA, END_STREAM, 1, ASK))
    assert (await raw.answer(5)).reset == REFUSED_STREAM
    assert (await raw.answer(1)).status == "0"
    assert await raw.end() == (1, NO_ERROR, "")


# Time ----------------------------------------------------------------------------------------


class ClockedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be moved on."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    async def advance(self, seconds: float) -> None:
        self.ahead += seconds
        for _ in range(10):
            await asyncio.sleep(0)


def in_time(scene: Callable[[ClockedLoop, FakeViam], Awaitable[None]]) -> None:
    """Play a scene with a fake in a loop whose time it moves."""
    loop = ClockedLoop()

    async def play() -> None:
        async with FakeViam(seed=1) as cloud:
            await scene(loop, cloud)

    try:
        loop.run_until_complete(asyncio.wait_for(play(), 5_000_000))
    finally:
        loop.close()


BEGINNINGS = {
    "nothing": b"",
    "half a preface": PREFACE[:7],
    "a preface": PREFACE,
    "half a frame": PREFACE + frame(SETTINGS, 0, 0)[:5],
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_beginning_that_does_not_go_on(name: str) -> None:
    """Is given ten seconds (SV-13)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        raw = await RawClient.connect(cloud, greet=False)
        raw.send(BEGINNINGS[name])
        reading = asyncio.ensure_future(raw.end())
        await loop.advance(0)
        await loop.advance(9)
        assert not raw.is_closed
        await loop.advance(2)
        goaway = await reading
        if BEGINNINGS[name].startswith(PREFACE):
            assert goaway is not None
            assert goaway[1] == ENHANCE_YOUR_CALM
            assert "the beginning of the connection was not complete after 10 s" in goaway[2]

    in_time(scene)


def test_headers_that_do_not_end() -> None:
    """Are given ten seconds, too (SV-13)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        raw = await RawClient.connect(cloud)
        await raw.ask(1)
        await loop.advance(50)
        raw.send(frame(HEADERS, 0, 3, raw.encode(call_headers())))
        reading = asyncio.ensure_future(raw.end())
        await loop.advance(0)
        await loop.advance(11)
        goaway = await reading
        assert goaway is not None
        assert goaway[1:] == (
            ENHANCE_YOUR_CALM,
            "the headers of stream 3 was not complete after 10 seconds",
        )

    in_time(scene)


def test_a_client_that_lives_is_left_alone() -> None:
    """However long it has nothing to say, if it answers PING (SV-13)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        raw = await RawClient.connect(cloud)
        await raw.ask(1)
        for _ in range(5):
            await loop.advance(301)
            await raw.read()  # a PING
            raw.send(frame(PING, 1, 0, b"are you?"))
            await loop.advance(21)
        assert (await raw.ask(3)).status == "0"
        raw.writer.close()

    in_time(scene)


def test_a_client_that_is_silent_goes() -> None:
    """Without calls, after five minutes and a PING that it does not answer (SV-13)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        raw = await RawClient.connect(cloud)
        await raw.ask(1)
        reading = asyncio.ensure_future(raw.end())
        await loop.advance(301)
        assert not raw.is_closed
        await loop.advance(21)
        goaway = await reading
        assert goaway is not None
        assert goaway[1:] == (NO_ERROR, "nothing was heard for 322 seconds")

    in_time(scene)


def test_a_client_that_stands_still_in_a_debugger() -> None:
    """Keeps its calls for an hour (SV-13)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        raw = await RawClient.connect(cloud)
        raw.send(raw.open(1, call_headers("FileUpload")))
        await raw.ping()
        reading = asyncio.ensure_future(raw.end())
        for _ in range(11):
            await loop.advance(301)
        assert not raw.is_closed
        await loop.advance(301)
        assert await reading is not None
        call = await cloud.calls.wait_for_async("FileUpload")
        assert (call.status, call.text) == ("CANCELLED", "the client was silent for too long")

    in_time(scene)


@pytest.mark.asyncio
async def test_what_is_told_when_the_server_stops() -> None:
    """Each call in progress, whatever it waits for, and each connection hear of it (SV-17)."""
    async with FakeViam() as cloud:
        cloud.faults.on("TagsByFilter").call(2).stall()
        busy, idle = await RawClient.connect(cloud), await RawClient.connect(cloud)
        assert (await busy.ask(1)).status == "0"
        await idle.ping()
        busy.send(busy.call(3), busy.open(5, call_headers("FileUpload")))
        await busy.ping()
        await cloud.stop()
        assert await busy.end() == (5, NO_ERROR, "the server stopped")
        assert await idle.end() == (0, NO_ERROR, "the server stopped")
        for stream in (3, 5):
            told = await busy.answer(stream)
            assert (told.status, told.text) == ("14", "the server stopped [SV-17]")
            assert told.headers["fakeviam-clause"] == "SV-17"
    assert [call.status for call in cloud.calls] == ["OK", "CANCELLED", "CANCELLED"]


def test_a_client_that_does_not_read_its_goaway() -> None:
    """Is not waited for (SV-11)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        raw = await RawClient.connect(cloud)
        raw.send(frame(PING, 0, 0, b"abc"))
        for _ in range(10):
            await loop.advance(0)
        await loop.advance(3)
        await raw.end()

    in_time(scene)


# Writing -------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_client_that_leaves_its_reply_unread(
    viam: Viam, caplog: pytest.LogCaptureFixture
) -> None:
    """Costs nothing more, and nobody speaks of it (SV-11)."""
    whole = await viam.upload("a", bytes(5_000_000))
    for _ in range(2):
        raw = await RawClient.connect(viam.cloud)
        raw.send(frame(SETTINGS, 0, 0, b"\0\4\x7f\xff\xff\xff"))
        raw.send(frame(WINDOW_UPDATE, 0, 0, number(2**31 - 1 - 65_535)))
        request = b"\x12" + bytes([len(whole)]) + whole.encode() + b"\x10\1"
        raw.send(
            raw.open(1, call_headers("BinaryDataByIDs")),
            frame(DATA, END_STREAM, 1, b"\0" + number(len(request)) + request),
        )
        await viam.tags_by_filter()
        raw.writer.transport.abort()
        await viam.tags_by_filter()
    assert caplog.records == []
    assert viam.cloud.crashes == ()


# Accepting -----------------------------------------------------------------------------------


def test_a_server_without_descriptors_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """In a period; whatever else happens is told as ever (SV-11)."""
    loop = ClockedLoop()
    accept_quietly(loop)
    no_more = {
        "message": "socket.accept() out of system resource",
        "exception": OSError(errno.EMFILE, "Too many open files"),
        "socket": object(),
    }
    for ahead in (0.0, 1.0, 59.0, 61.0):
        loop.ahead = ahead
        loop.call_exception_handler(no_more)
    loop.call_exception_handler({"message": "something else"})
    loop.close()
    first, second, other = caplog.messages
    assert first.startswith("cannot accept a connection: Too many open files; new connections ")
    assert second == f"{first} (and 2 more of the kind since the last line)"
    assert other.startswith("something else")


@pytest.mark.parametrize("sent", [b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_an_http_request_whose_head_does_not_end(sent: bytes) -> None:
    """Is given ten seconds, and then told so (SV-13)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        reader, writer = await asyncio.open_connection(cloud.host, cloud.port)
        writer.write(sent)
        for _ in range(20):
            await loop.advance(0)
        reading = asyncio.ensure_future(reader.read())
        await loop.advance(9)
        assert not reading.done()
        await loop.advance(2)
        reply = await reading
        assert reply.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"the head of the request was not complete after 10 seconds" in reply
        writer.close()

    in_time(scene)


def test_an_http_client_that_goes_on() -> None:
    """Has its ten seconds for each request (SV-13)."""

    async def scene(loop: ClockedLoop, cloud: FakeViam) -> None:
        reader, writer = await asyncio.open_connection(cloud.host, cloud.port)
        for _ in range(3):
            writer.write(b"GET /healthz HTTP/1.1\r\n")
            for _ in range(20):
                await loop.advance(0)
            await loop.advance(4)
            writer.write(b"Host: localhost\r\n\r\n")
            assert b" 200 " in await reader.readline()
            await reader.readuntil(b"ok\n")
        writer.close()

    in_time(scene)


@pytest.mark.asyncio
async def test_a_call_that_ends_without_an_answer_is_reset(start: Start) -> None:
    """Whatever ended it: no client waits for ever, and its neighbours go on (SV-4)."""

    class Leaving(BaseException):
        """Not caught by anybody, as an exit or a test's own time limit is not."""

    class Exit(Interceptor):
        def request(self, rpc: str, message: Any) -> Any:
            if rpc == "TagsByFilter":
                raise Leaving
            return message

    viam = await start(interceptors=[Exit()])
    unheard: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: unheard.append(context["exception"]))
    with pytest.raises((StreamTerminatedError, GRPCError)):
        await asyncio.wait_for(viam.rpc("TagsByFilter", data.TagsByFilterRequest()), 10)
    await viam.rpc("BinaryDataByFilter", data.BinaryDataByFilterRequest())
    gc.collect()
    assert all(isinstance(each, Leaving) for each in unheard)
