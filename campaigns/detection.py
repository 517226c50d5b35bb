"""How soon each wrong server is found, and how short its failure gets.

Fixed checks are tried in the order of the table of kill power, random programs by their seeds.
Neither order looks at the wrong server.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.checks.base import possible
from fakeviam_contracts.kill_power import by_kill_power
from fakeviam_contracts.mutants.mutant_suite import broken_by
from fakeviam_contracts.mutants.servers import subject_of
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.shrinking import Shrinker, replay

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from pathlib import Path

    from fakeviam_contracts.mutants.base import Mutant
    from fakeviam_contracts.programs import Programs
    from fakeviam_contracts.session import Session
    from fakeviam_contracts.subject import OwnFake

#: Random programs that are tried, and their seed.
PROGRAMS = 20
SEED = 1

#: What is promised of the steps of a failure that is cut short; those of checks that make calls by
#: themselves cannot be cut.
MOST_CHECK_STEPS, MOST_STEPS = 24, 8


@dataclass(frozen=True, slots=True)
class Detection:
    """How one wrong server was found.

    Attributes:
        mutant: Its name.
        check: The first fixed check that found it, or "".
        check_steps: How many steps its failure has, cut short; 0 where it was not measured, as with
            failures that only the calls of a check itself show.
        programs: How many random programs were tried until one found it; 0 if none did.
        program_steps: How many steps that failure has, cut short.
    """

    mutant: str
    check: str
    check_steps: int
    programs: int
    program_steps: int


def search(mutant: Mutant, known: Detection | None = None) -> Detection:
    """Look for one wrong server in both ways; by programs alone where the checks are `known`."""
    if known is None:
        known = Detection(mutant.name, *_by_checks(mutant), 0, 0)
    count, steps = _by_programs(mutant, PROGRAMS)
    return replace(known, programs=count, program_steps=steps)


def _by_checks(mutant: Mutant) -> tuple[str, int]:
    subject = subject_of(mutant)
    try:
        for check in possible(by_kill_power(CHECKS), subject.missing):
            session = subject.open_session()
            if broken_by(check, session):
                return check.name, _steps(subject, session)
    finally:
        subject.close()
    return "", 0


def _by_programs(mutant: Mutant, most: int) -> tuple[int, int]:
    subject = subject_of(mutant)

    def stop(programs: Programs) -> None:
        if any(difference.clause == mutant.clause for difference in programs.differences.values()):
            programs.wanted = programs.count

    try:
        programs = run_programs(subject, seed=SEED, wanted=most, progress=stop)
        if programs.failed is not None:
            return programs.count, _steps(subject, programs.failed)
        # A difference is told as it was seen.
        is_named = any(d.clause == mutant.clause for d in programs.differences.values())
        return (programs.count if is_named else 0), 0
    finally:
        subject.close()


def _steps(subject: OwnFake, failed: Session) -> int:
    """Steps of the failure, shrunk; calls that a check makes by itself are steps, too."""
    if failed.broken is None:  # a difference, or answers that made no sense
        return 0
    best = Shrinker(subject, failed, seconds=math.inf).shrink()
    if best is not failed or not failed.steps:
        return len(best.steps) or len(failed.wire.calls)
    again = replay(subject, failed.steps)
    return len(failed.steps) + len(failed.wire.calls) - len(again.wire.calls)


def broken_promises(rows: Iterable[Detection], out_of_reach: Container[str]) -> list[str]:
    """What rows say that was not promised.

    Args:
        rows: What was measured.
        out_of_reach: Wrong servers that random programs need not find.
    """
    texts = []
    for row in rows:
        if not row.check:
            texts.append(f"{row.mutant}: found by no fixed check")
        if row.check_steps > MOST_CHECK_STEPS or row.program_steps > MOST_STEPS:
            texts.append(f"{row.mutant}: {row.check_steps} and {row.program_steps} steps")
        if not row.programs and row.mutant not in out_of_reach:
            texts.append(f"{row.mutant}: not found by {PROGRAMS} random programs")
    return texts


def kill_power(rows: Iterable[Detection], calls: Mapping[str, int]) -> str:
    """The table of kill power: what finds most wrong servers with a call comes first.

    Args:
        rows: What was measured; of each server the check that was the first to find it.
        calls: How many calls each check makes of the right server.
    """
    found = Counter(row.check for row in rows)
    in_order = sorted(calls, key=lambda name: (-found[name] / max(calls[name], 1), calls[name]))
    return "".join(f"{name}\t{found[name]}\t{calls[name]}\n" for name in in_order)


# What programs need not find ------------------------------------------------------------


#: Reasons for which programs need not find a server, before they were tried and after it.
UNTRIED = "made for a fixed check that finds it; not tried with random programs yet"
TRIED = "random programs were tried and did not find it; a fixed check does"


def note_tried(path: Path, row: Detection) -> None:
    """Write down that programs were tried on a server: it is no more out of reach, or it is."""
    reasons = {
        name: TRIED if name == row.mutant and reason == UNTRIED else reason
        for name, reason in out_of_reach(path)
        if name != row.mutant or not row.programs
    }
    lines = (f"{name}\t{reason}\n" for name, reason in reasons.items())
    path.write_text("".join(lines), encoding="utf-8")


def out_of_reach(path: Path) -> list[tuple[str, str]]:
    """Wrong servers that random programs need not find, and why."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(name, reason) for name, _, reason in (line.partition("\t") for line in lines)]
