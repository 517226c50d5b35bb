"""Options and output that the commands share."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.control import Control
from fakeviam.commands.target import DEFAULT, Target
from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Command = Callable[..., Any]


def with_server(command: Command) -> Command:
    """Add the options that select the server; the command gets a Control as `server`."""

    @functools.wraps(command)
    def run(target: str, token: str, session: str, **options: Any) -> Any:
        server = Control(target=Target.parse(target), token=token, session=session)
        return command(server=server, **options)

    for option in (_SESSION, _TOKEN, TARGET):
        run = option(run)
    return run


TARGET = click.option(
    "--target",
    envvar="FAKEVIAM_TARGET",
    default=DEFAULT,
    show_default=True,
    show_envvar=True,
    metavar="ADDRESS",
    help="The server: host:port, http://host:port or unix:/path.",
)
_TOKEN = click.option(
    "--token",
    envvar="FAKEVIAM_CONTROL_TOKEN",
    default="",
    show_envvar=True,
    help="The control token, if the server requires one.",
)
_SESSION = click.option(
    "--session",
    envvar="FAKEVIAM_SESSION",
    default="",
    show_envvar=True,
    help="The session to act on; without one, the server itself.",
)

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="The format of the output.",
)


def show(form: str, found: Any, lines: Iterable[str]) -> None:
    """Print JSON, or the lines for people."""
    if form == "json":
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as aligned columns; the last column may have any width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def pairs(told: Sequence[str], option: str) -> dict[str, Any]:
    """`name=value` as a dict; a value is parsed as JSON if it can be, and otherwise text.

    Raises:
        UsageError: There is no `=`, or a name is given twice.
    """
    found: dict[str, Any] = {}
    for each in told:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} must be NAME=VALUE, got {each!r}")
        if name in found:
            raise UsageError(f'{option} has {name!r} twice; a list is {name}=["a","b"]')
        found[name] = _value(value)
    return found


def _value(told: str) -> Any:
    """Text as it is, unless it can only be meant as another kind of value."""
    try:
        found = json.loads(told)
    except ValueError:
        return told
    return told if isinstance(found, dict) else found
