"""How soon each wrong server is found, and how short its failure gets.

An example is one fixed check, in the order of the table of kill power, or one random program
of a fixed seed. Neither order looks at the wrong server.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.kill_power import by_kill_power
from fakeviam_contracts.mutants.mutant_suite import broken_by
from fakeviam_contracts.mutants.servers import start
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.shrinking import Shrinker, replay
from fakeviam_contracts.subject import OwnFake

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

    from fakeviam_contracts.mutants.base import Mutant
    from fakeviam_contracts.programs import Programs
    from fakeviam_contracts.session import Session

#: Random programs that are tried, and their seed.
PROGRAMS = 20
SEED = 1

#: What is promised: how many checks it takes at most, and how many steps a failure has, cut short.
MOST_CHECKS = 110
MOST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Found:
    """How one wrong server was found.

    Attributes:
        mutant: Its name.
        check: The first fixed check that finds it, or "".
        checks: How many were tried by then.
        check_steps: How many steps its failure has, cut short; 0 where it was not measured, as with
            failures that only the calls of a check itself show.
        programs: How many random programs were tried until one found it; 0 if none did.
        program_steps: How many steps that failure has, cut short.
    """

    mutant: str
    check: str
    checks: int
    check_steps: int
    programs: int
    program_steps: int


def search(mutant: Mutant, *, programs: int = PROGRAMS) -> Found:
    """Look for one wrong server in both ways."""
    name, checks, check_steps = _by_checks(mutant)
    count, program_steps = _by_programs(mutant, programs) if programs else (0, 0)
    return Found(mutant.name, name, checks, check_steps, count, program_steps)


def _subject(mutant: Mutant) -> OwnFake:
    return OwnFake(Interpretation.named("documented"), lambda: start(mutant))


def _by_checks(mutant: Mutant) -> tuple[str, int, int]:
    subject = _subject(mutant)
    try:
        for number, check in enumerate(by_kill_power(CHECKS), start=1):
            session = subject.open_session()
            if broken_by(check, session):
                return check.name, number, _steps(subject, session)
    finally:
        subject.close()
    return "", 0, 0


def _by_programs(mutant: Mutant, most: int) -> tuple[int, int]:
    subject = _subject(mutant)

    def stop(done: Programs) -> None:
        if any(difference.clause == mutant.clause for difference in done.differences.values()):
            done.wanted = done.count

    try:
        done = run_programs(subject, seed=SEED, wanted=most, progress=stop)
        if done.failed is not None:
            return done.count, _steps(subject, done.failed)
        # A difference is told as it was seen.
        named = any(d.clause == mutant.clause for d in done.differences.values())
        return (done.count if named else 0), 0
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


def broken_promises(rows: Iterable[Found], out_of_reach: Container[str]) -> list[str]:
    """What rows say that was not promised.

    Args:
        rows: What was measured.
        out_of_reach: Wrong servers that random programs need not find.
    """
    told = []
    for row in rows:
        if not 0 < row.checks <= MOST_CHECKS:
            told.append(f"{row.mutant}: found by check {row.checks}, not by {MOST_CHECKS}")
        if max(row.check_steps, row.program_steps) > MOST_STEPS:
            told.append(f"{row.mutant}: {row.check_steps} and {row.program_steps} steps")
        if not row.programs and row.mutant not in out_of_reach:
            told.append(f"{row.mutant}: not found by {PROGRAMS} random programs")
    return told


# The table -------------------------------------------------------------------------------


def write(path: Path, rows: Iterable[Found]) -> None:
    """Write a table with a heading."""
    lines = [[field.name for field in fields(Found)], *(map(str, astuple(row)) for row in rows)]
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")


def read(path: Path) -> list[Found]:
    """Read such a table."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [Found(row[0], row[1], *map(int, row[2:])) for row in rows]


def out_of_reach(path: Path) -> list[tuple[str, str]]:
    """Wrong servers that random programs need not find, and why."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(name, reason) for name, _, reason in (line.partition("\t") for line in lines)]
