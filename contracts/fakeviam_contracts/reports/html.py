"""Results as a self-contained HTML page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.causes import by_cause
from fakeviam_contracts.clauses import rules
from fakeviam_contracts.formatting import counted, format_call, shortened, visible
from fakeviam_contracts.reports.templating import render
from fakeviam_contracts.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.results import Finding, Result


def page(results: Sequence[Result], history: Sequence[dict[str, object]] = ()) -> str:
    """The results of one or several subjects side by side, and those of earlier runs."""
    by_result = [{c.clause: c for c in result.clauses} for result in results]
    all_clauses = dict.fromkeys(clause for verdicts_ in by_result for clause in verdicts_)
    clauses = {name: rules()[name] for name in [*all_clauses, *rules()] if name in rules()}
    numbers = {id(f): at for at, f in enumerate((f for r in results for f in r.findings), start=1)}
    text = render(
        "report.html.j2",
        filters={"call": format_call, "shown": shortened},
        title=_title(results),
        results=results,
        clauses=clauses,
        by_result=by_result,
        history=history,
        counted=counted,
        when=history[-1]["when"] if history else "",
        names=[verdict.value for verdict in Verdict],
        totals=lambda result: Counter(clause.verdict.value for clause in result.clauses),
        anchor=lambda finding: f"finding-{numbers[id(finding)]}",
        notes=_notes,
        by_cause=by_cause,
        past=lambda finding, result: _past(finding, result, history),
    )
    return visible(text)  # the template itself has no such characters


def _title(results: Sequence[Result]) -> str:
    count = sum(len(result.failing) for result in results)
    problems = sum(len(result.problems) for result in results)
    missing = any(result.not_reached for result in results)
    titles = [f"contract broken in {counted(count, 'place')}"] if count else []
    titles += [f"{counted(problems, 'known failure')} no longer true"] if problems else []
    titles += ["not run to the end"] if missing or any(r.error for r in results) else []
    return "; ".join(titles or ["contract kept"])


def _past(finding: Finding, result: Result, history: Sequence[dict[str, Any]]) -> str:
    """Since when a clause has been broken on a subject, according to its history."""
    runs = [r for r in history if (r["subject"], r["policy"]) == (result.subject, result.policy)]
    broken = [run["when"] for run in runs if finding.clause in run["broken"]]
    if len(runs) < 2 or not broken:
        return ""
    marks = "".join("x" if finding.clause in run["broken"] else "." for run in runs[-20:])
    return f"broken in {len(broken)} of {len(runs)} runs, first on {broken[0][:10]}: {marks}"


def _notes(result: Result) -> list[str]:
    notes = [f"{result.ended}: {result.error}"] if result.error else []
    notes += [f"known failures: {problem}" for problem in result.problems]
    notes += [f"left behind: {left}" for left in result.left]
    return notes + ([f"not run: {result.missing}"] if result.missing else [])
