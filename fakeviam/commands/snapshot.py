"""`fakeviam snapshot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fakeviam.commands.control import segment
from fakeviam.commands.options import columns, show, with_server
from fakeviam.program import Verbs, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.group("snapshot", cls=Verbs)
def command() -> None:
    """Save and restore the state of a running fake.

    Snapshots are kept in the server's memory and lost when it stops.
    """


@command.command("save")
@with_server
@click.argument("name", required=False)
@format_options
def save(*, server: Control, name: str | None, form: str) -> None:
    """Take a snapshot, and print the name or id to restore it with."""
    snapshot = server.send("POST", "/snapshots", {} if name is None else {"name": name})
    show(form, snapshot, [snapshot["name"] or snapshot["id"]])


@command.command("restore")
@with_server
@click.argument("name")
@format_options
def restore(*, server: Control, name: str, form: str) -> None:
    """Restore the snapshot with this name or id; the snapshot is kept."""
    snapshot = server.send("POST", f"/snapshots/{segment(name)}/restore")
    show(
        form,
        snapshot,
        [f"restored {snapshot['name'] or snapshot['id']}, taken {snapshot['taken']}"],
    )


@command.command("list")
@with_server
@format_options
def show_kept(*, server: Control, form: str) -> None:
    """List the snapshots, oldest first."""
    snapshots = server.get("/snapshots")["snapshots"]
    rows = [(each["id"], each["name"] or "-", each["taken"]) for each in snapshots]
    show(form, snapshots, columns(rows) if rows else ["no snapshots"])


@command.command("delete")
@with_server
@click.argument("name")
@format_options
def delete(*, server: Control, name: str, form: str) -> None:
    """Delete the snapshot with this name or id."""
    snapshot = server.send("DELETE", f"/snapshots/{segment(name)}")
    show(form, snapshot, [f"deleted {snapshot['name'] or snapshot['id']}"])
