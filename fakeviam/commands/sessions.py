"""`fakeviam sessions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.control import segment
from fakeviam.commands.options import columns, show, with_server
from fakeviam.program import Verbs, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.group("sessions", cls=Verbs)
def command() -> None:
    """Open and end isolated sessions of a running fake; --session NAME acts on one."""


@command.command("list")
@with_server
@format_options
def list_(*, server: Control, form: str) -> None:
    """List the open sessions."""
    sessions = server.get("/sessions")
    rows = [_row(session) for session in sessions["sessions"]]
    show(form, sessions, columns(rows) if rows else ["no open sessions"])


@command.command("open")
@with_server
@click.argument("name", required=False)
@click.option(
    "--policy",
    type=click.Choice(["documented", "observed", "strict"]),
    help="How it decides disputed points; by default like the server.",
)
@format_options
def open_(*, server: Control, name: str | None, policy: str | None, form: str) -> None:
    """Open a session called NAME, and print its name, API key id and API key.

    It starts as a copy of the server's current state and is isolated from then on.
    """
    fields = {"name": name, "policy": policy}
    body = {key: value for key, value in fields.items() if value is not None}
    session = server.send("POST", "/sessions", body)
    show(form, session, ["  ".join(_row(session))])


@command.command("end")
@with_server
@click.argument("name")
@format_options
def end(*, server: Control, name: str, form: str) -> None:
    """End the session called NAME, and delete its state."""
    session = server.send("DELETE", f"/sessions/{segment(name)}")
    show(form, session, [f"ended {session['name']}"])


def _row(session: dict[str, Any]) -> tuple[str, ...]:
    return session["name"], session["api_key_id"], session["api_key"] or "(hidden)"
