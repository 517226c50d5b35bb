"""`fakeviam contract client`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from fakeviam.program import Verb, format_options
from fakeviam_contracts.clients.check import checked_client
from fakeviam_contracts.clients.obligations.base import ObligationOutcome
from fakeviam_contracts.clients.protocol import ClientUnusableError


@click.command("client", cls=Verb, context_settings={"allow_interspersed_args": False})
@format_options
@click.argument("command", nargs=-1, required=True)
@click.pass_context
def client_command(context: click.Context, form: str, command: tuple[str, ...]) -> None:
    """Check a client: COMMAND starts its adapter, which speaks the kit's protocol.

    For example `fakeviam contract client -- python -m fakeviam_contracts.clients.adapters.own`.
    """
    try:
        checked = checked_client(command)
    except ClientUnusableError as error:
        raise click.UsageError(str(error)) from error
    failing = [
        verdict for verdict in checked.verdicts if verdict.outcome is ObligationOutcome.BROKEN
    ]
    if form == "json":
        plain = asdict(checked)
        for entry in plain["verdicts"]:
            entry["outcome"] = entry["outcome"].value
        click.echo(json.dumps(plain, indent=1))
    else:
        for verdict in checked.verdicts:
            line = f"{verdict.outcome.value:15} {verdict.obligation:32} {verdict.detail}"
            click.echo(line.rstrip())
        click.echo(f"{checked.name} {checked.version}: {len(failing)} obligations broken")
    context.exit(1 if failing else 0)
