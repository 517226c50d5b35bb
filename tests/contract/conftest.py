"""Environments that hold what a script says it needs, and nothing else."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".envs"

#: What each flavour of script needs.
NEEDED = {"grpc": ("--editable", str(ROOT)), "viam-sdk": ("viam-sdk==0.85.1",)}


@pytest.fixture(scope="session")
def fresh_python() -> Callable[[str], Path]:
    """The Python of an environment for scripts of a flavour."""
    return _fresh_python


def _fresh_python(flavour: str) -> Path:
    """The Python of an environment for scripts of a flavour; made once and kept."""
    folder = ENVIRONMENTS / f"script-{flavour}"
    stamp = folder / "installed.txt"
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needs = re.findall(r"(?ms)^dependencies = \[.*?^\]", text) if flavour == "grpc" else []
    made_for = hashlib.sha256(repr((sys.version, NEEDED[flavour], needs)).encode()).hexdigest()
    ENVIRONMENTS.mkdir(exist_ok=True)
    with (ENVIRONMENTS / f"script-{flavour}.lock").open("w") as lock:
        # Another worker of pytest-xdist may be making it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != made_for:
            shutil.rmtree(folder, ignore_errors=True)
            _do([sys.executable, "-m", "venv", str(folder)])
            pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _do([str(folder / "bin" / "python"), *pip, *NEEDED[flavour]])
            stamp.write_text(made_for, encoding="utf-8")
    return folder / "bin" / "python"


def _do(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=600, cwd=ENVIRONMENTS)
