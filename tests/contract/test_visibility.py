"""The kit waits until uploads are seen, and no longer."""

from __future__ import annotations

import runpy
import sys
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts import opening, scripts
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.mutants.base import Mutant
from fakeviam_contracts.mutants.servers import SERVERS, start
from fakeviam_contracts.opening import open_subject
from fakeviam_contracts.reads import check_rows
from fakeviam_contracts.run_config import RunConfig
from fakeviam_contracts.runner import run
from fakeviam_contracts.subject import OwnFake
from fakeviam_contracts.writes.uploads import upload_rows

from fakeviam import Clock, FakeViam, Policy

if TYPE_CHECKING:
    from pathlib import Path

_NOON = "2024-01-01T12:00:00Z"
_LATE = replace(Policy.documented(), visibility_lag=timedelta(seconds=1))
_TIMES = ((1, 2),)
_SECOND = 1_000_000_000


def test_uploads_that_follow_one_another_are_waited_for_together() -> None:
    """A55: a server that shows uploads after a second is asked a second after the last of them."""
    subject = OwnFake(
        replace(Interpretation.named("documented"), visibility=1),
        lambda: FakeViam(seed=1, policy=_LATE, clock=Clock.frozen(_NOON)),
    )
    try:
        session = subject.open_session()
        assert session.place.now is not None
        began = session.place.now()
        for number in range(3):
            upload_rows(session, part=0, rows=[{"readings": {"number": number}}], times=_TIMES)
        assert session.place.now() == began
        check_rows(session, FilterSpec())
        assert session.place.now() == began + _SECOND
        check_rows(session, FilterSpec())
        assert session.place.now() == began + _SECOND
    finally:
        subject.close()


def test_what_is_seen_late_is_waited_for_before_it_is_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A55: also if nothing was asked after the upload; else the next check would find it."""
    with FakeViam(seed=1) as cloud:
        where = {"target": f"unix:{cloud.unix_socket}", "parts": (cloud.default_part.id,)}
        subject = open_subject(RunConfig(exclusive=True, **where))  # type: ignore[arg-type]
        subject.interpretation = replace(subject.interpretation, visibility=1)
        waits: list[tuple[float, int]] = []
        monkeypatch.setattr(
            time, "sleep", lambda seconds: waits.append((seconds, len(cloud.readings)))
        )
        try:
            session = subject.open_session()
            upload_rows(session, part=0, rows=[{"readings": {"n": 1.0}}], times=_TIMES)
            subject.close_session(session)
        finally:
            subject.close()
        assert waits == [(1.0, 1)]
        assert not cloud.readings


def test_scripts_of_failures_wait_for_uploads_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A55: what is seen late is not taken for what is gone, nor for another failure."""

    def serve(mutant: Mutant) -> None:
        late = replace(mutant, options={"policy": {"visibility_lag": timedelta(seconds=1)}})
        monkeypatch.setattr(opening, "own_fake", lambda _, **how: start(late, **how))

    wrong = next(each for each in SERVERS if each.name == "ignores mime_type in filters")
    serve(wrong)
    result = run(RunConfig(clauses=wrong.clause))
    scripts.write_all(result, tmp_path)
    script = result.findings[0].script
    monkeypatch.setattr(sys, "argv", [script, "--self"])
    for mutant, status in ((wrong, 1), (Mutant(name="nothing", clause=""), 0)):
        serve(mutant)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(script, run_name="__main__")
        assert ended.value.code == status
