"""Random programs, for as long as there is time."""

from __future__ import annotations

import sys
import time
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

    from fakeviam_contracts.session import Session
    from fakeviam_contracts.subject import Subject

#: Programs in one run of Hypothesis.
BATCH = 50


@dataclass(kw_only=True)
class Programs:
    """What running random programs came to.

    Attributes:
        count: How many were run.
        rpcs: How many calls they made.
        held: Which clauses were compared, and held.
        failed: The session of the first that broke the contract.
        most: How many there may be.
    """

    count: int = 0
    rpcs: int = 0
    held: set[str] = field(default_factory=set)
    failed: Session | None = None
    most: int = sys.maxsize


def run_programs(
    subject: Subject,
    *,
    seed: int,
    until: float,
    progress: Callable[[Programs], None],
    most: int = sys.maxsize,
) -> Programs:
    """Run programs until the monotonic clock says `until`, `most` are run, or one fails."""
    done = Programs(most=most)
    batch = 0
    while _goes_on(done, until):
        machine = _machine(subject, done, until, progress)
        hypothesis.seed(seed + batch)(machine)
        try:
            run_state_machine_as_test(machine, settings=_settings())
        except (ContractBrokenError, Flaky, Unsatisfiable):
            # Programs refused at the end look flaky, and a batch of them impossible.
            if _goes_on(done, until):
                raise
        batch += 1
    return done


def _goes_on(done: Programs, until: float) -> bool:
    """Whether there is time for more, and reason."""
    return done.failed is None and done.count < done.most and time.monotonic() < until


def _machine(
    subject: Subject, done: Programs, until: float, progress: Callable[[Programs], None]
) -> type[ContractMachine]:
    def opened() -> Session:
        if not _goes_on(done, until):
            hypothesis.reject()
        return subject.open_session()

    def closed(session: Session) -> None:
        done.count += 1
        done.rpcs += len(session.wire.calls)
        done.held.update(clause for clauses in session.held for clause in clauses)
        if session.broken is not None and done.failed is None:
            done.failed = session
        subject.close_session(session)
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
        # Failures are cut short by `shrinking`, which is quicker.
        phases=[Phase.generate],
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
