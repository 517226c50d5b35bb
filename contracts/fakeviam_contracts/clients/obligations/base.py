"""What an obligation is, what can come of it, and what it works with."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from fakeviam_contracts.clients.protocol import Answer, Peer
    from fakeviam_contracts.clients.scripted import ScriptedServer

    Run = Callable[["Scenario"], Awaitable["str | None"]]

#: What every client can be told about itself by a server that accepts everybody.
METADATA = {"authorization": "Bearer scripted", "x-watch": "1"}

PART = "part-1"


class ObligationOutcome(enum.Enum):
    """What came of an obligation; `OBSERVED` where no document says what is right."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_APPLICABLE = "not applicable"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class ObligationVerdict:
    """What came of one obligation, and what was seen."""

    obligation: str
    clauses: tuple[str, ...]
    outcome: ObligationOutcome
    detail: str = ""


class BrokenError(Exception):
    """The client did something else."""


class NotApplicableError(Exception):
    """The client cannot be asked."""


class ObservedError(Exception):
    """The documents leave it open; this is what was seen."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing a client owes.

    Attributes:
        id: Its name in reports.
        clauses: What it rests on.
        what: What is owed, in a sentence.
        run: Finds out; returns a detail or nothing if it is kept.
    """

    id: str
    clauses: tuple[str, ...]
    what: str
    run: Run


class Scenario:
    """A server that watches, and a client that is told what to do.

    Attributes:
        server: Answers what it is told to.
        folder: An empty directory.
    """

    def __init__(
        self, server: ScriptedServer, peer: Peer, folder: Path, paging: str, target: str = ""
    ) -> None:
        """Ask `peer`; `paging` tells who follows the pages, `client` or `caller`."""
        self.server = server
        self.folder = folder
        self._peer = peer
        self._paging = paging
        self._target = target or server.target

    def at(self, target: str) -> Scenario:
        """The same with another server, which another obligation observes."""
        return Scenario(self.server, self._peer, self.folder, self._paging, target)

    async def ask(self, method: str, /, **args: object) -> Answer:
        """Have the client do something.

        Raises:
            NotApplicableError: It cannot be asked to.
        """
        answer = await self.try_to(method, **args)
        if answer.kind == "unsupported":
            raise NotApplicableError(answer.text)
        return answer

    async def try_to(self, method: str, /, **args: object) -> Answer:
        """Have the client do something; that it cannot be asked to is an answer too."""
        return await self._peer.ask(method, args, self._target, METADATA)

    async def can(self, method: str, /, **args: object) -> bool:
        """Have the client do something if it can, which must succeed then.

        Raises:
            BrokenError: It fails.
        """
        answer = await self.try_to(method, **args)
        if not answer.ok and answer.kind != "unsupported":
            raise BrokenError(f"{method} failed with {answer}")
        return answer.ok

    async def do(self, method: str, /, **args: object) -> Any:
        """Have the client do something that must succeed; its result.

        Raises:
            BrokenError: It fails.
        """
        answer = await self.ask(method, **args)
        if self.server.stopped:
            raise BrokenError(f"{method} called {len(self.server.calls) - 1} times without an end")
        if not answer.ok:
            raise BrokenError(f"{method} failed with {answer}")
        return answer.result

    def follows_pages(self) -> None:
        """Go on only if the client follows pages by itself.

        Raises:
            NotApplicableError: Its caller does.
        """
        if self._paging != "client":
            raise NotApplicableError("fetches one page; its caller follows them")

    def one(self, rpc: str) -> Any:
        """The only message of the only call of an RPC."""
        requests = self.server.sent(rpc)
        same("messages of " + rpc, 1, len(requests))
        return requests[0]


def same(what: str, expected: object, observed: object) -> None:
    """Compare.

    Raises:
        BrokenError: They differ.
    """
    if expected != observed:
        texts = _text(expected), _text(observed)
        shared = next(
            (at for at, pair in enumerate(zip(*texts, strict=False)) if len(set(pair)) > 1),
            min(map(len, texts)),
        )
        first = max(shared - _BEFORE, 0) if max(map(len, texts)) > _MOST else 0
        wanted, got = (_short(text, first) for text in texts)
        raise BrokenError(f"{what}: expected {wanted}, got {got}")


def obligation(name: str, *clauses: str) -> Callable[[Run], Obligation]:
    """Make an obligation of a function; the first line of its text says what is owed."""

    def made(run: Run) -> Obligation:
        return Obligation(name, clauses, (run.__doc__ or "").strip().splitlines()[0], run)

    return made


async def judged(one: Obligation, scenario: Scenario) -> ObligationVerdict:
    """Find out about one obligation."""
    scenario.server.reset()
    try:
        detail = await one.run(scenario)
    except BrokenError as broken:
        return ObligationVerdict(one.id, one.clauses, ObligationOutcome.BROKEN, str(broken))
    except NotApplicableError as reason:
        return ObligationVerdict(one.id, one.clauses, ObligationOutcome.NOT_APPLICABLE, str(reason))
    except ObservedError as seen:
        return ObligationVerdict(one.id, one.clauses, ObligationOutcome.OBSERVED, str(seen))
    return ObligationVerdict(one.id, one.clauses, ObligationOutcome.KEPT, detail or "")


#: What fits into a line of a table, and how much of it may stand before the first difference.
_MOST, _BEFORE = 200, 40


def _text(value: object) -> str:
    """A value in one line."""
    if isinstance(value, bytes) and len(value) > 40:
        return f"{len(value)} bytes"
    return " ".join((repr(value) if isinstance(value, (str, bytes)) else str(value)).split())


def _short(text: str, first: int) -> str:
    """The part of a text that begins at `first`."""
    part = text[first : first + _MOST]
    return f"{'…' if first else ''}{part}{'…' if len(text) > first + _MOST else ''}"
