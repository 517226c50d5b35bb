"""Results for the terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fakeviam_contracts.causes import by_cause
from fakeviam_contracts.clauses import Severity
from fakeviam_contracts.formatting import counted, shortened, visible
from fakeviam_contracts.results import PROGRAMS, Verdict
from fakeviam_contracts.verdicts import clause_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.results import Difference, Finding, Result


#: The number of steps to print; reports have all of them.
MOST_STEPS = 20
#: As many clauses as nobody reads, and the most that are named as exceptions.
MANY, FEW = 30, 12


def summary(results: Sequence[Result]) -> str:
    """The results in a few lines; successes are only counted."""
    if len(results) == 1:
        return visible(_one(results[0]))
    blocks = [f"{result.label}\n{_indented(_one(result))}" for result in results]
    return visible("\n\n".join([*blocks, _side_by_side(results)]))


def _one(result: Result) -> str:
    lines = [
        _of_one_cause(cause, findings) for cause, findings in by_cause(result.findings).items()
    ]
    lines += _mild(result)
    lines += [_difference(difference) for difference in result.differences]
    lines += [f"PROBLEM  {problem}" for problem in result.problems]
    lines += _reasons(result)
    lines += [f"NOT REACHED  {result.missing}"] if result.missing else []
    lines += [f"LEFT BEHIND  {left}" for left in result.left]
    lines += [f"{result.ended.upper()}  {result.error}"] if result.error else []
    if result.not_reached and result.exit_status == 3:
        names = _clauses(result, result.not_reached)
        lines.append(f"INCOMPLETE  --allow-not-reached would allow it for: {names}")
    counts = Counter(clause.verdict for clause in result.clauses)
    verdicts = ", ".join(f"{counts[v]} {v.value}" for v in Verdict if counts[v])
    lines.append(
        f"{counted(len(result.clauses), 'clause')}: {verdicts or 'no verdicts'}. "
        f"{counted(len(result.checks), 'check')}, "
        f"{counted(result.programs, 'random program')}, {counted(result.rpcs, 'call')}, "
        f"{counted(sum(result.comparisons.values()), 'comparison')}, "
        f"{result.seconds:.1f} s; {result.label}, seed {result.seed}"
    )
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _side_by_side(results: Sequence[Result]) -> str:
    """A table of the clauses on which subjects differ, or that one of them breaks."""
    verdicts_ = [{c.clause: c.verdict for c in result.clauses} for result in results]
    rows = []
    for clause in sorted({clause for one in verdicts_ for clause in one}, key=clause_order):
        verdicts = [one.get(clause) for one in verdicts_]
        if len(set(verdicts)) > 1 or Verdict.BROKEN in verdicts:
            rows.append([clause, *map(_shown, verdicts)])
    if not rows:
        return "side by side: no clause is broken, and the verdicts are the same"
    head = ["clause", *(result.label for result in results)]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "side by side, where verdicts differ or are broken:\n" + "\n".join(
        "  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows)
    )


def _shown(verdict: Verdict | None) -> str:
    """A verdict in the table, with emphasis if the clause is broken."""
    if verdict is None:
        return "-"
    word: str = verdict.value
    return word.upper() if verdict is Verdict.BROKEN else word


def _of_one_cause(cause: str, findings: Sequence[Finding]) -> str:
    """The first finding in full, the others in one line each."""
    first, *others = sorted(findings, key=lambda finding: bool(finding.known))
    lines = [_finding(first)]
    if others:
        lines.append(f"  the same cause, {cause}, shows in {counted(len(others), 'more place')}:")
    for other in others:
        known = f"; known: {other.known}" if other.known else ""
        script = f"; script: {other.script}" if other.script else ""
        lines.append(
            f"    {'KNOWN' if other.known else 'BROKEN'}  {other.clause}: "
            f"{other.assertion.what} ({other.name}), {other.severity.label}{known}{script}"
        )
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    head = "KNOWN" if finding.known else "BROKEN"
    again = "" if finding.reproduced else "; NOT SEEN AGAIN on a fresh session"
    lines = [
        f"{head}  {finding.clause}: {finding.assertion.what} ({finding.name}){again}",
        f"  {finding.severity.label}",
        f"  expected: {shortened(finding.assertion.expected)}",
        f"  observed: {shortened(finding.assertion.observed)}",
    ]
    if finding.known:
        lines.append(f"  known: {finding.known}")
    if finding.script:
        lines.append(f"  script: {finding.script}")
    if finding.program or finding.name == PROGRAMS:
        lines += _steps(finding)
    return "\n".join(lines)


def _mild(result: Result) -> list[str]:
    """Findings that do not make this run fail."""
    mild = [f.clause for f in result.findings if f not in result.failing and not f.known]
    return [f"NO FAILURE  with this --min-evidence: {', '.join(mild)}"] if mild else []


def _steps(finding: Finding) -> list[str]:
    """The steps, or only the last ones if a script has all of them."""
    more = len(finding.steps) - MOST_STEPS
    if more <= 0 or not finding.script:
        return [f"    {step}" for step in finding.steps]
    lines = [f"    {step}" for step in finding.steps[more:]]
    return [f"    (after {counted(more, 'step')}, which are in report.json)", *lines]


def _difference(difference: Difference) -> str:
    assertion = difference.assertion
    return (
        f"DIFFERS  {assertion.clause}: {assertion.what} ({difference.name}), "
        f"{Severity.INTERPRETATION.label}\n"
        f"  expected: {shortened(assertion.expected, 200)}\n"
        f"  observed: {shortened(assertion.observed, 200)}"
    )


def _reasons(result: Result) -> list[str]:
    """The clauses without a verdict, grouped by reason."""
    by_reason: dict[str, list[str]] = {}
    for clause in result.clauses:
        if clause.verdict in (Verdict.SKIPPED, Verdict.MAY_NOT, Verdict.NOT_REACHED):
            reason = f"{clause.verdict.value.upper()} ({clause.reason})"
            by_reason.setdefault(reason, []).append(clause.clause)
    return [f"{reason}: {_clauses(result, clauses)}" for reason, clauses in by_reason.items()]


def _clauses(result: Result, names: Sequence[str]) -> str:
    """Names of clauses; where that is nearly all of them, the others are shorter to read."""
    clauses = [clause.clause for clause in result.clauses]
    others = [name for name in names if name not in clauses]
    rest = [clause for clause in clauses if clause not in names]
    if len(names) < MANY or len(rest) > FEW:
        return ", ".join(names)
    but = f" but {', '.join(rest)}" if rest else ""
    return ", ".join([f"all {len(clauses)} clauses{but}", *others])
