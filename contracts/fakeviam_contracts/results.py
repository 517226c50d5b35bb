"""What a run came to."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.wirelog import Recorded

#: The name of findings of the state machine.
PROGRAMS = "random programs"

#: What results call a fake that the kit started itself.
OWN = "a fake of our own"


class Verdict(enum.Enum):
    """Of a check, or of a clause."""

    KEPT = "kept"
    BROKEN = "broken"
    SKIPPED = "skipped"
    NOT_REACHED = "not reached"


@dataclass(kw_only=True)
class CheckResult:
    """One check, run or not."""

    name: str
    clauses: tuple[str, ...]
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    rpcs: int = 0


@dataclass(kw_only=True)
class Finding:
    """A broken claim.

    Attributes:
        name: The check that found it, or "random programs".
        clauses: Which clauses it breaks.
        claim: What was expected and observed.
        steps: The program, as text.
        calls: What went over the wire.
        component: The component that the program kept to, if any.
        known: Why it was to be expected, if it was.
        script: The file that shows it, if one was written.
    """

    name: str
    clauses: tuple[str, ...]
    claim: Assertion
    steps: list[str]
    calls: list[Recorded]
    component: str = ""
    known: str = ""
    script: str = ""


@dataclass(frozen=True, kw_only=True)
class ClauseVerdict:
    """What a run says about one clause."""

    clause: str
    verdict: Verdict
    reason: str = ""


@dataclass(kw_only=True)
class Result:
    """A run.

    Attributes:
        subject: What it was run against.
        policy: How disputed points were read.
        profile: How much was wanted.
        seed: Of the random programs.
        checks: The checks, run or not.
        findings: What broke.
        clauses: Verdicts by clause.
        programs: How many random programs were run.
        rpcs: How many calls were made.
        seconds: How long it took.
        left: What could not be removed from the subject.
        problems: KnownFailure failures that passed or have expired.
        versions: Of what took part.
        error: Why it could not be run, or not to its end.
    """

    subject: str
    policy: str
    profile: str
    seed: int
    checks: list[CheckResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    clauses: list[ClauseVerdict] = field(default_factory=list)
    programs: int = 0
    rpcs: int = 0
    seconds: float = 0.0
    left: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def label(self) -> str:
        """What tells it from the other runs of a report."""
        return f"{self.subject}, {self.policy}"

    @property
    def unexpected(self) -> list[Finding]:
        """The findings that nobody knew of."""
        return [finding for finding in self.findings if not finding.known]

    @property
    def exit_status(self) -> int:
        """0, or 1 for a broken contract, or 2 if it could not be run."""
        if self.error:
            return 2
        return 1 if self.unexpected or self.problems else 0


def worst(results: Sequence[Result]) -> int:
    """The exit status of several runs."""
    return max(result.exit_status for result in results)
