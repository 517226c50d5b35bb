"""`fakeviam open`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click

from fakeviam.commands.options import show, with_server
from fakeviam.model.errors import UsageError
from fakeviam.program import CommandError, Verb, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.command("open", cls=Verb)
@with_server
@click.option("--print", "prints", is_flag=True, help="Print the address, and open nothing.")
@format_options
def command(*, server: Control, prints: bool, form: str) -> None:
    """Open the page of a running fake in a browser: its calls, files, readings and controls.

    With --json it prints the address, and opens nothing.
    """
    server.get("")  # says so if there is no server
    target = server.target
    if target.path:
        raise UsageError("browsers open no Unix sockets; give the server's TCP port as --target")
    host = f"[{target.host}]" if ":" in target.host else target.host
    session = f"?{urlencode({'session': server.session})}" if server.session else ""
    address = f"{'https' if target.tls else 'http'}://{host}:{target.port}/ui/calls{session}"
    show(form, {"url": address}, [address])
    if form != "json" and not prints and not (_has_screen() and click.launch(address) == 0):
        raise CommandError("opened nothing: there is no browser here; open this address elsewhere")


def _has_screen() -> bool:
    """Whether browsers can show anything; where they cannot, xdg-open fails later, and aloud."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, screens))
