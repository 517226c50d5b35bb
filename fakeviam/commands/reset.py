"""`fakeviam reset`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fakeviam.commands.options import details, show, with_server
from fakeviam.program import Verb, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.command("reset", cls=Verb)
@with_server
@format_options
def command(*, server: Control, form: str) -> None:
    """Delete all data, and print how much was deleted."""
    receipt = server.send("POST", "/reset")
    show(form, receipt, details(receipt))
