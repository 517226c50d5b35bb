"""`fakeviam contract mutants`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fakeviam_contracts.mutants import park


@click.command("mutants")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--measure", is_flag=True, help="Write the table of kill power again; minutes.")
@click.pass_context
def mutants_command(context: click.Context, form: str, *, measure: bool) -> None:
    """Run the park of wrong servers: all must be found."""
    if measure:
        table = Path(__file__).parent / park.TABLE
        table.write_text(park.measure(), encoding="utf-8")
        click.echo(f"written: {table.name}")
        return
    fates = park.run_park(tell=_progress)
    if form == "json":
        click.echo(json.dumps([_plain(fate) for fate in fates], indent=1))
    else:
        for fate in fates:
            if fate.verdict != "killed":
                click.echo(
                    f"{fate.verdict}: {fate.mutant.name} [{fate.mutant.clause}] {fate.claim}"
                )
        click.echo(park.summary(fates))
    context.exit(0 if all(fate.verdict == "killed" for fate in fates) else 1)


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
