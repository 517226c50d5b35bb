"""Failures as scripts: the steps of a program, run again by `fakeviam_contracts.replay`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fakeviam_contracts.clauses import rules
from fakeviam_contracts.formatting import format_step, shortened
from fakeviam_contracts.results import OWN, PROGRAMS, SET_UP

if TYPE_CHECKING:
    from pathlib import Path

    from fakeviam_contracts.results import Finding, Result

_TEMPLATE = '''\
#!/usr/bin/env python3
"""{about}

Needs `pip install 'fakeviam[contracts]'`. Run it as

    python THIS --target ADDRESS --part ID      (or --self)
    python THIS --self                          (on a fake of our own)

It takes VIAM_API_KEY_ID and VIAM_API_KEY from the environment, and exits with 1 while the
failure persists, 0 when it is gone, and 2 if it cannot tell.
"""

from fakeviam_contracts.replay import *  # noqa: F403


def program(session):
{program}


main(program, clause={clause!r}, what={what!r}, policy={policy!r}{more})
'''


def write_all(result: Result, folder: Path) -> None:
    """Write a script for each finding that one can show, and note its name in the finding."""
    for number, finding in enumerate(result.findings, start=1):
        if finding.name == SET_UP or not finding.calls:
            continue
        slug = re.sub(r"\W+", "-", f"{finding.clause}-{finding.name}").strip("-")
        path = folder / f"failure-{number}-{slug}.py"
        path.write_text(script(finding, result), encoding="utf-8")
        finding.script = str(path)


def script(finding: Finding, result: Result) -> str:
    """The text of a script that shows a finding."""
    if finding.program:
        lines = [format_step(step, subject="session") for step in finding.program]
    elif finding.name != PROGRAMS:
        lines = [f"run_check(session, {finding.name!r})"]
    else:
        lines = [f"run_program(session, seed={result.seed})"]
    return _TEMPLATE.format(
        about=_about(finding, result).replace("\\", "\\\\").replace('"""', '\\"\\"\\"'),
        program="\n".join(f"    {line}" for line in lines),
        clause=finding.clause,
        what=finding.assertion.what,
        policy=result.policy,
        more=", exclusive=True" if result.exclusive else "",
    )


def _about(finding: Finding, result: Result) -> str:
    clause = rules()[finding.clause].clause
    versions = ", ".join(f"{name} {number}" for name, number in result.versions.items())
    where = "started with --self" if result.subject == OWN else "called by address"
    return "\n".join(
        [
            f"{clause.id} ({clause.evidence.label}, {clause.source}): {clause.text}",
            "",
            f"This server {finding.severity.label}: {finding.assertion.what}",
            f"  expected: {shortened(finding.assertion.expected)}",
            f"  observed: {shortened(finding.assertion.observed)}",
            f"Found by {finding.name}, seed {result.seed}, policy {result.policy},",
            f"on {result.subject}, {where}; {versions}.",
        ]
    )
