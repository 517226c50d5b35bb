"""A command line as a program: one-line errors and exit statuses.

`fakeviam`, `python -m fakeviam_client` and `python -m fakeviam_contracts` all run here.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fakeviam.target import DEFAULT, FORMS, VARIABLE, Target, default_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Command = Callable[..., Any]
    _ParamType = click.ParamType[Target]
else:
    _ParamType = click.ParamType

FAILED, MISUSED, BUG, INTERRUPTED = 1, 2, 70, 130

#: Shows where a bug of fakeviam is.
DEBUG = "FAKEVIAM_DEBUG"

#: Settings of a command that belongs to no `Verbs`.
HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


class CommandError(click.ClickException):
    """The server is unreachable or refused the request: exit status 1; usage errors exit with 2."""

    exit_code = FAILED


class CannotRunHereError(click.ClickException):
    """Nothing was done, for a reason that is not a usage error; exit status 2."""

    exit_code = MISUSED


class Verbs(click.Group):
    """A group that prints its help without arguments and suggests a command for a mistyped one.

    Attributes:
        elsewhere: Commands that are imported on first use: `module:attribute` by name.
        meant: Names that people try, and the commands they mean.
    """

    def __init__(
        self,
        *args: Any,
        elsewhere: Mapping[str, str] = MappingProxyType({}),
        meant: Mapping[str, str] = MappingProxyType({}),
        **kwargs: Any,
    ) -> None:
        """Create the group; the remaining arguments go to click."""
        kwargs["no_args_is_help"] = False  # click's exits with 2
        super().__init__(*args, **kwargs)
        self.context_settings.update(HELP)
        self.elsewhere = elsewhere
        self.meant = meant

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.elsewhere})

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        super().add_command(_with_help(cmd), name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, _, name = self.elsewhere[cmd_name].partition(":")
        return _with_help(getattr(import_module(module), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(f"unknown command {name!r}{self._nearest(ctx, name)}", ctx)
        return super().resolve_command(ctx, args)

    def _nearest(self, ctx: click.Context, name: str) -> str:
        known = self.list_commands(ctx)
        near = self.meant.get(name) or next(iter(get_close_matches(name, known, n=1)), None)
        if near:
            return f"; did you mean `{ctx.command_path} {near}`?"
        return f"; there are {', '.join(known)}"


def _with_help(command: click.Command) -> click.Command:
    """The command with `-h`, also where it is looked at without its group."""
    for name, value in HELP.items():
        command.context_settings.setdefault(name, value)
    return command


class TargetType(_ParamType):
    """An address in any of the supported formats."""

    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Target:
        if isinstance(value, Target):
            return value
        try:
            return Target.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def target_option(*, or_self: bool = False, **settings: Any) -> Callable[[Command], Command]:
    """The option that selects the server.

    Args:
        or_self: The command can run without a server, so there is no default address.
        settings: Override the settings passed to click.
    """
    usual: dict[str, Any] = {
        "type": TargetType(),
        "metavar": "ADDRESS",
        "help": f"The server: {FORMS}.",
        "show_default": f"{VARIABLE}, or {DEFAULT}, without --self" if or_self else DEFAULT,
    }
    if not or_self:
        usual |= {"default": default_target, "envvar": VARIABLE, "show_envvar": True}
    return click.option("--target", **{**usual, **settings})


def format_options(command: Command) -> Command:
    """Add the options that choose the format of the output; the command gets it as `form`."""
    command = click.option("--json", "form", flag_value="json", help="Same as --format=json.")(
        command
    )
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Output format.",
    )(command)


def run(
    group: click.Command,
    arguments: Sequence[str] | None,
    *,
    name: str,
    error_name: str,
    mistakes: tuple[type[Exception], ...] = (),
) -> NoReturn:
    """Run a command line and exit.

    Args:
        group: What to run.
        arguments: None takes those of the process.
        name: The name of the program.
        error_name: The prefix of its error messages.
        mistakes: Further exceptions that are usage errors.
    """
    try:
        _check_stdout()
        status = group.main(args=arguments, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        # click breaks its lines for a screen of its own.
        told = " ".join(error.format_message().split())
        context = getattr(error, "ctx", None)
        if context is not None:
            told = f"{told.removesuffix('.')} (see `{context.command_path} --help`)"
        _end(error_name, told, error.exit_code)
    except mistakes as error:
        _end(error_name, str(error), MISUSED)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except OSError as error:
        if error.filename is None:
            _lose_stdout()
        if error.errno == errno.EPIPE:  # the reader of our output, such as `head`, has closed it
            sys.exit(FAILED)
        where = "write the output" if error.filename is None else f"use {error.filename}"
        _end(error_name, f"cannot {where}: {error.strerror or error}", FAILED)
    except Exception as error:  # noqa: BLE001 - nobody above can do better
        _tell_bug(error_name, error)
    sys.exit(status)


def read_text(source: str) -> str:
    """Return the text of a file, or of stdin if `source` is `-`.

    Raises:
        click.UsageError: The file cannot be read, or is not UTF-8 text.
    """
    try:
        if source == "-":
            if sys.stdin is None:
                raise click.UsageError("cannot read `-`: stdin is closed")
            return sys.stdin.read()
        with open(source, encoding="utf-8") as file:  # noqa: PTH123 - as the caller wrote it
            return file.read()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        what = "stdin" if source == "-" else source
        raise click.UsageError(f"cannot read {what}: {why}") from error


def _check_stdout() -> None:
    if sys.stdout is None:
        raise click.UsageError("cannot write the output: stdout is closed")


def _end(error_name: str, text: str, status: int) -> NoReturn:
    click.echo(f"{error_name}: error: {text}", err=True)
    sys.exit(status)


def _tell_bug(error_name: str, error: Exception) -> NoReturn:
    if os.environ.get(DEBUG):
        traceback.print_exc()
    what = " ".join(f"{type(error).__name__}: {error}".split())
    hint = f"please report it; set {DEBUG}=1 for a traceback"
    _end(error_name, f"fakeviam has a bug: {what} ({hint})", BUG)


def _lose_stdout() -> None:
    """Keep the interpreter from flushing stdout again at exit, which would print a second error."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return
