"""Run the unit tests on every supported Python with every supported protobuf.

    python scripts/test_matrix.py                                   # all cells, tests/unit
    python scripts/test_matrix.py --python 3.10 --protobuf 4.25 tests/unit/wire
    python scripts/test_matrix.py --pairs tests/unit/wire           # each Python and protobuf once
    python scripts/test_matrix.py --list                            # which cells, run nothing

Each cell has an environment of its own under .envs/, kept until the project's metadata changes.
viam-sdk is left out of them: it allows one protobuf only. Tests that need it skip themselves.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".envs"

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
PROTOBUFS = ("4.25", "5.29", "6.33", "7")
TOOLS = (
    "hypothesis>=6.100",
    "mongomock>=4.3",
    "pymongo>=4.10",
    "pytest>=8.2",
    "pytest-asyncio>=0.24",
    "pytest-timeout>=2.3",
)

# Our own warnings stay errors in every cell. These are protobuf's, from its import; it was
# released before the Python that warns, and its series gets no more releases.
IGNORED_WARNINGS: Mapping[str, tuple[str, ...]] = {
    "4.25": (
        # Its C types are built in a way that Python 3.12 deprecates.
        "ignore:Type google._upb._message:DeprecationWarning",
        # Its Timestamp helper asks for the epoch by a name that Python 3.12 deprecates.
        "ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning",
    ),
}

PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
INSTALLED = "from importlib.metadata import version; print(version('protobuf'))"
LIMIT = 1800  # seconds for one cell's tests: a hanging one must not hold up the others forever


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One Python with one protobuf series."""

    python: str
    protobuf: str

    @property
    def name(self) -> str:
        return f"py{self.python}-protobuf{self.protobuf}"

    @property
    def folder(self) -> Path:
        return ENVIRONMENTS / self.name

    @property
    def interpreter(self) -> Path:
        return self.folder / "bin" / "python"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one cell."""

    cell: Cell
    status: str  # passed, FAILED, or absent for a Python that this machine does not have
    detail: str
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        return self.status == "FAILED"


class CellError(Exception):
    """A step of a cell went wrong; the text is what to tell."""


def candidates(version: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the places where a Python of that version may be: PATH first, then pyenv."""
    for folder in environment.get("PATH", "").split(os.pathsep):
        if folder:
            yield Path(folder) / f"python{version}"
    home = Path(environment.get("HOME", "~")).expanduser()
    pyenv = Path(environment.get("PYENV_ROOT") or home / ".pyenv")
    for release in sorted((pyenv / "versions").glob(f"{version}.*"), reverse=True):
        yield release / "bin" / f"python{version}"


def find_python(version: str, environment: Mapping[str, str]) -> Path | None:
    """Return a Python that runs, is of that version and can make environments, if there is one.

    Being there is not enough: a pyenv shim may stand for a version that is switched off, and a
    distribution may ship Python without ensurepip.
    """
    for path in candidates(version, environment):
        if not os.access(path, os.X_OK):
            continue
        result = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, check=False)
        if result.returncode == 0 and result.stdout.strip() == version:
            return path
    return None


def requirements(cell: Cell) -> list[str]:
    """Return what pip is told to install besides the project."""
    return [f"protobuf=={cell.protobuf}.*", *TOOLS]


def stamp(cell: Cell) -> str:
    """Return a text that changes when the cell's environment has to be made anew."""
    metadata = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return "\n".join([*requirements(cell), metadata, ""])


def prepare(cell: Cell, python: Path) -> None:
    """Make the cell's environment unless a current one is there."""
    marker = cell.folder / "installed.txt"  # written last: a stopped installation does not count
    if marker.exists() and marker.read_text(encoding="utf-8") == stamp(cell):
        return
    shutil.rmtree(cell.folder, ignore_errors=True)
    _step(cell, "venv", [python, "-m", "venv", cell.folder])
    pip = (cell.interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _step(cell, "install", [*pip, "--editable", ROOT, *requirements(cell)])
    marker.write_text(stamp(cell), encoding="utf-8")


def _step(cell: Cell, name: str, command: Sequence[str | Path]) -> str:
    """Run one command, keep its output beside the environment, and return its last line."""
    try:
        result = subprocess.run(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        raise CellError(f"{name} took more than {LIMIT} s") from None
    ENVIRONMENTS.mkdir(exist_ok=True)
    log = ENVIRONMENTS / f"{cell.name}.{name}.log"
    log.write_text(result.stdout, encoding="utf-8")
    lines = result.stdout.strip().splitlines() or [""]
    if result.returncode:
        path = log.relative_to(ENVIRONMENTS.parent)
        print("\n".join(["", f"--- {path}", *lines[-40:], "---", ""]))
        raise CellError(f"{name} exited with {result.returncode}: {lines[-1]}")
    return lines[-1]


def run_tests(cell: Cell, tests: Sequence[str]) -> str:
    """Run pytest in the cell and return its closing line with the protobuf it ran on."""
    release = _step(cell, "version", [cell.interpreter, "-c", INSTALLED])
    if not release.startswith(f"{cell.protobuf}."):
        raise CellError(f"the environment holds protobuf {release}")
    options = [part for text in IGNORED_WARNINGS.get(cell.protobuf, ()) for part in ("-W", text)]
    # The environments share one checkout, so none may write into its cache.
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    closing = _step(cell, "tests", [cell.interpreter, "-m", "pytest", *quiet, *options, *tests])
    return f"{release}: {closing.strip('= ')}"


def run(cell: Cell, python: Path | None, tests: Sequence[str]) -> Result:
    """Do all steps of one cell."""
    if python is None:
        return Result(cell=cell, status="absent", detail=f"no usable python{cell.python} here")
    start = time.monotonic()
    try:
        prepare(cell, python)
        status, detail = "passed", run_tests(cell, tests)
    except CellError as error:
        status, detail = "FAILED", str(error)
    return Result(cell=cell, status=status, detail=detail, seconds=time.monotonic() - start)


def table(results: Sequence[Result]) -> str:
    """Return the results as aligned lines under a heading."""
    rows = [("python", "protobuf", "result", "seconds", "detail")]
    rows += [
        (
            result.cell.python,
            result.cell.protobuf,
            result.status,
            f"{result.seconds:.0f}" if result.seconds else "",
            result.detail,
        )
        for result in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the tests on Pythons and protobufs.")
    parser.add_argument("--python", action="append", choices=PYTHONS, help="only this one")
    parser.add_argument("--protobuf", action="append", choices=PROTOBUFS, help="only this one")
    parser.add_argument("--pairs", action="store_true", help="each Python and protobuf once")
    parser.add_argument("--list", action="store_true", help="show the cells, run nothing")
    parser.add_argument("tests", nargs="*", default=["tests/unit"], help="what pytest is given")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 1 if a cell failed or none could run."""
    options = _arguments(arguments)
    pythons = {python: find_python(python, os.environ) for python in options.python or PYTHONS}
    combine = zip if options.pairs else itertools.product
    cells = [
        Cell(python=python, protobuf=protobuf)
        for python, protobuf in combine(pythons, options.protobuf or PROTOBUFS)
    ]
    if options.list:
        for cell in cells:
            print(f"{cell.name}: {pythons[cell.python] or 'absent'}")
        return 0
    results = []
    for cell in cells:
        print(f"{cell.name} ...", flush=True)
        results.append(run(cell, pythons[cell.python], options.tests))
    print(table(results))
    ran = [result for result in results if result.status != "absent"]
    return 1 if not ran or any(result.failed for result in ran) else 0


if __name__ == "__main__":
    sys.exit(main())
