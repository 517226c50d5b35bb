"""`fakeviam seed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import columns, show, with_server
from fakeviam.program import format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control

_LINES_TYPE = "application/x-ndjson"


@click.command("seed")
@with_server
@click.argument("file", type=click.Path())
@format_options
def command(*, server: Control, file: str, form: str) -> None:
    """Load FILE into a running fake: all of it, or nothing.

    FILE is a seed file (YAML or JSON), a COCO file, a dataset.jsonl, or a folder that the viam
    command line exported. Files that it names are sent along, so the server need not see them.
    """
    from fakeviam import exchange, seeds  # noqa: PLC0415 - `--help` needs none of it

    applied = server.stream("/seed", _LINES_TYPE, seeds.inlined(exchange.read_any(file)))
    show(form, applied, _lines(applied))


def _lines(applied: dict[str, Any]) -> list[str]:
    # Things have a short and a full name; the first one will do.
    named = {
        (kind, found): name
        for kind in ("organizations", "parts", "datasets", "files")
        for name, found in reversed(applied[kind].items())
    }
    rows = [(kind.rstrip("s"), name, found) for (kind, found), name in reversed(named.items())]
    lines = columns(rows) if rows else []
    if applied["readings"]:
        lines.append(f"{applied['readings']} readings")
    return lines or ["the seed is empty"]
