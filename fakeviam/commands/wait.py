"""`fakeviam wait`."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fakeviam.commands.control import unreachable, version_of
from fakeviam.commands.options import show, with_server
from fakeviam.program import CommandError, FiniteRange, Verb, format_options
from fakeviam.target import tls_failure

if TYPE_CHECKING:
    from fakeviam.commands.control import Control

#: Seconds between two looks.
_PAUSE = 0.05


@click.command("wait", cls=Verb)
@with_server
@click.option(
    "--timeout",
    type=FiniteRange(min=0),
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
        seconds = end - time.monotonic()
        why = _missing(server, max(seconds, 0.1))
        if not why:
            target = server.target.text
            show(form, {"target": target, "ready": True}, [f"{target} is ready"])
            return
        if seconds <= 0:
            raise CommandError(f"waited {timeout:g} s: {why}")
        time.sleep(min(_PAUSE, seconds))


def _missing(server: Control, patience: float) -> str:
    """Return why it is not ready; empty if it is."""
    ca_file = server.ca_file
    if server.target.tls and ca_file and not Path(ca_file).exists():
        return f"there is no {ca_file}, which `fakeviam serve --tls --ca-file` writes at its start"
    try:
        answer = server.raw("GET", "/healthz", patience=patience)
    except TimeoutError:
        return f"{server.target.text} does not answer"
    except OSError as error:
        why = unreachable(server.target, error)
        if tls_failure(error):  # which does not pass
            raise CommandError(why) from error
        return why
    except http.client.HTTPException as error:
        return f"{server.target.text} is not a fakeviam: {type(error).__name__}"
    version_of(server.target, answer)
    return "" if answer.status == 200 else f"it answered {answer.status} {answer.reason}"
