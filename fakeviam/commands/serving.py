"""The options of commands that start a fake, and how to create it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from fakeviam.model.errors import UsageError
from fakeviam.program import POLICIES, PolicyName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeviam import Clock, FakeViam, Tls

    Command = Callable[..., object]

#: As FakeViam has it, whose import takes longer than printing help; a test compares them.
_MAX_MESSAGE_BYTES = 128 * 1024 * 1024


def serving_options(*, port: int) -> Callable[[Command], Command]:
    """Add the options of a server to a command; pass their values to `create_fake`.

    Args:
        port: The default port.
    """

    def decorate(command: Command) -> Command:
        for option in reversed(_options(port)):
            command = option(command)
        return command

    return decorate


def _options(port: int) -> list[Callable[[Command], Command]]:
    return [
        click.option("--host", default="127.0.0.1", help="Address to listen on."),
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=port,
            help="TCP port; 0 picks a free one.",
        ),
        click.option(
            "--unix-socket",
            type=click.Path(resolve_path=True),
            show_default="a temporary path",
            help="Path of the Unix socket; viam-sdk accepts it as app_url.",
        ),
        click.option(
            "--seed",
            type=int,
            show_default="random",
            help="Make all ids reproducible.",
        ),
        click.option(
            "--ids",
            type=click.Choice(["real", "readable"]),
            default="real",
            help="Ids like those of the real service, or readable and numbered: file-000001.",
        ),
        click.option(
            "--policy",
            type=PolicyName(),
            metavar=POLICIES,
            default="documented",
            help="How to decide points that the documentation leaves open.",
        ),
        click.option(
            "--auth",
            type=click.Choice(["any", "keys"]),
            default="any",
            help="Accept any credentials, or check API keys and tokens.",
        ),
        click.option(
            "--clock",
            metavar="wall|frozen:ISO",
            default="wall",
            help="Real time, or a frozen clock, as in frozen:2026-01-31T12:00:00Z.",
        ),
        *_tls(),
        *_contents(),
        *_limits(),
        *_control(),
    ]


def _contents() -> list[Callable[[Command], Command]]:
    return [
        click.option(
            "--load",
            type=click.Path(resolve_path=True),
            show_default="nothing",
            help="Initial contents: a seed file, an archive, COCO, an exported folder or CSV.",
        ),
        click.option(
            "--load-option",
            "load_options",
            multiple=True,
            metavar="NAME=VALUE",
            show_default="none",
            help="How to import --load: images=FOLDER, dataset=NAME, part=NAME, component=NAME, "
            "method=NAME, clip, delimiter=C, time_format=FORM, time_unit=UNIT. Repeatable.",
        ),
        click.option(
            "--data-dir",
            type=click.Path(resolve_path=True, file_okay=False),
            show_default="none, all data is lost at exit",
            help="Persist everything in this directory; --load only applies to a new one.",
        ),
        click.option(
            "--durability",
            type=click.Choice(["process", "power"]),
            default="process",
            help="What an acknowledged write survives: a killed process, or also a power failure.",
        ),
        click.option(
            "--store",
            metavar="URL",
            default="memory:",
            help="Where the data is kept: memory:, mongomock: or mongodb://host/database (shared).",
        ),
    ]


def _tls() -> list[Callable[[Command], Command]]:
    return [
        click.option(
            "--tls",
            is_flag=True,
            show_default=False,
            help="Serve TLS on the TCP port; requires fakeviam[tls] to generate a certificate.",
        ),
        click.option(
            "--cert",
            type=click.Path(resolve_path=True),
            show_default="generated at startup",
            help="Serve TLS with the certificate in this PEM file.",
        ),
        click.option(
            "--key",
            type=click.Path(resolve_path=True),
            show_default="the --cert file",
            help="The PEM file with the private key of the certificate.",
        ),
        click.option(
            "--ca-file",
            type=click.Path(resolve_path=True),
            show_default="a temporary file",
            help="With TLS, write the certificate that clients must trust to this file.",
        ),
        click.option(
            "--tls-name",
            "tls_names",
            multiple=True,
            metavar="NAME",
            show_default="localhost, this machine and --host",
            help="An additional name or address in the generated certificate. Repeatable.",
        ),
        click.option(
            "--plaintext-port",
            type=click.IntRange(0, 65535),
            show_default="none",
            help="With TLS, an additional TCP port that serves plaintext; 0 picks a free one.",
        ),
    ]


def _control() -> list[Callable[[Command], Command]]:
    return [
        click.option(
            "--control-token",
            envvar="FAKEVIAM_CONTROL_TOKEN",
            show_default="none, this machine only",
            show_envvar=True,
            help="Token that clients of the control API must send.",
        ),
        click.option(
            "--no-control", is_flag=True, show_default=False, help="Turn off the control API."
        ),
        click.option(
            "--allow-origin",
            "allow_origins",
            multiple=True,
            metavar="URL",
            show_default="those of this machine",
            help="Origin whose web pages may make calls and load files; * allows all. Repeatable.",
        ),
    ]


def _limits() -> list[Callable[[Command], Command]]:
    return [
        click.option(
            "--min-evidence",
            type=click.Choice(["assumed", "observed", "relied-on", "documented"]),
            default="assumed",
            help="Refuse replies that depend on weaker evidence.",
        ),
        click.option(
            "--strict",
            is_flag=True,
            show_default=False,
            help="Refuse fields that no handler reads, and deprecated fields and RPCs.",
        ),
        click.option(
            "--max-message-bytes",
            type=click.IntRange(min=1),
            default=_MAX_MESSAGE_BYTES,
            show_default="128 MiB",
            help="Refuse larger incoming messages.",
        ),
        click.option(
            "--token-lifetime",
            metavar="SECONDS",
            type=float,
            show_default="unlimited",
            help="How long access tokens are valid, by the fake's clock.",
        ),
    ]


# Options whose names are words of English, too.
_SHORT = ("cert", "host", "key", "load", "port", "store", "tls")


@contextmanager
def options_in_errors() -> Iterator[None]:
    """Call options in errors what they are called here: --data-dir, not data_dir."""
    try:
        yield
    except UsageError as error:
        names = {name: f"--{name}" for name in _SHORT}
        for param in click.get_current_context().command.params:
            if "_" in (param.name or ""):
                names[str(param.name)] = param.opts[0]
        # They are meant where something is said of them.
        short = f"(?:^|(?<=requires ))(?:{'|'.join(_SHORT)})"
        long = "|".join(name for name in names if "_" in name)
        text = re.sub(rf"\b(?:{short}|{long})\b", lambda found: names[found[0]], str(error))
        if text == str(error):
            raise
        raise UsageError(text) from error


def create_fake(
    *,
    clock: str,
    token_lifetime: float | None,
    no_control: bool,
    load_options: tuple[str, ...] = (),
    allow_origins: tuple[str, ...] = (),
    **options: Any,
) -> FakeViam:
    """Create, but do not start, the fake with these options.

    Raises:
        UsageError: An option is invalid.
    """
    from fakeviam import FakeViam  # noqa: PLC0415 - `--help` and mistakes need no server

    return FakeViam(
        clock=_clock(clock),
        token_lifetime=_lifetime(token_lifetime),
        control=not no_control,
        load_options=_reading(load_options),
        allow_origins=allow_origins or None,
        tls=_tls_of(options),
        **options,
    )


def _tls_of(options: dict[str, Any]) -> Tls | bool:
    """What the options of TLS ask for; takes them out.

    `cert` implies TLS.
    """
    names = {"cert": "--cert", "key": "--key", "ca_file": "--ca-file", "names": "--tls-name"}
    options["names"] = options.pop("tls_names")
    chosen = {name: options.pop(name) for name in names}
    wanted: bool = options.pop("tls") or bool(chosen["cert"])
    for name, option in names.items():
        if chosen[name] and not wanted:
            raise UsageError(f"{option} requires {'--cert' if name == 'key' else '--tls'}")
    if not any(chosen.values()):
        return wanted
    from fakeviam import Tls  # noqa: PLC0415 - few servers have TLS

    return Tls(**chosen)


def _reading(texts: tuple[str, ...]) -> dict[str, object]:
    """Parse the values of `--load-option`; `clip` needs no value."""
    options: dict[str, object] = {}
    for each in texts:
        name, equals, value = each.partition("=")
        if name in options:
            raise UsageError(f"--load-option has {name!r} twice")
        if name == "clip":
            if value.lower() not in ("", "true", "false"):
                raise UsageError(f"--load-option clip must be true or false, got {value!r}")
            options[name] = value.lower() != "false"
        elif not equals:
            raise UsageError(f"--load-option must be NAME=VALUE, got {each!r}")
        else:
            options[name] = value
    return options


def _clock(text: str) -> Clock | None:
    from fakeviam import Clock  # noqa: PLC0415

    kind, _, moment = text.partition(":")
    if text == "wall":
        return None
    if kind != "frozen":
        raise UsageError(f"--clock must be 'wall' or 'frozen:' with an ISO 8601 time, got {text!r}")
    if not moment:
        raise UsageError("--clock frozen needs a time, as in frozen:2026-01-31T12:00:00Z")
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
