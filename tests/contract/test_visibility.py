"""The kit waits until uploads are seen, and no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.reads import check_rows
from fakeviam_contracts.subject import OwnFake
from fakeviam_contracts.writes.uploads import upload_rows

from fakeviam import Clock, FakeViam, Policy

_NOON = "2024-01-01T12:00:00Z"
_TIMES = ((1, 2),)
_SECOND = 1_000_000_000


def test_uploads_that_follow_one_another_are_waited_for_together() -> None:
    """A55: a server that shows uploads after a second is asked a second after the last of them."""
    late = replace(Policy.documented(), visibility_lag=timedelta(seconds=1))
    subject = OwnFake(
        replace(Interpretation.named("documented"), visibility=1),
        lambda: FakeViam(seed=1, policy=late, clock=Clock.frozen(_NOON)),
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
