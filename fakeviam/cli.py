"""The command line."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

import click

from fakeviam import UsageError, __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam import Clock
    from fakeviam.server.accounts import AuthMode


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    The one place where a mistake of the caller becomes one line and the exit status 2.
    """
    try:
        sys.exit(commands.main(args=arguments, prog_name="fakeviam", standalone_mode=False))
    except click.ClickException as error:
        _refuse(error.format_message(), getattr(error, "ctx", None))
    except UsageError as error:
        _refuse(str(error))
    except click.Abort:  # Ctrl-C before anything was started
        sys.exit(130)


def _refuse(text: str, context: click.Context | None = None) -> NoReturn:
    line = " ".join(text.split())
    hint = f" (see `{context.command_path} --help`)" if context else ""
    click.echo(f"fakeviam: error: {line}{hint}", err=True)
    sys.exit(2)


@click.group(no_args_is_help=False)
@click.version_option(__version__, message="%(prog)s %(version)s")
def commands() -> None:
    """The Viam data cloud on a laptop, in memory."""


@commands.command(context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, help="TCP port; 0 picks a free one."
)
@click.option(
    "--unix-socket",
    type=click.Path(resolve_path=True),
    show_default="a temporary one",
    help="Path of the Unix socket, which viam-sdk takes as app_url.",
)
@click.option(
    "--seed", type=int, show_default="a new one each time", help="Makes all ids reproducible."
)
@click.option(
    "--policy",
    type=click.Choice(["documented", "observed", "strict"]),
    default="documented",
    help="How points are decided on which the documentation is unclear.",
)
@click.option(
    "--auth",
    type=click.Choice(["any", "keys"]),
    default="any",
    help="Serve everyone, or check API keys and tokens.",
)
@click.option(
    "--clock",
    metavar="wall|frozen:ISO",
    default="wall",
    help="The real time, or one that stands still, as in frozen:2026-01-31T12:00:00Z.",
)
@click.option(
    "--ready-file",
    type=click.Path(resolve_path=True),
    show_default="none",
    help="Write the line with the addresses here too, once calls are accepted.",
)
@click.option(
    "--min-evidence",
    type=click.Choice(["assumed", "observed", "relied-on", "documented"]),
    default="assumed",
    help="Refuse answers that rest on less.",
)
@click.option(
    "--max-message-bytes",
    type=click.IntRange(min=1),
    show_default="no limit",
    help="Refuse incoming messages above this size.",
)
@click.option(
    "--token-lifetime",
    metavar="SECONDS",
    type=float,
    show_default="for ever",
    help="How long access tokens live, by the fake's clock.",
)
@click.option("--quiet", is_flag=True, show_default=False, help="No banner on stderr.")
def serve(  # noqa: PLR0913 - each is an option of the command line
    *,
    host: str,
    port: int,
    unix_socket: str | None,
    seed: int | None,
    policy: str,
    auth: AuthMode,
    clock: str,
    ready_file: str | None,
    min_evidence: str,
    max_message_bytes: int | None,
    token_lifetime: float | None,
    quiet: bool,
) -> None:
    """Serve the data cloud until SIGTERM or SIGINT.

    The first line on stdout is a JSON object with the addresses, the API key and the ids
    that clients need; nothing else goes there.
    """
    # Not above: `--help` and mistakes need no server.
    from fakeviam import FakeViam  # noqa: PLC0415
    from fakeviam.serve import run  # noqa: PLC0415

    cloud = FakeViam(
        seed=seed,
        policy=policy,
        clock=_clock(clock),
        auth=auth,
        token_lifetime=_lifetime(token_lifetime),
        min_evidence=min_evidence,
        host=host,
        port=port,
        unix_socket=unix_socket,
        max_message_bytes=max_message_bytes,
    )
    run(cloud, ready_file=ready_file, banner=not quiet)


def _clock(text: str) -> Clock | None:
    from fakeviam import Clock  # noqa: PLC0415

    kind, _, moment = text.partition(":")
    if text == "wall":
        return None
    if kind != "frozen":
        raise UsageError(f"--clock must be 'wall' or 'frozen:' with an ISO 8601 time, got {text!r}")
    clock = Clock.frozen(moment)
    try:
        clock.moment()
    except OverflowError as error:
        raise UsageError(
            f"--clock must be in the years 1 to 9999 in UTC, got {moment!r}"
        ) from error
    return clock


def _lifetime(seconds: float | None) -> timedelta | None:
    if seconds is None:
        return None
    try:
        lifetime = timedelta(seconds=seconds)
    except (OverflowError, ValueError):  # an infinity, or no number
        lifetime = timedelta(0)
    if lifetime <= timedelta(0):
        raise UsageError(f"--token-lifetime must be a positive number of seconds, got {seconds}")
    return lifetime


class _Contract(click.Group):
    """Commands of the contract kit, which is imported only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return _kit().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _kit().get_command(ctx, cmd_name)


def _kit() -> click.Group:
    try:
        from fakeviam_contracts.contract_cli import group  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in ("fakeviam_contracts", "hypothesis"):
            raise
        raise UsageError(
            f"the contract kit needs {error.name}: pip install 'fakeviam[contracts]'"
        ) from error
    return group


@commands.group(cls=_Contract, no_args_is_help=False)
def contract() -> None:
    """Check a server against Viam's documentation."""
