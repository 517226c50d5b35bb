"""Results for programs."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from fakeviam_contracts.causes import cause_of
from fakeviam_contracts.formatting import format_call
from fakeviam_contracts.results import worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.results import Finding, Result

#: Incremented if fields are removed or change their meaning.
FORMAT = 3


def as_json(results: Sequence[Result]) -> str:
    """The results as a JSON object."""
    facts = {
        "format": FORMAT,
        "exit_status": worst(results),
        "runs": [_facts(result) for result in results],
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _facts(result: Result) -> dict[str, object]:
    verdicts = Counter(clause.verdict.value for clause in result.clauses)
    return {
        "subject": result.subject,
        "policy": result.policy,
        "profile": result.profile,
        "seed": result.seed,
        "versions": result.versions,
        "exit_status": result.exit_status,
        "error": result.error,
        "seconds": round(result.seconds, 3),
        "rpcs": result.rpcs,
        "programs": result.programs,
        "totals": dict(sorted(verdicts.items())),
        "clauses": [
            {
                "clause": c.clause,
                "verdict": c.verdict.value,
                "comparisons": c.comparisons,
                "reason": c.reason,
            }
            for c in result.clauses
        ],
        "checks": [
            {
                "name": check.name,
                "clauses": list(check.clauses),
                "verdict": check.verdict.value,
                "reason": check.reason,
                "seconds": round(check.seconds, 3),
                "rpcs": check.rpcs,
            }
            for check in result.checks
        ],
        "findings": [_finding(finding) for finding in result.findings],
        "differences": [{"name": d.name, **_assertion(d.assertion)} for d in result.differences],
        "not_reached": result.not_reached,
        "missing": result.missing,
        "problems": result.problems,
        "left": result.left,
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        **_assertion(finding.assertion),
        "cause": cause_of(finding.assertion),
        "reproduced": finding.reproduced,
        "steps": finding.steps,
        "calls": [format_call(call) for call in finding.calls],
        "known": finding.known,
        "script": finding.script,
    }


def _assertion(assertion: Assertion) -> dict[str, str]:
    return {
        "clause": assertion.clause,
        "severity": assertion.severity.label,
        "what": assertion.what,
        "expected": repr(assertion.expected),
        "observed": repr(assertion.observed),
    }
