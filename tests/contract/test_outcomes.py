"""Calls that are cut, and the retry of a client that cannot know what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.assertions import ContractBrokenError
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.subject import OwnFake

from fakeviam import Clock, Cut, FakeViam, Interceptor
from tests.contract.outcomes import (
    AFTER,
    BEFORE,
    MIDDLE,
    OUTCOMES,
    STREAMS,
    CutOutcome,
    check_outcome,
    prepare,
)

if TYPE_CHECKING:
    from google.protobuf.message import Message

CASES = [
    pytest.param(outcome, when, id=f"{outcome.rpc}-{when}")
    for outcome in OUTCOMES
    for when in (BEFORE, AFTER, MIDDLE)
    if when != MIDDLE or outcome.rpc in STREAMS
]


class _CutsOnce(Interceptor):
    """Cuts one call of an RPC, once it is armed."""

    def __init__(self, rpc: str, when: str) -> None:
        self.armed = False
        self._rpc, self._when, self._seen = rpc, when, 0

    def request(self, rpc: str, message: Message) -> Message | None:
        if self.armed and rpc == self._rpc:
            self._seen += 1
            if (self._when, self._seen) in ((BEFORE, 1), (MIDDLE, 2)):
                self._fire()
        return message

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        del request
        if self.armed and rpc == self._rpc and self._when == AFTER:
            self._fire()
        return message

    def _fire(self) -> None:
        self.armed = False
        raise Cut


class _Halves(_CutsOnce):
    """A wrong server: what is cut in the middle of a stream it stores all the same."""

    def _fire(self) -> None:
        if self._when == MIDDLE:
            self._when = AFTER
            return
        super()._fire()


def _check(cutter: _CutsOnce, outcome: CutOutcome, when: str) -> None:
    clock = Clock.frozen("2024-01-01T12:00:00Z")
    subject = OwnFake(
        Interpretation.named("documented"),
        lambda: FakeViam(seed=1, clock=clock, interceptors=[cutter]),
    )
    try:
        session = subject.open_session()
        prepare(session)
        cutter.armed = True
        check_outcome(session, outcome, when)
        subject.close_session(session)
    finally:
        subject.close()


@pytest.mark.parametrize(("outcome", "when"), CASES)
@pytest.mark.thinned(4)
def test_the_state_after_a_cut_and_a_retry_is_legal(outcome: CutOutcome, when: str) -> None:
    _check(_CutsOnce(outcome.rpc, when), outcome, when)


@pytest.mark.parametrize("rpc", sorted(STREAMS))
def test_a_stream_that_is_stored_though_it_was_cut_is_found(rpc: str) -> None:
    outcome = next(outcome for outcome in OUTCOMES if outcome.rpc == rpc)
    with pytest.raises(ContractBrokenError, match="was cut middle and tried again"):
        _check(_Halves(rpc, MIDDLE), outcome, MIDDLE)
