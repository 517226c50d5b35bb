"""The kit can fail: every wrong server is found by the fixed checks."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.checks.base import possible
from fakeviam_contracts.clauses import rules
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.mutants.mutant_suite import broken_by, try_mutant
from fakeviam_contracts.mutants.servers import SERVERS
from fakeviam_contracts.subject import OwnFake

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Mutant

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("mutant", SERVERS, ids=lambda mutant: mutant.name)
def test_a_wrong_server_is_found(mutant: Mutant) -> None:
    """By a check that is for the clause it breaks."""
    outcome = try_mutant(mutant, [check for check in CHECKS if mutant.clause in check.clauses])
    assert outcome.verdict == "killed", f"{mutant.clause}: {outcome.verdict} {outcome.claim}"


def test_the_park_is_large_and_names_clauses() -> None:
    assert len(SERVERS) >= 200
    assert {mutant.clause for mutant in SERVERS} <= set(rules())
    assert max(Counter(mutant.name for mutant in SERVERS).values()) == 1


@pytest.mark.parametrize("policy", ["documented", "observed", "strict"])
def test_the_right_server_passes_every_check(policy: str) -> None:
    from fakeviam import Clock, FakeViam  # noqa: PLC0415 - after the mutants have been collected

    clock = Clock.frozen("2024-01-01T12:00:00Z")
    make = partial(FakeViam, policy=policy, clock=clock, seed=1)
    subject = OwnFake(Interpretation.named(policy), make, keyed=partial(make, auth="keys"))
    try:
        for check in possible(CHECKS, subject.missing):
            session = subject.open_session()
            assert broken_by(check, session) == "", check.name
            subject.close_session(session)
    finally:
        subject.close()
