"""Calls of every RPC, made of a server and of a fake beside it: both must hold the same."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from grpclib.exceptions import GRPCError, StreamTerminatedError

from campaigns.client import METHODS, Client, fill
from campaigns.crash.requests import There, good_requests, writing_rpcs
from campaigns.states import state_of
from fakeviam import Clock, FakeViam

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from campaigns.dice import Dice
    from fakeviam.wire import Method

_WRITING = writing_rpcs()

#: Both draw ids from it, so that the same calls make the same things.
SEED = 5


class Deed(NamedTuple):
    """A call, and what a fake said to it and held behind it.

    Attributes:
        steps: What it held behind each entry of its log: what is due by the clock is done before
            a call, and is kept whatever becomes of that.
    """

    method: Method
    requests: Sequence[Message]
    outcome: str
    state: list[object]
    steps: Sequence[list[object]]


class Clerk:
    """Plans calls on a fake that holds what a data directory holds."""

    def __init__(self, cloud: FakeViam, client: Client) -> None:
        """Use `at`."""
        self._cloud, self._client = cloud, client
        self.state = state_of(cloud)
        self._steps: list[list[object]] = []
        directory: Any = cloud._cloud.directory  # noqa: SLF001 - it has one
        commit = directory.commit

        def commit_and_look(events: object, apply: Callable[[], object]) -> None:
            commit(events, apply)
            if directory._pending is None:  # noqa: SLF001 - else it is yet to be kept
                self._steps.append(state_of(cloud))

        directory.commit = commit_and_look

    @classmethod
    @asynccontextmanager
    async def at(cls, place: Path, moment: str) -> AsyncIterator[Clerk]:
        """One on a copy of the data directory, at that time."""
        copy = place.with_name("clerk")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(place, copy)
        async with FakeViam(seed=SEED, data_dir=copy, clock=Clock.frozen(moment)) as cloud:
            client = await Client.over(cloud.unix_socket)
            try:
                yield cls(cloud, client)
            finally:
                client.close()

    async def plan(self, dice: Dice, count: int) -> list[Deed]:
        """So many calls, in order; most of them change something."""
        return [await self._plan(dice) for _ in range(count)]

    async def _plan(self, dice: Dice) -> Deed:
        rpc = dice.choice(_WRITING)
        if rpc.startswith("Delete") and dice.chance(0.7):
            rpc = dice.choice(_WRITING)  # there must be something to write about
        method, requests = METHODS[rpc], good_requests(rpc, There(self._cloud, dice))
        self._steps = []
        outcome = await outcome_of(self._client, method, requests)
        self.state = state_of(self._cloud)
        return Deed(method, requests, outcome or "", self.state, self._steps)


async def outcome_of(client: Client, method: Method, requests: Sequence[Message]) -> str | None:
    """OK, or the status and clause; None if the server is gone."""
    client.trailers = {}
    try:
        await client.call(method, requests, {})
    except GRPCError as error:
        return f"{error.status.name} {client.trailers.get('fakeviam-clause', '')}"
    except (OSError, StreamTerminatedError):
        return None
    return "OK"


async def make(path: str, deeds: Sequence[Deed], reached: asyncio.Event, after: int) -> list[str]:
    """Make the calls, until the server is gone or full; what it said to each.

    `reached` is set when so many were answered.
    """
    said: list[str] = []
    client = await Client.over(path)
    try:
        for deed in deeds:
            outcome = await outcome_of(client, deed.method, deed.requests)
            if outcome is None:
                break
            said.append(outcome)
            if len(said) >= after:
                reached.set()
            if outcome.endswith(FULL):
                break
    finally:
        reached.set()
        client.close()
    return said


#: Clauses of refusals of what cannot be kept.
FULL = ("DD-4", "DD-5")


async def begin(place: Path, moment: str) -> None:
    """Make a data directory with something of everything."""
    async with FakeViam(seed=SEED, data_dir=place, clock=Clock.frozen(moment)) as cloud:
        client = await Client.over(cloud.unix_socket)
        await fill(client)
        client.close()
