"""Failures as scripts: the steps of a program, run again by `fakeviam_contracts.replay`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam.policy_file import SUFFIX
from fakeviam_contracts.checks import at_once
from fakeviam_contracts.clauses import rules
from fakeviam_contracts.formatting import format_step, format_value, shortened
from fakeviam_contracts.results import OWN

if TYPE_CHECKING:
    from fakeviam_contracts.results import Finding, Result

_TEMPLATE = '''\
#!/usr/bin/env python3
"""{about}

Needs `pip install 'fakeviam[contracts]'`. Run it as

    python THIS --target ADDRESS --part ID      (or --self)
    python THIS --self                          (on an in-process fake)

It takes VIAM_API_KEY_ID and VIAM_API_KEY from the environment, and exits with 1 while the
failure persists, 0 when it is gone, and 2 if it cannot tell.
"""

from fakeviam_contracts.replay import *  # noqa: F403


{program}


main({name}, clause={clause!r}, what={what!r}, policy={policy!r}{more})
'''


#: How often a program is tried that takes clients that meet.
_TIMES = 40

#: A program of more steps than these is not shown: a script has sixty lines at most.
_MOST_STEPS = 24


def write_all(result: Result, folder: Path) -> None:
    """Write a script for each finding, and note its name in the finding."""
    for number, finding in enumerate(result.findings, start=1):
        slug = re.sub(r"\W+", "-", f"{finding.clause}-{finding.name}").strip("-")
        path = folder / f"failure-{number}-{slug}.py"
        path.write_text(script(finding, result), encoding="utf-8")
        finding.script = str(path)


def script(finding: Finding, result: Result) -> str:
    """The text of a script that shows a finding."""
    more = [f", {name}=True" for name in ("exclusive", "read_only") if getattr(result, name)]
    more += [f", known={list(finding.before)!r}"] if finding.before else []
    more += [f", cause={finding.assertion.cause!r}"] if finding.assertion.cause else []
    more += _fallback(finding)
    more += [f", times={_TIMES}"] if _is_race(finding) else []
    return _TEMPLATE.format(
        about=_about(finding, result).replace("\\", "\\\\").replace('"""', '\\"\\"\\"'),
        program=_program(finding),
        name="programs" if _is_random(finding) else "program",
        clause=finding.clause,
        what=finding.assertion.what,
        policy=_anywhere(result.policy),
        more="".join(more),
    )


def _anywhere(policy: str) -> str:
    """A policy as a script names it, which may be run from another folder than the kit."""
    return str(Path(policy).resolve()) if policy.endswith(SUFFIX) else policy


def _is_random(finding: Finding) -> bool:
    """Whether only the random programs show it in few words."""
    return finding.random is not None and not 0 < len(finding.program) <= _MOST_STEPS


def _is_race(finding: Finding) -> bool:
    """Whether it takes clients that meet, which they do not every time."""
    return finding.name in {check.name for check in at_once.CHECKS}


def _fallback(finding: Finding) -> list[str]:
    """What a shown program was cut from: a server may owe to that what the program shows."""
    if finding.is_set_up or not 0 < len(finding.program) <= _MOST_STEPS:
        return []
    whole = finding.name if finding.random is None else finding.random
    return [f", otherwise={format_value(whole)}"]


def _program(finding: Finding) -> str:
    """What shows a finding: its steps, or all that was done where they alone do not."""
    if _is_random(finding):
        return f"programs = {format_value(finding.random)}"
    lines = [format_step(step, subject="session") for step in finding.program]
    if not lines or len(lines) > _MOST_STEPS:
        # What the set-up shows, it shows again before the program begins.
        lines = ["pass" if finding.is_set_up else f"run_check(session, {finding.name!r})"]
    return "\n".join(["def program(session):", *(f"    {line}" for line in lines)])


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
            *(
                [f"Clients must meet for it to show: it is tried {_TIMES} times."]
                if _is_race(finding)
                else []
            ),
            f"Found by {finding.name}, seed {result.seed}, policy {result.policy},",
            f"on {result.subject}, {where}; {versions}.",
        ]
    )
