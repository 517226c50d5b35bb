"""A result as JUnit XML: a case per check, one for the random programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from fakeviam_contracts.results import PROGRAMS, Checked, Verdict

if TYPE_CHECKING:
    from fakeviam_contracts.results import Finding, Result

#: What no XML document may hold.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: Result) -> str:
    """The result as an XML document."""
    findings = {finding.name: finding for finding in result.findings}
    cases = [_case(check, findings.get(check.name)) for check in result.checks]
    if result.programs:
        programs = Checked(
            name=PROGRAMS,
            clauses=(),
            verdict=Verdict.BROKEN if PROGRAMS in findings else Verdict.KEPT,
            seconds=max(result.seconds - sum(c.seconds for c in result.checks), 0.0),
        )
        cases.append(_case(programs, findings.get(PROGRAMS)))
    cases += [
        _open("known failures", 0.0) + _element("failure", problem, "") + "</testcase>"
        for problem in result.problems
    ]
    skipped = sum(
        check.verdict in (Verdict.SKIPPED, Verdict.NOT_REACHED) for check in result.checks
    )
    failures = len(result.unexpected) + len(result.problems)
    lines = "\n".join(cases)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuites><testsuite name="fakeviam contract: {_attribute(result.policy)}" '
        f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}" '
        f'time="{result.seconds:.3f}">\n{lines}\n</testsuite></testsuites>\n'
    )


def _case(check: Checked, finding: Finding | None) -> str:
    begin = _open(check.name, check.seconds)
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


def _open(name: str, seconds: float) -> str:
    return f'<testcase classname="contract" name="{_attribute(name)}" time="{seconds:.3f}">'


def _element(tag: str, message: str, body: str) -> str:
    return f'<{tag} message="{_attribute(message)}">{escape(_clean(body))}</{tag}>'


def _attribute(text: str) -> str:
    return quoteattr(_clean(text), {'"': "&quot;"})[1:-1]


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
