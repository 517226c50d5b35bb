"""Known failures: what is broken, why, and until when that is accepted.

One a line, `clause or check | until | reason`; empty lines and those with `#` say nothing:

    PG-11                  | 2026-12-31 | ties come in any order, ticket 12
    filter: component name | 2026-06-30 | being fixed
    A47 @ localhost:8080   | 2026-06-30 | only this target; `self` is the fake

An entry still runs. One that passes after all, wherever it is for, fails the run, and so does
one past its day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.results import OWN, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fakeviam_contracts.results import Finding, Result


@dataclass(frozen=True, kw_only=True)
class KnownFailure:
    """One known failure."""

    name: str
    until: dt.date
    reason: str
    subject: str = ""

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is this failure."""
        return self.name in (finding.name, finding.clause)

    def concerns(self, result: Result) -> bool:
        """Whether it is for that subject."""
        return self.subject in ("", result.subject)


def read_known_failures(path: str, names: Collection[str]) -> tuple[KnownFailure, ...]:
    """The entries of a file.

    Raises:
        CannotRunError: It cannot be read, or an entry is invalid or names nothing.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeError as error:
        raise CannotRunError(f"the known failures in {path} are not UTF-8 text") from error
    except OSError as error:
        why = error.strerror or error
        raise CannotRunError(f"cannot read the known failures in {path}: {why}") from error
    entries = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            entries.append(_entry(f"{path}:{number}", line, names))
    return tuple(entries)


def _entry(place: str, line: str, names: Collection[str]) -> KnownFailure:
    what, *rest = (word.strip() for word in line.split("|", 2))
    name, _, subject = (word.strip() for word in what.partition("@"))
    if len(rest) != 2 or not rest[1]:
        raise CannotRunError(
            f"{place}: an entry is `clause or check | YYYY-MM-DD | reason`, got {line.strip()!r}"
        )
    if name not in names:
        raise CannotRunError(f"{place}: there is no clause and no check {name!r}")
    try:
        until = dt.date.fromisoformat(rest[0])
    except ValueError as error:
        raise CannotRunError(f"{place}: {rest[0]!r} is not a date (YYYY-MM-DD)") from error
    subject = OWN if subject == "self" else subject
    return KnownFailure(name=name, until=until, reason=rest[1], subject=subject)


def apply_known_failures(
    results: Sequence[Result], entries: Sequence[KnownFailure], today: dt.date
) -> None:
    """Excuse the findings that were known, and complain of entries that are no more true."""
    for entry in entries:
        concerned = [result for result in results if entry.concerns(result)]
        if not concerned:
            continue
        if entry.until < today:
            problem = f"{entry.name}: known until {entry.until}, which has passed ({entry.reason})"
            concerned[0].problems.append(problem)
            continue
        covered = [f for result in concerned for f in result.findings if entry.covers(f)]
        for finding in covered:
            finding.known = f"{entry.reason} (until {entry.until})"
        # One that still fails for one of several subjects is still true.
        if not covered and all(entry.name in _passed(result) for result in concerned):
            problem = f"{entry.name}: known to fail ({entry.reason}), but it passes"
            concerned[0].problems.append(problem)


def _passed(result: Result) -> set[str]:
    """The checks and clauses that were looked at and kept."""
    return {
        *(check.name for check in result.checks if check.verdict is Verdict.KEPT),
        *(clause.clause for clause in result.clauses if clause.verdict is Verdict.KEPT),
    }
