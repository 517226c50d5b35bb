"""A fake with something of everything in it, whose state can be compared, and a good neighbour."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from grpclib.exceptions import GRPCError

from campaigns.client import METHODS, Client, fill, known_of
from campaigns.laws import BrokenLawError
from campaigns.states import state_of
from fakeviam import Clock, FakeViam
from fakeviam.model.catalogue import CATALOGUE
from fakeviam.server.services.due import catch_up
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping

    from campaigns.dice import Dice
    from campaigns.messages import Known
    from fakeviam.wire import Method

_READS = ("Get", "List", "Export", "BinaryData", "TabularData", "Tags", "BoundingBoxLabels")

#: No answer within so many seconds is a hang.
PATIENCE = 60

T = TypeVar("T")


class Stage:
    """A running fake, two connections to it, and what it holds.

    Attributes:
        known: Ids and names that mean something to it, by a part of the names of their fields.
    """

    def __init__(self, cloud: FakeViam, client: Client, neighbour: Client) -> None:
        """Use `set_up`."""
        self.cloud, self.client, self._neighbour = cloud, client, neighbour
        self.known: Known = {}
        self.complaints: list[str] = []
        self._seen = 0

    # Laws ------------------------------------------------------------------------------------

    def state(self) -> list[object]:
        """All that a write could change, to be compared with a later moment.

        What is due by the clock is done first, or the next call would do it, even one that reads.
        """
        cloud = self.cloud
        catch_up(cloud._cloud)  # noqa: SLF001 - between two calls
        return [*state_of(cloud), cloud.policy]

    def check_no_crash(self) -> None:
        """No handler crashed, and nothing escaped into the event loop."""
        crashes = [*self.cloud.crashes]
        for session in self.cloud.sessions.values():
            crashes += session.crashes
        if crashes:
            self.cloud._cloud.crashes.clear()  # noqa: SLF001 - told once
            raise BrokenLawError("no crash", "; ".join(map(repr, crashes)))
        if self.complaints:
            complaints, self.complaints = self.complaints, []
            raise BrokenLawError("nothing escapes into the event loop", "; ".join(complaints))

    def check_unchanged(self, before: list[object], because: str) -> None:
        """Nothing has changed since."""
        after = self.state()
        if after != before:
            (part, *_) = [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
            raise BrokenLawError(
                "what is refused or only read changes nothing",
                f"{because}; before {str(before[part])[-300:]}, after {str(after[part])[-300:]}",
            )

    async def check_neighbour(self) -> None:
        """A well-behaved call beside is answered."""
        method = METHODS["BinaryDataByFilter"]
        request = data.BinaryDataByFilterRequest(count_only=True)
        call = self._neighbour.call(method, [request], {"fakeviam-session": "neighbour"})
        try:
            reply = await in_time(call)
        except (GRPCError, OSError, asyncio.TimeoutError) as error:
            raise BrokenLawError("a neighbour is answered", repr(error)) from error
        if reply.count != 6:
            raise BrokenLawError("a neighbour is answered", f"it counts {reply.count}, not 6")

    def check_shown(self) -> None:
        """Every call since the last time can be shown as JSON and as text."""
        for call in self.cloud.calls:
            if call.number <= self._seen:
                continue
            self._seen = call.number
            try:
                json.dumps(call.to_json(), allow_nan=False).encode()
                str(call).encode()
            except Exception as error:
                text = f"call {call.number}, {call.method.name}: {error!r}"
                raise BrokenLawError("what arrived can be shown", text) from error


async def in_time(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that has to end.

    It is the seconds in which the event loop turned that count: where other programs keep the
    machine busy, fake and client stand still alike.

    Raises:
        asyncio.TimeoutError: It does not end.
    """
    task = asyncio.ensure_future(work)
    for _ in range(PATIENCE):
        if (await asyncio.wait([task], timeout=1))[0]:
            return task.result()
    task.cancel()
    await asyncio.wait([task])
    raise asyncio.TimeoutError


def judged(method: Method | None, status: str, text: str, clause: str) -> str:
    """What became of a call, in a word.

    Raises:
        BrokenLawError: It was refused by accident, or without a clause.
    """
    line = f"{method.name if method else '?'}: {status} {text!r} [{clause}]"
    if status in ("INTERNAL", "UNKNOWN") and not (status == "UNKNOWN" and clause in _CLAUSES):
        raise BrokenLawError("never INTERNAL or UNKNOWN by accident", line)
    if clause not in _CLAUSES:
        raise BrokenLawError("a refusal names its clause", line)
    return f"{status} {clause}"


_CLAUSES = frozenset(CATALOGUE)


def only_reads(method: Method) -> bool:
    """Whether an RPC has nothing to change."""
    return method.name.startswith(_READS)


@asynccontextmanager
async def set_up(dice: Dice) -> AsyncIterator[Stage]:
    """A fake with something in it; what can be chosen about it is by chance."""
    cloud = FakeViam(
        seed=dice.randrange(1000),
        clock=Clock.frozen("2026-03-10T12:00:00Z"),
        policy=dice.choice(("documented", "documented", "observed", "strict")),
        ids=dice.choice(("real", "real", "readable")),
    )
    loop = asyncio.get_running_loop()
    async with cloud:
        client, neighbour = [await Client.over(cloud.unix_socket) for _ in range(2)]
        stage = Stage(cloud, client, neighbour)
        loop.set_exception_handler(lambda _, found: stage.complaints.append(_context_text(found)))
        try:
            await fill(client)
            stage.known = known_of(cloud)
            cloud.session("neighbour")  # of its own, so that nothing changes it
            yield stage
        finally:
            client.close()
            neighbour.close()
            loop.set_exception_handler(None)


def _context_text(values: Mapping[str, Any]) -> str:
    return f"{values.get('message')}: {values.get('exception')!r}"
