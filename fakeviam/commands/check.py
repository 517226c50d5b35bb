"""`fakeviam check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fakeviam.commands.options import show, with_server
from fakeviam.model.errors import UsageError
from fakeviam.program import Verb, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.command("check", cls=Verb)
@with_server
@click.argument("path", required=False, metavar="")
@format_options
@click.pass_context
def command(context: click.Context, *, server: Control, path: str | None, form: str) -> None:
    """Report problems of a running fake; the exit status is 1 if there are any.

    Problems are crashed handlers, planned faults that never fired and, in strict mode, calls
    that used something the fake does not support.
    """
    if path is not None:
        verb = "data-dir check" if Path(path).is_dir() else "contract run --target"
        raise UsageError(f"check takes no arguments; did you mean `fakeviam {verb} {path}`?")
    report = server.get("/check")
    show(form, report, ["no problems"] if report["ok"] else [report["problem"]])
    context.exit(0 if report["ok"] else 1)
