"""`fakeviam explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fakeviam.commands.options import show, with_server
from fakeviam.program import Verb, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.command("explain", cls=Verb)
@with_server
@click.argument("number", required=False, type=click.IntRange(min=1))
@click.option("--file", "file_id", metavar="ID", help="Only this record, by any of its ids.")
@format_options
def command(*, server: Control, number: int | None, file_id: str | None, form: str) -> None:
    """Explain why the reply to a call includes each record or not.

    NUMBER is the number in `fakeviam calls`; by default the latest call that selected data.
    """
    explanation = server.get(f"/calls/{number or 'last'}/explanation", file_id=file_id)
    show(form, explanation, [explanation["text"]])
