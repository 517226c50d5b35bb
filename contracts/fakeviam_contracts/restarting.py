"""Restarts of a server elsewhere, by a command of its operator."""

from __future__ import annotations

import shlex
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from fakeviam_contracts.cleanup import CannotRunError

if TYPE_CHECKING:
    from collections.abc import Callable


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
        done = subprocess.run(words, check=False, stdout=subprocess.DEVNULL)  # noqa: S603 - as asked
    except OSError as error:
        raise CannotRunError(f"--restart {command}: {error}") from error
    if done.returncode:
        raise CannotRunError(f"--restart {command} ended with exit status {done.returncode}")
