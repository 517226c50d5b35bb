"""Running the kit: checks first, then random programs for the rest of the time.

The one module, besides the wrong servers, that knows how to start a fake.
"""

from __future__ import annotations

import datetime as dt
import platform
import secrets
import time
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from fakeviam_contracts.assertions import Assertion, ContractBrokenError
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.foreign_data import ForeignDataError
from fakeviam_contracts.formatting import format_step
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.kill_power import by_kill_power
from fakeviam_contracts.known_failures import apply_known_failures, read_known_failures
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.readonly import READ_ONLY_CHECKS, ReadOnlySubject
from fakeviam_contracts.remote import Address, RemoteSubject
from fakeviam_contracts.results import OWN, PROGRAMS, CheckResult, Finding, Result, Verdict
from fakeviam_contracts.shrinking import Shrinker
from fakeviam_contracts.subject import OwnFake
from fakeviam_contracts.verdicts import matching, verdicts
from fakeviam_contracts.wirelog import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam_contracts.checks import Check
    from fakeviam_contracts.known_failures import KnownFailure
    from fakeviam_contracts.programs import Programs
    from fakeviam_contracts.session import Session
    from fakeviam_contracts.subject import Subject

#: Seconds for a profile; cutting a failure short comes on top.
PROFILES = {"quick": 40.0, "full": 240.0}


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What to run, and against what.

    Attributes:
        target: The address of a server, or "" for a fake of our own.
        policy: How disputed points are read.
        clauses: Only checks for clauses like this, and no random programs; "*" is all.
        profile: quick or full.
        budget: Seconds, instead of those of the profile.
        api_key_id: Id of an API key.
        api_key: The key.
        organization: The organization of the parts.
        parts: Ids of the parts to upload for.
        exclusive: The organization is the kit's alone.
        read_only: Nothing may be written.
        known_failing: A file of known failures, or "".
        seed: Of the random programs; None picks one.
        today: The day that known failures are judged by.
    """

    target: str = ""
    policy: str = "documented"
    clauses: str = "*"
    profile: str = "quick"
    budget: float | None = None
    api_key_id: str = ""
    api_key: str = ""
    organization: str = ""
    parts: tuple[str, ...] = ()
    exclusive: bool = False
    read_only: bool = False
    known_failing: str = ""
    seed: int | None = None
    today: dt.date | None = None

    @property
    def seconds(self) -> float:
        """How long to run."""
        return PROFILES[self.profile] if self.budget is None else self.budget


def run(config: RunConfig, progress: Callable[[str], None] = lambda _: None) -> Result:
    """Run the kit; `progress` gets a line from time to time.

    Raises:
        CannotRunError: The subject cannot be reached or used, or the configuration is no good.
    """
    return run_all([config], progress)[0]


def run_all(
    configs: Sequence[RunConfig], progress: Callable[[str], None] = lambda _: None
) -> list[Result]:
    """Run the kit against several subjects, one after the other; at least one.

    A subject among others that cannot be reached or used has that for a result.

    Raises:
        CannotRunError: A configuration is no good, or the only subject cannot be used.
    """
    # What can be wrong before anybody is called is found before anybody is called.
    chosen = [_chosen(config) for config in configs]
    known = _known(configs)
    results = []
    for config, checks in zip(configs, chosen, strict=True):
        result = _empty(config)
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


def _empty(config: RunConfig) -> Result:
    return Result(
        subject=config.target or OWN,
        policy=config.policy,
        profile=config.profile,
        seed=secrets.randbits(32) if config.seed is None else config.seed,
        versions=versions(),
    )


def _run_one(
    config: RunConfig, checks: Sequence[Check], result: Result, progress: Callable[[str], None]
) -> None:
    started = time.monotonic()
    subject = open_subject(config)
    run_ = _Run(config, subject, result, progress, started)
    try:
        run_.checks(checks)
        if config.clauses == "*" and not config.read_only:
            run_.programs()
    except ConnectionLostError as error:
        # What was found till then stays found: a server that dies is often why one looks.
        result.error = f"the connection broke: {error}"
    finally:
        subject.close()
    result.left = subject.left
    result.seconds = time.monotonic() - started
    result.clauses = verdicts(result, config.clauses, run_.held)


def open_subject(config: RunConfig) -> Subject:
    """The server to run against.

    Raises:
        CannotRunError: It cannot be reached or used.
    """
    try:
        interpretation = Interpretation.named(config.policy)
    except ValueError as error:
        raise CannotRunError(str(error)) from error
    if not config.target:
        return OwnFake(interpretation, lambda: _own(config.policy))
    address = Address(target=config.target, api_key_id=config.api_key_id, api_key=config.api_key)
    if config.read_only:
        return ReadOnlySubject(interpretation, address, organization=config.organization)
    return RemoteSubject(
        interpretation,
        address,
        parts=config.parts,
        organization=config.organization,
        exclusive=config.exclusive,
    )


def _own(policy: str) -> object:
    from fakeviam import Clock, FakeViam  # noqa: PLC0415 - only where there is no target

    return FakeViam(seed=1, policy=policy, clock=Clock.frozen("2024-01-01T12:00:00Z"))


def _all(config: RunConfig) -> Sequence[Check]:
    return READ_ONLY_CHECKS if config.read_only else CHECKS


def _chosen(config: RunConfig) -> list[Check]:
    chosen = [check for check in _all(config) if matching(check.clauses, config.clauses)]
    if not chosen:
        raise CannotRunError(
            f"no check is for a clause like {config.clauses!r}; `fakeviam contract list` shows "
            "the clauses, which are written as in FI-6 and A47"
        )
    # Who has little time wants the checks first that find most in it.
    return chosen if config.budget is None else by_kill_power(chosen)


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
        self._config, self._subject, self._progress = config, subject, progress
        self._started, self._told = started, started
        self.held: set[str] = set()
        self.result = result
        #: Seconds left for cutting the programs of checks short.
        self._cutting = min(10.0, config.seconds / 4)

    @property
    def _until(self) -> float:
        return self._started + self._config.seconds

    def checks(self, checks: Sequence[Check]) -> None:
        """Run those that the subject and the time allow."""
        for number, check in enumerate(checks, start=1):
            checked = CheckResult(name=check.name, clauses=check.clauses, verdict=Verdict.KEPT)
            self.result.checks.append(checked)
            lacking = [self._subject.missing[n] for n in check.needs if n in self._subject.missing]
            if lacking:
                checked.verdict, checked.reason = Verdict.SKIPPED, "; ".join(sorted(lacking))
            elif time.monotonic() >= self._until:
                checked.verdict, checked.reason = Verdict.NOT_REACHED, "the time was over"
            else:
                self._check(check, checked)
            self._tell(f"{number} of {len(checks)} checks")

    def _check(self, check: Check, checked: CheckResult) -> None:
        began = time.monotonic()
        session = self._subject.open_session()
        claim = None
        try:
            check.run(session)
        except ContractBrokenError as error:
            claim = error.claim
        except ConnectionLostError:
            raise
        except ForeignDataError as reason:
            session.left_out = str(reason)
        except Exception as error:  # noqa: BLE001 - an answer that nobody can make sense of
            claim = _senseless(check.clauses, error)
        claim = self._closed(session) or claim
        checked.seconds, checked.rpcs = time.monotonic() - began, len(session.wire.calls)
        self.result.rpcs += checked.rpcs
        if claim is None and session.left_out:
            checked.verdict, checked.reason = Verdict.SKIPPED, session.left_out
        if claim is not None:
            checked.verdict, checked.reason = Verdict.BROKEN, claim.what
            clauses = tuple(c for c in claim.clauses if c in check.clauses) or claim.clauses
            shortest = self._shortest(session)
            self._found(check.name, clauses, shortest.broken or claim, shortest)

    def _shortest(self, session: Session) -> Session:
        """The shortest program that breaks the same claim, as far as there is time for it."""
        if session.broken is None or not session.steps or self._cutting <= 0:
            return session
        began = time.monotonic()
        best = Shrinker(self._subject, session, seconds=min(1.0, self._cutting)).shrink()
        self._cutting -= time.monotonic() - began
        return best

    def _closed(self, session: Session) -> Assertion | None:
        """End a session; a crash of our own fake is a broken claim too."""
        try:
            self._subject.close_session(session)
        except AssertionError as error:
            return _senseless(("SV-4",), error)
        return None

    def programs(self) -> None:
        """Run random programs for the rest of the time, and cut a failing one short."""
        if time.monotonic() >= self._until:
            return
        done = run_programs(
            self._subject, seed=self.result.seed, until=self._until, progress=self._tell_programs
        )
        self.result.programs = done.count
        self.result.rpcs += done.rpcs
        self.held |= done.held
        if done.failed is None or done.failed.broken is None:
            return
        # What a check has found is found; its program is shorter.
        seen = {clause for finding in self.result.findings for clause in finding.claim.clauses}
        if seen.isdisjoint(done.failed.broken.clauses):
            self._progress("cutting the failing program short")
            seconds = max(2.0, min(15.0, self._config.seconds / 3))
            best = Shrinker(self._subject, done.failed, seconds=seconds).shrink()
            claim = best.broken or done.failed.broken
            self._found(PROGRAMS, claim.clauses, claim, best)

    def _found(
        self, name: str, clauses: tuple[str, ...], claim: Assertion, session: Session
    ) -> None:
        self.result.findings.append(
            Finding(
                name=name,
                clauses=clauses,
                claim=claim,
                steps=[format_step(step) for step in session.steps],
                calls=list(session.wire.calls),
                component=session.place.component,
            )
        )

    def _tell_programs(self, done: Programs) -> None:
        self._tell(f"{done.count} random programs", more=done.rpcs)

    def _tell(self, what: str, *, more: int = 0) -> None:
        """Tell how far it is, at most once a second."""
        now = time.monotonic()
        if now - self._told < 1:
            return
        self._told = now
        broken = len(self.result.findings)
        self._progress(
            f"{what}, {self.result.rpcs + more} calls, {broken} broken, "
            f"{now - self._started:.0f} of {self._config.seconds:.0f} s"
        )


def _senseless(clauses: tuple[str, ...], error: Exception) -> Assertion:
    told = f"{type(error).__name__}: {error}"
    return Assertion(clauses, "the subject's answers make sense", "they do", told)


def versions() -> dict[str, str]:
    """Versions of what takes part."""
    names = ("fakeviam", "hypothesis", "grpclib", "protobuf")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}
