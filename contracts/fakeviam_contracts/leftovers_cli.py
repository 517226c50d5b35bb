"""`fakeviam contract clean-up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fakeviam.program import CannotRunHereError, Verb, ca_file_option, target_option
from fakeviam.target import default_target
from fakeviam_contracts.addresses import KitTargetType, max_rps_option
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.wirelog import ConnectionLostError, SenselessAnswerError

if TYPE_CHECKING:
    from fakeviam.target import Target


@click.command("clean-up", cls=Verb)
@target_option(type=KitTargetType())
@click.option("--organization", required=True, metavar="ID", help="The organization of the parts.")
@click.option(
    "--part", "parts", required=True, multiple=True, metavar="ID", help="A part of the run."
)
@click.option("--api-key-id", envvar="VIAM_API_KEY_ID", show_envvar=True, default="")
@click.option("--api-key", envvar="VIAM_API_KEY", show_envvar=True, default="")
@ca_file_option
@max_rps_option
@click.option("--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
@click.pass_context
def clean_up_command(
    context: click.Context,
    /,
    *,
    target: Target | None,
    organization: str,
    parts: tuple[str, ...],
    dry_run: bool,
    **options: object,
) -> None:
    """Remove what interrupted runs left behind, recognized by the names that only the kit uses.

    Do not use it while another run is in progress. The exit status is 1 if anything remains.
    """
    # Not above: the help needs none of it.
    from fakeviam_contracts import leftovers  # noqa: PLC0415
    from fakeviam_contracts.connection import Address, RemoteConnection  # noqa: PLC0415

    where = default_target() if target is None else target.text
    try:
        line = RemoteConnection(Address(target=where, **options))  # type: ignore[arg-type]
        try:
            wire = line.wire()
            found = leftovers.find(wire, organization, parts)
            for name in found.names:
                click.echo(f"{'would remove' if dry_run else 'removing'} {name}")
            if dry_run or not found.names:
                click.echo(f"found {found}")
                return
            leftovers.remove(wire, organization, parts[0], found)
            left = leftovers.find(wire, organization, parts)
        finally:
            line.close()
    except (CannotRunError, ConnectionLostError, SenselessAnswerError) as error:
        raise CannotRunHereError(str(error)) from error
    click.echo(f"removed: {found}; left: {left}")
    context.exit(1 if left.names else 0)
