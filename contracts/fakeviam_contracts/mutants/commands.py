"""`fakeviam contract mutants`."""

from __future__ import annotations

import asyncio
import json

import click

from fakeviam_contracts.kill_power import TABLE
from fakeviam_contracts.mutants import park
from fakeviam_contracts.mutants.clients import CLIENTS, Fate, fate_of


@click.command("mutants")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--measure", is_flag=True, help="Write the table of kill power again; minutes.")
@click.pass_context
def mutants_command(context: click.Context, form: str, *, measure: bool) -> None:
    """Run the park of wrong servers and clients: all must be found."""
    if measure:
        TABLE.write_text(park.measure(lambda line: click.echo(line, err=True)), encoding="utf-8")
        click.echo(f"written: {TABLE.name}")
        return
    fates = park.run_park(tell=_progress)
    clients = asyncio.run(_clients())
    if form == "json":
        plain = {"servers": [_plain(fate) for fate in fates], "clients": clients}
        click.echo(json.dumps(plain, indent=1))
    else:
        for fate in fates:
            if fate.verdict != "killed":
                click.echo(
                    f"{fate.verdict}: {fate.mutant.name} [{fate.mutant.clause}] {fate.claim}"
                )
        click.echo(park.summary(fates))
        alive = [name for name, fate in clients.items() if fate != Fate.KILLED.value]
        for name in alive:
            click.echo(f"{clients[name]}: {name}")
        click.echo(f"{len(clients)} wrong clients: {len(clients) - len(alive)} killed")
    dead = all(fate.verdict == "killed" for fate in fates)
    context.exit(0 if dead and set(clients.values()) == {Fate.KILLED.value} else 1)


async def _clients() -> dict[str, str]:
    """What became of each wrong client."""
    return {mutant.name: (await fate_of(mutant))[0].value for mutant in CLIENTS}


def _progress(fate: park.Fate) -> None:
    click.echo(f"{fate.verdict:10} {fate.calls:5} calls  {fate.mutant.name}", err=True)


def _plain(fate: park.Fate) -> dict[str, object]:
    return {
        "mutant": fate.mutant.name,
        "clause": fate.mutant.clause,
        "verdict": fate.verdict,
        "check": fate.check,
        "calls": fate.calls,
        "seconds": round(fate.seconds, 3),
        "claim": fate.claim,
    }
