"""Packages of npm for tests, installed once into a cache outside the repository."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from fakeviam_contracts.clients import adapters

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPESCRIPT_ADAPTER = Path(adapters.__file__).with_name("viam_typescript.mjs")

#: Seconds for one installation.
_LIMIT = 300

#: The newest release of Viam's TypeScript SDK that npm lists, and two older ones; before 0.42.0
#: ids were messages.
TYPESCRIPT_RELEASES = ["0.61.1", "0.60.0", "0.42.0"]


def typescript_sdk(release: str) -> Path:
    """A folder with that release, and connect-node: its own transport is of connect-es 1."""
    connect_node = "@connectrpc/connect-node@1.7.0"
    return modules(f"ts-{release}", f"@viamrobotics/sdk@{release}", connect_node)


@contextmanager
def typescript_adapter() -> Iterator[list[str]]:
    """The command that starts the contract kit's adapter of the newest release."""
    installed = typescript_sdk(TYPESCRIPT_RELEASES[0])
    with TemporaryDirectory(dir=installed) as folder:  # Node looks for modules above the program
        yield ["node", shutil.copy(TYPESCRIPT_ADAPTER, folder)]


def modules(name: str, *packages: str) -> Path:
    """A folder in which these packages are installed; the test is skipped where npm is not."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed here: nothing from npm is tried")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "fakeviam" / "npm" / name
    folder.mkdir(parents=True, exist_ok=True)
    installed, wanted = folder / "installed.txt", "\n".join(packages)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker of pytest-xdist at a time
        if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
            installed.unlink(missing_ok=True)
            (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
            options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
            done = subprocess.run(
                ["npm", "install", *options, *packages],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=_LIMIT,
            )
            assert done.returncode == 0, done.stderr
            installed.write_text(wanted, encoding="utf-8")
    return folder
