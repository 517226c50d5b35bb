"""Steps are read back by a script as they were: its values need nothing that it has not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fakeviam_contracts import replay
from fakeviam_contracts.attempts import attempt
from fakeviam_contracts.checks import CHECKS, Check
from fakeviam_contracts.formatting import format_step, format_value
from fakeviam_contracts.opening import open_subject
from fakeviam_contracts.programs import run_programs
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.shrinking import arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam_contracts.session import Session
    from fakeviam_contracts.steps import Step
    from fakeviam_contracts.subject import Subject

NAMES: dict[str, Any] = {name: getattr(replay, name) for name in replay.__all__}


@pytest.fixture
def subject() -> Iterator[Subject]:
    opened = open_subject(RunConfig())
    yield opened
    opened.close()


def _read_back(step: Step) -> dict[str, object]:
    """The arguments of a step, as its text says."""
    found: dict[str, object] = {}

    def noted(session: None, **arguments_: object) -> None:
        del session
        found.update(arguments_)

    exec(format_step(step, subject="session"), {**NAMES, step.name: noted, "session": None})  # noqa: S102 - our own text
    return found


def check_read_back(session: Session) -> int:
    for step in session.steps:
        read = _read_back(step)
        # As text, since a NaN is not equal to itself.
        assert {k: format_value(v) for k, v in arguments(step).items() if k in read} == {
            k: format_value(v) for k, v in read.items()
        }
    return len(session.steps)


@pytest.mark.parametrize("clauses", ["MQ-", "SL-", "UP-"])
def test_steps_of_checks_are_read_back(clauses: str, subject: Subject) -> None:
    """MQ-1: dates of queries were no names of a script, which then could not tell."""
    chosen: list[Check] = [
        check
        for check in CHECKS
        if check.clauses[0].startswith(clauses) and not set(check.needs) & set(subject.missing)
    ]
    assert chosen
    assert sum(check_read_back(attempt(subject, c.run, c.clauses[0]).session) for c in chosen)


def test_steps_of_random_programs_are_read_back(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    close: Callable[[Session], None] = subject.close_session
    seen: list[int] = []

    def closed(session: Session) -> None:
        seen.append(check_read_back(session))
        close(session)

    monkeypatch.setattr(subject, "close_session", closed)
    run_programs(subject, seed=3, wanted=3)
    assert len(seen) == 3
    assert sum(seen) > 10
