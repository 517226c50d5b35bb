"""A directory that is moved, removed or replaced while a server uses it (DD-1, DD-4)."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from fakeviam.model.errors import UnavailableError

from .worlds import REPEATABLE, WRITES, World, copy_of, found_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GONE = "is no longer there, because it was moved, removed or replaced; nothing was changed"


def replaced(path: Path) -> None:
    """Another server has begun where it was."""
    path.rename(path.with_name("moved"))
    world = World(path)
    world.write("add files")
    world.close()


def log_replaced(path: Path) -> None:
    """As some editors and backups do."""
    place = path / "log.jsonl"
    copy = shutil.copy(place, path.with_name("copy"))
    shutil.move(copy, place)


WAYS: dict[str, Callable[[Path], object]] = {
    "removed": shutil.rmtree,
    "moved": lambda path: path.rename(path.with_name("moved")),
    "replaced": replaced,
    "log removed": lambda path: (path / "log.jsonl").unlink(),
    "log replaced": log_replaced,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [*REPEATABLE, "tag"])
@pytest.mark.thinned(4)
def test_no_write_is_acknowledged_that_nobody_would_find(
    full: Path, memory_path: Path, way: str, kind: str
) -> None:
    """It is refused, in memory too, and makes nothing where the directory was (DD-4)."""
    path = copy_of(full, memory_path / "data")
    world = World(path)
    before = world.state()
    WAYS[way](path)
    there = sorted(path.rglob("*"))
    with pytest.raises(UnavailableError, match=GONE) as told:
        world.write(kind)
    assert told.value.clause == "DD-4"
    assert world.state() == before
    assert sorted(path.rglob("*")) == there
    world.close()


def test_a_directory_that_was_moved_back(full: Path, memory_path: Path) -> None:
    """Is written to as before (DD-1)."""
    path, elsewhere = copy_of(full, memory_path / "data"), memory_path / "elsewhere"
    world = World(path)
    path.rename(elsewhere)
    with pytest.raises(UnavailableError, match=GONE):
        world.write("add files")
    elsewhere.rename(path)
    for kind in WRITES:
        world.write(kind)
    expected = world.state()
    world.close()
    assert found_in(path) == expected
