"""The verdicts of a run on each clause."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from fakeviam_contracts.results import ClauseVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.results import CheckResult, Result


def matching(clauses: Sequence[str], glob: str) -> list[str]:
    """The clauses that match a pattern."""
    return [clause for clause in clauses if fnmatch.fnmatchcase(clause, glob)]


def verdicts(result: Result, glob: str) -> list[ClauseVerdict]:
    """The verdict on each clause that was compared, or that has a check."""
    by_clause: dict[str, list[CheckResult]] = {}
    for check in result.checks:
        for clause in check.clauses:
            by_clause.setdefault(clause, []).append(check)
    failing = {finding.clause for finding in result.findings}
    all_clauses = {*by_clause, *failing, *result.comparisons}
    # Other findings are reported too.
    chosen = {*matching([*all_clauses], glob), *failing}
    clauses = sorted(chosen, key=clause_order)
    return [_verdict(clause, result, by_clause.get(clause, [])) for clause in clauses]


def _verdict(clause: str, result: Result, checks: Sequence[CheckResult]) -> ClauseVerdict:
    count = result.comparisons[clause]
    if any(finding.clause == clause for finding in result.findings):
        return ClauseVerdict(clause=clause, verdict=Verdict.BROKEN, comparisons=count)
    if any(difference.assertion.clause == clause for difference in result.differences):
        return ClauseVerdict(clause=clause, verdict=Verdict.DIFFERS, comparisons=count)
    if count:
        return ClauseVerdict(clause=clause, verdict=Verdict.KEPT, comparisons=count)
    for verdict in (Verdict.MAY_NOT, Verdict.SKIPPED, Verdict.NOT_REACHED):
        for check in checks:
            if check.verdict is verdict:
                return ClauseVerdict(clause=clause, verdict=verdict, reason=check.reason)
    # Its checks ended early, over another clause.
    reason = f"{', '.join(check.name for check in checks)} did not come to it"
    return ClauseVerdict(clause=clause, verdict=Verdict.NOT_REACHED, reason=reason)


def clause_order(clause: str) -> tuple[str, int]:
    """A key that sorts PG-2 before PG-11."""
    letters = clause.rstrip("0123456789")
    number = clause[len(letters) :]
    return letters, int(number) if number else 0
