"""Restarts of a server elsewhere, by a command of its operator."""

from __future__ import annotations

import contextlib
import shlex
import socket
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.wirelog import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam.target import Target

#: Seconds that a command may take, and a server, after that, to hang up. Not longer, as servers
#: also drop those who say nothing.
PATIENCE, HANG_UP = 60.0, 5.0


def by_command(command: str) -> Callable[[], None]:
    """What restarts a server by a command, which may return before the server is there.

    Raises:
        CannotRunError: It is no command.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CannotRunError(f"--restart {command!r} is no command: {error}") from error
    if not words:
        raise CannotRunError("--restart is an empty command")
    return partial(_restart, words)


def _restart(words: list[str]) -> None:
    command = shlex.join(words)
    try:
        # What it prints would be taken for the kit's own report.
        done = subprocess.run(  # noqa: S603 - as asked
            words, check=False, stdout=subprocess.DEVNULL, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        advice = "it must end when the server starts; let that run in the background"
        text = f"--restart {command} did not end within {PATIENCE:g} s: {advice}"
        raise CannotRunError(text) from error
    except OSError as error:
        raise CannotRunError(f"--restart {command}: {error}") from error
    if done.returncode:
        raise CannotRunError(f"--restart {command} ended with exit status {done.returncode}")


@contextlib.contextmanager
def watched(where: Target) -> Iterator[None]:
    """See that a server is restarted meanwhile: then it hangs up on those who are connected.

    Raises:
        CannotRunError: It does not, so that nothing was tried.
        ConnectionLostError: It was not there before.
    """
    try:
        witness = _connected(where)
    except OSError as error:
        raise ConnectionLostError(f"restart: {error}") from error
    with witness:
        yield
        if not _hangs_up(witness):
            text = f"the server did not hang up within {HANG_UP:g} s: it was not restarted"
            raise CannotRunError(f"--restart ended, but {text}")


def _connected(where: Target) -> socket.socket:
    if not where.path:
        return socket.create_connection((where.host, where.port))
    client = socket.socket(socket.AF_UNIX)
    client.connect(where.path)
    return client


def _hangs_up(client: socket.socket) -> bool:
    """Whether the other side ends a connection; before that it may say something."""
    until = time.monotonic() + HANG_UP
    try:
        while (left := until - time.monotonic()) > 0:
            client.settimeout(left)
            if not client.recv(1024):
                return True
    except TimeoutError:
        pass
    except OSError:
        return True
    return False
