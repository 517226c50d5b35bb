"""The recipes of docs/isolation.md for pytest-xdist, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "isolation.md"

TESTS = """
import asyncio
import os
from pathlib import Path

import pytest
from fakeviam_client import connect

HERE = Path(__file__).parent


async def names_after_upload(world, name):
    async with connect(**world) as client:
        before = await client.binary_data_by_filter()
        assert not before, "another test's data"
        await client.file_upload("f4ce0000-0000-4000-8000-0000000000c1", b"x", file_name=name)
        return [entry.metadata.file_name for entry in await client.binary_data_by_filter()]


@pytest.mark.parametrize("number", range(8))
def test_mine_alone(world, number):
    assert asyncio.run(names_after_upload(world, f"f{number}")) == [f"f{number}"]
    with (HERE / "targets").open("a") as told:
        told.write(f"{world['target']} {os.environ['PYTEST_XDIST_WORKER']}\\n")
"""


def recipe(title: str) -> str:
    """The code below a heading of the page."""
    _, _, below = PAGE.read_text(encoding="utf-8").partition(f"## pytest-xdist: {title}\n")
    found = re.search(r"^```python\n(.*?)^```", below, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "servers"), [("one server per worker", 2), ("one server for all workers", 1)]
)
def test_recipes_hold_with_two_workers(title: str, servers: int, tmp_path: Path) -> None:
    """Eight tests that would see each other's data: none does (SS-1)."""
    (tmp_path / "conftest.py").write_text(recipe(title), encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(TESTS, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:asyncio", "-W", "error"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout
    lines = (tmp_path / "targets").read_text(encoding="utf-8").split("\n")[:-1]
    targets, workers = zip(*map(str.split, lines), strict=True)
    assert len(set(targets)) == servers
    assert set(workers) == {"gw0", "gw1"}
