"""What shall go wrong, and literal answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fakeviam.server.instruments.faults.fault import Fault
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.problems import Problem
from fakeviam.web.routes.clock import with_field
from fakeviam.web.schema import document, listed, maybe, shape, text, whole

if TYPE_CHECKING:
    from fakeviam.web.endpoint import Ask

_FAULT = shape(
    {
        "number": whole("Its place in the plan, from 1."),
        "fault": document("What was planned."),
        "fitting_calls": whole("How many calls fitted it."),
        "fired": listed(whole(), "Numbers of the calls that it hit."),
        "missing": text("What was planned and did not happen; empty if all did."),
    }
)

_NEW_FAULTS = shape(
    optional={
        "faults": listed(
            document("A fault: rpc, where, calls, times, probability, when, effect, status, …"),
            minItems=1,
        ),
        "refuse_connections": whole("Reset so many of the next connections.", minimum=1),
    }
)

_REPLY = shape(
    {
        "rpc": text(),
        "where": document(),
        "replies": listed(document()),
        "times": maybe(whole()),
        "used": listed(whole(), "Numbers of the calls that it answered."),
    }
)

_NEW_REPLY = shape(
    {"rpc": text("The RPC that is answered.", minLength=1)},
    {
        "where": document("Fields that the request must have."),
        "reply": document("The answer, in the names of the proto files."),
        "replies": listed(document(), "Several, where the RPC streams them."),
        "times": whole("Answer so many calls; without it, all.", minimum=1),
    },
)


def _plan_report(ask: Ask) -> dict[str, Any]:
    return {"faults": ask.world.faults.report(), "refusing": ask.world.faults.refusing}


def _plan(ask: Ask) -> dict[str, Any]:
    if not ask.body:
        raise Problem(422, "nothing to plan: give faults or refuse_connections", field="faults")
    # All are read before one is planned.
    made = [
        with_field(f"faults[{index}]", told, partial(Fault.from_json, told))
        for index, told in enumerate(ask.body.get("faults", []))
    ]
    planned = [ask.world.faults.add(fault) for fault in made]
    if "refuse_connections" in ask.body:
        ask.world.faults.refuse_connections(ask.body["refuse_connections"])
    return {
        "faults": [each.to_json() for each in planned],
        "refusing": ask.world.faults.refusing,
    }


def _forget_plan(ask: Ask) -> dict[str, Any]:
    return {"forgotten": ask.world.faults.clear()}


def _scripts(ask: Ask) -> dict[str, Any]:
    return {"replies": ask.world.replies.report()}


def _script(ask: Ask) -> dict[str, Any]:
    script = with_field("reply", ask.body, lambda: ask.world.replies.add(dict(ask.body)))
    return script.to_json()


def _forget_scripts(ask: Ask) -> dict[str, Any]:
    return {"forgotten": ask.world.replies.clear()}


_PLAN = shape(
    {"faults": listed(_FAULT), "refusing": whole("Connections that will still be reset.")}
)
_FORGOTTEN = shape({"forgotten": whole("How many there were.")})

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/faults",
        title="List the planned faults, and which calls they hit",
        act=_plan_report,
        answer=_PLAN,
    ),
    Endpoint(
        method="POST",
        path="/faults",
        title="Plan faults: all of them or none",
        act=_plan,
        body=_NEW_FAULTS,
        answer=_PLAN,
        status=201,
    ),
    Endpoint(
        method="DELETE",
        path="/faults",
        title="Forget the planned faults and their account",
        act=_forget_plan,
        answer=_FORGOTTEN,
    ),
    Endpoint(
        method="GET",
        path="/replies",
        title="List the scripted replies",
        act=_scripts,
        answer=shape({"replies": listed(_REPLY)}),
    ),
    Endpoint(
        method="POST",
        path="/replies",
        title="Script the answer to some calls",
        act=_script,
        body=_NEW_REPLY,
        answer=_REPLY,
        status=201,
    ),
    Endpoint(
        method="DELETE",
        path="/replies",
        title="Forget the scripted replies",
        act=_forget_scripts,
        answer=_FORGOTTEN,
    ),
)
