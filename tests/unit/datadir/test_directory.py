"""Data directories: what outlives a process, and who may use them."""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from fakeviam import FakeViam, UsageError
from fakeviam.datadir import DataDir

from .killing import SEED, SMALL, Life

KILLS = 200


def opened(path: Path, *, small: int = SMALL) -> tuple[DataDir, Life]:
    life = Life(random.Random(0))  # noqa: S311 - writes are to be the same in every run
    directory = DataDir(path, seed=SEED, small=small)
    life.keep(directory)
    return directory, life


@pytest.mark.slow
def test_nothing_that_was_told_is_lost_by_a_kill(tmp_path: Path) -> None:
    """Killed at random points, mostly within a write, again and again (DD-1)."""
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", script, tmp_path / "data", str(KILLS), "kills"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    did = json.loads(done.stdout)
    assert did["told"] > KILLS
    assert did["between"] > 0


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
    assert len(list(directory.path.glob("log-*"))) == 1
    assert len(list(directory.path.glob("state-*"))) == 1
    directory.replace()
    named = {row.data for row in life.store.binary_rows()}
    assert {path.read_bytes() for path in directory.path.glob("blobs/*/*")} == named
    directory.close()


def test_one_server_to_a_directory(tmp_path: Path) -> None:
    """The second one is told who has it; when that is gone, it may (DD-2)."""
    directory, _ = opened(tmp_path / "data")
    with pytest.raises(UsageError) as caught:
        opened(tmp_path / "data")
    assert str(caught.value) == (
        f"the data directory {directory.path} is in use by process {os.getpid()}; stop that one, "
        "or choose another directory"
    )
    directory.close()
    opened(tmp_path / "data")[0].close()


def test_a_server_that_came_to_nothing_holds_no_directory(tmp_path: Path) -> None:
    """Its directory is free as soon as nobody has it any more (DD-2)."""
    with pytest.raises(UsageError, match="evidence level must be one of"):
        FakeViam(data_dir=tmp_path / "data", min_evidence="none such")
    gc.collect()
    opened(tmp_path / "data")[0].close()


def test_a_directory_keeps_its_seed(tmp_path: Path) -> None:
    """Ids go on; another seed would not continue them (DD-1)."""
    directory, _ = opened(tmp_path / "data")
    directory.close()
    other = DataDir(tmp_path / "data", seed=1)
    assert other.seed == SEED
    other.close()


def test_a_closed_directory_takes_nothing(tmp_path: Path) -> None:
    """A write that is not kept is not answered either (DD-1)."""
    directory, life = opened(tmp_path / "data")
    directory.close()
    with pytest.raises(UsageError, match="is closed: nothing can be written"):
        life.store.set_database_password("o", "p")


def test_what_is_no_data_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"no data directory: directory\.json is missing; choose"):
        opened(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match=r"cannot use the data directory .*: File exists"):
        opened(tmp_path / "mine.txt")


def test_a_directory_from_the_future(tmp_path: Path) -> None:
    """Its meaning is not guessed (DD-3)."""
    opened(tmp_path)[0].close()
    path = tmp_path / "directory.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    for _ in range(2):  # the lock is given back
        with pytest.raises(UsageError, match="version 2 comes from a later fakeviam; this one re"):
            opened(tmp_path)
    path.write_text("{")
    with pytest.raises(UsageError, match=r"directory\.json: is not JSON"):
        opened(tmp_path)


@pytest.mark.parametrize("name", ["log", "state", "blob"])
def test_damage_is_refused(tmp_path: Path, name: str) -> None:
    """With the file that is damaged (DD-3)."""
    directory, life = opened(tmp_path, small=2**30)
    for _ in range(40):
        life.write()
    if name == "state":
        directory.replace()
    directory.close()
    pattern = {"log": "log-*", "state": "state-*/binary.jsonl", "blob": "blobs/*/*"}[name]
    path = max(tmp_path.glob(pattern), key=lambda path: path.stat().st_size)
    text = path.read_bytes()
    path.write_bytes(text[:90] + b"?" + text[91:])
    with pytest.raises(UsageError) as caught:
        opened(tmp_path)
    assert str(caught.value).startswith(str(path))
    path.write_bytes(text)
    opened(tmp_path)[0].close()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"op": "drop_dataset", "id": "d"}, "names what is not there: 'd'"),
        ({"op": "dance"}, "op must be a step that this fakeviam knows, got 'dance'"),
        ({"op": "put_part", "kind": "robot"}, "kind must be 'part', got 'robot'"),
        ({"op": "clear", "why": "x"}, "does not know the fields why"),
    ],
)
def test_a_log_that_makes_no_sense(tmp_path: Path, step: dict[str, str], told: str) -> None:
    """Well written, and yet not of this directory (DD-3)."""
    directory, _ = opened(tmp_path, small=2**30)
    assert directory._log is not None
    directory._log.append({"do": [step]})
    directory.close()
    with pytest.raises(UsageError) as caught:
        opened(tmp_path)
    assert f"line 2: {told}; " in str(caught.value)
