"""The type of obligations, their outcomes, and the scenario that they run in."""

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

#: The replies that every scenario starts with: a server that accepts every login.
METADATA = {"authorization": "Bearer scripted", "x-watch": "1"}

PART = "part-1"


class ObligationOutcome(enum.Enum):
    """The outcome of an obligation; `OBSERVED` if the documents leave it open."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_APPLICABLE = "not applicable"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class ObligationVerdict:
    """The outcome of an obligation, and what was observed."""

    obligation: str
    clauses: tuple[str, ...]
    outcome: ObligationOutcome
    detail: str = ""


class BrokenError(Exception):
    """The client broke the obligation."""


class NotApplicableError(Exception):
    """The obligation does not apply to the client."""


class ObservedError(Exception):
    """The documents leave this open; the message describes the behaviour."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """An obligation of clients.

    Attributes:
        id: Its name in reports.
        clauses: The clauses that it tests.
        what: A description in one sentence.
        run: Checks it; may return a detail.
    """

    id: str
    clauses: tuple[str, ...]
    what: str
    run: Run


class Scenario:
    """A server and a client under test.

    Attributes:
        server: The scripted server.
        folder: An empty directory.
    """

    def __init__(
        self, server: ScriptedServer, peer: Peer, folder: Path, paging: str, target: str = ""
    ) -> None:
        """Use `peer`; `paging` is whether the `client` or its `caller` follows pages."""
        self.server = server
        self.folder = folder
        self._peer = peer
        self._paging = paging
        self._target = target or server.target

    def at(self, target: str) -> Scenario:
        """The same scenario with another server, for another obligation."""
        return Scenario(self.server, self._peer, self.folder, self._paging, target)

    async def ask(self, method: str, /, **args: object) -> Answer:
        """Call a method of the client.

        Raises:
            NotApplicableError: The client does not have it.
        """
        answer = await self.try_to(method, **args)
        if answer.kind == "unsupported":
            raise NotApplicableError(answer.text)
        return answer

    async def try_to(self, method: str, /, **args: object) -> Answer:
        """Call a method of the client; an unsupported one is a response too."""
        return await self._peer.ask(method, args, self._target, METADATA)

    async def can(self, method: str, /, **args: object) -> bool:
        """Call a method of the client, which must succeed if the client has it.

        Raises:
            BrokenError: It fails.
        """
        answer = await self.try_to(method, **args)
        if not answer.ok and answer.kind != "unsupported":
            raise BrokenError(f"{method} failed with {answer}")
        return answer.ok

    async def do(self, method: str, /, **args: object) -> Any:
        """Call a method of the client, which must succeed; returns its result.

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
        """Continue only if the client follows pages.

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
    """Compare two values.

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
    """Turn a function into an obligation; the first line of its docstring is the description."""

    def made(run: Run) -> Obligation:
        return Obligation(name, clauses, (run.__doc__ or "").strip().splitlines()[0], run)

    return made


async def judged(one: Obligation, scenario: Scenario) -> ObligationVerdict:
    """Check one obligation."""
    scenario.server.reset()
    try:
        detail = await one.run(scenario)
    except BrokenError as broken:
        return ObligationVerdict(one.id, one.clauses, ObligationOutcome.BROKEN, str(broken))
    except NotApplicableError as reason:
        return ObligationVerdict(one.id, one.clauses, ObligationOutcome.NOT_APPLICABLE, str(reason))
    except ObservedError as seen:
        return ObligationVerdict(one.id, one.clauses, ObligationOutcome.OBSERVED, str(seen))
    except (LookupError, TypeError, AttributeError) as error:
        # Results are made by others: one that is no record, or too few calls, is theirs.
        text = f"no such result or call as the protocol describes: {type(error).__name__}: {error}"
        return ObligationVerdict(one.id, one.clauses, ObligationOutcome.BROKEN, text)
    return ObligationVerdict(one.id, one.clauses, ObligationOutcome.KEPT, detail or "")


#: The maximum length of a value in a table, and of its part before the first difference.
_MOST, _BEFORE = 200, 40


def _text(value: object) -> str:
    """A value in a single line."""
    if isinstance(value, bytes) and len(value) > 40:
        return f"{len(value)} bytes"
    return " ".join((repr(value) if isinstance(value, (str, bytes)) else str(value)).split())


def _short(text: str, first: int) -> str:
    """The part of a text that starts near `first`."""
    part = text[first : first + _MOST]
    return f"{'…' if first else ''}{part}{'…' if len(text) > first + _MOST else ''}"
