"""Writes that fail: disk and memory stay as they were (DD-4, DD-5)."""

from __future__ import annotations

import errno
import os
import random
from itertools import count
from typing import TYPE_CHECKING

import pytest

from fakeviam.datadir.directory import DataDir
from fakeviam.datadir.layout import LOCK
from fakeviam.model.errors import Refusal, StatusCode, UnavailableError, UsageError

from .faulty import FaultyFiles
from .worlds import REPEATABLE, SEED, WRITES, World, copy_of, found_in, secrets

if TYPE_CHECKING:
    from pathlib import Path

    from .faulty import Fault

_SLOW = pytest.mark.slow

FAULTS: tuple[Fault, ...] = ("fails", "fails halfway", "fails for good")


def refused(world: World, kind: str) -> Refusal | None:
    try:
        world.write(kind)
    except Refusal as refusal:
        return refusal
    return None


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=() if fault == FAULTS[1] else _SLOW) for fault in FAULTS]
)
@pytest.mark.parametrize("kind", WRITES)
@pytest.mark.thinned(4)
def test_a_write_that_fails_changes_nothing(
    full: Path, memory_path: Path, kind: str, fault: Fault
) -> None:
    """At each of its steps; it succeeds once the disk is well again (DD-4, DD-5)."""
    path = memory_path / "data"
    for step in count():
        files = FaultyFiles()
        # The log is written anew behind each write, and that fails too.
        world = World(copy_of(full, path), files, small=0, growth=0)
        before, after = world.state(), world.after(kind)
        files.arm(step, fault)
        refusal = refused(world, kind)
        files.disarm()
        assert world.state() == (after if refusal is None else before)
        possible = [world.state()]
        if refusal is not None:
            again = refused(world, kind)
            if again is None:
                check_no_room(refusal)
                assert world.state() != before
                possible = [world.state()]
            else:
                # Half of it could not be taken back: nobody can tell what a restart finds.
                assert again.clause == "DD-5"
                assert again.status == StatusCode.UNAVAILABLE
                assert "refuses writes until a restart: " in again.text
                assert world.state() == before
                possible = [before, after]
        known = secrets(world.cloud)
        world.close()
        found = World(path)
        assert found.state() in possible
        assert len(possible) > 1 or secrets(found.cloud) == known
        found.close()
        if not files.fired and files.steps <= step:
            assert step > 1
            return


def check_no_room(refusal: Refusal) -> None:
    assert refusal.clause == "DD-4"
    assert refusal.status == StatusCode.RESOURCE_EXHAUSTED
    assert refusal.text.endswith(": No space left on device; nothing was changed [DD-4]")


@pytest.mark.thinned(5)
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("kind", WRITES)
def test_a_directory_that_becomes_read_only(
    full: Path, memory_path: Path, kind: str, number: int
) -> None:
    """Writes are refused with the reason, what is there is read; later all is well (DD-4)."""
    path = copy_of(full, memory_path / "data")
    before_it = {one: one.read_bytes() for one in path.rglob("*") if one.is_file()}
    files = FaultyFiles(number)
    world = World(path, files)
    state = world.state()
    files.arm(0, "fails for good")
    for _ in range(2):
        refusal = refused(world, kind)
        assert isinstance(refusal, UnavailableError)
        assert refusal.clause == "DD-4"
        assert refusal.text.endswith(f": {os.strerror(number)}; nothing was changed [DD-4]")
        assert world.state() == state
    del before_it[path / LOCK]
    assert {one: one.read_bytes() for one in before_it} == before_it
    files.disarm()
    after = world.after(kind)
    assert refused(world, kind) is None
    assert world.state() == after
    world.close()
    assert found_in(path) == after


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_directory_that_cannot_be_used(
    full: Path,
    memory_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    is_there: bool,  # noqa: FBT001 - one of two
) -> None:
    """At the start, in one line, and what is there stays as it is (DD-1)."""
    path = memory_path / "data"
    if is_there:
        copy_of(full, path)
    before = sorted(path.rglob("*"))

    def fails(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patches:
        patches.setattr(os, "mkdir", fails)
        patches.setattr(os, "open", fails)
        with pytest.raises(UsageError, match=f"cannot use .*{path}: {os.strerror(number)}"):
            DataDir(path, seed=SEED, now=lambda: 0)
    assert sorted(path.rglob("*")) == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_the_reason_decides_the_status(full: Path, memory_path: Path, number: int) -> None:
    """No room is RESOURCE_EXHAUSTED, anything else UNAVAILABLE (DD-4)."""
    files = FaultyFiles(number)
    world = World(copy_of(full, memory_path / "data"), files)
    files.arm(0, "fails")
    refusal = refused(world, "tag")
    assert refusal is not None
    no_room = number != errno.EIO
    assert refusal.status == (StatusCode.RESOURCE_EXHAUSTED if no_room else StatusCode.UNAVAILABLE)
    assert isinstance(refusal, UnavailableError) is not no_room
    world.close()


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=_SLOW if number else ()) for number in range(12)]
)
def test_whatever_fails_and_whenever(memory_path: Path, number: int) -> None:
    """Memory is what was acknowledged, and so is what a restart finds (DD-1, DD-4, DD-5)."""
    dice = random.Random(number)  # noqa: S311 - a test's
    path = memory_path / "data"
    files = FaultyFiles(dice.choice([errno.ENOSPC, errno.EIO]))
    world = World(path, files, small=2000, growth=0.5)
    fired = 0
    for _ in range(60):
        kind = dice.choice(REPEATABLE)
        before, after = world.state(), world.after(kind)
        if dice.random() < 0.5:
            files.arm(dice.randrange(12), dice.choice(FAULTS))
        refusal = refused(world, kind)
        files.disarm()
        fired += files.fired
        files.fired = False
        assert world.state() == (after if refusal is None else before)
        if (refusal is not None and refusal.clause == "DD-5") or dice.random() < 0.1:
            is_open = refused(world, "add a key") is None
            possible = [world.state()] if is_open else [before, after]
            world.close()
            world = World(path, files, small=2000, growth=0.5)
            assert world.state() in possible
    world.close()
    assert fired > 5
