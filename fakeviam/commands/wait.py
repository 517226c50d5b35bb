"""`fakeviam wait`."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import click

from fakeviam.commands.control import unreachable, version_of
from fakeviam.commands.options import show, with_server
from fakeviam.program import CommandError, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control

#: Seconds between two looks.
_PAUSE = 0.05


@click.command("wait")
@with_server
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up after this time.",
)
@format_options
def command(*, server: Control, timeout: float, form: str) -> None:
    """Wait until a server accepts calls.

    Exit status 0 once it does, 1 if it takes too long. Needs no token.
    """
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        why = _missing(server, max(left, 0.1))
        if not why:
            told = server.target.told
            show(form, {"target": told, "ready": True}, [f"{told} is ready"])
            return
        if left <= 0:
            raise CommandError(f"waited {timeout:g} s: {why}")
        time.sleep(min(_PAUSE, left))


def _missing(server: Control, patience: float) -> str:
    """Return why it is not ready; empty if it is."""
    try:
        answer = server.raw("GET", "/healthz", patience=patience)
    except TimeoutError:
        return f"{server.target.told} does not answer"
    except OSError as error:
        return unreachable(server.target, error)
    except http.client.HTTPException as error:
        return f"{server.target.told} is not a fakeviam: {type(error).__name__}"
    version_of(server.target, answer)
    return "" if answer.status == 200 else f"it answered {answer.status} {answer.reason}"
