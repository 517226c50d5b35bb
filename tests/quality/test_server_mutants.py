"""The kit can fail: every wrong server is found by the fixed checks."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts import opening
from fakeviam_contracts.causes import by_cause
from fakeviam_contracts.checks import CHECKS
from fakeviam_contracts.checks.base import possible
from fakeviam_contracts.clauses import rules
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.kill_power import by_kill_power
from fakeviam_contracts.mutants.mutant_suite import broken_by, try_mutant
from fakeviam_contracts.mutants.servers import SERVERS, start, subject_of
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run
from fakeviam_contracts.subject import OwnFake

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.base import Mutant

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("mutant", SERVERS, ids=lambda mutant: mutant.name)
def test_a_wrong_server_is_found(mutant: Mutant) -> None:
    """By a check that is for the clause it breaks, those that find most with a call first."""
    own = by_kill_power(check for check in CHECKS if mutant.clause in check.clauses)
    outcome = try_mutant(mutant, own)
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


@pytest.mark.parametrize(
    ("name", "check", "clause"),
    [
        ("looks at the first 100 ids of AddTagsToBinaryDataByIDs", "many_files_are_tagged", "TA-1"),
        ("takes zeros in updates for nothing", "boxes_are_updated", "BU-2"),
        ("resets fields that were not sent", "boxes_are_updated", "BU-2"),
        ("updates nothing", "boxes_are_updated", "BU-1"),
        ("does half of an update that it refuses", "refused_as_a_whole", "BU-3"),
        ("takes a confidence of zero for none", "boxes_are_added", "BX-4"),
        ("removes boxes whichever file they are on", "boxes_are_removed", "BR-1"),
        ("hides datasets of files by ids", "members_come_and_go", "DM-3"),
        ("finds old labels until a box of theirs goes", "filters_follow_changes", "FI-10"),
        ("finds the members of deleted datasets", "filters_follow_changes", "FI-11"),
        ("keeps one member of a renamed dataset", "members_come_and_go", "DS-3"),
        ("removes tags up to a strange one", "tags_are_removed", "TR-1"),
        ("never gives a tag again", "tags_are_removed", "TA-1"),
        ("keeps the limit of the first page", "tokens_of_other_questions", "PG-1"),
    ],
)
def test_a_finding_names_the_clause_that_is_broken(name: str, check: str, clause: str) -> None:
    """BU-1, BU-2, BU-3, BX-4, DS-3, PG-1: not that of a filter or of an earlier change."""
    (mutant,) = (mutant for mutant in SERVERS if mutant.name == name)
    (chosen,) = (each for each in CHECKS if each.name == check)
    subject = subject_of(mutant)
    try:
        session = subject.open_session()
        assert broken_by(chosen, session)
        assert session.broken is not None
        assert session.broken.clause == clause
    finally:
        subject.close()


def test_hidden_memberships_are_not_blamed_on_tags_or_clients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DM-3: and what a sequence says beside files by ids, which no longer agree."""
    (mutant,) = (mutant for mutant in SERVERS if mutant.name == "hides datasets of files by ids")
    monkeypatch.setattr(opening, "own_fake", lambda _, **more: start(mutant, **more))
    result = run(RunConfig(programs=4, seed=1))
    assert {finding.assertion.clause for finding in result.findings} <= {"DM-3", "SQ-7"}
    assert len(by_cause(result.findings)) <= 2
