"""The command line."""

from __future__ import annotations

import sys
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fakeviam import UsageError, __version__
from fakeviam.commands.failures import CommandError
from fakeviam.commands.serving import create_fake, serving_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DRIVING = ("calls", "clock", "env", "exec", "faults", "reset", "seed", "snapshot", "wait")

#: Verbs that are imported when they are used, and the modules they are in.
_VERBS: Mapping[str, str] = MappingProxyType(
    {
        **{verb: f"fakeviam.commands.{verb}:command" for verb in _DRIVING},
        "data-dir": "fakeviam.commands.data_dir:command",
        "export": "fakeviam.commands.export:export",
    }
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    The one place where a mistake of the caller becomes a line and the exit status 2, and what
    a server refuses a line and the exit status 1.
    """
    try:
        sys.exit(commands.main(args=arguments, prog_name="fakeviam", standalone_mode=False))
    except CommandError as error:
        _refuse(error.format_message(), status=1)
    except click.ClickException as error:
        # click breaks its lines for a screen of its own.
        _refuse(" ".join(error.format_message().split()), getattr(error, "ctx", None))
    except UsageError as error:
        _refuse(str(error))
    except click.Abort:  # Ctrl-C before anything was started
        sys.exit(130)


def _refuse(text: str, context: click.Context | None = None, *, status: int = 2) -> NoReturn:
    hint = f" (see `{context.command_path} --help`)" if context else ""
    click.echo(f"fakeviam: error: {text}{hint}", err=True)
    sys.exit(status)


class _Verbs(click.Group):
    """The verbs; most are imported only when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_VERBS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return super().get_command(ctx, cmd_name)
        module, _, name = _VERBS[cmd_name].partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found


@click.group(cls=_Verbs, no_args_is_help=False)
@click.version_option(__version__, message="%(prog)s %(version)s")
def commands() -> None:
    """The Viam data cloud on a laptop, in memory."""


@commands.command(context_settings={"show_default": True})
@serving_options(port=8080)
@click.option(
    "--ready-file",
    type=click.Path(resolve_path=True),
    show_default="none",
    help="Write the line with the addresses here too, once calls are accepted.",
)
@click.option("--quiet", is_flag=True, show_default=False, help="No banner on stderr.")
@click.option(
    "--uvloop", is_flag=True, show_default=False, help="Use uvloop (the extra of that name)."
)
@click.option(
    "--fast-frames",
    is_flag=True,
    show_default=False,
    help="Spare h2 its description of each frame, by changing its module in this process.",
)
def serve(
    *, ready_file: str | None, quiet: bool, uvloop: bool, fast_frames: bool, **options: Any
) -> None:
    """Serve the data cloud until SIGTERM, SIGINT or SIGHUP.

    The first line on stdout is a JSON object with the addresses, the API key and the ids
    that clients need; nothing else goes there.
    """
    # Not above: `--help` and mistakes need no server.
    from fakeviam.serve import run  # noqa: PLC0415

    run(
        create_fake(**options),
        ready_file=ready_file,
        banner=not quiet,
        uvloop=uvloop,
        fast_frames=fast_frames,
    )


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
