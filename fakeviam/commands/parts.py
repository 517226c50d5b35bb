"""`fakeviam parts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.control import segment
from fakeviam.commands.options import columns, show, with_server
from fakeviam.program import CommandError, Verbs, format_options

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
    found = server.get("/fleet")
    rows = [_row(part) for part in found["parts"]]
    show(form, found, columns([("PART", "ROBOT", "LOCATION", "ORGANIZATION", "ID"), *rows]))


@command.command("show")
@with_server
@click.argument("part")
@format_options
def show_(*, server: Control, part: str, form: str) -> None:
    """Show a PART, by name or id."""
    found = _part(server, part)
    show(form, found, columns([(name.replace("_", " "), str(it)) for name, it in found.items()]))


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
def add(*, server: Control, form: str, internal: bool, **known: str | int | None) -> None:
    """Add a part called NAME, and print its id.

    Its robot, location and organization are created if they do not exist; the defaults are those
    of the default part.
    """
    given = {field: value for field, value in known.items() if value is not None}
    part = server.send("POST", "/fleet/parts", {**given, "internal": internal})
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


def _part(server: Control, told: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = server.get("/fleet")["parts"]
    found = [part for part in parts if told in (part["id"], part["name"])]
    if len(found) > 1:
        ids = ", ".join(part["id"] for part in found)
        raise CommandError(f"{len(found)} parts are named {told!r}; use an id: {ids}")
    if not found:
        known = ", ".join(part["name"] for part in parts)
        raise CommandError(f"no part has the name or id {told!r}; known parts: {known}")
    return found[0]


def _row(part: dict[str, Any]) -> tuple[str, ...]:
    owners = (part["robot_name"], part["location_name"], part["organization_name"])
    return part["name"], *owners, part["id"]
