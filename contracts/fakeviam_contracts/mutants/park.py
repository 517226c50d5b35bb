"""Running the park of wrong servers: which check finds which of them, and how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.claims import ContractBrokenError
from fakeviam_contracts.mutants.base import Mutant
from fakeviam_contracts.mutants.servers import SERVERS, start
from fakeviam_contracts.reading import Reading
from fakeviam_contracts.subject import OwnFake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam_contracts.checks.base import Check

Verdict = Literal["killed", "survived", "did not apply", "broke at start"]

_RIGHT = Mutant(name="nothing", clause="")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What became of one wrong server.

    Attributes:
        calls: RPCs until it was found, or all of them.
        claim: What it broke, if it was found.
    """

    mutant: Mutant
    verdict: Verdict
    check: str = ""
    calls: int = 0
    seconds: float = 0.0
    claim: str = ""


def run_park(
    mutants: Sequence[Mutant] = SERVERS, tell: Callable[[Fate], None] = lambda _: None
) -> list[Fate]:
    """Run the fixed checks against each wrong server until one finds it."""
    fates = []
    for mutant in mutants:
        fate = try_mutant(mutant, CHECKS)
        tell(fate)
        fates.append(fate)
    return fates


def try_mutant(mutant: Mutant, checks: Iterable[Check]) -> Fate:
    """Run checks against one wrong server: first those for the clause it breaks."""
    begin = time.monotonic()
    try:
        subject = OwnFake(Reading.named("documented"), lambda: start(mutant))
    except Exception as error:  # noqa: BLE001 - any of them is this verdict
        return Fate(mutant=mutant, verdict="broke at start", claim=repr(error))
    calls = 0
    try:
        for check in sorted(checks, key=lambda check: mutant.clause not in check.clauses):
            session = subject.open_session()
            try:
                check.run(session)
            except ContractBrokenError as broken:
                return Fate(
                    mutant=mutant,
                    verdict="killed",
                    check=check.name,
                    calls=calls + len(session.wire.calls),
                    seconds=time.monotonic() - begin,
                    claim=str(broken),
                )
            calls += len(session.wire.calls)
    finally:
        subject.close()
    # A mutant that never changed anything tells nothing about the checks.
    verdict: Verdict = "did not apply" if not _applies(mutant) else "survived"
    seconds = time.monotonic() - begin
    return Fate(mutant=mutant, verdict=verdict, calls=calls, seconds=seconds)


def _applies(mutant: Mutant) -> bool:
    """Whether it differs from the right server at all."""
    return bool(mutant.interceptor or mutant.store or mutant.options)


def summary(fates: Sequence[Fate]) -> str:
    """One line on all of them."""
    killed = [fate for fate in fates if fate.verdict == "killed"]
    counts = ", ".join(
        f"{sum(fate.verdict == verdict for fate in fates)} {verdict}"
        for verdict in ("killed", "survived", "did not apply", "broke at start")
    )
    if not killed:
        return f"{len(fates)} wrong servers: {counts}"
    calls, seconds = median(f.calls for f in killed), median(f.seconds for f in killed)
    return (
        f"{len(fates)} wrong servers: {counts}; to kill one takes {calls:.0f} calls and "
        f"{seconds:.2f} s (medians)"
    )


def measure() -> str:
    """The table of kill power: each check against each wrong server. Takes minutes."""
    rows = []
    for check in CHECKS:
        killed = sum(_kills(check, mutant) for mutant in SERVERS)
        rows.append((check.name, killed, _seconds(check)))
    rows.sort(key=lambda row: (-row[1] / row[2], row[0]))
    lines = [f"{name}\t{killed}\t{seconds:.3f}\n" for name, killed, seconds in rows]
    return "".join(lines)


def _kills(check: Check, mutant: Mutant) -> bool:
    return try_mutant(mutant, [check]).verdict == "killed"


def _seconds(check: Check) -> float:
    subject = OwnFake(Reading.named("documented"), lambda: start(_RIGHT))
    try:
        begin = time.monotonic()
        check.run(subject.open_session())
        return max(time.monotonic() - begin, 0.001)
    finally:
        subject.close()
