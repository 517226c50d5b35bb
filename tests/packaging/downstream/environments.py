"""Our wheel, and environments of their own into which it is installed, under .envs/.

They are made by the first run that needs them and kept until what goes into them changes.
"""

from __future__ import annotations

import fcntl
import functools
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
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENTS = ROOT / ".envs"
SOURCES = ("fakeviam", "client", "contracts", "pyproject.toml", "README.md", "LICENSE")
LIMIT = 900  # seconds for one step: an index that does not answer must not hold up the run for ever

#: What a project may have that uses all of fakeviam.
EVERYTHING = ("viam-sdk==0.85.1", "pytest", "pytest-asyncio", "pytest-xdist", "pytest-randomly")

#: Our pip, also for environments, which need none: unpacking one takes longer than what it does.
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")


@functools.cache  # one run tests one wheel, even if somebody goes on writing meanwhile
def wheel() -> Path:
    """The wheel of the working tree as it is now."""
    sources = _sources()
    folder = ENVIRONMENTS / "wheel" / _digest(sources)
    with _only_one("wheel"):
        if not (folder / "done").exists():
            for old in sorted(folder.parent.glob("*"), key=lambda path: path.stat().st_mtime)[:-3]:
                shutil.rmtree(old)
            run(sys.executable, *PIP, "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
            (folder / "done").write_text("\n".join(map(str, sources)), encoding="utf-8")
    (found,) = folder.glob("*.whl")
    return found


def environment(name: str, *wanted: str) -> Path:
    """The Python of an environment that holds our wheel and `wanted`."""
    folder = ENVIRONMENTS / f"downstream-{name}"
    python = folder / "bin" / "python"
    ours = wheel()
    made_for = "\n".join([sys.version, *wanted])
    stamp = f"{made_for}\n{ours.parent.name}\n"
    done = folder / "installed.txt"  # gone while something is installed, so that a stop shows
    with _only_one(folder.name):
        installed = done.read_text(encoding="utf-8") if done.exists() else ""
        if installed == stamp:
            return python
        done.unlink(missing_ok=True)
        if not installed.startswith(made_for):
            shutil.rmtree(folder, ignore_errors=True)
            run(sys.executable, "-m", "venv", "--without-pip", folder)
        # Nothing is compiled that is not imported later.
        install = (*PIP, "--python", python, "install", "--no-compile")
        run(sys.executable, *install, "--no-deps", "--force-reinstall", ours)
        run(sys.executable, *install, ours, *wanted)
        done.write_text(stamp, encoding="utf-8")
    return python


def run(program: str | Path, *arguments: str | Path, cwd: Path = ROOT, status: int = 0) -> str:
    """Run a program that has to end with `status`, and return what it printed."""
    foreign = re.compile(r"PYTEST|VIAM|COV|PYTHONPATH$|VIRTUAL_ENV$")
    done = subprocess.run(
        [program, *arguments],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if not foreign.match(name)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    text = f"{program} {arguments} ended with this:\n{done.stdout[-5000:]}"
    assert done.returncode == status, text
    return done.stdout


def wheel_sources() -> list[Path]:
    """What the wheel was made of, relative to the repository."""
    return [Path(line) for line in (wheel().parent / "done").read_text("utf-8").splitlines()]


def _sources() -> list[Path]:
    places = [ROOT / name for name in SOURCES]
    found = [place for place in places if place.is_file()]
    found += [path for place in places for path in place.rglob("*") if path.is_file()]
    return sorted(path.relative_to(ROOT) for path in found if "__pycache__" not in path.parts)


def _digest(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sources:
        digest.update(f"{path}\n".encode())
        digest.update(hashlib.sha256((ROOT / path).read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextmanager
def _only_one(name: str) -> Iterator[None]:
    """Keep the workers of pytest-xdist from making the same thing at the same time."""
    ENVIRONMENTS.mkdir(exist_ok=True)
    with (ENVIRONMENTS / f"{name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
