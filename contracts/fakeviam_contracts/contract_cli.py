"""The commands of `fakeviam contract`."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

import click

from fakeviam.program import (
    POLICIES,
    CannotRunHereError,
    PolicyName,
    Verbs,
    ca_file_option,
    format_options,
    target_option,
    version_option,
)
from fakeviam.program import run as run_program
from fakeviam.target import Target, default_target
from fakeviam_contracts import reports, scripts
from fakeviam_contracts.addresses import KIT_FORMS, KitTargetType, max_rps_option
from fakeviam_contracts.clauses import THRESHOLDS
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.profiles import PROFILES
from fakeviam_contracts.results import worst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import ModuleType

    from fakeviam_contracts.results import Result
    from fakeviam_contracts.run_config import RunConfig

    _ParamType = click.ParamType[float]
else:
    _ParamType = click.ParamType

#: Commands of other modules, imported when they are used.
ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "calibrate": "fakeviam_contracts.calibrate_cli:calibrate_command",
        "clean-up": "fakeviam_contracts.leftovers_cli:clean_up_command",
        "client": "fakeviam_contracts.clients.commands:client_command",
        "list": "fakeviam_contracts.catalogue.commands:list_command",
        "mutants": "fakeviam_contracts.mutants.commands:mutants_command",
        "trace": "fakeviam_contracts.catalogue.commands:trace_command",
    }
)


@click.group(cls=Verbs, elsewhere=ELSEWHERE, meant={"check": "run", "self": "run --self"})
@version_option
def group() -> None:
    """Check a server or a client against Viam's documentation."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    run_program(
        group, arguments, name="python -m fakeviam_contracts", error_name="fakeviam_contracts"
    )


