"""`fakeviam faults`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import (
    FROM_OPTION,
    cell,
    columns,
    json_from,
    pairs,
    show,
    with_server,
)
from fakeviam.model.errors import UsageError
from fakeviam.model.text import counted
from fakeviam.program import Verbs, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.group("faults", cls=Verbs)
def command() -> None:
    """Plan faults in a running fake, and list the calls they hit."""


@command.command("list")
@with_server
@format_options
def show_plan(*, server: Control, form: str) -> None:
    """List the planned faults and the calls they hit."""
    plan = server.get("/faults")
    show(form, plan, _lines(plan) or ["no planned faults"])


@command.command("add", may_be_empty=["text"])
@with_server
@click.argument("rpc", required=False)
@click.option(
    "--where", multiple=True, metavar="FIELD=VALUE", help="Only calls whose request has this value."
)
@click.option("--call", "calls", type=int, multiple=True, help="Only these matching calls, from 1.")
@click.option("--times", type=int, help="At most this many calls.")
@click.option("--probability", type=float, help="With this probability, determined by the seed.")
@click.option("--after-commit", is_flag=True, help="After the call has been committed.")
@click.option("--after-messages", type=int, help="After this many request messages.")
@click.option("--after-bytes", type=int, help="After this many bytes, received or sent.")
@click.option("--delay", metavar="DURATION", help="Wait first: 40s, 250ms, 2m.")
@click.option("--effect", metavar="NAME", help="The effect: reset-stream, goaway, stall, …")
@click.option("--status", metavar="NAME", help="Respond with this gRPC status.")
@click.option("--text", help="The status message.")
@click.option("--optional", is_flag=True, help="Do not fail if it never fires.")
@FROM_OPTION
@format_options
def add(*, server: Control, form: str, document: str | None, **options: object) -> None:
    """Plan a fault for calls of RPC, which may contain the wildcards * and ?; '*' is all.

    For example: fakeviam faults add FileUpload --status UNAVAILABLE --times 2
    """
    given = _fault(options)
    if document is not None and given:
        raise UsageError("--from cannot be combined with RPC and other options")
    if document is None and "rpc" not in given:
        raise UsageError(
            "name the RPC to fail, as in `fakeviam faults add FileUpload …`; '*' is all"
        )
    fault = given if document is None else json_from(document)
    faults = fault if isinstance(fault, list) else [fault]
    plan = server.send("POST", "/faults", {"faults": faults})
    show(form, plan, _lines(plan))


@command.command("clear")
@with_server
@format_options
def clear(*, server: Control, form: str) -> None:
    """Remove all planned faults."""
    result = server.send("DELETE", "/faults")
    show(form, result, [f"removed {counted(result['forgotten'], 'planned fault')}"])


def _fault(options: dict[str, Any]) -> dict[str, object]:
    fault = dict(options)
    fault["where"] = pairs(fault["where"], "--where")
    fault["calls"] = list(fault["calls"])
    fault["when"] = "after-commit" if fault.pop("after_commit") else None
    # What was not given; a zero was, and the server refuses it where it means nothing.
    return {
        k: v for k, v in fault.items() if v is not None and v is not False and v not in ([], {})
    }


def _lines(plan: dict[str, Any]) -> list[str]:
    lines = columns([_row(each) for each in plan["faults"]]) if plan["faults"] else []
    if plan["refusing"]:
        lines.append(f"the next {counted(plan['refusing'], 'connection')} will be reset")
    return lines


def _row(planned: dict[str, Any]) -> tuple[str, ...]:
    fault = dict(planned["fault"])
    rpc = fault.pop("rpc", "*")
    what = ", ".join(f"{name}={cell(value)}" for name, value in fault.items())
    hit = ", ".join(f"#{number}" for number in planned["fired"])
    state = f"hit {hit}" if hit else planned["missing"] or "not hit yet"
    return str(planned["number"]), rpc, what, state
