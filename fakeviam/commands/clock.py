"""`fakeviam clock`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fakeviam.commands.options import show, with_server
from fakeviam.model.errors import UsageError
from fakeviam.program import Verbs, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


class _ShowsByDefault(Verbs):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in self.get_help_option_names(ctx)):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group("clock", cls=_ShowsByDefault)
def command() -> None:
    """Show or change the clock of a running fake; without a subcommand, show it."""


@command.command("show")
@with_server
@format_options
def show_clock(*, server: Control, form: str) -> None:
    """Show the clock."""
    _show(form, server.get("/clock"))


@command.command("advance")
@with_server
@click.option("--days", type=float, default=0.0)
@click.option("--hours", type=float, default=0.0)
@click.option("--minutes", type=float, default=0.0)
@click.option("--seconds", type=float, default=0.0)
@format_options
def advance(*, server: Control, form: str, **units: float) -> None:
    """Advance the clock by the sum of the options; negative amounts move it back."""
    step = {unit: amount for unit, amount in units.items() if amount}
    if not step:
        raise UsageError("give an amount: --days, --hours, --minutes or --seconds")
    _move(server, form, {"advance": step})


@command.command("set")
@with_server
@click.argument("time")
@format_options
def set_clock(*, server: Control, time: str, form: str) -> None:
    """Set the clock to TIME: ISO 8601, UTC unless it has an offset."""
    _move(server, form, {"set": time})


@command.command("freeze")
@with_server
@format_options
def freeze(*, server: Control, form: str) -> None:
    """Stop the clock."""
    _move(server, form, {"freeze": True})


@command.command("run")
@with_server
@format_options
def run(*, server: Control, form: str) -> None:
    """Start the clock again."""
    _move(server, form, {"freeze": False})


def _move(server: Control, form: str, what: dict[str, object]) -> None:
    _show(form, server.send("POST", "/clock", what))


def _show(form: str, clock: dict[str, object]) -> None:
    show(form, clock, [f"{clock['now']}{' (frozen)' if clock['frozen'] else ''}"])
