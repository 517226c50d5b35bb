"""Results as JUnit XML: one suite per subject, one case per clause."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.clauses import Severity
from fakeviam_contracts.formatting import visible
from fakeviam_contracts.results import PROGRAMS, ClauseVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.results import Finding, Result

#: Characters that are invalid in XML.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Sequence[Result]) -> str:
    """The results as an XML document with a suite for each."""
    from junitparser import JUnitXml  # noqa: PLC0415 - only needed for reports

    document = JUnitXml()
    for result in results:
        document.add_testsuite(_suite(result))
    text: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return text.decode()


def _suite(result: Result) -> Any:
    from junitparser import Error, Failure, TestCase, TestSuite  # noqa: PLC0415

    suite = TestSuite(_clean(f"fakeviam contract: {result.label}"))
    place = _clean(f"contract.{result.subject.replace('.', '_')}.{result.policy}")

    def add(name: str, entry: Any = None, body: str = "") -> None:
        case = TestCase(_clean(name), place)
        if entry is not None:
            entry.text = _clean(body)
            case.result = [entry]
        suite.add_testcase(case)

    findings: dict[str, list[Finding]] = defaultdict(list)
    for finding in result.findings:
        findings[finding.clause].append(finding)
    for clause in result.clauses:
        add(clause.clause, *_entry(result, clause, findings[clause.clause]))
    if result.missing:
        add(PROGRAMS, Error(_clean(result.missing)) if result.not_reached else None)
    for problem in result.problems:
        add("known failures", Failure(_clean(problem)))
    if result.error:
        add("the run", Error(_clean(result.error)))
    suite.update_statistics()  # type: ignore[no-untyped-call]
    suite.time = result.seconds
    return suite


def _entry(
    result: Result, clause: ClauseVerdict, findings: Sequence[Finding]
) -> tuple[object, str]:
    """The result element of a clause, and a text; neither if the clause is kept."""
    from junitparser import Error, Failure, Skipped  # noqa: PLC0415

    failing = [finding for finding in findings if finding in result.failing]
    if failing:
        message = "; ".join(finding.assertion.what for finding in failing)
        return Failure(_clean(message)), "\n".join(map(_body, failing))
    if findings:
        return Skipped(_clean(_excuse(findings[0]))), ""
    if clause.verdict is Verdict.DIFFERS and result.failing_differences:
        return Failure(Severity.INTERPRETATION.label), _differences(result, clause)
    message = _clean(f"{clause.verdict.value}: {clause.reason}")
    if clause.clause in result.not_reached:
        return Error(message), ""
    if clause.verdict in (Verdict.SKIPPED, Verdict.MAY_NOT, Verdict.NOT_REACHED):
        return Skipped(message), ""
    return None, ""


def _excuse(finding: Finding) -> str:
    return f"known: {finding.known}" if finding.known else f"allowed: {finding.severity.label}"


def _body(finding: Finding) -> str:
    return "\n".join(
        [
            f"{finding.severity.label}, found by {finding.name}",
            f"expected: {finding.assertion.expected!r}",
            f"observed: {finding.assertion.observed!r}",
            *finding.steps,
        ]
    )


def _differences(result: Result, clause: ClauseVerdict) -> str:
    return "\n".join(
        f"{d.assertion.what}: expected {d.assertion.expected!r}, observed {d.assertion.observed!r}"
        for d in result.differences
        if d.assertion.clause == clause.clause
    )


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", visible(text))
