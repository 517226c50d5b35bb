"""Options and output that the commands share."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import click

from fakeviam.commands.control import Control
from fakeviam.model.errors import UsageError
from fakeviam.program import ca_file_option, read_text, target_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fakeviam.target import Target

    Command = Callable[..., object]


def with_server(command: Command) -> Command:
    """Add the options that select the server; the command gets a Control as `server`."""

    @functools.wraps(command)
    def run(target: Target, ca_file: str, token: str, session: str, **options: object) -> object:
        server = Control(target=target, ca_file=ca_file, token=token, session=session)
        return command(server=server, **options)

    decorated: Command = run
    for option in (_SESSION, _TOKEN, ca_file_option, target_option()):
        decorated = option(decorated)
    return decorated


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


def json_from(text: str) -> object:
    """Parse the value of `--from`.

    Raises:
        UsageError: It is not JSON.
    """
    file = "-" if text == "-" else text.removeprefix("@") if text.startswith("@") else None
    return json_text(text if file is None else read_text(file), "--from")


def json_text(text: str, name: str) -> object:
    """Parse JSON passed as `name`.

    Raises:
        UsageError: It is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not valid JSON: {error}") from error


def show(form: str, document: object, lines: Iterable[str]) -> None:
    """Print JSON, or lines of text."""
    if form == "json":
        click.echo(json.dumps(document, ensure_ascii=False))
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


def cell(value: object) -> str:
    """A value for people: - for none, yes and no, text as it is, anything else as JSON."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def details(document: Mapping[str, object]) -> list[str]:
    """Format the fields of an object, one a line."""
    return columns([(name.replace("_", " "), cell(value)) for name, value in document.items()])


def pairs(texts: Sequence[str], option: str) -> dict[str, object]:
    """Parse `name=value` pairs; a value is parsed as JSON if possible, otherwise it is text.

    Raises:
        UsageError: A `=` is missing, or a name is repeated.
    """
    values: dict[str, object] = {}
    for each in texts:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} must be NAME=VALUE, got {each!r}")
        if name in values:
            raise UsageError(f'{option} has {name!r} twice; a list is {name}=["a","b"]')
        values[name] = _value(value)
    return values


def _value(text: str) -> object:
    """Keep text as it is, unless it can only mean another kind of value."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict) else value
