"""Data directories: what outlives a process, and who may use them."""

from __future__ import annotations

import gc
import os
import random
import stat
from functools import partial
from typing import TYPE_CHECKING

import pytest

from fakeviam import FakeViam, UsageError
from fakeviam.archive.lines import DamageError
from fakeviam.datadir import DataDir
from fakeviam.datadir.repair import check, repair

from .killing import SEED, SMALL, Life
from .worlds import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {"directory.json", "lock", "log.jsonl", "blobs"}


def opened(path: Path, *, small: int = SMALL) -> tuple[DataDir, Life]:
    life = Life(random.Random(0))  # noqa: S311 - writes are to be the same in every run
    directory = DataDir(path, seed=SEED, now=lambda: 0, small=small)
    life.keep(directory)
    return directory, life


def test_all_of_a_life_outlives_it(tmp_path: Path) -> None:
    """Each write, after each reopening, with states written in between and without (DD-1)."""
    for small in (0, SMALL, 2**30):
        path = tmp_path / str(small)
        directory, life = opened(path, small=small)
        for number in range(80):
            life.write()
            if number % 8:
                continue
            before = life.state()
            directory.close()
            again, found = opened(path, small=small)
            assert found.state() == before
            found.dice = life.dice
            directory, life = again, found
        directory.close()


def test_the_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    """Nor do files that nobody names: each state takes the place of what was before."""
    directory, life = opened(tmp_path / "data")
    for _ in range(300):
        life.write()
    assert {one.name for one in directory.path.iterdir()} == FILES
    log = directory.path / "log.jsonl"
    before = log.stat().st_size
    directory.replace(life.contents(), lambda: None)
    assert before < 4 * log.stat().st_size + SMALL
    named = {row.data for row in life.store.binary_rows()}
    assert {path.read_bytes() for path in directory.path.glob("blobs/*/*")} == named
    directory.close()


def test_one_server_to_a_directory(tmp_path: Path) -> None:
    """The second one is told who has it; when that is gone, it may (DD-2)."""
    directory, _ = opened(tmp_path / "data")
    with pytest.raises(UsageError) as caught:
        opened(tmp_path / "data")
    assert str(caught.value) == (
        f"the data directory {directory.path} is in use by process {os.getpid()}; stop that "
        "process, or choose another directory"
    )
    directory.close()
    opened(tmp_path / "data")[0].close()


def test_a_server_that_came_to_nothing_holds_no_directory(tmp_path: Path) -> None:
    """Its directory is free as soon as nobody has it any more (DD-2)."""
    with pytest.raises(UsageError, match="min_evidence must be one of"):
        FakeViam(data_dir=tmp_path / "data", min_evidence="none such")
    gc.collect()
    opened(tmp_path / "data")[0].close()


def test_a_directory_keeps_its_seed(tmp_path: Path) -> None:
    """Ids go on; another seed would not continue them (DD-1)."""
    directory, _ = opened(tmp_path / "data")
    directory.close()
    other = DataDir(tmp_path / "data", seed=1, now=lambda: 0)
    assert other.seed == SEED
    other.close()


def test_a_closed_directory_takes_nothing(tmp_path: Path) -> None:
    """A write that is not kept is not answered either (DD-1)."""
    directory, life = opened(tmp_path / "data")
    directory.close()
    with pytest.raises(UsageError, match="is closed"):
        life.store.set_database_password("o", "p")


def test_what_is_no_data_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(
        UsageError, match=r"not a data directory: directory\.json is missing; choose"
    ):
        opened(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match=r"cannot use the data directory .*: File exists"):
        opened(tmp_path / "mine.txt")


def test_a_directory_from_the_future(tmp_path: Path) -> None:
    """Its meaning is not guessed (DD-3)."""
    opened(tmp_path)[0].close()
    path = tmp_path / "directory.json"
    path.write_text(path.read_text().replace('"version": 3', '"version": 4'))
    for _ in range(2):  # the lock is given back
        with pytest.raises(UsageError, match="version 4 was written by a later fakeviam; this ve"):
            opened(tmp_path)
    path.write_text("{")
    with pytest.raises(UsageError, match=r"directory\.json: does not have its original contents"):
        opened(tmp_path)


