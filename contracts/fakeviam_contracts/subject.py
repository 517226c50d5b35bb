"""Subjects: servers that the kit is run against."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from fakeviam_contracts.checks.base import Need
from fakeviam_contracts.http2 import Http2Connection
from fakeviam_contracts.interrupts import complete
from fakeviam_contracts.keyed import LazyKeyed, origin_of_part
from fakeviam_contracts.places import Place
from fakeviam_contracts.session import Session
from fakeviam_contracts.wirelog import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.interpretation import Interpretation

#: How the fake of a run is made, and that of a failure's script: seed, clock, and parts besides
#: the default one.
SEED = 1
CLOCK = "2024-01-01T12:00:00Z"
PARTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("second", {"robot": "rover", "location": "lab"}),
    ("internal", {"internal": True}),
    ("foreign", {"organization": "somebody else"}),
)


class Subject(Protocol):
    """A server that the kit is run against."""

    #: Failures that are known already, and what the subject was seen to be.
    muted: frozenset[tuple[str, str]]
    interpretation: Interpretation

    @property
    def missing(self) -> Mapping[Need, str]:
        """What checks may need and the subject lacks, with the reason."""
        ...

    @property
    def left(self) -> list[str]:
        """What could not be removed from it."""
        ...

    @property
    def broken(self) -> list[Assertion]:
        """What set-up found broken that is not in the way of a run."""
        ...

    def open_session(self) -> Session:
        """A session that sees nothing of what was there before."""
        ...

    def close_session(self, session: Session) -> None:
        """End a session and remove what it made."""

    def close(self) -> None:
        """Let go of the subject."""


class OwnFake:
    """A fake of our own, in this thread's loop; reset between programs."""

    def __init__(
        self,
        interpretation: Interpretation,
        make: Callable[[], Any],
        *,
        keyed: Callable[[], Any] | None = None,
    ) -> None:
        """Start a fake.

        Args:
            interpretation: What it is expected to be.
            make: Makes the FakeViam, which gets two parts and two that are special.
            keyed: Makes the same once more, asking for keys.
        """
        self.missing: Mapping[Need, str] = {} if keyed else {Need.KEYS: "nobody makes keys here"}
        self.left: list[str] = []
        self.broken: list[Assertion] = []
        self.interpretation = interpretation
        self.muted: frozenset[tuple[str, str]] = frozenset()
        self._cloud = make()
        self._loop = asyncio.new_event_loop()
        self._more: list[Http2Connection] = []
        self._keyed = LazyKeyed(keyed, self._loop) if keyed else None
        self._channel = complete(self._loop, self._connect())
        added = {name: self._cloud.fleet.add_part(name, **where) for name, where in PARTS}
        parts = (self._cloud.default_part, added["second"])
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
        """The n-th further connection."""
        while len(self._more) <= number:
            self._more.append(await Http2Connection.connect(self._cloud.unix_socket))
        return self._more[number]

    async def _connect(self) -> Http2Connection:
        await self._cloud.start()
        return await Http2Connection.connect(self._cloud.unix_socket)

    def open_session(self) -> Session:
        """A session on the empty fake."""
        self._cloud.reset()
        wire = Wire(self._channel, self._loop, {}, connect=self._another)
        return Session(wire, self._place, self.interpretation, self.muted)

    def close_session(self, session: Session) -> None:
        """End a session; a crash of the fake is a failure."""
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
