"""Processes that are killed, at random moments and at each step (DD-1)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .worlds import WRITES, copy_of

KILLS = 200

ROOT = Path(__file__).parents[3]


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


@pytest.mark.slow
def test_a_kill_at_each_step_of_each_write(full: Path, memory_path: Path) -> None:
    """Finds the state before or after, and after it if the write had returned (DD-1, DD-3)."""
    directory = copy_of(full, memory_path / "data")
    command = [sys.executable, "-W", "error", "-m", "tests.unit.datadir.killed_at_each_step"]
    done = subprocess.run(
        [*command, directory, *WRITES], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert min(found.values()) > 2 * len(WRITES)
