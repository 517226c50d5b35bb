"""A command line as a program: one-line errors and exit statuses.

`fakeviam`, `python -m fakeviam_client` and `python -m fakeviam_contracts` all run here.
"""

from __future__ import annotations

import errno
import math
import os
import sys
import traceback
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fakeviam.target import (
    CA_VARIABLE,
    DEFAULT,
    FORMS,
    VARIABLE,
    Target,
    client_context,
    default_target,
)
from fakeviam.usage_errors import nearest, text_of
from fakeviam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Command = Callable[..., Any]
    _ParamType = click.ParamType[Target]
else:
    _ParamType = click.ParamType

FAILED, MISUSED, BUG, INTERRUPTED = 1, 2, 70, 130

#: Shows where a bug of fakeviam is.
DEBUG = "FAKEVIAM_DEBUG"

_HELP: dict[str, object] = {"help_option_names": ["-h", "--help"]}

#: What a policy may be, as the help shows it.
POLICIES = "documented|observed|strict|FILE.toml"

#: As long as a first sentence may be; click cuts it elsewhere.
_SENTENCE = 1000

#: Adds `--version`; all command lines belong to one distribution.
version_option = click.version_option(
    __version__, "-V", "--version", message="fakeviam %(version)s"
)


class CommandError(click.ClickException):
    """The server is unreachable or refused the request: exit status 1; usage errors exit with 2."""

    exit_code = FAILED


class CannotRunHereError(click.ClickException):
    """Nothing was done, for a reason that is not a usage error; exit status 2."""

    exit_code = MISUSED


class Verb(click.Command):
    """A command that refuses options with empty values.

    They come from variables that are not set: as a filter, `--dataset "$DATASET"` would mean
    everything.

    Attributes:
        may_be_empty: Names of options for which an empty value means something.
    """

    def __init__(self, *args: Any, may_be_empty: Sequence[str] = (), **kwargs: Any) -> None:
        """Create the command; the remaining arguments go to click."""
        super().__init__(*args, **kwargs)
        self.context_settings.update(_HELP)
        self.may_be_empty = may_be_empty

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = self.make_parser(ctx).parse_args(list(args))[0]
        for param in self.params:
            value = given.get(param.name or "")
            is_empty = value == "" or (isinstance(value, list) and "" in value)
            if is_empty and isinstance(param, click.Option) and param.name not in self.may_be_empty:
                raise click.UsageError(f"{param.opts[0]} must not be empty", ctx)
        return super().parse_args(ctx, args)


class Verbs(click.Group):
    """A group that prints its help without arguments and suggests a command for a mistyped one.

    Attributes:
        elsewhere: Commands that are imported on first use: `module:attribute` by name.
        meant: Names that people try, and the commands they mean.
    """

    command_class = Verb

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
        self.context_settings.update(_HELP)
        self.elsewhere = elsewhere
        self.meant = meant

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, _, name = self.elsewhere[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, command.get_short_help_str(_SENTENCE))
                    for name, command in commands.items()
                    if command is not None and not command.hidden
                ]
            )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, *more = args
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(f"unknown command {name!r}{self._meant(ctx, name, more)}", ctx)
        return super().resolve_command(ctx, args)

    def _meant(self, ctx: click.Context, name: str, more: list[str]) -> str:
        near = " ".join([*more, "--help"]) if name == "help" else self.meant.get(name)
        if near:
            return f"; did you mean `{ctx.command_path} {near}`?"
        return nearest(name, self.list_commands(ctx), form=f"`{ctx.command_path} {{}}`")


def find(kind: str, key: str, things: Iterable[tuple[str, str]]) -> str:
    """The id of the thing of that name or id.

    Args:
        kind: What it is, for people.
        key: The name or id.
        things: Their ids and names.

    Raises:
        CommandError: There is none, or several.
    """
    known = list(things)
    matches = [id_ for id_, name in known if key == id_] or [
        id_ for id_, name in known if key == name
    ]
    if len(matches) > 1:
        text = f"{len(matches)} {kind}s are named {key!r}; use an id: {', '.join(matches)}"
        raise CommandError(text)
    if not matches:
        names = nearest(key, (name for _, name in known))
        raise CommandError(f"no {kind} has the name or id {key!r}{names}")
    return matches[0]


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


class FiniteRange(click.FloatRange):
    """A number that is one: a limit of `nan` or `inf` would limit nothing."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class PolicyName(click.Choice):  # type: ignore[type-arg]  # generic in newer releases alone
    """A preset, or a policy file, which is read when the fake is created."""

    def __init__(self) -> None:
        super().__init__(["documented", "observed", "strict"])

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        if str(value).endswith(".toml"):
            return value
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            self.fail(f"{error.message.rstrip('.')} or a file that ends in .toml", param, ctx)


def target_option(*, or_self: bool = False, **settings: Any) -> Callable[[Command], Command]:
    """The option that selects the server.

    Args:
        or_self: The command can run without a server, so there is no default address.
        settings: Override the settings passed to click.
    """
    usual: dict[str, object] = {
        "type": TargetType(),
        "metavar": "ADDRESS",
        "help": f"The server: {FORMS}.",
        "show_default": f"{VARIABLE}, or {DEFAULT}, without --self" if or_self else DEFAULT,
    }
    if not or_self:
        usual |= {"default": default_target, "envvar": VARIABLE, "show_envvar": True}
    return click.option("--target", **{**usual, **settings})


def ca_file_option(command: Command) -> Command:
    """Add the option that says whom to trust; the command gets it as `ca_file`, "" for none."""
    return click.option(
        "--ca-file",
        envvar=CA_VARIABLE,
        default="",
        show_envvar=True,
        metavar="FILE",
        help="Certificates to trust instead of the system's, for https:// addresses.",
    )(command)


def client_options(command: Command) -> Command:
    """Add the options of commands that work with any server of Viam's data cloud."""
    for option in (
        click.option(
            "--session",
            envvar="FAKEVIAM_SESSION",
            default="",
            show_envvar=True,
            help="The session of a fake to act on.",
        ),
        click.option("--api-key-id", envvar="VIAM_API_KEY_ID", show_envvar=True, help="Its id."),
        click.option("--api-key", envvar="VIAM_API_KEY", show_envvar=True, help="The API key."),
        ca_file_option,
        target_option(),
    ):
        command = option(command)
    return command


def check_ca_file(target: Target, ca_file: str) -> None:
    """Refuse a file of certificates that a client of `target` could not use.

    Raises:
        click.UsageError: It cannot be read, or holds none.
    """
    if target.tls and ca_file:
        try:
            client_context(ca_file)
        except ValueError as error:
            raise click.UsageError(f"--ca-file: {error}") from error


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
        context = getattr(error, "ctx", None)
        text = error.message if isinstance(error, CommandError) else text_of(error, context)
        if context is not None:
            text = f"{text.removesuffix('.')} (see `{context.command_path} --help`)"
        _end(error_name, text, error.exit_code)
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
    for line in text.splitlines():
        # What a server says is in it, too: nothing that steers a terminal.
        seen = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
        click.echo(f"{error_name}: error: {seen}", err=True)
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
