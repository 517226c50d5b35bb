"""A project that uses fakeviam as a package, in environments of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .environments import ENVIRONMENTS, EVERYTHING, ROOT, environment, run

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1000),
]  # the first run builds, and installs viam-sdk

IN_ORDER = ("-p", "no:randomly")


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """The example, far from this repository and its settings."""
    unwanted = shutil.ignore_patterns("__pycache__", ".*")
    return shutil.copytree(ROOT / "examples" / "robot_lab", tmp_path / "lab", ignore=unwanted)


def tried(python: Path, folder: Path, *options: str, status: int = 0) -> str:
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *options)
    return run(python, *arguments, cwd=folder, status=status)


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "asyncio_mode=strict", *IN_ORDER),
        ("-o", "asyncio_mode=auto", *IN_ORDER),
        ("-n", "2", *IN_ORDER),
        ("-p", "randomly", "--randomly-seed=1"),
        ("-p", "randomly", "--randomly-seed=2"),
    ],
    ids=["strict", "auto", "two workers", "one order", "another order"],
)
def test_the_example_passes(lab: Path, options: Sequence[str]) -> None:
    said = tried(environment("sdk", *EVERYTHING), lab, *options)
    closing = said.splitlines()[-1]
    found = re.fullmatch(r"(\d+) passed in .*", closing)  # none skipped, none with a warning
    assert found, said
    assert int(found[1]) > 15


def test_the_example_is_typed(lab: Path) -> None:
    pytest.importorskip("mypy")
    cache = ENVIRONMENTS / "downstream-sdk.mypy"
    theirs = ("--python-executable", environment("sdk", *EVERYTHING), "--cache-dir", cache)
    assert "Success" in run(
        sys.executable, "-m", "mypy", "--strict", *theirs, "robot_lab", "tests", cwd=lab
    )


PROBE = """
import pytest

def test_fake(fakeviam): assert fakeviam.port

def test_server(fakeviam_server): assert fakeviam_server.port

def test_client(viam_client): ...

@pytest.mark.asyncio
async def test_data_client(viam_data_client): ...
"""


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    tmp_path.joinpath("pytest.ini").touch()
    tmp_path.joinpath("test_probe.py").write_text(PROBE, encoding="utf-8")
    return tmp_path


def test_without_viam_sdk_its_fixtures_say_so(probe: Path) -> None:
    said = tried(environment("no-sdk", "pytest", "pytest-asyncio"), probe, status=1)
    assert "2 passed, 2 errors" in said  # a skip would be green without looking
    needs = "viam_client needs the official SDK, which is not installed: pip install viam-sdk"
    for test in ("test_client", "test_data_client"):
        report = said.partition(f"ERROR at setup of {test} _")[2].partition("\n____")[0]
        assert needs in report


def test_without_pytest_asyncio_its_fixtures_say_so(probe: Path) -> None:
    said = tried(environment("bare", "pytest"), probe, status=1)
    assert re.search("2 passed,.* 2 errors", said)
    needs = "needs pytest-asyncio, which is not active in this run: pip install pytest-asyncio"
    for name in ("viam_client", "viam_data_client"):
        assert f"{name} {needs}" in said


def test_the_program_needs_nothing_more_than_the_wheel() -> None:
    program = environment("bare", "pytest").with_name("fakeviam")
    assert run(program, "--version").startswith("fakeviam ")
    with subprocess.Popen(
        [program, "serve", "--port", "0", "--quiet"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        facts = json.loads(server.stdout.readline())
        server.terminate()
    assert server.returncode == 0
    assert not Path(facts["unix_socket"]).exists()
