"""`fakeviam parts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.control import segment
from fakeviam.commands.options import columns, details, show, with_server
from fakeviam.program import Verbs, find, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.group("parts", cls=Verbs)
def command() -> None:
    """List, add and rename the parts of a running fake's fleet."""


@command.command("list")
@with_server
@format_options
def list_(*, server: Control, form: str) -> None:
    """List the parts, with the robot, location and organization of each."""
    fleet = server.get("/fleet")
    rows = [_row(part) for part in fleet["parts"]]
    show(form, fleet, columns([("PART", "ROBOT", "LOCATION", "ORGANIZATION", "ID"), *rows]))


@command.command("show")
@with_server
@click.argument("part")
@format_options
def show_(*, server: Control, part: str, form: str) -> None:
    """Show a PART, by name or id."""
    match = _part(server, part)
    show(form, match, details(match))


@command.command("add")
@with_server
@click.argument("name")
@click.option("--robot", help="Name of the robot.")
@click.option("--location", help="Name of the location.")
@click.option("--organization", help="Name of the organization.")
@click.option(
    "--retention-days",
    type=click.IntRange(min=1),
    help="Delete its data after this many UTC days of the fake's clock.",
)
@click.option("--internal", is_flag=True, help="Treat its data as ingested by Viam itself.")
@format_options
def add(*, server: Control, form: str, internal: bool, **fields: str | int | None) -> None:
    """Add a part called NAME, and print its id.

    Its robot, location and organization are created if they do not exist; the defaults are those
    of the default part.
    """
    body = {field: value for field, value in fields.items() if value is not None}
    part = server.send("POST", "/fleet/parts", {**body, "internal": internal})
    show(form, part, [part["id"]])


@command.command("rename")
@with_server
@click.argument("part")
@click.argument("name")
@format_options
def rename(*, server: Control, part: str, name: str, form: str) -> None:
    """Rename a PART, given by name or id, to NAME; data it has uploaded keeps the old name."""
    part_id = _part(server, part)["id"]
    renamed = server.send("PATCH", f"/fleet/parts/{segment(part_id)}", {"name": name})
    show(form, renamed, [f"{part_id} is now {renamed['name']}"])


def _part(server: Control, key: str) -> dict[str, Any]:
    parts = {part["id"]: part for part in server.get("/fleet")["parts"]}
    found: dict[str, Any] = parts[find("part", key, [(id_, parts[id_]["name"]) for id_ in parts])]
    return found


def _row(part: dict[str, Any]) -> tuple[str, ...]:
    owners = (part["robot_name"], part["location_name"], part["organization_name"])
    return part["name"], *owners, part["id"]
