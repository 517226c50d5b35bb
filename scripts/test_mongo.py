"""Run the tests of databases against a server: `make test-mongo`.

FAKEVIAM_MONGO_URL names one, such as mongodb://127.0.0.1:27017; tests make databases of their own
there and drop them. Without it, SecantusDB is installed into an environment of its own and
started: it speaks the protocol of MongoDB. Its licence is the GPL, so it is only ever talked to
over its socket.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".envs" / "secantus"
NEEDED = "SecantusDB==0.7.0b3"

TESTS = (
    "tests/unit/store",
    "tests/unit/server/test_sharing.py",
    "tests/contract/test_databases.py",
)


class MissingError(Exception):
    """There is no server to test against."""


def main() -> int:
    """Run the tests; 0 too if there is no server, with the reason."""
    url = os.environ.get("FAKEVIAM_MONGO_URL")
    if url:
        return tested(url)
    try:
        with server() as started:
            return tested(started)
    except MissingError as error:
        print(f"skipped: {error}; name a server with FAKEVIAM_MONGO_URL")
        return 0


def tested(url: str) -> int:
    """Run the tests against a server."""
    command = [sys.executable, "-m", "pytest", "-q", *TESTS, *sys.argv[1:]]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "FAKEVIAM_MONGO_URL": url})


@contextmanager
def server() -> Iterator[str]:
    """A SecantusDB on a free port, with nothing in it."""
    program = installed() / "secantusd-py"
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command: list[str | Path] = [
        program,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--storage-path",
        ":memory:",
    ]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ENVIRONMENT)
        try:
            await_port(process, port)
            yield f"mongodb://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def installed() -> Path:
    """The programs of the environment, which is made once."""
    stamp = ENVIRONMENT / "installed.txt"
    programs = ENVIRONMENT / "bin"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != NEEDED:
        print(f"installing {NEEDED} into {ENVIRONMENT.relative_to(ROOT)}", flush=True)
        run([sys.executable, "-m", "venv", ENVIRONMENT])
        run([programs / "python", "-m", "pip", "install", "--quiet", NEEDED])
        stamp.write_text(NEEDED, encoding="utf-8")
    return programs


def run(command: list[str | Path]) -> None:
    """Run a step of the installation."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        lines = finished.stderr.strip().splitlines() or ["no reason is given"]
        raise MissingError(f"{NEEDED} cannot be installed ({lines[-1]})")


def await_port(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the server listens."""
    for _ in range(300):
        if process.poll() is not None:
            raise MissingError(f"SecantusDB ended with status {process.returncode}")
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise MissingError("SecantusDB did not listen within 30 seconds")


if __name__ == "__main__":
    sys.exit(main())
