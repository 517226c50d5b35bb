"""Retries as the server saw them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from fakeviam import Clock
from fakeviam.server.instruments.journal.attempts import logical_calls
from fakeviam.server.instruments.journal.journal import Journal
from fakeviam.wire import dataset

from .driver import METHODS, ORGANIZATION, RefusedError, file_parts

if TYPE_CHECKING:
    from fakeviam.server.instruments.journal.record import RecordedCall

    from .conftest import Start

import pytest

METHOD = METHODS["CreateDataset"]


class Log:
    """A journal whose stopwatch and clock are moved by hand."""

    def __init__(self) -> None:
        self.time = 0
        self.clock = Clock.frozen("2026-03-10")
        self.journal = Journal(clock=self.clock, stopwatch=lambda: self.time, budget=10**9)

    def pass_(self, *, real: float = 0, by_clock: float = 0) -> None:
        self.time += round(real * 1e9)
        self.clock.advance(seconds=by_clock)

    def begin(self, name: str, *, deadline: float | None = None) -> RecordedCall:
        record = self.journal.begin(METHOD, deadline=deadline)
        self.journal.received(record, dataset.CreateDatasetRequest(name=name))
        return record

    def call(self, name: str, status: str, **facts: Any) -> RecordedCall:
        record = self.begin(name, **facts)
        self.pass_(real=0.25, by_clock=10)
        self.journal.end(record, status=status)
        return record


def test_attempts_waits_and_deadlines() -> None:
    """From the end of one attempt to the beginning of the next, in both times (JR-5)."""
    log = Log()
    log.call("a", "UNAVAILABLE", deadline=5.0)
    log.pass_(real=1, by_clock=60)
    log.call("b", "OK")
    log.call("a", "DEADLINE_EXCEEDED", deadline=2.5)
    log.pass_(real=2)
    log.call("a", "OK")
    wanted, other = logical_calls(log.journal.records())
    assert [attempt.call.number for attempt in wanted.attempts] == [1, 3, 4]
    assert wanted.waits == (1.25, 2.0)
    assert [attempt.waited_by_clock for attempt in wanted.attempts] == [0.0, 70.0, 0.0]
    assert [attempt.deadline for attempt in wanted.attempts] == [5.0, 2.5, None]
    assert (wanted.rpc, wanted.status, len(wanted)) == ("CreateDataset", "OK", 3)
    assert (other.status, other.waits) == ("OK", ())
    assert str(wanted) == (
        "CreateDataset: UNAVAILABLE (deadline 5 s), after 70 s DEADLINE_EXCEEDED "
        "(deadline 2.5 s), after 2 s OK"
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["OK", "UNAVAILABLE"]))))
def test_every_call_is_one_attempt_at_one_wish(calls: list[tuple[str, str]]) -> None:
    """All but the last attempt failed, and all asked the same (JR-5)."""
    log = Log()
    for name, status in calls:
        log.call(name, status)
    groups = logical_calls(log.journal.records())
    told = [attempt.call.number for group in groups for attempt in group.attempts]
    assert sorted(told) == list(range(1, len(calls) + 1))
    for group in groups:
        assert {attempt.status for attempt in group.attempts[:-1]} <= {"UNAVAILABLE"}
        assert len({str(attempt.call.request) for attempt in group.attempts}) == 1
    # What is open at the end is the only wish that could be tried again.
    for name in {name for name, _ in calls}:
        wishes = [group for group in groups if f'"{name}"' in str(group.attempts[0].call.request)]
        assert all(group.status == "OK" for group in wishes[:-1])


def test_calls_that_overlap() -> None:
    """Two clients that want the same at once are two wishes if the first succeeds (JR-5)."""
    log = Log()
    first, second = log.begin("a"), log.begin("a")
    log.journal.end(second, status="OK")
    log.journal.end(first, status="OK")
    assert len(logical_calls(log.journal.records())) == 2


@pytest.mark.asyncio
async def test_attempts_of_a_real_client(start: Start) -> None:
    """Uploads are compared by their first message; what is in progress is left out (JR-5)."""
    viam = await start(clock=Clock.frozen("2026-03-10"))
    cloud = viam.cloud
    cloud.faults.on("FileUpload").call(1).after_messages(2).status("UNAVAILABLE")
    cloud.faults.on("FileUpload").call(2).after_commit().status("INTERNAL")
    for _ in range(3):
        with suppress(RefusedError):
            await viam.rpc("FileUpload", *file_parts(b"a", b"b"), timeout=60)
        cloud.clock.advance(seconds=2)
    (upload,) = cloud.calls.attempts()
    assert [attempt.status for attempt in upload.attempts] == ["UNAVAILABLE", "INTERNAL", "OK"]
    assert [attempt.waited_by_clock for attempt in upload.attempts] == [0, 2, 2]
    assert all(50 < (attempt.deadline or 0) <= 60 for attempt in upload.attempts)
    await viam.create_dataset("x", organization_id=ORGANIZATION)
    assert [len(call) for call in cloud.calls.attempts()] == [3, 1]
    async with viam.calling("FileUpload") as stream:
        await stream.send_message(file_parts()[0])
        assert len(cloud.calls.attempts()) == 2
        await stream.cancel()
