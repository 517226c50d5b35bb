"""What went wrong while a command ran, as opposed to how it was written."""

from __future__ import annotations

import click


class CommandError(click.ClickException):
    """The server is not there, or refused; exit status 1, where mistakes of the caller are 2."""

    exit_code = 1
