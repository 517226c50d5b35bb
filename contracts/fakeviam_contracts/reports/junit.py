"""Results as JUnit XML: a suite per subject, a case per check, one for the random programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from fakeviam_contracts.results import PROGRAMS, CheckResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.results import Finding, Result

#: What no XML document may hold.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Sequence[Result]) -> str:
    """The results as an XML document, a suite for each."""
    suites = "\n".join(map(_suite, results))
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites>{suites}</testsuites>\n'


def _suite(result: Result) -> str:
    findings = {finding.name: finding for finding in result.findings}
    place = f"contract.{result.subject.replace('.', '_')}.{result.policy}"
    cases = [_case(place, check, findings.get(check.name)) for check in result.checks]
    if result.programs:
        programs = CheckResult(
            name=PROGRAMS,
            clauses=(),
            verdict=Verdict.BROKEN if PROGRAMS in findings else Verdict.KEPT,
            seconds=max(result.seconds - sum(c.seconds for c in result.checks), 0.0),
        )
        cases.append(_case(place, programs, findings.get(PROGRAMS)))
    cases += [
        _open(place, "known failures", 0.0) + _element("failure", problem, "") + "</testcase>"
        for problem in result.problems
    ]
    if result.error:
        error = _element("error", result.error, "")
        cases.append(f"{_open(place, 'the run', 0.0)}{error}</testcase>")
    lines = "\n".join(cases)
    return (
        f'<testsuite name="{_attribute(f"fakeviam contract: {result.label}")}" '
        f'tests="{len(cases)}" failures="{len(result.unexpected) + len(result.problems)}" '
        f'errors="{int(bool(result.error))}" skipped="{lines.count("<skipped ")}" '
        f'time="{result.seconds:.3f}">\n{lines}\n</testsuite>'
    )


def _case(place: str, check: CheckResult, finding: Finding | None) -> str:
    begin = _open(place, check.name, check.seconds)
    if finding is not None and finding.known:
        return f"{begin}{_element('skipped', f'known: {finding.known}', '')}</testcase>"
    if finding is not None:
        message = f"{finding.claim.what} [{', '.join(finding.clauses)}]"
        body = "\n".join(
            [
                f"expected: {finding.claim.expected!r}",
                f"observed: {finding.claim.observed!r}",
                *finding.steps,
            ]
        )
        return f"{begin}{_element('failure', message, body)}</testcase>"
    if check.verdict is Verdict.KEPT:
        return f"{begin}</testcase>"
    return f"{begin}{_element('skipped', check.reason or check.verdict.value, '')}</testcase>"


def _open(place: str, name: str, seconds: float) -> str:
    return (
        f'<testcase classname="{_attribute(place)}" name="{_attribute(name)}" time="{seconds:.3f}">'
    )


def _element(tag: str, message: str, body: str) -> str:
    return f'<{tag} message="{_attribute(message)}">{escape(_clean(body))}</{tag}>'


def _attribute(text: str) -> str:
    return quoteattr(_clean(text), {'"': "&quot;"})[1:-1]


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