@pytest.mark.parametrize("name", ["log", "state", "blob"])
def test_damage_is_refused(tmp_path: Path, name: str) -> None:
    """With the file that is damaged (DD-3)."""
    directory, life = opened(tmp_path, small=2**30)
    for _ in range(40):
        life.write()
    if name == "state":
        directory.replace(life.contents(), lambda: None)
    directory.close()
    pattern = "blobs/*/*" if name == "blob" else "log.jsonl"
    path = max(tmp_path.glob(pattern), key=lambda path: path.stat().st_size)
    text = path.read_bytes()
    path.write_bytes(text[:190] + b"?" + text[191:])
    with pytest.raises(UsageError) as caught:
        opened(tmp_path)
    assert str(caught.value).startswith(str(path))
    path.write_bytes(text)
    opened(tmp_path)[0].close()


ROBOT = {"id": "r", "name": "r", "location_id": "l"}


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"op": "drop_dataset", "id": "d"}, "refers to something that does not exist: 'd'"),
        ({"op": "dance"}, "op must be an event known to this version of fakeviam, got 'dance'"),
        ({"op": "put_part", "kind": "robot", **ROBOT}, "kind must be 'part', got 'robot'"),
        ({"op": "clear", "why": "x"}, "unknown field 'why'"),
    ],
)
def test_a_log_that_makes_no_sense(tmp_path: Path, step: dict[str, str], told: str) -> None:
    """Well written, and yet not of this directory (DD-3)."""
    directory, _ = opened(tmp_path, small=2**30)
    assert directory._log is not None
    directory._log.append({"at": "now", "do": [step]})
    directory.close()
    with pytest.raises(UsageError) as caught:
        opened(tmp_path)
    assert f"line 5: {told}; " in str(caught.value)


def synced(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> list[int]:
    """What is brought to the disk meanwhile, in order, as inodes."""
    inodes: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: inodes.append(os.fstat(handle).st_ino))
        work()
    return inodes


def test_what_is_brought_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes, their names, and the entry that names them, before a write is applied (DD-6)."""
    place = tmp_path / "data"
    log = place / "log.jsonl"
    world = World(place, durability="power")
    seen = synced(monkeypatch, lambda: world.write("add a large file"))
    blobs = [path for path in place.glob("blobs/*/*") if path.stat().st_size > 1000]
    assert blobs
    assert seen[-1] == log.stat().st_ino
    for path in blobs:
        file, folder = (seen.index(each.stat().st_ino) for each in (path, path.parent))
        assert file < folder < len(seen) - 1
        assert (place / "blobs").stat().st_ino in seen[:file]
    seen = synced(monkeypatch, lambda: world.write("restore"))
    assert seen[-2:] == [log.stat().st_ino, place.stat().st_ino]
    world.close()


def test_nobody_waits_for_the_disk_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the process loses nothing that the kernel has (DD-1)."""

    def live() -> None:
        world = World(tmp_path / "data")
        world.write("add files")
        world.write("restore")
        world.close()

    assert synced(monkeypatch, live) == []


def test_a_copy_that_others_may_read_is_closed_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As `cp -r` leaves it (DD-7)."""
    place = tmp_path / "data"
    World(place).close()
    place.chmod(0o755)
    World(place).close()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    World(place).close()
    (line,) = caplog.messages
    assert line == f"{place}: others could read the keys in it; now only its owner can"


@pytest.mark.parametrize("name", ["log.jsonl", "directory.json"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_not_read(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    """A pipe has no end that anybody could wait for (DD-3, DD-8)."""
    place = tmp_path / "data"
    World(place).close()
    (place / name).unlink()
    make(place / name)
    for use in (World, check, partial(repair, now=lambda: 0)):
        with pytest.raises(UsageError, match=rf"/{name} is not a regular file"):
            use(place)


def test_a_description_that_is_nested_without_end(tmp_path: Path) -> None:
    """Is damage like any other (DD-3, DD-8)."""
    place = tmp_path / "data"
    World(place).close()
    (place / "directory.json").write_text("[" * 100_000)
    with pytest.raises(DamageError, match="does not have its original contents"):
        World(place)
    assert repair(place, now=lambda: 0).saved
    World(place).close()


@pytest.mark.parametrize("is_there", [True, False])
def test_only_the_owner_can_read_it(tmp_path: Path, is_there: bool) -> None:  # noqa: FBT001
    """It holds API keys and passwords, whatever the mask of the process lets others do (DD-7)."""
    place = tmp_path / "data"
    before = os.umask(0)
    try:
        if is_there:
            place.mkdir(0o777)
        world = World(place, small=0, growth=0)
        for kind in ("add files", "restore", "add a key"):
            world.write(kind)
        world.close()
        world = World(place)
        world.write("add files")
        world.close()
    finally:
        os.umask(before)
    modes = {
        stat.S_IMODE(path.stat().st_mode): path.is_dir() for path in [place, *place.rglob("*")]
    }
    assert modes == {0o700: True, 0o600: False}
