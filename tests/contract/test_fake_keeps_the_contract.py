"""The fake against the kit's reference model, which shares no code with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks.base import BASE
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.machine import ContractMachine
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.subject import OwnFake
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from fakeviam import Clock, FakeViam

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fake(request: pytest.FixtureRequest) -> Iterator[OwnFake]:
    policy: str = request.param
    subject = OwnFake(
        Interpretation.named(policy),
        lambda: FakeViam(seed=1, policy=policy, clock=Clock.frozen("2024-01-01T12:00:00Z")),
    )
    yield subject
    subject.close()


@pytest.mark.parametrize(
    "fake",
    [
        "documented",
        pytest.param("observed", marks=pytest.mark.slow),
        pytest.param("strict", marks=pytest.mark.slow),
    ],
    indirect=True,
)
def test_random_programs_agree_with_the_model(fake: OwnFake) -> None:
    class Machine(ContractMachine):
        open_session = staticmethod(fake.open_session)
        close_session = staticmethod(fake.close_session)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=settings().max_examples // 4,
            stateful_step_count=25,
            # The same programs each time: `make check` must not fail by chance.
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("fake", ["documented"], indirect=True)
def test_equal_readings_stand_for_each_other(fake: OwnFake) -> None:
    """PG-11: which of them came first cannot be seen, what came between them can."""
    session = fake.open_session()
    for value in ("a", "b", "a", "c", "a"):
        writes.upload_rows(
            session,
            part=0,
            rows=[{"readings": {"word": value}}],
            times=[(BASE, BASE)],
            component="sensor",
            method="Readings",
            tags=[],
        )
    for descending in (None, True, False):
        reads.check_rows(session, FilterSpec(), descending=descending)
    assert session.comparisons["PG-11"] == 3
    assert session.differences == {}
    fake.close_session(session)
