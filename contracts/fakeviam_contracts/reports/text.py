"""A result for the terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fakeviam_contracts.results import Verdict

if TYPE_CHECKING:
    from fakeviam_contracts.results import Finding, Result


def summary(result: Result) -> str:
    """The result as a few lines; all that is fine is only counted."""
    lines = [_told(finding) for finding in result.findings]
    lines += [f"PROBLEM  {problem}" for problem in result.problems]
    lines += _reasons(result)
    lines += [f"LEFT BEHIND  {left}" for left in result.left]
    counts = Counter(clause.verdict for clause in result.clauses)
    told = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
    lines.append(
        f"{len(result.clauses)} clauses: {told}. {len(result.checks)} checks, "
        f"{result.programs} random programs, {result.rpcs} calls, {result.seconds:.1f} s; "
        f"{result.subject}, {result.policy}, seed {result.seed}"
    )
    return "\n".join(lines)


def _told(finding: Finding) -> str:
    head = "KNOWN" if finding.known else "BROKEN"
    lines = [
        f"{head}  {', '.join(finding.clauses)}: {finding.claim.what} ({finding.name})",
        f"  expected: {finding.claim.expected!r}",
        f"  observed: {finding.claim.observed!r}",
    ]
    if finding.known:
        lines.append(f"  known: {finding.known}")
    if finding.script:
        lines.append(f"  script: {finding.script}")
    lines += [f"    {step}" for step in finding.steps]
    return "\n".join(lines)


def _reasons(result: Result) -> list[str]:
    """Which clauses have no verdict, by the reason for it."""
    by_reason: dict[str, list[str]] = {}
    for clause in result.clauses:
        if clause.verdict in (Verdict.SKIPPED, Verdict.NOT_REACHED):
            reason = f"{clause.verdict.value.upper()} ({clause.reason})"
            by_reason.setdefault(reason, []).append(clause.clause)
    return [f"{reason}: {', '.join(clauses)}" for reason, clauses in by_reason.items()]
