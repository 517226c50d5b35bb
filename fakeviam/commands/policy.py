"""`fakeviam policy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import cell, columns, pairs, show, with_server
from fakeviam.model.errors import UsageError
from fakeviam.program import Verbs, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.group("policy", cls=Verbs)
def command() -> None:
    """Show or change how a running fake decides disputed points."""


@command.command("show")
@with_server
@format_options
def show_(*, server: Control, form: str) -> None:
    """Show how each point is decided."""
    _show(server.get("/policy"), form)


@command.command("set")
@with_server
@click.argument("changes", nargs=-1, metavar="[PRESET] [FIELD=VALUE]...")
@format_options
def set_(*, server: Control, changes: tuple[str, ...], form: str) -> None:
    """Change the policy: to documented, observed or strict, or field by field.

    For example: fakeviam policy set strict interval_bounds=half-open
    """
    if not changes:
        raise UsageError(
            "specify what to change: a preset (documented, observed, strict) or FIELD=VALUE; "
            "`fakeviam policy show` lists the fields"
        )
    first = () if "=" in changes[0] else changes[:1]
    fields = pairs(changes[len(first) :], "a change")
    if first:
        fields["preset"] = first[0]
    _show(server.send("PATCH", "/policy", fields), form)


def _show(policy: dict[str, Any], form: str) -> None:
    show(form, policy, columns([(name, cell(value)) for name, value in policy.items()]))
