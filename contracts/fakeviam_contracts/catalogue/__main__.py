"""`python -m fakeviam_contracts.catalogue`."""

from __future__ import annotations

import click

from fakeviam_contracts.catalogue.commands import (
    catalogue_commands,
    history_command,
    page_command,
)

click.Group(
    commands=[*catalogue_commands.commands.values(), page_command, history_command],
    help=catalogue_commands.help,
)(prog_name="python -m fakeviam_contracts.catalogue")
