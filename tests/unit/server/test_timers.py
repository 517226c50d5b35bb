"""Waiting by the fake's clock, and clocks that jump."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest
from grpclib.client import Channel
from grpclib.const import Status

from fakeviam import Clock, FakeViam
from fakeviam.model.clock import SECOND
from fakeviam.server.instruments.timers import Timers
from fakeviam.wire import data

from .driver import NOW, RefusedError, Viam, at, file_parts, signed_in, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Start

pytestmark = pytest.mark.asyncio

START = "2026-03-10T12:00:00Z"
ASK = data.TagsByFilterRequest()


def jumping() -> Clock:
    return Clock.frozen(START, autojump=True)


async def nap(timers: Timers, clock: Clock, seconds: float) -> float:
    """Sleep as a call does; answer what the clock shows afterwards, in seconds."""
    timers.calls += 1
    try:
        await timers.sleep_until(clock.now() + round(seconds * SECOND))
        return (clock.now() - Clock.frozen(START).now()) / SECOND
    finally:
        timers.calls -= 1


# Jumping -------------------------------------------------------------------------------------


async def test_an_hour_of_delays_takes_no_time(start: Start) -> None:
    """The clock jumps, and the client waits milliseconds (CK-2, FT-5)."""
    viam = await start(clock=jumping())
    viam.cloud.faults.on("TagsByFilter").delay("15m")
    began = time.monotonic()
    for _ in range(4):
        await viam.rpc("TagsByFilter", ASK)
    assert time.monotonic() - began < 30
    assert viam.cloud.clock.moment().isoformat() == "2026-03-10T13:00:00+00:00"
    assert [call.time.minute for call in viam.cloud.calls] == [0, 15, 30, 45]


async def test_sleepers_wake_in_order() -> None:
    """Each at its own time (CK-2)."""
    clock = jumping()
    timers = Timers(clock)
    woke = await asyncio.gather(*(nap(timers, clock, each) for each in (30, 10, 20, 10)))
    assert woke == [30, 10, 20, 10]


async def test_no_jump_while_a_call_works() -> None:
    """Only when all of them wait (CK-2)."""
    clock = jumping()
    timers = Timers(clock)
    timers.calls += 1  # one that works
    sleeper = asyncio.ensure_future(nap(timers, clock, 10))
    real = asyncio.ensure_future(timers.real_sleep(0.03))
    await real  # several times as long as a clock may take to jump
    assert not sleeper.done()
    assert clock.now() == Clock.frozen(START).now()
    timers.calls -= 1
    assert await sleeper == 10


async def test_a_stalled_call_does_not_hold_the_clock(start: Start) -> None:
    """Nothing is waited for there (CK-2, FT-5)."""
    viam = await start(clock=jumping())
    viam.cloud.faults.on("FileUpload").stall()
    viam.cloud.faults.on("TagsByFilter").delay("1h")
    async with viam.calling("FileUpload") as stream:
        await stream.send_message(file_parts()[0], end=True)
        await until(lambda: viam.cloud._cloud.timers._stalled == 1)
        await viam.rpc("TagsByFilter", ASK)
        await stream.cancel()
    assert viam.cloud.clock.moment().hour == 13


async def test_clients_in_another_thread() -> None:
    """Nothing needs to be in the same loop (CK-2)."""

    def whole() -> None:
        with FakeViam(seed=1, clock=jumping()) as cloud:
            cloud.faults.on("TagsByFilter").delay("1h")
            asyncio.run(_call(cloud))
            assert cloud.clock.moment().hour == 13

    await asyncio.get_running_loop().run_in_executor(None, whole)


async def _call(cloud: FakeViam) -> None:
    channel = Channel(path=cloud.unix_socket)
    await Viam(cloud, channel).rpc("TagsByFilter", ASK)
    channel.close()


# Moving by hand ------------------------------------------------------------------------------


async def test_a_clock_that_is_moved_by_hand(start: Start) -> None:
    """Every move wakes those whose time has come; moving back wakes nobody (CK-1, FT-5)."""
    viam = await start(clock=Clock.frozen(START))
    cloud = viam.cloud
    cloud.faults.on("TagsByFilter").delay("10s")
    call = asyncio.ensure_future(viam.rpc("TagsByFilter", ASK))
    await until(lambda: len(cloud._cloud.timers._sleepers) == 1)
    for step in (9, -5, 5.999_999):
        cloud.clock.advance(seconds=step)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not call.done()
    threading.Thread(target=lambda: cloud.clock.advance(seconds=0.000_001)).start()
    await call


async def test_a_running_clock_wakes_in_time(start: Start) -> None:
    """By itself, or earlier if it is moved (CK-1)."""
    viam = await start(clock=Clock(time.time_ns))
    cloud = viam.cloud
    cloud.faults.on("TagsByFilter").call(1).delay("20ms")
    cloud.faults.on("TagsByFilter").call(2).delay("1h")
    await viam.rpc("TagsByFilter", ASK)
    first = cloud.calls.one()
    assert first.duration is not None
    assert first.duration.total_seconds() >= 0.02
    call = asyncio.ensure_future(viam.rpc("TagsByFilter", ASK))
    await until(lambda: len(cloud._cloud.timers._sleepers) == 1)
    cloud.clock.advance(hours=1)
    await call


async def test_nobody_is_left_behind(start: Start) -> None:
    """A call that is given up waits no more (CK-2)."""
    viam = await start(clock=Clock.frozen(START))
    cloud = viam.cloud
    cloud.faults.on("TagsByFilter").delay("10s")
    timers = cloud._cloud.timers
    call = asyncio.ensure_future(viam.rpc("TagsByFilter", ASK))
    await until(lambda: len(timers._sleepers) == 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await cloud.calls.wait_for_async("TagsByFilter", status="CANCELLED")
    assert (timers._sleepers, cloud.clock._moved, timers.calls) == ({}, {}, 0)


# Deadlines by the fake's clock ---------------------------------------------------------------

SLOW: dict[str, Callable[[FakeViam], object]] = {
    "a delay": lambda cloud: cloud.faults.on("TagsByFilter").delay("2m"),
    "a stall": lambda cloud: cloud.faults.on("TagsByFilter").stall("2m"),
    "a stall without end": lambda cloud: cloud.faults.on("TagsByFilter").stall(),
    "both": lambda cloud: cloud.faults.on("TagsByFilter").delay("50s").stall("50s"),
    "after commit": lambda cloud: cloud.faults.on("TagsByFilter").after_commit().delay("2m"),
}


@pytest.mark.parametrize("plan", SLOW.values(), ids=SLOW.keys())
async def test_a_deadline_that_comes_first(
    start: Start, plan: Callable[[FakeViam], object]
) -> None:
    """DEADLINE_EXCEEDED at that time by the clock, long before it by the real one (FT-5)."""
    viam = await start(clock=jumping())
    plan(viam.cloud)
    with pytest.raises(RefusedError) as caught:
        await viam.rpc("TagsByFilter", ASK, timeout=60)
    assert caught.value.status is Status.DEADLINE_EXCEEDED
    assert " s came first: TagsByFilter: " in caught.value.text
    call = viam.cloud.calls.one()
    assert call.status == "DEADLINE_EXCEEDED"
    assert call.deadline is not None
    ended = call.time_ended
    assert ended is not None
    assert abs((ended - call.time).total_seconds() - call.deadline) < 0.001


async def test_a_deadline_that_comes_later(start: Start) -> None:
    """The call is answered (FT-5)."""
    viam = await start(clock=jumping())
    viam.cloud.faults.on("TagsByFilter").delay("40s")
    await viam.rpc("TagsByFilter", ASK, timeout=60)
    assert viam.cloud.calls.one().status == "OK"


async def test_delays_in_real_time(start: Start) -> None:
    """Need no clock that moves, and no clock moves meanwhile (FT-5)."""
    viam = await start(clock=jumping())
    viam.cloud.faults.on("TagsByFilter").delay("20ms", real_time=True)
    await viam.rpc("TagsByFilter", ASK, timeout=60)
    call = viam.cloud.calls.one()
    assert call.duration is not None
    assert call.duration.total_seconds() >= 0.02
    assert call.time_ended == call.time


# A machine whose clock is set ----------------------------------------------------------------

HOUR = 3600 * SECOND
STEPS = {
    "an hour back": -HOUR,
    "a day back": -24 * HOUR,
    "to 1970": -NOW,
    "an hour on": HOUR,
    "a year on": 365 * 24 * HOUR,
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
async def test_a_delay_outlasts_no_step_of_the_machines_clock(start: Start, step: int) -> None:
    """NTP may set it meanwhile; who waits has waited as long as was asked (CK-1)."""
    began, stepped = time.monotonic_ns(), [0]
    clock = Clock(lambda: NOW + time.monotonic_ns() - began + stepped[0])
    viam = await start(clock=clock)
    viam.cloud.faults.on("TagsByFilter").delay("50ms")
    call = asyncio.ensure_future(viam.rpc("TagsByFilter", ASK))
    await until(lambda: len(viam.cloud._cloud.timers._sleepers) == 1)
    stepped[0] = step
    await asyncio.wait_for(call, 30)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
async def test_order_and_tokens_do_not_rest_on_the_machines_clock(start: Start, step: int) -> None:
    """Pages, links to go on, logins and ids are as if it had never been set (PG-6, PG-7, CK-1)."""
    now = [NOW]
    viam = await start(clock=Clock(lambda: now[0]), auth="keys")
    mine = await signed_in(viam)
    uploaded = []
    for number in range(6):
        now[0] = NOW + number + (step if number >= 3 else 0)
        uploaded.append(await mine.upload(str(number), requested=at(0)))
    assert len(set(uploaded)) == 6
    pages = []
    last = ""
    for _ in range(6):
        page = await mine.binary(limit=1, last=last, sort_order=data.ORDER_ASCENDING)
        pages += [entry.metadata.file_name for entry in page.data]
        last = page.last
        now[0] = NOW - step  # as far the other way
    assert pages == ["0", "1", "2", "3", "4", "5"]
