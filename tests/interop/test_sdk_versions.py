"""The official SDK, newest and oldest release that can be installed: tests/interop/sdk on each."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from .conftest import SDK_SUITE
from .environments import ROOT, SDK_RELEASES, clean_environ, sdk_environment


# The first run installs viam-sdk, which takes a while.
@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("release", SDK_RELEASES)
def test_official_sdk(release: str) -> None:
    """Every method that the seed names, on every way to connect, with both forms of ids."""
    run_suite(sdk_environment(release), release)


@pytest.mark.timeout(600)
def test_installed_sdk() -> None:
    """The release that development uses, over TCP alone."""
    pytest.importorskip("viam", reason="viam-sdk is not installed here")
    chosen = "not unix and not looks_back"
    run_suite(Path(sys.executable), metadata.version("viam-sdk"), "-k", chosen)


def run_suite(python: Path, release: str, *options: str) -> None:
    """Run tests of the SDK, which must pass without skips."""
    # The environments share one checkout, so none may write into its cache.
    command = [
        str(python),
        "-m",
        "pytest",
        str(SDK_SUITE),
        "-q",
        "-p",
        "no:cacheprovider",
        "--color=no",
        *options,
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )
    closing = (done.stdout.strip().splitlines() or [""])[-1]
    # Skipped tests would be a hole that nobody sees.
    if done.returncode or not re.fullmatch(r"=*\s*\d+ passed(, \d+ deselected)? in .*", closing):
        pytest.fail(f"viam-sdk {release}: {closing}\n{done.stdout}", pytrace=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "collected"),
    [
        ("tests/interop", False),
        ("tests/interop/sdk", True),
        ("tests/interop/sdk/test_threads.py", True),
    ],
)
def test_suite_is_collected_only_if_asked_for(asked: str, collected: bool) -> None:  # noqa: FBT001
    """Otherwise it would run once more, on whatever release is installed."""
    pytest.importorskip("viam", reason="viam-sdk is not installed here")
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, asked],
        cwd=ROOT,
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("interop/sdk/test_threads.py::" in done.stdout) is collected
