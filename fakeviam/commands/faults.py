"""`fakeviam faults`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import FORMAT, columns, pairs, show, talks
from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from fakeviam.commands.control import Control


@click.group("faults")
def command() -> None:
    """Plan what goes wrong in a running fake, and see what did."""


@command.command("list")
@talks
@FORMAT
def show_plan(*, server: Control, form: str) -> None:
    """List the planned faults and the calls they hit."""
    plan = server.get("/faults")
    show(form, plan, _lines(plan) or ["no faults are planned"])


@command.command("add")
@talks
@click.argument("rpc", default="*")
@click.option("--where", multiple=True, metavar="FIELD=VALUE", help="Only calls that ask this.")
@click.option("--call", "calls", type=int, multiple=True, help="Only these calls, from 1.")
@click.option("--times", type=int, help="At most so many calls.")
@click.option("--probability", type=float, help="With this probability, decided by the seed.")
@click.option("--after-commit", is_flag=True, help="Only once the fake has done what was asked.")
@click.option("--after-messages", type=int, help="Once so many request messages have come.")
@click.option("--after-bytes", type=int, help="Once so many bytes have come, or were sent.")
@click.option("--delay", metavar="DURATION", help="Wait first: 40s, 250ms, 2m.")
@click.option("--effect", metavar="NAME", help="What happens: reset-stream, goaway, stall, …")
@click.option("--status", metavar="NAME", help="Answer this gRPC status.")
@click.option("--text", help="With this message.")
@click.option("--optional", is_flag=True, help="Do not complain if it never happens.")
@click.option("--json", "document", metavar="JSON", help="The fault as JSON instead; - is stdin.")
@FORMAT
def add(*, server: Control, form: str, document: str | None, **options: Any) -> None:
    """Plan a fault for calls of RPC, which may hold * and ?.

    For example: fakeviam faults add FileUpload --status UNAVAILABLE --times 2
    """
    fault = _fault(options) if document is None else _document(document)
    faults = fault if isinstance(fault, list) else [fault]
    plan = server.send("POST", "/faults", {"faults": faults})
    show(form, plan, _lines(plan))


@command.command("clear")
@talks
@FORMAT
def clear(*, server: Control, form: str) -> None:
    """Forget all planned faults."""
    found = server.send("DELETE", "/faults")
    show(form, found, [f"forgot {found['forgotten']} planned faults"])


def _fault(options: dict[str, Any]) -> dict[str, Any]:
    told = dict(options)
    told["where"] = pairs(told["where"], "--where")
    told["calls"] = list(told["calls"])
    told["when"] = "after-commit" if told.pop("after_commit") else None
    return {name: value for name, value in told.items() if value not in (None, False, [], {})}


def _document(told: str) -> Any:
    text = sys.stdin.read() if told == "-" else told
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"--json is no JSON: {error}") from error


def _lines(plan: dict[str, Any]) -> list[str]:
    lines = columns([_row(each) for each in plan["faults"]]) if plan["faults"] else []
    if plan["refusing"]:
        lines.append(f"the next {plan['refusing']} connections are reset")
    return lines


def _row(planned: dict[str, Any]) -> tuple[str, ...]:
    fault = dict(planned["fault"])
    rpc = fault.pop("rpc", "*")
    what = ", ".join(f"{name}={_shown(value)}" for name, value in fault.items())
    hit = ", ".join(f"#{number}" for number in planned["fired"])
    state = f"hit {hit}" if hit else planned["missing"] or "not hit yet"
    return str(planned["number"]), rpc, what, state


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
