"""Calls come no faster than --max-rps says, as the server sees it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.connection import Address, RemoteConnection
from fakeviam_contracts.pacing import Pace
from fakeviam_contracts.wirelog import Tally

from fakeviam import FakeViam, Interceptor
from fakeviam.wire import data

if TYPE_CHECKING:
    from google.protobuf.message import Message

ASKED = data.TagsByFilterRequest(filter=data.Filter(component_name="nobody"))


class _Arrivals(Interceptor):
    def __init__(self) -> None:
        self.times: list[float] = []

    def request(self, rpc: str, message: Message) -> Message | None:  # noqa: ARG002
        self.times.append(time.monotonic())
        return None

    def most_in_a_second(self) -> int:
        return max(sum(0 <= each - at < 1 for each in self.times) for at in self.times)


@pytest.mark.parametrize(
    ("form", "most", "rounds"),
    [
        ("{}", 1, 1),
        ("{}", 50, 40),
        ("web+http://{}", 5, 2),
        ("web+http://{}", 50, 40),
        ("connect+http://{}", 5, 2),
    ],
)
def test_no_second_has_more_calls(form: str, most: int, rounds: int) -> None:
    """Whoever makes them: a login, clients at once, and a second connection after the first."""
    arrivals, tally = _Arrivals(), Tally()
    with FakeViam(seed=1, interceptors=[arrivals]) as cloud:
        target = form.format(cloud.target)
        for _ in range(2):
            line = RemoteConnection(Address(target=target, max_rps=most, tally=tally))
            line.wire().at_once([[[ASKED]] * rounds] * 2)
            line.close()
    assert len(arrivals.times) == 2 * (1 + 2 * rounds)
    assert arrivals.most_in_a_second() <= most


def test_a_call_that_arrives_late_counts_when_it_ends() -> None:
    """A slow connection must not bring two calls together that were sent apart."""
    now = 0.0
    pace = Pace(1, now=lambda: now)

    async def slow() -> None:
        nonlocal now
        async with pace.turn():
            assert pace.wait() > 0  # one is under way
            now += 0.9

    asyncio.run(slow())
    assert pace.wait() == pytest.approx(1.0)
    now += 1.0
    assert pace.wait() <= 0


def test_less_than_one_call_a_second() -> None:
    """The calls of --max-rps 0.5 are two seconds apart."""
    now = 0.0
    pace = Pace(0.5, now=lambda: now)

    async def quick() -> None:
        async with pace.turn():
            pass

    asyncio.run(quick())
    assert pace.wait() == pytest.approx(2.0)
