"""Runs the kit: all checks, then random programs, as many as the profile specifies."""

from __future__ import annotations

import datetime as dt
import math
import time
from typing import TYPE_CHECKING

from fakeviam_contracts.assertions import ContractBrokenError, MayNotError
from fakeviam_contracts.attempts import attempt, learn_lag
from fakeviam_contracts.careful import check_careful, rehearse
from fakeviam_contracts.checks import CHECKS, SEEN_AT_ONCE, Check
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.formatting import format_step
from fakeviam_contracts.kill_power import by_kill_power
from fakeviam_contracts.known_failures import apply_known_failures, read_known_failures
from fakeviam_contracts.opening import expected, open_subject
from fakeviam_contracts.programs import RandomPrograms, run_programs
from fakeviam_contracts.progress import Progress
from fakeviam_contracts.readonly import READ_ONLY_CHECKS
from fakeviam_contracts.results import (
    PROGRAMS,
    SET_UP,
    CheckResult,
    Difference,
    Finding,
    Result,
    Verdict,
    empty_result,
)
from fakeviam_contracts.shrinking import Shrinker, replayed
from fakeviam_contracts.verdicts import matching, verdicts
from fakeviam_contracts.wirelog import ConnectionLostError, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.known_failures import KnownFailure
    from fakeviam_contracts.programs import Programs
    from fakeviam_contracts.run_config import RunConfig
    from fakeviam_contracts.session import Session
    from fakeviam_contracts.subject import Subject

#: How many different failures one check, and the random programs, may report.
MOST_BY_CHECK, MOST_BY_PROGRAMS = 3, 6
#: The time limit for shrinking one failure, in seconds.
SHRINKING = 8.0
#: Why the rest of a run was skipped.
LOST = "the server was lost"


def run(config: RunConfig, progress: Callable[[str], None] = lambda _: None) -> Result:
    """Run the kit; `progress` receives lines of text.

    Raises:
        CannotRunError: The subject cannot be reached or used, or the configuration is invalid.
    """
    return run_all([config], progress)[0]


def dry_run(config: RunConfig, tell: Callable[[str], None]) -> None:
    """Print every call that a run would make, without making it.

    Raises:
        CannotRunError: The configuration is invalid.
    """
    check_careful(config)
    expected(config)
    rehearse(config, run, tell)


def run_all(
    configs: Sequence[RunConfig], progress: Callable[[str], None] = lambda _: None
) -> list[Result]:
    """Run the kit against one or more subjects, one after the other.

    If there are several, one that cannot be reached or used gets that as its result.

    Raises:
        CannotRunError: A configuration is invalid, or the only subject cannot be used.
    """
    # Validate everything before the first call.
    chosen = [_chosen(config) for config in configs]
    for config in configs:
        check_careful(config)
        expected(config)
    known = _known(configs)
    results = []
    for config, checks in zip(configs, chosen, strict=True):
        result = empty_result(config)
        tell = _prefixed(result.label, progress) if len(configs) > 1 else progress
        try:
            _run_one(config, checks, result, tell)
        except CannotRunError as error:
            if len(configs) == 1:
                raise
            result.error = str(error)
            tell(f"cannot be run: {error}")
        results.append(result)
    today = configs[0].today or dt.datetime.now(tz=dt.timezone.utc).date()
    apply_known_failures(results, known, today)
    return results


def _known(configs: Sequence[RunConfig]) -> Sequence[KnownFailure]:
    path = configs[0].known_failing
    if not path:
        return ()
    checks = [check for config in configs for check in _all(config)]
    names = {name for check in checks for name in (PROGRAMS, check.name, *check.clauses)}
    return read_known_failures(path, names)


def _prefixed(label: str, progress: Callable[[str], None]) -> Callable[[str], None]:
    return lambda line: progress(f"{label}: {line}")


def _run_one(
    config: RunConfig, checks: Sequence[Check], result: Result, progress: Callable[[str], None]
) -> None:
    started, tally = time.monotonic(), Tally()
    try:
        subject = open_subject(config, tally)
    except ContractBrokenError as error:
        # What the set-up of a run shows is as broken as what a check shows.
        finding = _of_set_up(error.assertion)
        finding.reproduced = _is_broken_again(config, error.assertion, tally)
        result.findings.append(finding)
        result.comparisons[finding.clause] += 1
        result.rpcs, result.seconds = tally.calls, time.monotonic() - started
        _reach_nothing(config, checks, result, f"set-up failed at {error.assertion.clause}")
        return
    except MayNotError as error:
        result.rpcs, result.seconds = tally.calls, time.monotonic() - started
        reason = f"set-up ended: {error}; --read-only looks at what can be read"
        _reach_nothing(config, checks, result, reason, Verdict.MAY_NOT)
        return
    result.findings += map(_of_set_up, subject.broken)
    result.comparisons.update(assertion.clause for assertion in subject.broken)
    subject.muted |= {assertion.kind for assertion in subject.broken}
    run_ = _Run(config, subject, result, progress, started)
    try:
        run_.checks(checks)
        run_.programs()
    except ConnectionLostError as error:
        # What was found till then stays found: a server that dies is often why one looks.
        result.error = _lost(config, error)
        begun = {checked.name for checked in result.checks}
        result.checks += [_not_reached(check, LOST) for check in checks if check.name not in begun]
        if result.programs < config.wanted:
            result.missing = f"{config.wanted - result.programs} random programs: {LOST}"
    finally:
        subject.close()
    result.left, result.rpcs = subject.left, tally.calls
    result.interpretation = subject.interpretation
    result.seconds = time.monotonic() - started
    result.clauses = verdicts(result, config.clauses)


