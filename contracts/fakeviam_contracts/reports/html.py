"""Results as one page that needs nothing else."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from fakeviam_contracts.formatting import counted, format_call
from fakeviam_contracts.reports.evidence import Entry, entries
from fakeviam_contracts.results import ClauseVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.results import Finding, Result

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: left;
  vertical-align: top }
pre { background: #8881; overflow: auto; padding: .8rem; white-space: pre-wrap;
  overflow-wrap: anywhere }
.kept { color: #17803d } .broken { color: #c02222; font-weight: bold }
.skipped, .not-reached { color: #8a6d00 }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #e4e6ea }
  .kept { color: #57c785 } .broken { color: #ff7b72 }
  .skipped, .not-reached { color: #e3b341 } }
"""

_NOTHING = ClauseVerdict(clause="", verdict=Verdict.NOT_REACHED, reason="not looked at")


def page(results: Sequence[Result]) -> str:
    """The results of one or several subjects, side by side."""
    title = _title(results)
    body = "".join(
        (
            f"<h1>fakeviam contract: {title}</h1>",
            *(_about(result) for result in results),
            *(_findings(result, several=len(results) > 1) for result in results),
            "<h2>Clauses</h2>",
            _clauses(results),
            *(_checks(result) for result in results),
        )
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _title(results: Sequence[Result]) -> str:
    broken = sum(len(result.unexpected) for result in results)
    problems = sum(len(result.problems) for result in results)
    told = [f"contract broken in {counted(broken, 'place')}"] if broken else []
    told += [f"{counted(problems, 'known failure')} no longer true"] if problems else []
    told += ["not run to the end"] if any(result.error for result in results) else []
    return "; ".join(told or ["contract kept"])


def _about(result: Result) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    notes = [f"cannot run: {result.error}"] if result.error else []
    notes += [f"known failures: {problem}" for problem in result.problems]
    notes += [f"left behind: {left}" for left in result.left]
    told = "".join(f'<p class="broken">{escape(note)}</p>' for note in notes)
    return (
        f"<p><b>{escape(result.subject)}</b>, read as <b>{escape(result.policy)}</b>, profile "
        f"{escape(result.profile)}, seed {result.seed}: {counted(len(result.checks), 'check')}, "
        f"{counted(result.programs, 'random program')}, {counted(result.rpcs, 'call')} in "
        f"{result.seconds:.1f} s.<br>{escape(versions)}</p>{told}"
    )


def _findings(result: Result, *, several: bool) -> str:
    if not result.findings:
        return ""
    whose = f" by {escape(result.label)}" if several else ""
    return f"<h2>Broken{whose}</h2>" + "".join(_finding(finding) for finding in result.findings)


def _finding(finding: Finding) -> str:
    steps = "\n".join(finding.steps)
    trace = "\n".join(format_call(call) for call in finding.calls)
    known = f"<p>Known: {escape(finding.known)}</p>" if finding.known else ""
    script = f"<p>Script: <code>{escape(finding.script)}</code></p>" if finding.script else ""
    return (
        f"<h3>{escape(', '.join(finding.clauses))}: {escape(finding.claim.what)}</h3>{known}"
        f"<p>Found by {escape(finding.name)}.</p>{script}"
        f"<pre>expected: {escape(repr(finding.claim.expected))}\n"
        f"observed: {escape(repr(finding.claim.observed))}</pre>"
        f"<pre>{escape(steps)}</pre>"
        f"<details><summary>What went over the wire</summary><pre>{escape(trace)}</pre></details>"
    )


def _clauses(results: Sequence[Result]) -> str:
    known = entries()
    by_result = [{c.clause: c for c in result.clauses} for result in results]
    ids = list(dict.fromkeys([*(c for found in by_result for c in found), *known]))
    heads = "".join(f"<th>{escape(r.subject)}<br>{escape(r.policy)}</th>" for r in results)
    rows = []
    for clause in ids:
        entry = known.get(clause, Entry())
        verdicts = "".join(_verdict(found.get(clause, _NOTHING)) for found in by_result)
        rows.append(
            f"<tr><td>{escape(clause)}</td><td>{escape(entry.sentence)}</td>"
            f"<td>{escape(entry.evidence)}</td>{verdicts}</tr>"
        )
    return (
        f"<table><tr><th>clause</th><th>what it says</th><th>evidence</th>{heads}</tr>"
        f"{''.join(rows)}</table>"
    )


def _verdict(clause: ClauseVerdict) -> str:
    name = clause.verdict.value
    reason = f"<br><small>{escape(clause.reason)}</small>" if clause.reason else ""
    return f'<td><span class="{name.replace(" ", "-")}">{name}</span>{reason}</td>'


def _checks(result: Result) -> str:
    rows = "".join(
        f"<tr><td>{escape(check.name)}</td><td>{escape(', '.join(check.clauses))}</td>"
        f'<td><span class="{check.verdict.value.replace(" ", "-")}">{check.verdict.value}</span>'
        f"</td><td>{escape(check.reason)}</td><td>{check.seconds:.2f} s</td>"
        f"<td>{check.rpcs}</td></tr>"
        for check in result.checks
    )
    return (
        f"<h2>Checks of {escape(result.label)}</h2><table><tr><th>check</th><th>clauses</th>"
        f"<th>verdict</th><th>reason</th><th>time</th><th>calls</th></tr>{rows}</table>"
    )
