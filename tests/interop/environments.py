"""Environments of their own for what must not live in this one, under .envs/.

They are made by the first test run that needs them and kept until what goes into them changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".envs"

#: What the suite needs besides the project and the SDK.
TOOLS = ("pytest>=8.2", "pytest-asyncio>=0.24", "pytest-timeout>=2.3")

#: Of viam-sdk: the oldest that indexes still offer, and the newest that we know.
SDK_RELEASES = ("0.72.0", "0.85.1")

#: All that indexes offer. They are connected in one environment, without packages of their own:
#: these releases run with the protobuf of the newest.
SDK_CONNECTING = (
    *("0.72.0", "0.73.1", "0.74.0", "0.75.0", "0.76.0", "0.77.0", "0.78.0", "0.78.1", "0.79.0"),
    *("0.79.1", "0.79.2", "0.80.0", "0.82.0", "0.83.0", "0.83.1", "0.84.0", "0.85.0", "0.85.1"),
)

#: Our pip for all of them: none has to be unpacked into each, and nothing is compiled that is not
#: imported later.
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")

#: Seconds for one step: an index that does not answer must not hold up the run for ever.
LIMIT = 600


class InstallError(Exception):
    """An environment could not be made; the text holds what was run and what it said."""


def sdk_environment(release: str) -> Path:
    """The Python of an environment with that release of viam-sdk, for tests/interop/sdk."""
    return environment(f"sdk-{release}", [f"viam-sdk=={release}", *TOOLS])


def sdk_files(release: str) -> Path:
    """A folder with the files of that release of viam-sdk, to be put first on Python's path."""
    folder = ENVIRONMENTS / f"viam-sdk-{release}"
    with only_one(ENVIRONMENTS / f"viam-sdk-{release}.lock"):
        if not (folder / "viam").is_dir():
            making = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(making, ignore_errors=True)
            install = (*PIP, "install", "--no-compile", "--no-deps")
            run(*install, "--target", str(making), f"viam-sdk=={release}")
            making.rename(folder)
    return folder


def environment(name: str, wanted: Sequence[str], *, files_of: Sequence[str] = ()) -> Path:
    """The Python of the environment of that name, which holds the project and more.

    Args:
        name: Of the environment; one name always goes with the same packages.
        wanted: Packages to install.
        files_of: Packages to install without those that they need, for the files in them.
    """
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    made_for = "\n".join([sys.version, *wanted, *files_of])
    stamp = f"{made_for}\n{_project()}\n"
    done = folder / "installed.txt"  # gone while something is installed, so that a stop shows
    with only_one(ENVIRONMENTS / f"{name}.lock"):
        installed = done.read_text(encoding="utf-8") if done.exists() else ""
        if installed == stamp:
            return python
        done.unlink(missing_ok=True)
        if not installed.startswith(made_for):
            shutil.rmtree(folder, ignore_errors=True)
            run(sys.executable, "-m", "venv", "--without-pip", str(folder))
        install = (*PIP, "--python", str(python), "install", "--no-compile")
        run(*install, "--editable", str(ROOT), *wanted)
        if files_of:
            run(*install, "--no-deps", *files_of)
        done.write_text(stamp, encoding="utf-8")
    return python


def clean_environ() -> dict[str, str]:
    """This process's environment variables without what belongs to it alone."""
    foreign = re.compile(r"PYTEST|VIAM|COV|PYTHONPATH$|VIRTUAL_ENV$")
    return {name: value for name, value in os.environ.items() if not foreign.match(name)}


def _project() -> str:
    """A digest of what pip reads of pyproject.toml here: no extras, no settings of other tools."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    tables = re.split(r"(?m)^(?=\[)", text)
    read = [t for t in tables if re.match(r"\[(build-system|project[.\]](?!opt)|tool\.hatch)", t)]
    return hashlib.sha256("".join(read).encode()).hexdigest()


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Wait until no other process, such as another worker of pytest-xdist, is in here."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*command: str, cwd: Path = ROOT, environ: Mapping[str, str] | None = None) -> str:
    """What a command prints.

    Raises:
        InstallError: it failed, or took too long.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"{' '.join(command)}: took more than {LIMIT} s") from error
    if done.returncode:
        text = f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}"
        raise InstallError(text)
    return done.stdout
