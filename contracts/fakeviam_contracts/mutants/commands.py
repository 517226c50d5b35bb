"""`fakeviam contract mutants`."""

from __future__ import annotations

import asyncio
import json

import click

from fakeviam.program import Verb, format_options
from fakeviam_contracts.mutants import mutant_suite
from fakeviam_contracts.mutants.clients import CLIENTS, MutantStatus, client_outcome


@click.command("mutants", cls=Verb)
@format_options
@click.pass_context
def mutants_command(context: click.Context, form: str) -> None:
    """Run the kit against mutants, deliberately wrong servers and clients: all must be killed."""
    outcomes = mutant_suite.run_mutant_suite(tell=_progress)
    clients = asyncio.run(_clients())
    if form == "json":
        plain = {"servers": [_plain(outcome) for outcome in outcomes], "clients": clients}
        click.echo(json.dumps(plain, indent=1))
    else:
        for outcome in outcomes:
            if outcome.verdict != "killed":
                click.echo(
                    f"{outcome.verdict}: {outcome.mutant.name} "
                    f"[{outcome.mutant.clause}] {outcome.claim}"
                )
        click.echo(mutant_suite.summary(outcomes))
        alive = [name for name, outcome in clients.items() if outcome != MutantStatus.KILLED.value]
        for name in alive:
            click.echo(f"{clients[name]}: {name}")
        click.echo(f"{len(clients)} wrong clients: {len(clients) - len(alive)} killed")
    dead = all(outcome.verdict == "killed" for outcome in outcomes)
    context.exit(0 if dead and set(clients.values()) == {MutantStatus.KILLED.value} else 1)


async def _clients() -> dict[str, str]:
    """The outcomes of all wrong clients."""
    return {mutant.name: (await client_outcome(mutant))[0].value for mutant in CLIENTS}


def _progress(outcome: mutant_suite.MutantOutcome) -> None:
    click.echo(f"{outcome.verdict:10} {outcome.calls:5} calls  {outcome.mutant.name}", err=True)


def _plain(outcome: mutant_suite.MutantOutcome) -> dict[str, object]:
    return {
        "mutant": outcome.mutant.name,
        "clause": outcome.mutant.clause,
        "verdict": outcome.verdict,
        "check": outcome.check,
        "calls": outcome.calls,
        "seconds": round(outcome.seconds, 3),
        "claim": outcome.claim,
    }
