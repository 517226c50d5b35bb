"""Servers whose disk is full, for real (DD-4)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .full_disk import told
from .worlds import World

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


def on_a_full_disk(path: Path, kind: str) -> dict[str, bool]:
    """Let a server make every kind of call there; what was refused."""
    command = [sys.executable, "-W", "error", "-m", "tests.unit.datadir.full_disk"]
    # The limit of file sizes applies to bytecode too, and a truncated file breaks the next import.
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, path, kind], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    found = json.loads(done.stdout)
    world = World(path)
    try:
        assert told(world.state()) == found["state"]
    finally:
        world.close()
    refused: dict[str, bool] = found["refused"]
    return refused


@pytest.mark.slow
def test_every_write_at_a_size_limit(tmp_path: Path) -> None:
    """Is refused and changes nothing; with room again, it and all that follow are kept (DD-4)."""
    refused = on_a_full_disk(tmp_path / "data", "limit")
    # These write the log anew, and it may be shorter than it was.
    shorter = {"restore", "load_an_archive"}
    assert all(was for name, was in refused.items() if name not in shorter)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "fakeviam-test"]
    if (
        os.getuid()
        or subprocess.run([*command, place], capture_output=True, check=False).returncode
    ):
        pytest.skip("a small disk can be mounted by root only; the size limit is tested instead")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_every_write_on_a_full_disk(small_disk: Path) -> None:
    """As with the size limit; small entries may still find room in the last page (DD-4)."""
    refused = on_a_full_disk(small_disk / "data", "disk")
    assert {"upload", "upload_a_file", "load_an_archive", "restore"} <= {
        name for name, was in refused.items() if was
    }
