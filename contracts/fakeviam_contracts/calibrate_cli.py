"""`fakeviam contract calibrate`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fakeviam.program import (
    POLICIES,
    CannotRunHereError,
    PolicyName,
    Verb,
    ca_file_option,
    target_option,
)
from fakeviam.target import Target, default_target
from fakeviam_contracts.addresses import KitTargetType, max_rps_option
from fakeviam_contracts.assertions import ContractBrokenError, MayNotError
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.results import OWN
from fakeviam_contracts.wirelog import ConnectionLostError, SenselessAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command("calibrate", cls=Verb)
@target_option(or_self=True, type=KitTargetType())
@click.option("--self", "own", is_flag=True, help="Calibrate to an in-process fake.")
@click.option(
    "--policy",
    type=PolicyName(),
    metavar=POLICIES,
    default="documented",
    show_default=True,
    help="Policy of the in-process fake.",
)
@click.option("--part", "parts", multiple=True, metavar="ID", help="A part to upload for.")
@click.option("--organization", default="", metavar="ID")
@click.option("--api-key-id", envvar="VIAM_API_KEY_ID", show_envvar=True, default="")
@click.option("--api-key", envvar="VIAM_API_KEY", show_envvar=True, default="")
@ca_file_option
@max_rps_option
@click.option(
    "--exclusive", is_flag=True, help="The organization belongs to the kit alone and is EMPTIED."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("policy.toml"),
    show_default=True,
)
def calibrate_command(*, own: bool, target: Target | None, output: Path, **options: object) -> None:
    """Detect how a server decides disputed points, and write them as a policy for a fake."""
    if own and target is not None:
        raise click.UsageError("--target and --self cannot be combined")
    where = "" if own else default_target() if target is None else target.text
    _calibrate(where, output, options)


def _calibrate(target: str, output: Path, options: Mapping[str, object]) -> None:
    # Not above: this needs Hypothesis, and the help of the group does not.
    from fakeviam_contracts.calibrate import as_toml, calibrate, settled_clauses  # noqa: PLC0415
    from fakeviam_contracts.opening import open_subject  # noqa: PLC0415
    from fakeviam_contracts.run_config import RunConfig  # noqa: PLC0415

    day = dt.datetime.now(tz=dt.timezone.utc).date().isoformat()
    _check_writable(output)
    try:
        subject = open_subject(RunConfig(target=target, **options))  # type: ignore[arg-type]
        try:
            calibration = calibrate(subject, lambda field: click.echo(field, err=True))
        finally:
            subject.close()
    except ContractBrokenError as error:
        why = f"the contract is broken, which `fakeviam contract run` tells in full: {error}"
        raise CannotRunHereError(why) from error
    except (CannotRunError, ConnectionLostError, MayNotError, SenselessAnswerError) as error:
        raise CannotRunHereError(str(error)) from error
    output.write_text(as_toml(calibration, target=target or OWN, day=day), encoding="utf-8")
    click.echo(f"{output}: settles {', '.join(settled_clauses(calibration))}")
    for field, reason in calibration.open.items():
        click.echo(f"open: {field}: {reason}")


def _check_writable(output: Path) -> None:
    """Refuse a file that could not be written in the end, before the server is asked anything."""
    try:
        with output.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise CannotRunHereError(f"cannot write {output}: {error.strerror}") from error
    if not output.stat().st_size:
        output.unlink()