class _Seconds(_ParamType):
    """A span of time: 30s, 2m, or a number of seconds."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(s|m|)", str(value))
        if not match or not float(match[1]):
            self.fail(f"{value!r} is not a duration, such as 30s or 2m", param, ctx)
        return float(match[1]) * (60 if match[2] == "m" else 1)


@group.command()
@target_option(
    or_self=True,
    multiple=True,
    type=KitTargetType(),
    help=f"A server: {KIT_FORMS}. Repeat it to compare several.",
)
@click.option(
    "--self", "own", is_flag=True, help="Check an in-process fake, alone or together with targets."
)
@click.option(
    "--policy",
    "policies",
    type=PolicyName(),
    metavar=POLICIES,
    multiple=True,
    default=["documented"],
    show_default=True,
    help="The expected policy for open points; repeat it for several runs.",
)
@click.option(
    "--clauses",
    metavar="GLOB",
    default="*",
    help="Only checks of these clauses, without random programs.",
)
@click.option("--profile", type=click.Choice(list(PROFILES)), default="quick", show_default=True)
@click.option(
    "--programs",
    type=click.IntRange(min=0),
    help="Number of random programs; overrides the profile.",
)
@click.option("--max-calls", type=click.IntRange(min=1), help="Stop after this many calls.")
@click.option("--max-time", type=_Seconds(), help="Stop after this time, such as 30s or 5m.")
@click.option(
    "--min-evidence",
    type=click.Choice(list(THRESHOLDS)),
    default="relied-on",
    show_default=True,
    help="Evidence level whose violation fails the run; `assumed` includes our interpretations.",
)
@click.option(
    "--allow-not-reached",
    metavar="GLOB",
    multiple=True,
    help="Clauses, or `random programs`, whose absence does not make the run incomplete.",
)
@ca_file_option
@max_rps_option
@click.option(
    "--api-key-id",
    "api_key_ids",
    envvar="VIAM_API_KEY_ID",
    show_envvar=True,
    metavar="[TARGET=]ID",
    multiple=True,
    help="With several targets, write TARGET=KEY.",
)
@click.option(
    "--api-key",
    "api_keys",
    envvar="VIAM_API_KEY",
    show_envvar=True,
    metavar="[TARGET=]KEY",
    multiple=True,
)
@click.option(
    "--organization",
    "organizations",
    metavar="[TARGET=]ID",
    multiple=True,
    help="The organization of the parts.",
)
@click.option(
    "--part",
    "parts",
    metavar="[TARGET=]ID",
    multiple=True,
    help="A part to upload for; repeat it for several.",
)
@click.option(
    "--exclusive", is_flag=True, help="The organization belongs to the kit alone and is EMPTIED."
)
@click.option(
    "--throw-away",
    metavar="ID",
    default="",
    help="A disposable part, or a disposable location; parts outside it are refused.",
)
@click.option("--dry-run", is_flag=True, help="Print the calls of the run without making them.")
@click.option("--read-only", is_flag=True, help="Never write; compare replies with each other.")
@click.option(
    "--known-failing",
    metavar="FILE",
    default="",
    help="File of known failures and their end dates.",
)
@click.option("--report", metavar="DIR", default="", help="Write JUnit, HTML, JSON and scripts.")
@click.option(
    "--restart",
    "restarts",
    metavar="COMMAND",
    default="",
    help="Restarts the server with its data; what it has acknowledged must survive.",
)
@click.option("--seed", type=int, help="Seed of the random programs.")
@format_options
def run(
    *,
    own: bool,
    target: tuple[Target, ...],
    report: str,
    form: str,
    dry_run: bool,
    **options: object,
) -> int:
    """Run the kit against a server, or several, side by side.

    Parts, organizations and keys that begin with TARGET= are for that target alone.

    The exit status is 0 if the contract is kept, 1 if it is broken, 2 if it could not be run
    and 3 if something was not reached; of several servers the worst.
    """
    targets = tuple(each.text for each in target)
    if not own and not targets:
        targets = (default_target(),)
    _check_run(own=own, targets=targets, dry_run=dry_run, **options)
    runner, configs = _runner()
    try:
        options["restart"] = _restart(options.pop("restarts"))
        if dry_run:
            for config in configs(targets=targets, own=own, **options):
                runner.dry_run(config, click.echo)
            return 0
        folder = reports.prepare(report) if report else None
        with _interrupts():
            results = runner.run_all(configs(targets=targets, own=own, **options), _echo)
        if folder is not None:
            _write(results, folder)
    except CannotRunError as error:
        raise CannotRunHereError(str(error)) from error
    as_json = form == "json"
    click.echo(reports.as_json(results).rstrip() if as_json else reports.summary(results))
    return worst(results)


def _check_run(
    *,
    own: bool,
    targets: Sequence[str],
    dry_run: bool,
    exclusive: object,
    read_only: object,
    restarts: object,
    **_: object,
) -> None:
    """Refuse options of a run that contradict each other."""
    if exclusive and read_only:
        raise click.UsageError("--exclusive and --read-only cannot be combined")
    if own and read_only:
        raise click.UsageError("--read-only requires --target")
    if dry_run and (own or read_only):
        raise click.UsageError("--dry-run is for runs that write to a --target")
    if restarts and (own or len(targets) > 1 or dry_run or read_only):
        raise click.UsageError("--restart is for runs that write to one --target")


def _restart(command: object) -> Callable[[], None] | None:
    """What restarts the server, if it may be restarted."""
    from fakeviam_contracts.restarting import by_command  # noqa: PLC0415 - the help needs none

    return by_command(str(command)) if command else None


def _interrupts() -> AbstractContextManager[None]:
    from fakeviam_contracts.interrupts import between_steps  # noqa: PLC0415 - the help needs none

    return between_steps()


def _runner() -> tuple[ModuleType, Callable[..., list[RunConfig]]]:
    """What runs the kit, and what configures it; they need Hypothesis, and the help does not."""
    try:
        from fakeviam_contracts import runner  # noqa: PLC0415
        from fakeviam_contracts.targets import configs  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        message = "the kit requires Hypothesis: pip install 'fakeviam[contracts]'"
        raise CannotRunHereError(message) from error
    return runner, configs


def _write(results: Sequence[Result], folder: Path) -> None:
    for number, result in enumerate(results, start=1):
        place = folder if len(results) == 1 else folder / f"scripts-{number}"
        if result.findings:
            place.mkdir(exist_ok=True)
            scripts.write_all(result, place)
    reports.write(results, folder)


def _echo(line: str) -> None:
    click.echo(line, err=True)
