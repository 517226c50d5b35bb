"""Known failures: what is broken, why, and until when that is accepted.

One a line, `clause or check | until | reason`; empty lines and those with `#` say nothing:

    PG-11                  | 2026-12-31 | ties come in any order, ticket 12
    filter: component name | 2026-06-30 | being fixed

An entry still runs. One that passes after all fails the run, and so does one past its day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam_contracts.cleaning import CannotRunError
from fakeviam_contracts.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from fakeviam_contracts.results import Finding, Result


@dataclass(frozen=True, kw_only=True)
class Known:
    """One known failure."""

    name: str
    until: dt.date
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is this failure."""
        return self.name == finding.name or self.name in finding.clauses


def read_known(path: str, names: Collection[str]) -> tuple[Known, ...]:
    """The entries of a file.

    Raises:
        CannotRunError: It cannot be read, or an entry makes no sense or names nothing.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise CannotRunError(f"cannot read the known failures in {path}: {error}") from error
    entries = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            entries.append(_entry(f"{path}:{number}", line, names))
    return tuple(entries)


def _entry(place: str, line: str, names: Collection[str]) -> Known:
    name, *rest = (word.strip() for word in line.split("|", 2))
    if len(rest) != 2 or not rest[1]:
        raise CannotRunError(f"{place}: an entry is `clause or check | YYYY-MM-DD | reason`")
    if name not in names:
        raise CannotRunError(f"{place}: there is no clause and no check {name!r}")
    try:
        until = dt.date.fromisoformat(rest[0])
    except ValueError as error:
        raise CannotRunError(f"{place}: {rest[0]!r} is no date (YYYY-MM-DD)") from error
    return Known(name=name, until=until, reason=rest[1])


def apply_known(result: Result, entries: Sequence[Known], today: dt.date) -> None:
    """Excuse the findings that were known, and complain of entries that are no more true."""
    ran = {
        name
        for check in result.checks
        if check.verdict in (Verdict.KEPT, Verdict.BROKEN)
        for name in (check.name, *check.clauses)
    }
    for entry in entries:
        covered = [finding for finding in result.findings if entry.covers(finding)]
        if entry.until < today:
            result.problems.append(f"{entry.name}: known until {entry.until}, which is over")
            continue
        for finding in covered:
            finding.known = f"{entry.reason} (until {entry.until})"
        if not covered and entry.name in ran:
            result.problems.append(f"{entry.name}: known to fail ({entry.reason}), but it passes")
