"""What a run came to."""

from __future__ import annotations

import enum
import fnmatch
import platform
import secrets
from collections import Counter
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING

from fakeviam_contracts.clauses import THRESHOLDS, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.programs import RandomPrograms
    from fakeviam_contracts.run_config import RunConfig
    from fakeviam_contracts.steps import Step
    from fakeviam_contracts.wirelog import Recorded

#: The names of findings of the state machine, and of what shows before anything is checked.
PROGRAMS = "random programs"
SET_UP = "set-up"

#: What results call a fake that the kit started itself.
OWN = "an in-process fake"


class Verdict(enum.Enum):
    """Of a check, or of a clause."""

    KEPT = "kept"
    DIFFERS = "differs"
    BROKEN = "broken"
    SKIPPED = "skipped"
    MAY_NOT = "may not"
    NOT_REACHED = "not reached"


@dataclass(kw_only=True)
class CheckResult:
    """One check, run or not.

    Attributes:
        rpcs: How many calls it took, those of its clean-up included, without those of shrinking.
    """

    name: str
    clauses: tuple[str, ...]
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    rpcs: int = 0


@dataclass(kw_only=True)
class Finding:
    """A broken clause.

    Attributes:
        name: The check that found it, or "random programs".
        assertion: What was expected and observed, and by which clause.
        steps: The program, as text.
        calls: What went over the wire.
        program: The steps that show it again, if steps do; else the whole check must be run.
        random: The random programs that showed it.
        before: Other failures that its steps show, too, and that were known by then.
        reproduced: Whether a fresh session showed it again.
        known: Why it was to be expected, if it was.
        script: The file that shows it, if one was written.
    """

    name: str
    assertion: Assertion
    steps: list[str]
    calls: list[Recorded]
    program: Sequence[Step] = ()
    random: RandomPrograms | None = None
    before: tuple[tuple[str, str], ...] = ()
    reproduced: bool = True
    known: str = ""
    script: str = ""

    @property
    def clause(self) -> str:
        """The one clause that it breaks."""
        return self.assertion.clause

    @property
    def is_set_up(self) -> bool:
        """Whether it shows before anything is checked."""
        return self.name == SET_UP

    @property
    def severity(self) -> Severity:
        """How bad that is."""
        return self.assertion.severity


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a subject decides otherwise, where the documents let it."""

    name: str
    assertion: Assertion


@dataclass(frozen=True, kw_only=True)
class ClauseVerdict:
    """What a run says about one clause."""

    clause: str
    verdict: Verdict
    comparisons: int = 0
    reason: str = ""


@dataclass(kw_only=True)
class Result:
    """A run.

    Attributes:
        subject: What it was run against.
        policy: How open points were interpreted.
        profile: How much was wanted.
        seed: Of the random programs.
        threshold: The mildest severity that fails the run.
        allowed: Clauses that need not be reached, as patterns.
        checks: The checks, run or not.
        findings: What broke.
        differences: What differs from our interpretation.
        clauses: Verdicts by clause.
        comparisons: How often each clause was compared.
        programs: How many random programs were run.
        missing: How many random programs were wanted and not run, and why.
        rpcs: How many calls were made, those of set-up, clean-up and shrinking included.
        seconds: How long it took.
        left: What could not be removed from the subject.
        problems: Known failures that passed or have expired.
        versions: Of what took part.
        error: Why it could not be run, or not to its end; then `checks` says how far it came.
        exclusive: Whether the organization was the kit's alone.
        read_only: Whether nothing was written.
        interpretation: What the subject was seen to be.
    """

    subject: str
    policy: str
    profile: str
    seed: int
    threshold: Severity = Severity.CLIENTS
    allowed: tuple[str, ...] = ()
    checks: list[CheckResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    clauses: list[ClauseVerdict] = field(default_factory=list)
    comparisons: Counter[str] = field(default_factory=Counter)
    programs: int = 0
    missing: str = ""
    rpcs: int = 0
    seconds: float = 0.0
    left: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    error: str = ""
    exclusive: bool = False
    read_only: bool = False
    interpretation: Interpretation | None = None

    @property
    def label(self) -> str:
        """What tells it from the other runs of a report."""
        return f"{self.subject}, {self.policy}"

    @property
    def ended(self) -> str:
        """What an error was for the run."""
        return "ended early" if self.checks else "cannot run"

    @property
    def failing(self) -> list[Finding]:
        """The findings that fail the run: not known, and bad enough."""
        return [f for f in self.findings if not f.known and f.severity >= self.threshold]

    @property
    def failing_differences(self) -> list[Difference]:
        """The differences that fail the run: none, unless assumptions are held to."""
        return self.differences if self.threshold is Severity.INTERPRETATION else []

    @property
    def not_reached(self) -> list[str]:
        """What was to be looked at and was not."""
        unseen = [Verdict.NOT_REACHED, Verdict.MAY_NOT]
        if not any(check.rpcs for check in self.checks):
            unseen.append(Verdict.SKIPPED)  # the server was asked nothing
        names = [c.clause for c in self.clauses if c.verdict in unseen]
        names += [PROGRAMS] if self.missing else []
        return [n for n in names if not any(fnmatch.fnmatchcase(n, a) for a in self.allowed)]

    @property
    def exit_status(self) -> int:
        """0, or 1 for a broken contract, 2 if it could not be run, 3 if it is incomplete."""
        if self.error:
            return 2
        if self.failing or self.failing_differences or self.problems:
            return 1
        return 3 if self.not_reached else 0


def empty_result(config: RunConfig) -> Result:
    """What a run came to before it began."""
    return Result(
        subject=config.target or OWN,
        policy=config.policy,
        profile=config.profile,
        seed=secrets.randbits(32) if config.seed is None else config.seed,
        threshold=THRESHOLDS[config.min_evidence],
        allowed=config.allow_not_reached,
        versions=versions(),
        exclusive=config.exclusive,
        read_only=config.read_only,
    )


def versions() -> dict[str, str]:
    """Versions of what takes part."""
    names = ("fakeviam", "hypothesis", "grpclib", "protobuf")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}


#: Exit statuses, the best first.
_STATUSES = (0, 3, 1, 2)


def worst(results: Sequence[Result]) -> int:
    """The exit status of several runs."""
    return max((result.exit_status for result in results), key=_STATUSES.index)
