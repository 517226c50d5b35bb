"""`fakeviam env`."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

import click

from fakeviam.commands.options import with_server
from fakeviam.environment import OPTIONAL, VARIABLES, elsewhere, environment
from fakeviam.model.errors import UsageError
from fakeviam.program import Verb, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control

_HIDDEN = (
    "# without the API key, which this server shows only to callers with its control token: "
    "set VIAM_API_KEY and VIAM_API_KEY_ID to what `fakeviam serve` printed"
)


@click.command("env", cls=Verb)
@with_server
@click.option("--unset", is_flag=True, help="Print lines that unset the variables.")
@click.option(
    "--shell",
    type=click.Choice(["sh", "fish"]),
    default="sh",
    show_default=True,
    help="Syntax: sh (also bash and zsh) or fish.",
)
@format_options
def command(*, server: Control, unset: bool, shell: str, form: str) -> None:
    """Print the environment variables that point programs to a running fake.

    Use it as: eval "$(fakeviam env)", and undo it with: eval "$(fakeviam env --unset)"
    """
    if unset and form == "json":
        raise UsageError("--json and --unset cannot be combined")
    if unset:
        for name in (*VARIABLES, *OPTIONAL):
            click.echo(f"set -e {name};" if shell == "fish" else f"unset {name}")
    elif form == "json":
        click.echo(json.dumps(_environment(server)))
        return
    else:
        for name, value in _environment(server).items():
            click.echo(_line(name, value, shell))
    if sys.stdout.isatty():
        undo = " --unset" if unset else ""
        hint = f"fakeviam env{undo} --shell fish | source"
        if shell == "sh":
            hint = f'eval "$(fakeviam env{undo})"'
        click.echo(f"# to apply this in your shell: {hint}", err=True)


def _environment(server: Control) -> dict[str, str]:
    facts = server.get("")["server"]
    if not facts["api_key"]:
        click.echo(_HIDDEN, err=True)
    target = server.target
    host = f"[{target.host}]" if ":" in target.host else target.host
    address = "" if target.path else f"{host}:{target.port}"
    seen = elsewhere(facts, address, tls=target.tls, ca_file=server.ca_file)
    return environment(seen, session=server.session, token=server.token)


def _line(name: str, value: str, shell: str) -> str:
    if shell == "fish":
        quoted = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"set -gx {name} '{quoted}';"
    return f"export {name}={shlex.quote(value)}"
