"""Options that all verbs share, and how they show what they found."""

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


def talks(command: Command) -> Command:
    """Give a command the options that say which server; it gets a Control as `server`."""

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
    help="Its control token, if it wants one.",
)
_SESSION = click.option(
    "--session",
    envvar="FAKEVIAM_SESSION",
    default="",
    show_envvar=True,
    help="The session that it is about; without one, the server's own world.",
)

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)


def show(form: str, found: Any, lines: Iterable[str]) -> None:
    """Print JSON, or the lines for people."""
    if form == "json":
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows under each other; the last column is as wide as it likes."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def pairs(told: Sequence[str], option: str) -> dict[str, Any]:
    """`name=value` as a dict; a value that is JSON is that, anything else is text.

    Raises:
        UsageError: There is no `=`.
    """
    found: dict[str, Any] = {}
    for each in told:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} must be NAME=VALUE, got {each!r}")
        found[name] = _value(value)
    return found


def _value(told: str) -> Any:
    """Text as it is, unless it can only be meant as another kind of value."""
    try:
        found = json.loads(told)
    except ValueError:
        return told
    return told if isinstance(found, dict) else found
