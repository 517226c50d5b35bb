"""Subjects: the servers under test."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from fakeviam_contracts.checks.base import Need
from fakeviam_contracts.http2 import Http2Connection
from fakeviam_contracts.interrupts import complete
from fakeviam_contracts.keyed import LazyKeyed, origin_of_part
from fakeviam_contracts.places import Place
from fakeviam_contracts.session import Session
from fakeviam_contracts.wirelog import Tally, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.interpretation import Interpretation

#: The settings of an in-process fake, in a run and in a failure's script: seed, clock, and parts in
#: addition to the default one.
SEED = 1
CLOCK = "2024-01-01T12:00:00Z"
PARTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("second", {"robot": "rover", "location": "lab"}),
    ("internal", {"internal": True}),
    ("foreign", {"organization": "somebody else"}),
)


class Subject(Protocol):
    """A server under test."""

    #: Known failures, and the observed interpretation.
    muted: frozenset[tuple[str, str]]
    interpretation: Interpretation

    @property
    def missing(self) -> Mapping[Need, str]:
        """The needs of checks that the subject does not meet, with reasons."""
        ...

    @property
    def left(self) -> list[str]:
        """What could not be removed from the subject."""
        ...

    @property
    def tally(self) -> Tally:
        """How many calls it got, those of set-up and clean-up included."""
        ...

    @property
    def broken(self) -> list[Assertion]:
        """Broken clauses that set-up found, and that do not prevent a run."""
        ...

    def open_session(self) -> Session:
        """Open a session that sees no earlier data."""
        ...

    def close_session(self, session: Session) -> None:
        """Close a session, and remove what it created."""

    def close(self) -> None:
        """Release the subject."""


class OwnFake:
    """An in-process fake in this thread's event loop; reset between programs, its clock too."""

    def __init__(
        self,
        interpretation: Interpretation,
        make: Callable[[], Any],
        *,
        keyed: Callable[[], Any] | None = None,
        tally: Tally | None = None,
    ) -> None:
        """Start a fake.

        Args:
            interpretation: The expected interpretation.
            make: Creates the FakeViam, with four additional parts, two of them special.
            keyed: Creates one more that requires API keys.
            tally: Counts its calls, and those of others.
        """
        self.missing: Mapping[Need, str] = {Need.RESTART: "an in-process fake lives in memory"}
        if keyed is None:
            self.missing = {**self.missing, Need.KEYS: "nobody makes keys here"}
        self.left: list[str] = []
        self.broken: list[Assertion] = []
        self.interpretation = interpretation
        self.muted: frozenset[tuple[str, str]] = frozenset()
        self._cloud = make()
        self._loop = asyncio.new_event_loop()
        self._more: list[Http2Connection] = []
        self.tally = Tally() if tally is None else tally
        self._keyed = LazyKeyed(keyed, self._loop, self.tally) if keyed else None
        self._channel = complete(self._loop, self._connect())
        added = {name: self._cloud.fleet.add_part(name, **where) for name, where in PARTS}
        parts = (self._cloud.default_part, added["second"])
        self._begun = self._cloud.clock.state()
        self._place = Place(
            parts=tuple(map(origin_of_part, parts)),
            internal=origin_of_part(added["internal"]),
            foreign=origin_of_part(added["foreign"]),
            keyed=self._keyed,
            now=self._cloud.clock.now,
            advance=lambda ns: self._cloud.clock.advance(seconds=ns / 1e9),
            sleep=lambda ns: self._cloud.clock.advance(seconds=ns / 1e9),
        )

    async def _another(self, number: int) -> Http2Connection:
        """The n-th additional connection."""
        while len(self._more) <= number:
            self._more.append(await Http2Connection.connect(self._cloud.unix_socket))
        return self._more[number]

    async def _connect(self) -> Http2Connection:
        await self._cloud.start()
        return await Http2Connection.connect(self._cloud.unix_socket)

    def open_session(self) -> Session:
        """Open a session on the empty fake."""
        self._cloud.reset()
        # At the same time as every other, so that a program does the same when it is replayed.
        self._cloud.clock.restore(self._begun)
        wire = Wire(self._channel, self._loop, {}, connect=self._another)
        wire.tally = self.tally
        return Session(wire, self._place, self.interpretation, self.muted)

    def close_session(self, session: Session) -> None:
        """Close a session; a crash of the fake is a failure."""
        self.interpretation = session.interpretation
        self._cloud.check()

    def close(self) -> None:
        """Stop the fake."""
        for connection in (self._channel, *self._more):
            connection.close()
        if self._keyed is not None:
            self._keyed.close()
        complete(self._loop, self._cloud.stop())
        self._loop.close()
