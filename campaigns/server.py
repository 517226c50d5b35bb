"""`fakeviam serve` in a process of its own, which can be looked at, starved and killed."""

from __future__ import annotations

import http.client
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = "/control/v1"


class Server:
    """A running `fakeviam serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Wait until it serves."""
        assert process.stdout is not None  # noqa: S101 - it was asked for
        line = process.stdout.readline()
        if not line:
            process.wait()
            output = process.stderr.read() if process.stderr is not None else ""
            raise AssertionError(f"the server did not start: {output}")
        ready: dict[str, Any] = json.loads(line)
        self.host, self.port, self.unix_socket = ready["host"], ready["port"], ready["unix_socket"]
        self._process = process

    @classmethod
    @contextmanager
    def running(
        cls,
        *options: str,
        largest_file: int | None = None,
        descriptors: int | None = None,
        log: Path | None = None,
    ) -> Iterator[Server]:
        """Start one, and end it.

        Args:
            options: Those of `fakeviam serve`.
            largest_file: None of its files may grow beyond that.
            descriptors: So many files and sockets at a time are all it may have open.
            log: Where it logs.
        """
        limits = {resource.RLIMIT_FSIZE: largest_file, resource.RLIMIT_NOFILE: descriptors}
        command = [sys.executable, "-m", "fakeviam", "serve", "--port", "0", "--quiet", *options]
        with (
            Path(log or os.devnull).open("w") as stderr,
            subprocess.Popen(  # noqa: S603 - our own
                command,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                # The limit holds of bytecode too, and a cut one breaks whoever imports it next.
                env=None
                if largest_file is None
                else {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                preexec_fn=partial(_limit, limits) if any(limits.values()) else None,  # noqa: PLW1509 - nothing here has threads
            ) as process,
        ):
            try:
                yield cls(process)
            finally:
                process.terminate()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it, as a crash would or by another signal, and wait until it is gone."""
        self._process.send_signal(number)
        self._process.wait()
        # What it could not remove, unless another that starts has done so.
        shutil.rmtree(Path(self.unix_socket).parent, ignore_errors=True)

    def control(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the control API; it has to be a good one."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        headers = {"content-type": "application/json"} if body is not None else {}
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, _ROOT + path, text, headers)
            reply = connection.getresponse()
            told = reply.read()
            if reply.status >= 400:
                raise AssertionError(f"{method} {path}: {reply.status} {told!r}")
            return json.loads(told) if reply.headers.get_content_subtype() == "json" else told
        finally:
            connection.close()

    def resident(self) -> int:
        """Bytes in memory."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the server has ended")

    def descriptors(self) -> int:
        """Open files and sockets."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))  # noqa: PTH208 - names suffice


def _limit(limits: dict[int, int | None]) -> None:
    for number, most in limits.items():
        if most is not None:
            resource.setrlimit(number, (most, resource.getrlimit(number)[1]))
