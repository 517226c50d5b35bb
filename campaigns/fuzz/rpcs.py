"""Messages of every RPC: random ones, and bytes that are nearly some."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from grpclib.exceptions import GRPCError, StreamTerminatedError

from campaigns.client import Client, random_method
from campaigns.fuzz.stage import Stage, in_time, judged, only_reads, set_up
from campaigns.fuzz.target import Player, Target
from campaigns.laws import BrokenLawError
from campaigns.messages import random_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from campaigns.dice import Dice
    from fakeviam.wire import Method


class Encoded(NamedTuple):
    """A message that is already encoded, or bytes that pass for one."""

    data: bytes

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The bytes."""
        return self.data


class Calls(Player):
    """Makes one call after the other."""

    def __init__(self, stage: Stage, *, mutate: bool) -> None:
        """Call the fake of `stage`; with `mutate`, with bytes that are no message as they are."""
        self._stage, self._mutate = stage, mutate
        self._state = stage.state()
        self._sent: tuple[str, Sequence[Any]] = ("", ())
        self._taken = 0

    async def take(self, dice: Dice) -> str:
        method = random_method(dice)
        requests = self._requests(dice, method)
        self._sent = (method.name, requests)
        self._taken += 1
        outcome = await self._call(method, requests)
        if outcome.startswith("OK") and not only_reads(method):
            self._state = self._stage.state()
        else:
            self._stage.check_unchanged(self._state, f"{method.name}: {outcome}")
        self._stage.check_no_crash()
        if self._taken % 50 == 0:
            await self._stage.check_neighbour()
        return outcome

    def last_input(self) -> str:
        rpc, requests = self._sent
        texts = [each.data.hex() if isinstance(each, Encoded) else str(each) for each in requests]
        return f"{rpc} {texts}"

    async def look_back(self) -> None:
        self._stage.check_shown()

    def _requests(self, dice: Dice, method: Method) -> list[Any]:
        count = dice.choice((0, 1, 2, 2, 3, 5)) if method.client_streaming else 1
        requests: list[Any] = []
        for _ in range(count):
            message = random_message(dice, method.request, self._stage.known)
            if self._mutate and dice.chance(0.9):
                requests.append(Encoded(dice.mutated(message.SerializeToString())))
            else:
                requests.append(message)
        return requests

    async def _call(self, method: Method, requests: list[Any]) -> str:
        stage = self._stage
        client = stage.client
        client.trailers = {}
        try:
            await in_time(client.call(method, requests, {}))
        except GRPCError as error:
            clause = client.trailers.get("fakeviam-clause", "")
            return judged(method, error.status.name, error.message or "", clause)
        except asyncio.TimeoutError as error:
            raise BrokenLawError("never a hang", f"{method.name}: no answer") from error
        except (OSError, StreamTerminatedError) as error:
            stage.client = await Client.over(stage.cloud.unix_socket)
            raise BrokenLawError("every call is answered", f"{method.name}: {error!r}") from error
        return "OK"


class Messages(Target):
    """Messages of the right class, with random values."""

    name = "messages"
    takes = "messages of every RPC with random, valid and extreme values"
    share = 380

    @asynccontextmanager
    async def opened(self, dice: Dice) -> AsyncIterator[Player]:
        async with set_up(dice) as stage:
            yield Calls(stage, mutate=False)


class Bytes(Target):
    """Encoded messages with some bytes changed."""

    name = "bytes"
    takes = "encoded messages of every RPC with bytes changed, cut, doubled"
    share = 280

    @asynccontextmanager
    async def opened(self, dice: Dice) -> AsyncIterator[Player]:
        async with set_up(dice) as stage:
            yield Calls(stage, mutate=True)
