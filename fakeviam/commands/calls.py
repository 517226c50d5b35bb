"""`fakeviam calls`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from fakeviam.commands.options import columns, pairs, show, with_server
from fakeviam.model.errors import UsageError
from fakeviam.program import Verb, format_options

if TYPE_CHECKING:
    from fakeviam.commands.control import Control

#: Seconds that one request waits for more calls.
_LOOK = 20.0

#: Names of request fields that say most about a call in one line.
_TELLING = ("part_id", "component_name", "file_name", "name", "dataset_id", "tags", "limit")


@click.command("calls", cls=Verb)
@with_server
@click.option("--rpc", metavar="NAME", help="Only calls of this RPC; wildcards: * and ?.")
@click.option("--status", metavar="NAME", help="Only calls with this gRPC status.")
@click.option(
    "--where", multiple=True, metavar="FIELD=VALUE", help="Only calls whose request has this value."
)
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the latest N.")
@click.option("--follow", is_flag=True, help="Keep printing calls as they end.")
@format_options
def command(
    *,
    server: Control,
    rpc: str | None,
    status: str | None,
    where: tuple[str, ...],
    last: int | None,
    follow: bool,
    form: str,
) -> None:
    """List the recorded calls, oldest first.

    JSON output has one call per line.
    """
    if follow and last:
        raise UsageError("--last and --follow cannot be combined")
    fields = pairs(where, "--where")
    filter_text = json.dumps(fields) if fields else None
    choice: dict[str, Any] = {"rpc": rpc, "status": status, "fields": filter_text}
    if follow:
        _follow(server, choice, form)
        return
    page = server.get("/calls", **choice, limit=last)
    _print(page["calls"], form)
    if form == "text":
        _remark(page)


def _remark(page: dict[str, object]) -> None:
    if not page["calls"]:
        click.echo("no matching calls", err=True)
    if page["dropped"]:
        click.echo(f"{page['dropped']} older calls were dropped; the journal is full", err=True)


def _follow(server: Control, choice: dict[str, Any], form: str) -> None:
    """Print each call when it ends; calls may end out of order."""
    settled = 0
    printed: set[int] = set()
    while True:
        page = server.get("/calls", wait=_LOOK, **choice, after=settled, count=len(printed) + 1)
        new = [call for call in page["calls"] if call["status"] and call["number"] not in printed]
        _print(new, form)
        printed.update(call["number"] for call in new)
        # Beyond the numbers up to which everything is printed, ask for more than we know.
        open_calls = [call["number"] for call in page["calls"] if not call["status"]]
        settled = max([settled, *printed]) if not open_calls else min(open_calls) - 1
        printed = {number for number in printed if number > settled}


def _print(calls: list[dict[str, object]], form: str) -> None:
    if form == "json":
        for call in calls:
            click.echo(json.dumps(call, ensure_ascii=False))
    elif calls:
        show(form, calls, columns([_row(call) for call in calls]))


def _row(call: dict[str, Any]) -> tuple[str, ...]:
    status = call["status"] or "…"
    if call["fault"]:
        status += " (fault)"
    elif call["scripted"]:
        status += " (scripted)"
    moment = call["time"].partition("T")[2][:12] or call["time"]
    took = "" if call["duration"] is None else f"{call['duration'] * 1000:.1f} ms"
    return f"#{call['number']}", moment, call["rpc"], status, took, _summary(call)


def _summary(call: dict[str, Any]) -> str:
    """A summary of the request; for a refusal, its text."""
    if call["text"]:
        return str(call["text"])
    values: dict[str, object] = {}
    for request in call["requests"][:2]:
        _collect(request, values)
    return ", ".join(f"{name}={_short(values[name])}" for name in _TELLING if name in values)


def _collect(value: object, values: dict[str, object]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _TELLING and not isinstance(inner, dict):
                values.setdefault(name, inner)
            else:
                _collect(inner, values)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"