def _lost(config: RunConfig, error: ConnectionLostError) -> str:
    """What a server that was lost says, and what to do about it."""
    left = "" if config.read_only else "; `fakeviam contract clean-up` removes what is left there"
    return f"{LOST} at {error}; its log should say why{left}"


def _reach_nothing(
    config: RunConfig,
    checks: Sequence[Check],
    result: Result,
    reason: str,
    verdict: Verdict = Verdict.NOT_REACHED,
) -> None:
    result.checks += [_not_reached(check, reason) for check in checks]
    for checked in result.checks:
        checked.verdict = verdict
    result.clauses = verdicts(result, config.clauses)


def _is_broken_again(config: RunConfig, assertion: Assertion, tally: Tally) -> bool:
    """Whether a second set-up shows the same."""
    try:
        open_subject(config, tally).close()
    except ContractBrokenError as error:
        return error.assertion.kind == assertion.kind
    except CannotRunError:
        pass
    return False


def _of_set_up(assertion: Assertion) -> Finding:
    return Finding(name=SET_UP, assertion=assertion, steps=[], calls=[])


def _not_reached(check: Check, reason: str) -> CheckResult:
    return CheckResult(
        name=check.name, clauses=check.clauses, verdict=Verdict.NOT_REACHED, reason=reason
    )


def _all(config: RunConfig) -> Sequence[Check]:
    return READ_ONLY_CHECKS if config.read_only else CHECKS


def _chosen(config: RunConfig) -> list[Check]:
    chosen = [check for check in _all(config) if matching(check.clauses, config.clauses)]
    if not chosen:
        raise CannotRunError(
            f"no check is for a clause like {config.clauses!r}; `fakeviam contract list` shows "
            "the clauses, which are written as in FI-6 and A47"
        )
    return by_kill_power(chosen)


