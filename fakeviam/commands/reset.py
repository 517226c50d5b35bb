"""`fakeviam reset`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import FORMAT, columns, show, with_server

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.command("reset")
@with_server
@FORMAT
def command(*, server: Control, form: str) -> None:
    """Delete all data, and print how much there was."""
    receipt = server.send("POST", "/reset")
    show(form, receipt, _lines(receipt))


def _lines(receipt: dict[str, Any]) -> list[str]:
    return columns([(name.replace("_", " "), str(value)) for name, value in receipt.items()])
