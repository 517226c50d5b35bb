"""`fakeviam keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.control import segment
from fakeviam.commands.options import columns, show, with_server
from fakeviam.program import Verbs, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control

_HIDDEN = "(hidden)"


@click.group("keys", cls=Verbs)
def command() -> None:
    """List, add and revoke the API keys of a running fake."""


@command.command("list")
@with_server
@format_options
def list_(*, server: Control, form: str) -> None:
    """List the API keys, that of the default account first."""
    keys = server.get("/api-keys")
    rows = [_row(key) for key in keys["api_keys"]]
    show(form, keys, columns([("ID", "KEY", "ROLE", "EXPIRES", "FOR"), *rows]))


@command.command("add")
@with_server
@click.option(
    "--organization",
    "organizations",
    multiple=True,
    metavar="ID",
    help="An organization it gives access to; by default the default organization.",
)
@click.option("--location", "locations", multiple=True, metavar="ID", help="A location instead.")
@click.option(
    "--machine", "machines", multiple=True, metavar="ID", help="A machine, or one of its parts."
)
@click.option(
    "--role", type=click.Choice(["owner", "operator"]), default="owner", show_default=True
)
@click.option("--expires", metavar="TIME", help="When it expires by the fake's clock, in ISO 8601.")
@click.option("--expires-in", type=float, metavar="SECONDS", help="How long it is valid from now.")
@format_options
def add(
    *,
    server: Control,
    expires: str | None,
    expires_in: float | None,
    role: str,
    form: str,
    **reach: tuple[str, ...],
) -> None:
    """Add an API key, and print its id and the key."""
    body: dict[str, object] = {name: list(ids) for name, ids in reach.items() if ids}
    if not body:
        body = {"organizations": [server.get("")["server"]["organization_id"]]}
    ends = {"expires": expires, "expires_in": expires_in}
    body |= {name: value for name, value in ends.items() if value is not None}
    body["role"] = role
    key = server.send("POST", "/api-keys", body)
    show(form, key, [f"{key['id']}  {key['key']}"])


@command.command("revoke")
@with_server
@click.argument("key_id", metavar="ID")
@format_options
def revoke(*, server: Control, key_id: str, form: str) -> None:
    """Revoke the key with this ID, and all its access tokens."""
    key = server.send("DELETE", f"/api-keys/{segment(key_id)}")
    show(form, key, [f"revoked {key['id']}"])


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    reach = key["robot_ids"] or key["location_ids"] or key["organization_ids"]
    return (
        key["id"],
        key["key"] or _HIDDEN,
        key["role"],
        key["expires"] or "never",
        ", ".join(reach),
    )
