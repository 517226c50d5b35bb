"""`fakeviam reset`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import columns, show, with_server
from fakeviam.program import format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.command("reset")
@with_server
@format_options
def command(*, server: Control, form: str) -> None:
    """Delete all data, and print how much was deleted."""
    receipt = server.send("POST", "/reset")
    show(form, receipt, _lines(receipt))


def _lines(receipt: dict[str, Any]) -> list[str]:
    return columns([(name.replace("_", " "), str(value)) for name, value in receipt.items()])