class _Run:
    """One run, while it runs."""

    def __init__(
        self,
        config: RunConfig,
        subject: Subject,
        result: Result,
        progress: Callable[[str], None],
        started: float,
    ) -> None:
        self._config, self._subject = config, subject
        self._progress = Progress(config, result, progress, started)
        self._until = started + (math.inf if config.max_time is None else config.max_time)
        self._stopped = ""
        self.result = result

    @property
    def _over(self) -> str:
        """Why nothing more may be done, if so."""
        if self._stopped:
            return self._stopped
        if time.monotonic() >= self._until:
            return "--max-time was reached"
        self.result.rpcs = self._subject.tally.calls
        if self._config.max_calls is not None and self.result.rpcs >= self._config.max_calls:
            return "--max-calls was reached"
        return ""

    # Checks ------------------------------------------------------------------------------

    def checks(self, checks: Sequence[Check]) -> None:
        """Run those that the subject and the limits allow."""
        if not self._config.read_only and not self._over:
            session, assertion = self._attempt(SEEN_AT_ONCE)
            if assertion is not None:
                self._found(SEEN_AT_ONCE, session, assertion)
        for number, check in enumerate(checks, start=1):
            lacking = [self._subject.missing[n] for n in check.needs if n in self._subject.missing]
            if lacking:
                skipped = _not_reached(check, "; ".join(sorted(lacking)))
                skipped.verdict = Verdict.SKIPPED
                self.result.checks.append(skipped)
            elif self._over:
                self.result.checks.append(_not_reached(check, self._over))
            else:
                self._check(check)
            self._progress.after_check(number, len(checks))

    def _check(self, check: Check) -> None:
        """Run a check, and again for what the first failure hides."""
        checked = CheckResult(name=check.name, clauses=check.clauses, verdict=Verdict.KEPT)
        self.result.checks.append(checked)
        began = time.monotonic()
        for _ in range(MOST_BY_CHECK):
            before = self._subject.tally.calls
            try:
                session, assertion = self._attempt(check)
            except ConnectionLostError:
                checked.verdict, checked.reason = Verdict.NOT_REACHED, LOST
                raise
            checked.rpcs += self._subject.tally.calls - before
            if checked.verdict is Verdict.KEPT and session.may_not:
                checked.verdict, checked.reason = Verdict.MAY_NOT, session.may_not
            elif checked.verdict is Verdict.KEPT and session.left_out:
                checked.verdict, checked.reason = Verdict.SKIPPED, session.left_out
            elif checked.verdict is Verdict.KEPT and session.differences:
                checked.verdict = Verdict.DIFFERS
            if assertion is None:
                break
            checked.verdict, checked.reason = Verdict.BROKEN, assertion.what
            self._found(check, session, assertion)
            if session.broken is None or self._over:
                break
        checked.seconds = time.monotonic() - began

    def _attempt(self, check: Check) -> tuple[Session, Assertion | None]:
        session, assertion, leftovers = attempt(self._subject, check.run, check.clauses[0])
        if leftovers and assertion is not None:
            # With leftovers nothing that follows would mean anything.
            self._stopped = f"what was uploaded cannot be deleted ({assertion.clause})"
        self.result.rpcs = self._subject.tally.calls
        self._merge(check.name, session.comparisons, session.differences)
        return session, assertion

    def _merge(
        self,
        name: str,
        comparisons: Mapping[str, int],
        differences: Mapping[tuple[str, str], Assertion],
    ) -> None:
        self.result.comparisons.update(comparisons)
        known = {difference.assertion.kind for difference in self.result.differences}
        self.result.differences += [
            Difference(name=name, assertion=assertion)
            for kind, assertion in differences.items()
            if kind not in known and kind not in self._subject.muted
        ]

    # Findings ----------------------------------------------------------------------------

    def _found(self, check: Check, session: Session, assertion: Assertion) -> None:
        """Record a failure, replayed on a fresh session and shrunk, and look past it."""
        finding = Finding(
            name=check.name,
            assertion=assertion,
            steps=[format_step(step) for step in session.steps],
            calls=list(session.wire.calls),
            before=_known_by(session),
        )
        shortest = None if self._stopped else self._shortest(session)
        if self._stopped:
            pass
        elif shortest is not None:
            self._replace(finding, shortest)
        else:
            again, repeated = self._attempt(check)
            finding.reproduced = repeated is not None and repeated.kind == assertion.kind
            if finding.reproduced:
                finding.calls = list(again.wire.calls)
        self.result.findings.append(finding)
        self._subject.muted |= {assertion.kind}

    def _shortest(self, session: Session) -> Session | None:
        """The shortest program that breaks the same again; None if its steps do not."""
        if session.broken is None or not session.steps:
            return None
        shrinker = Shrinker(self._subject, session, seconds=SHRINKING)
        best = shrinker.shrink()
        return None if best is session or not self._stands(best) else best

    def _stands(self, shortest: Session) -> bool:
        """Whether it breaks a server, too, that has seen nothing else.

        A server by address has always seen something; there the script says what the program was
        cut from, and falls back on it.
        """
        if self._config.target or shortest.broken is None:
            return True
        fresh = open_subject(self._config)
        fresh.interpretation, fresh.muted = self._subject.interpretation, self._subject.muted
        try:
            learn_lag(fresh)  # as a script does
            return replayed(fresh, shortest.steps, shortest.broken.kind) is not None
        finally:
            fresh.close()

    @staticmethod
    def _replace(finding: Finding, session: Session) -> None:
        finding.steps = [format_step(step) for step in session.steps]
        finding.calls = list(session.wire.calls)
        finding.program = tuple(session.steps)
        finding.assertion = session.broken or finding.assertion
        finding.before = _known_by(session)

    # Programs ----------------------------------------------------------------------------

    def programs(self) -> None:
        """Run random programs, and shrink those that fail."""
        wanted, found = self._config.wanted, 0
        if wanted:
            # Once more: the checks are of other calls than the programs, and some of them wait.
            self._progress.estimate()
        while self.result.programs < wanted and not self._over and found < MOST_BY_PROGRAMS:
            calls = self._config.max_calls
            seed, muted = self.result.seed + self.result.programs, self._subject.muted
            done = run_programs(
                self._subject,
                seed=seed,
                wanted=wanted - self.result.programs,
                calls=math.inf if calls is None else calls - self.result.rpcs,
                until=self._until,
                progress=self._tell_programs,
            )
            self.result.programs += done.count
            self.result.rpcs = self._subject.tally.calls
            self._merge(PROGRAMS, done.comparisons, done.differences)
            if done.failed is None or done.failed.broken is None:
                break
            found += 1
            again = RandomPrograms(seed=seed, count=done.count, muted=tuple(sorted(muted)))
            self._program_failed(done.failed, done.failed.broken, again)
        if self.result.programs < wanted:
            why = self._over or f"{found} different failures are enough"
            self.result.missing = f"{wanted - self.result.programs} random programs: {why}"

    def _program_failed(self, failed: Session, assertion: Assertion, again: RandomPrograms) -> None:
        self._progress.say("shrinking the failing program")
        finding = Finding(
            name=PROGRAMS,
            assertion=assertion,
            steps=[format_step(step) for step in failed.steps],
            calls=list(failed.wire.calls),
            random=again,
            reproduced=False,
        )
        shortest = self._shortest(failed)
        if shortest is not None:
            self._replace(finding, shortest)
            finding.reproduced = True
        self.result.findings.append(finding)
        self._subject.muted |= {assertion.kind}

    def _tell_programs(self, done: Programs) -> None:
        self._progress.tell(f"{self.result.programs + done.count} random programs", more=done.rpcs)


def _known_by(session: Session) -> tuple[tuple[str, str], ...]:
    """Failures that a session passed over because they were known."""
    return tuple(sorted(kind for kind in session.differences if kind in session.muted))
