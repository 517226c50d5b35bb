"""`fakeviam exec`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.relay import NOT_EXECUTABLE, NOT_FOUND, Relay
from fakeviam.commands.serving import create_fake, options_in_errors, serving_options
from fakeviam.environment import TRUST, environment
from fakeviam.model.text import counted
from fakeviam.program import Verb

if TYPE_CHECKING:
    from fakeviam import FakeViam


@click.command(
    "exec", cls=Verb, context_settings={"show_default": True, "allow_interspersed_args": False}
)
@serving_options(port=0)
@click.argument("arguments", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENT]...")
def command(*, arguments: tuple[str, ...], **options: Any) -> None:
    """Run a command against a fresh fake, and stop the fake when the command ends.

    The command gets the fake's address in environment variables: FAKEVIAM_TARGET, FAKEVIAM_URL,
    FAKEVIAM_UNIX_SOCKET, FAKEVIAM_API_KEY, FAKEVIAM_API_KEY_ID, FAKEVIAM_PART_ID,
    FAKEVIAM_ROBOT_ID, FAKEVIAM_LOCATION_ID, FAKEVIAM_ORGANIZATION_ID; VIAM_API_KEY and
    VIAM_API_KEY_ID are set too. With TLS, so are those by which clients trust it:
    FAKEVIAM_CA_FILE, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH. The
    exit status is the command's.
    """
    with Relay() as relay, options_in_errors():
        sys.exit(_run(create_fake(**options), arguments, relay))


def _run(cloud: FakeViam, arguments: tuple[str, ...], relay: Relay) -> int:
    from fakeviam.connection_info import connection_info  # noqa: PLC0415 - as late as the server

    with cloud:
        where = environment(connection_info(cloud), token=cloud.control_token or "")
        if cloud.ca_file:
            where.update(dict.fromkeys(TRUST, cloud.ca_file))
        try:
            status = relay.run(arguments, {**os.environ, **where})
        except OSError as error:
            click.echo(f"fakeviam: error: cannot run {arguments[0]}: {error.strerror}", err=True)
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    if cloud.crashes:
        crashed = counted(len(cloud.crashes), "call")
        click.echo(f"fakeviam: {crashed} crashed; please report it", err=True)
    return status
