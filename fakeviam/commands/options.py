"""Options and output that the commands share."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.control import Control
from fakeviam.model.errors import UsageError
from fakeviam.program import read_text, target_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam.target import Target

    Command = Callable[..., Any]


def with_server(command: Command) -> Command:
    """Add the options that select the server; the command gets a Control as `server`."""

    @functools.wraps(command)
    def run(target: Target, token: str, session: str, **options: Any) -> Any:
        server = Control(target=target, token=token, session=session)
        return command(server=server, **options)

    chosen: Command = run
    for option in (_SESSION, _TOKEN, target_option()):
        chosen = option(chosen)
    return chosen


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
    help="The session to act on; by default the server itself.",
)


FROM_OPTION = click.option(
    "--from",
    "document",
    metavar="JSON|@FILE|-",
    help="The complete request as JSON: text, @FILE, or - for stdin.",
)


def json_from(told: str) -> Any:
    """Parse the value of `--from`.

    Raises:
        UsageError: It is not JSON.
    """
    file = "-" if told == "-" else told.removeprefix("@") if told.startswith("@") else None
    return json_text(told if file is None else read_text(file), "--from")


def json_text(text: str, name: str) -> Any:
    """Parse JSON passed as `name`.

    Raises:
        UsageError: It is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not valid JSON: {error}") from error


def show(form: str, found: Any, lines: Iterable[str]) -> None:
    """Print JSON, or lines of text."""
    if form == "json":
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Format rows as aligned columns; the last column has any width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def counted(count: int, one: str, several: str = "") -> str:
    """`1 fault`, `2 faults`."""
    return f"{count} {one if count == 1 else several or f'{one}s'}"


def pairs(told: Sequence[str], option: str) -> dict[str, Any]:
    """Parse `name=value` pairs; a value is parsed as JSON if possible, otherwise it is text.

    Raises:
        UsageError: A `=` is missing, or a name is repeated.
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
    """Keep text as it is, unless it can only mean another kind of value."""
    try:
        found = json.loads(told)
    except ValueError:
        return told
    return told if isinstance(found, dict) else found
