"""Runs random programs until a limit is reached or one fails."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.errors import Flaky, Unsatisfiable
from hypothesis.stateful import run_state_machine_as_test

from fakeviam_contracts.assertions import ContractBrokenError
from fakeviam_contracts.machine import ContractMachine

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.assertions import Assertion
    from fakeviam_contracts.session import Session
    from fakeviam_contracts.subject import Subject

#: How many programs one run of Hypothesis generates.
BATCH = 50


@dataclass(frozen=True, kw_only=True)
class RandomPrograms:
    """The random programs of a seed, up to the first that fails.

    Attributes:
        seed: The seed.
        count: The number of programs.
        muted: Failures that were already known, and did not end a program.
    """

    seed: int
    count: int
    muted: tuple[tuple[str, str], ...] = ()


@dataclass(kw_only=True)
class Programs:
    """The result of running random programs.

    Attributes:
        wanted: The maximum number of programs.
        calls: The maximum number of calls in all programs.
        until: When to stop, by the monotonic clock.
        count: How many programs were run.
        rpcs: How many calls they made, those of the clean-up included.
        comparisons: How often each clause was compared.
        differences: Differences from the interpretation.
        failed: The session of the first program that broke the contract.
        unfinished: Why the last program ended early; empty if it did not.
    """

    wanted: float = math.inf
    calls: float = math.inf
    until: float = math.inf
    count: int = 0
    rpcs: int = 0
    comparisons: Counter[str] = field(default_factory=Counter)
    differences: dict[tuple[str, str], Assertion] = field(default_factory=dict)
    failed: Session | None = None
    unfinished: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether there is room for more, and reason."""
        return (
            self.failed is None
            and self.count < self.wanted
            and self.rpcs < self.calls
            and time.monotonic() < self.until
        )


def run_programs(
    subject: Subject,
    *,
    seed: int,
    progress: Callable[[Programs], None] = lambda _: None,
    wanted: float = math.inf,
    calls: float = math.inf,
    until: float = math.inf,
) -> Programs:
    """Run programs until a limit of `wanted`, `calls` or time is reached, or one fails."""
    result = Programs(wanted=wanted, calls=calls, until=until)
    batch = 0
    while result.goes_on:
        machine, before = _machine(subject, result, progress), result.count
        hypothesis.seed(seed + batch)(machine)
        try:
            run_state_machine_as_test(machine, settings=_settings())
        except Flaky:
            # Hypothesis reports a program that was refused at the end as flaky. A server that
            # answers differently next time also ends a batch; the next batch starts without it.
            if result.count == before and result.goes_on:
                raise
        except (ContractBrokenError, Unsatisfiable):
            # Hypothesis reports a batch whose programs were all refused as unsatisfiable.
            if result.goes_on:
                raise
        batch += 1
    return result


def _machine(
    subject: Subject, done: Programs, progress: Callable[[Programs], None]
) -> type[ContractMachine]:
    before = subject.tally.calls - done.rpcs

    def opened() -> Session:
        if not done.goes_on:
            hypothesis.reject()
        session = subject.open_session()
        session.tolerant = True
        return session

    def closed(session: Session) -> None:
        done.count += 1
        done.comparisons.update(session.comparisons)
        for kind, difference in session.differences.items():
            done.differences.setdefault(kind, difference)
        if session.broken is not None and done.failed is None:
            done.failed = session
        done.unfinished = session.unfinished
        subject.close_session(session)
        done.rpcs = subject.tally.calls - before
        progress(done)

    class Machine(ContractMachine):
        open_session = staticmethod(opened)
        close_session = staticmethod(closed)

    return Machine


def _settings() -> settings:
    return settings(
        max_examples=BATCH,
        stateful_step_count=30,
        database=None,
        deadline=None,
        # `shrinking` shrinks failures, which is faster.
        phases=[Phase.generate],
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        print_blob=False,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
    )
