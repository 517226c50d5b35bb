"""The command line."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fakeviam import UsageError
from fakeviam.commands.serving import create_fake, options_in_errors, serving_options
from fakeviam.program import Verbs, run, version_option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_DRIVING = (
    *(
        "archive",
        "calls",
        "check",
        "clock",
        "datasets",
        "env",
        "exec",
        "explain",
        "faults",
        "keys",
        "open",
    ),
    *("parts", "policy", "replies", "reset", "seed", "sessions", "snapshot", "wait"),
)

#: Verbs that are imported when they are used, and the modules they are in.
_VERBS: Mapping[str, str] = MappingProxyType(
    {
        **{verb: f"fakeviam.commands.{verb}:command" for verb in _DRIVING},
        "data-dir": "fakeviam.commands.data_dir:command",
        "export": "fakeviam.commands.export:export",
    }
)

#: What people try, and what it is called here.
_MEANT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("start", "run", "up", "server"), "serve"),
        **dict.fromkeys(("load", "import"), "seed"),
        **dict.fromkeys(("log", "logs", "journal"), "calls"),
        **dict.fromkeys(("status", "health", "doctor", "verify"), "check"),
        **dict.fromkeys(("fleet", "robots", "machines"), "parts list"),
        **dict.fromkeys(("ls", "list", "files"), "data list"),
        "readings": "data readings",
        "dataset": "datasets",
        **dict.fromkeys(("page", "ui", "browse"), "open"),
        "upload": "data upload",
        "download": "data download",
        "save": "snapshot save",
        "restore": "snapshot restore",
        "time": "clock",
        "test": "contract run",
        "version": "--version",
        "help": "--help",
    }
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; `docs/command-line.md` has the table of exit statuses."""
    run(commands, arguments, name="fakeviam", error_name="fakeviam", mistakes=(UsageError,))


@click.group(cls=Verbs, elsewhere=_VERBS, meant=_MEANT)
@version_option
def commands() -> None:
    """The Viam data cloud on a laptop, in memory."""


@commands.command(context_settings={"show_default": True})
@serving_options(port=8080)
@click.option(
    "--ready-file",
    type=click.Path(resolve_path=True),
    show_default="none",
    help="Also write the line with the addresses to this file, once calls are accepted.",
)
@click.option("--quiet", is_flag=True, show_default=False, help="Do not print a banner to stderr.")
@click.option(
    "--uvloop", is_flag=True, show_default=False, help="Use uvloop; requires fakeviam[uvloop]."
)
def serve(*, ready_file: str | None, quiet: bool, uvloop: bool, **options: Any) -> None:
    """Serve the data cloud until SIGTERM, SIGINT or SIGHUP.

    Prints one line to stdout: a JSON object with the addresses, the API key and the ids
    that clients need.
    """
    # Not above: `--help` and mistakes need no server.
    from fakeviam.serve import log_to_stderr, run  # noqa: PLC0415

    log_to_stderr()
    place = "in memory"
    if options["data_dir"] or options["store"].startswith("mongodb"):
        place = f"kept in {options['data_dir'] or 'a database'}"
    with options_in_errors():
        cloud = create_fake(**options)
        run(cloud, ready_file=ready_file, place="" if quiet else place, uvloop=uvloop)


class _Lazy(click.Group):
    """A group that another package holds, which is imported only when it is used."""

    held: Callable[[], click.Group]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self.held().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.held().get_command(ctx, cmd_name)


def _client() -> click.Group:
    from fakeviam_client._cli import commands as group  # noqa: PLC0415

    return group


def _kit() -> click.Group:
    try:
        from fakeviam_contracts.contract_cli import group  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "fakeviam_contracts":
            raise
        message = "the contract kit is missing: pip install 'fakeviam[contracts]'"
        raise UsageError(message) from error
    return group


class _Client(_Lazy, Verbs):
    held = staticmethod(_client)


class _Kit(_Lazy, Verbs):
    held = staticmethod(_kit)


@commands.group(cls=_Client)
def data() -> None:
    """List, show, upload and download files of a fake, or of any server."""


@commands.group(cls=_Kit)
@version_option
def contract() -> None:
    """Check a server or a client against Viam's documentation."""
