"""Every RPC that writes, while each operation on files that it needs fails in turn (DD-4, DD-5).

It is the system's calls that fail, and of every RPC that is served: what writes past `Files`, or
writes twice, shows here.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from campaigns.client import METHODS, Client
from campaigns.crash.calls import SEED, begin, outcome_of
from campaigns.crash.requests import MAKERS, There, good_requests
from campaigns.dice import Dice
from campaigns.states import state_of
from fakeviam import Clock, FakeViam
from fakeviam.archive import files
from fakeviam.model.entities import DataPipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from fakeviam.wire import Method

_NOON = "2026-03-10T12:00:00Z"

#: What of the system a data directory uses to write.
_OPERATIONS = ("open", "pwrite", "fsync", "ftruncate", "replace")


class Fault(NamedTuple):
    """Which operation fails, with which error, and whether all that follow do."""

    at: int
    number: int
    for_good: bool

    def is_due(self, at: int) -> bool:
        return at == self.at or (self.for_good and at > self.at)


class FailingSystem:
    """The module `os`, of which one call fails, or it and all that follow."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fault: Fault | None = None

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in _OPERATIONS:
            return real

        def called(*arguments: Any) -> Any:
            self.calls.append(name)
            if self.fault is not None and self.fault.is_due(len(self.calls) - 1):
                if name == "pwrite":  # some of it arrives
                    handle, data, place = arguments
                    real(handle, data[: len(data) // 2], place)
                raise OSError(self.fault.number, os.strerror(self.fault.number))
            return real(*arguments)

        return called

    def fail(self, fault: Fault) -> None:
        self.calls, self.fault = [], fault

    def recover(self) -> bool:
        """Whether anything had failed."""
        fault, self.fault = self.fault, None
        return fault is not None and len(self.calls) > fault.at


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> FailingSystem:
    failing = FailingSystem()
    monkeypatch.setattr(files, "os", failing)
    return failing


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("each") / "filled"
    asyncio.run(begin(place, _NOON))
    with fake_at(place) as fake:
        for file in list(fake.files)[::2]:
            fake._cloud.store.add_tags([file.id], ["red", "green"])
        (pipeline,) = fake._cloud.store.entities(DataPipeline)
        off = replace(pipeline, id=pipeline.id[::-1], name="off", enabled=False)
        fake._cloud.store.put_entities(off)
    return place


def fake_at(place: Path) -> FakeViam:
    return FakeViam(seed=SEED, data_dir=place, durability="power", clock=Clock.frozen(_NOON))


def found_in(place: Path) -> list[object]:
    fake = fake_at(place)
    fake._storage.close()
    return state_of(fake)


def good_call(fake: FakeViam, rpc: str, number: int) -> tuple[Method, Sequence[Message]]:
    return METHODS[rpc], good_requests(rpc, There(fake, Dice(SEED, rpc, number)))


async def planned(filled: Path, rpc: str) -> tuple[int, list[object]]:
    """The number of a call that changes something, and what is there then."""
    copy, before = filled.with_name("planned"), found_in(filled)
    for number in range(20):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(filled, copy)
        async with fake_at(copy) as fake:
            client = await Client.over(fake.unix_socket)
            outcome = await outcome_of(client, *good_call(fake, rpc, number))
            client.close()
            if outcome == "OK" and state_of(fake) != before:
                return number, state_of(fake)
    raise AssertionError(f"{rpc} writes nothing")


async def check(
    system: FailingSystem, place: Path, rpc: str, plan: tuple[int, list[object]], fault: Fault
) -> bool:
    """Let an operation fail in a call; whether there was one."""
    async with fake_at(place) as fake:
        client = await Client.over(fake.unix_socket)
        try:
            method, requests = good_call(fake, rpc, plan[0])
            before = state_of(fake)
            system.fail(fault)
            outcome = await outcome_of(client, method, requests)
            has_failed = system.recover()
            held = state_of(fake)
            possible = [held]
            if outcome != "OK":
                no_room = "RESOURCE_EXHAUSTED" if fault.number != errno.EIO else "UNAVAILABLE"
                assert outcome in (f"{no_room} DD-4", "UNAVAILABLE DD-5")
                assert held == before
                again = await outcome_of(client, method, requests)
                assert again in ("OK", "UNAVAILABLE DD-5")
                # Nobody knows what a disk holds that failed to say that it holds it.
                held = state_of(fake)
                possible = [held] if again == "OK" else [before, plan[1]]
                assert (held == before) == (again != "OK")
            assert not fake.crashes
        finally:
            client.close()
    assert found_in(place) in possible
    return has_failed


#: Of uploads with bytes, of records that are there, and of other things.
_FAST = ("DataCaptureUpload", "AddTagsToBinaryDataByIDs", "CreateDataPipeline")

_CASES = [
    pytest.param(
        rpc,
        number,
        span,
        id=f"{rpc}-{errno.errorcode[number]}-{span}",
        marks=() if (rpc in _FAST and number == errno.EIO) else pytest.mark.slow,
    )
    for rpc in MAKERS
    for number in (errno.EIO, errno.ENOSPC, errno.EDQUOT)
    for span in ("once", "for good")
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("rpc", "number", "span"), _CASES)
@pytest.mark.thinned(3)
async def test_a_call_whose_files_fail_changes_nothing(
    system: FailingSystem, filled: Path, rpc: str, number: int, span: str
) -> None:
    """Refused with the reason, in memory and on disk as before, and good again or closed."""
    place, plan = filled.with_name("tried"), await planned(filled, rpc)
    for at in count():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(filled, place)
        fault = Fault(at, number, span == "for good")
        if not await check(system, place, rpc, plan, fault):
            # An entry, waiting for it, and how far the log goes.
            assert at > 2, system.calls
            return
