"""`fakeviam data-dir`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from fakeviam.commands.options import show
from fakeviam.model.text import counted
from fakeviam.program import Verbs, format_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.datadir.repair import Report

_PATH = click.argument("path", type=click.Path(file_okay=False, resolve_path=True))


@click.group("data-dir", cls=Verbs)
def command() -> None:
    """Check or repair a data directory that no server is using."""


@command.command("check")
@_PATH
@format_options
@click.pass_context
def check(context: click.Context, *, path: str, form: str) -> None:
    """Check everything in PATH; the exit status is 1 if anything is damaged."""
    from fakeviam.datadir import repair  # noqa: PLC0415 - it takes a while

    report = repair.check(path)
    show(form, report.to_json(), _lines(report))
    context.exit(1 if report.problems else 0)


@command.command("repair")
@_PATH
@format_options
def repair_(*, path: str, form: str) -> None:
    """Keep what is intact, report what is lost, and put a copy of damaged data aside."""
    from fakeviam.datadir import repair  # noqa: PLC0415 - it takes a while

    report = repair.repair(path, now=time.time_ns)
    show(form, report.to_json(), _lines(report))


def _lines(report: Report) -> Iterator[str]:
    state = "damaged" if report.problems else "whole"
    if report.saved is not None:
        state = f"repaired; damaged data was copied to {report.saved}"
    yield f"{report.path}: {state}"
    files, readings = counted(report.files, "file"), counted(report.readings, "reading")
    yield f"{files} and {readings} in {counted(report.entries, 'entry', 'entries')}"
    for where, what in report.problems:
        yield f"damaged: {where}: {what}"
    for note in report.notes:
        yield f"note: {note}"
    if report.problems and report.saved is None:
        yield f"run `fakeviam data-dir repair {report.path}` to keep what is intact"
