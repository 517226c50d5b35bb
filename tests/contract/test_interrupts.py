"""Ctrl-C ends a run of the kit without a trace of what it interrupted."""

from __future__ import annotations

import asyncio
import signal

import pytest
from fakeviam_contracts.interrupts import between_steps, complete

pytestmark = pytest.mark.usefixtures("default_signals")


async def interrupted(said: list[str], *, ends: bool) -> None:
    try:
        signal.raise_signal(signal.SIGINT)
        said.append("the step went on")
        if not ends:
            await asyncio.sleep(3600)
    except asyncio.CancelledError:
        said.append("cancelled")
        raise


@pytest.mark.parametrize("ends", [False, True])
def test_an_interrupt_waits_for_the_step_and_cancels_the_call(*, ends: bool) -> None:
    """Whoever handles a call in this process does not crash; the loop is of use afterwards."""
    said: list[str] = []
    loop = asyncio.new_event_loop()
    with between_steps(), pytest.raises(KeyboardInterrupt):
        complete(loop, interrupted(said, ends=ends))
    assert said == ["the step went on"] if ends else ["the step went on", "cancelled"]
    assert not asyncio.all_tasks(loop)
    assert complete(loop, asyncio.sleep(0, "done")) == "done"
    loop.close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_where_no_loop_runs_it_is_raised_at_once() -> None:
    with between_steps(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_interrupts_that_are_ignored_stay_so() -> None:
    """As a shell does for what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with between_steps():
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
