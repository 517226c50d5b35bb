"""The command line: python -m campaigns fuzz|soak|crash."""
# ruff: noqa: T201 - it talks to people

from __future__ import annotations

import signal
import sys

import click

from campaigns import soak as soaking
from campaigns.crash import run as crashing
from campaigns.crash.run import KINDS
from campaigns.fuzz import report, run
from campaigns.fuzz.targets import TARGETS

MILLION = 1_000_000


@click.group(help=(__doc__ or "").splitlines()[0])
def campaigns() -> None:
    """All campaigns."""
    # So that directories are cleared up and servers stopped, as on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@campaigns.command()
@click.option("--inputs", default=MILLION, show_default=True, help="How many, over all targets.")
@click.option("--seed", default=1, show_default=True, help="Another seed makes other inputs.")
@click.option("--only", multiple=True, type=click.Choice([*TARGETS]), help="Only this target.")
@click.option("--round", "number", type=int, help="Only this round of it, to see a failure again.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("--minutes", type=float, help="Begin no new round after so long.")
def fuzz(
    inputs: int,
    seed: int,
    only: tuple[str, ...],
    number: int | None,
    jobs: int,
    minutes: float | None,
) -> None:
    """Inputs that no honest client sends, from a seed, to everything that takes some."""
    names = only or tuple(TARGETS)
    if number is None:
        rounds = run.rounds_of(names, inputs)
    elif len(only) == 1:
        rounds = [(only[0], number)]
    else:
        raise click.UsageError("--round goes with one --only")
    scores = run.campaign(
        rounds,
        seed=seed,
        jobs=1 if number is not None else jobs,
        seconds=None if minutes is None else minutes * 60,
        to=sys.stdout,
    )
    scores = {name: scores[name] for name in TARGETS if name in scores}
    print(report.table(scores))
    if number is None and not only:
        until = "" if minutes is None else f" --minutes {minutes:g}"
        command = f"make fuzz ARGS='--seed {seed} --inputs {inputs}{until}'"
        print(f"written to {report.write(scores, seed=seed, command=command)}")
    sys.exit(1 if run.broken(scores) else 0)


@campaigns.command()
@click.option("--rounds", default=100, show_default=True, help="How many after the warm-up.")
@click.option("--seed", default=1, show_default=True, help="Another seed makes other calls.")
def soak(rounds: int, seed: int) -> None:
    """The same mixed work again and again; memory and descriptors must stay as they are."""
    samples = soaking.soak(rounds, seed=seed, to=sys.stdout)
    command = f"make soak ARGS='--seed {seed} --rounds {rounds}'"
    problems = soaking.broken(samples)
    print("\n".join(f"BROKEN  {each}" for each in problems) or "no law is broken")
    print(f"written to {soaking.write(samples, seed=seed, command=command)}")
    sys.exit(1 if problems else 0)


@campaigns.command()
@click.option("--kills", default=KINDS["kills"][1], show_default=True, help="Servers to kill.")
@click.option("--disks", default=KINDS["disks"][1], show_default=True, help="Disks to fill.")
@click.option("--calls", default=KINDS["calls"][1], show_default=True, help="Kills in any call.")
@click.option("--fulls", default=KINDS["fulls"][1], show_default=True, help="Full in any call.")
@click.option("--damages", default=KINDS["damages"][1], show_default=True, help="Files to damage.")
@click.option("--seed", default=1, show_default=True, help="Another seed makes other trials.")
@click.option("--only", type=click.Choice([*KINDS]), help="Only this kind.")
def crash(seed: int, only: str | None, **counts: int) -> None:
    """Servers that are killed, disks that are full, files that are damaged."""
    scores = [
        crashing.run(kind, seed=seed, count=count, to=sys.stdout)
        for kind, count in counts.items()
        if only in (None, kind)
    ]
    if only is None:
        options = " ".join(f"--{kind} {count}" for kind, count in counts.items())
        command = f"make crash ARGS='--seed {seed} {options}'"
        print(f"written to {crashing.write(scores, seed=seed, command=command)}")
    sys.exit(1 if any(score.broken for score in scores) else 0)


if __name__ == "__main__":
    campaigns(prog_name="python -m campaigns")
