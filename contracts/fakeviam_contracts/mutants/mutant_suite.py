"""Runs all wrong servers: which check kills each of them, and how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Literal, get_args

from fakeviam_contracts.assertions import ContractBrokenError, ProgramEndedError
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.checks.base import possible
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.kill_power import by_kill_power
from fakeviam_contracts.mutants.base import Mutant
from fakeviam_contracts.mutants.servers import SERVERS, start
from fakeviam_contracts.subject import OwnFake
from fakeviam_contracts.wirelog import ConnectionLostError, NotServedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam import FakeViam, Interceptor
    from fakeviam_contracts.checks.base import Check
    from fakeviam_contracts.session import Session

Verdict = Literal["killed", "survived", "did not apply", "broke at start", "crashed"]

_RIGHT = Mutant(name="nothing", clause="")


@dataclass(frozen=True, kw_only=True, slots=True)
class MutantOutcome:
    """The outcome of one wrong server.

    Attributes:
        calls: RPCs until it was killed, or all of them.
        claim: The broken claim, if it was killed; what it stumbled over, if it crashed.
    """

    mutant: Mutant
    verdict: Verdict
    check: str = ""
    calls: int = 0
    seconds: float = 0.0
    claim: str = ""


def run_mutant_suite(
    mutants: Sequence[Mutant] = SERVERS, tell: Callable[[MutantOutcome], None] = lambda _: None
) -> list[MutantOutcome]:
    """Run the fixed checks against each wrong server until one kills it."""
    outcomes, checks = [], by_kill_power(CHECKS)
    for mutant in mutants:
        outcome = try_mutant(mutant, checks)
        tell(outcome)
        outcomes.append(outcome)
    return outcomes


def try_mutant(mutant: Mutant, checks: Iterable[Check]) -> MutantOutcome:
    """Run checks against one wrong server; those for its clause come first."""
    begin = time.monotonic()
    watched = _Watched(mutant)
    try:
        subject = OwnFake(
            Interpretation.named("documented"),
            watched.start,
            keyed=lambda: watched.start(auth="keys"),
        )
    except Exception as error:  # noqa: BLE001 - any exception is this outcome
        return MutantOutcome(mutant=mutant, verdict="broke at start", claim=repr(error))
    calls = 0
    try:
        own_first = sorted(checks, key=lambda check: mutant.clause not in check.clauses)
        for check in possible(own_first, subject.missing):
            session = subject.open_session()
            claim = broken_by(check, session)
            calls += len(session.wire.calls)
            if crash := watched.crash:
                # That INTERNAL is noticed says nothing about what it was to be wrong in.
                return MutantOutcome(mutant=mutant, verdict="crashed", calls=calls, claim=crash)
            if claim:
                return MutantOutcome(
                    mutant=mutant,
                    verdict="killed",
                    check=check.name,
                    calls=calls,
                    seconds=time.monotonic() - begin,
                    claim=claim,
                )
    finally:
        subject.close()
    # A mutant that never changed anything proves nothing about the checks.
    verdict: Verdict = "survived" if watched.applied else "did not apply"
    seconds = time.monotonic() - begin
    return MutantOutcome(mutant=mutant, verdict=verdict, calls=calls, seconds=seconds)


def broken_by(check: Check, session: Session, clause: str = "") -> str:
    """The problem that a check reports: a broken clause, or a difference in an open point; or "".

    Unintelligible replies are problems too.
    """
    try:
        check.run(session)
    except ConnectionLostError:
        raise
    except ContractBrokenError as broken:
        return str(broken)
    except (ProgramEndedError, NotServedError):
        pass
    except Exception as error:  # noqa: BLE001 - as in a run
        return f"answers make no sense: {error!r}"
    for difference in session.differences.values():
        if not clause or difference.clause == clause:
            return f"differs: {difference}"
    return ""


class _Watched:
    """A wrong server, and whether it has deviated yet."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._hooks: list[Interceptor] = []
        self._clouds: list[FakeViam] = []

    def start(self, **more: object) -> FakeViam:
        cloud = start(replace(self._mutant, interceptor=self._interceptor()), **more)
        self._clouds.append(cloud)
        return cloud

    @property
    def crash(self) -> str:
        """What it stumbled over by itself, or ""."""
        crashes = (crash for cloud in self._clouds for crash in cloud.crashes)
        return next((f"{crash.rpc}: {crash.error!r}" for crash in crashes), "")

    def _interceptor(self) -> Callable[[], Interceptor] | None:
        if self._mutant.interceptor is None:
            return None
        hook = self._mutant.interceptor()
        self._hooks.append(hook)
        return lambda: hook

    @property
    def applied(self) -> bool:
        """Whether it changed a message; wrong stores and policies are assumed to have an effect."""
        mutant = self._mutant
        return bool(mutant.store or mutant.options) or any(
            getattr(hook, "fired", True) for hook in self._hooks
        )


def summary(outcomes: Sequence[MutantOutcome]) -> str:
    """A one-line summary."""
    killed = [outcome for outcome in outcomes if outcome.verdict == "killed"]
    counts = ", ".join(
        f"{sum(outcome.verdict == verdict for outcome in outcomes)} {verdict}"
        for verdict in get_args(Verdict)
    )
    if not killed:
        return f"{len(outcomes)} wrong servers: {counts}"
    calls, seconds = median(f.calls for f in killed), median(f.seconds for f in killed)
    return (
        f"{len(outcomes)} wrong servers: {counts}; to kill one takes {calls:.0f} calls and "
        f"{seconds:.2f} s (medians)"
    )
