"""`fakeviam replies`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import (
    FROM_OPTION,
    cell,
    columns,
    json_from,
    json_text,
    pairs,
    show,
    with_server,
)
from fakeviam.model.errors import UsageError
from fakeviam.model.text import counted
from fakeviam.program import Verbs, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.group("replies", cls=Verbs)
def command() -> None:
    """Script literal replies of a running fake, and list the calls they answered."""


@command.command("list")
@with_server
@format_options
def list_(*, server: Control, form: str) -> None:
    """List the scripted replies, and how many calls each has answered."""
    scripts = server.get("/replies")
    show(form, scripts, _lines(scripts["replies"]) or ["no scripted replies"])


@command.command("add")
@with_server
@click.argument("rpc", required=False)
@click.argument("reply", required=False)
@click.option(
    "--where", multiple=True, metavar="FIELD=VALUE", help="Only calls whose request has this value."
)
@click.option("--times", type=int, help="Answer at most this many calls.")
@FROM_OPTION
@format_options
def add(
    *,
    server: Control,
    rpc: str | None,
    reply: str | None,
    where: tuple[str, ...],
    times: int | None,
    document: str | None,
    form: str,
) -> None:
    """Answer calls of RPC with REPLY, a JSON object with proto field names.

    For example: fakeviam replies add TagsByFilter '{"tags": ["dog"]}' --times 1
    """
    if document is not None:
        if rpc is not None or where or times is not None:
            raise UsageError("--from cannot be combined with RPC, --where or --times")
        body = json_from(document)
    elif rpc is None or reply is None:
        raise UsageError(
            "give an RPC and its reply, as in `fakeviam replies add TagsByFilter '{}'`"
        )
    else:
        body = {"rpc": rpc, "reply": json_text(reply, "REPLY")}
        body |= {"where": pairs(where, "--where")} if where else {}
        body |= {"times": times} if times is not None else {}
    script = server.send("POST", "/replies", body)
    show(form, script, _lines([script]))


@command.command("clear")
@with_server
@format_options
def clear(*, server: Control, form: str) -> None:
    """Remove all scripted replies."""
    result = server.send("DELETE", "/replies")
    removed = counted(result["forgotten"], "scripted reply", "scripted replies")
    show(form, result, [f"removed {removed}"])


def _lines(scripts: list[dict[str, object]]) -> list[str]:
    return columns([_row(script) for script in scripts]) if scripts else []


def _row(script: dict[str, Any]) -> tuple[str, ...]:
    where = ", ".join(f"{name}={cell(value)}" for name, value in script["where"].items())
    answers = ", ".join(map(cell, script["replies"]))
    used = ", ".join(f"#{number}" for number in script["used"])
    times = "" if script["times"] is None else f"{len(script['used'])} of {script['times']} times"
    return script["rpc"], where or "*", answers, times or "always", used
