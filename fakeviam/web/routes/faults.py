"""Planned faults and scripted replies."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from fakeviam.server.instruments.faults.fault import Fault
from fakeviam.server.instruments.faults.rules import FaultDocument, PlanEntry
from fakeviam.server.instruments.reply_document import ReplyDocument
from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Count, Many, Omittable
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.models import Forgotten
from fakeviam.web.problems import HttpProblem
from fakeviam.web.routes.clock import with_field

if TYPE_CHECKING:
    from fakeviam.web.endpoint import ControlRequest


class PlannedFaultModel(Model):
    """A planned fault and its account."""

    number: int = field("Its number, from 1.", 1)
    fault: FaultDocument = field("The fault.", {"rpc": "FileUpload", "status": "ABORTED"})
    fitting_calls: int = field("How many calls matched it.", 2)
    fired: list[int] = field("Numbers of the calls that it hit.", [1])
    missing: str = field("What has not fired yet; empty if everything has.", "")


class PlanModel(Model):
    """The planned faults."""

    faults: list[PlannedFaultModel] = field("In the order of planning.", [])
    refusing: int = field("Connections that will still be reset.", 0)


class NewFaults(Model):
    """Faults to plan: all of them or none."""

    faults: Omittable[Annotated[Many[PlanEntry], Field(min_length=1)]] = field(
        "The faults; a string stands for a status.",
        [{"rpc": "FileUpload", "status": "UNAVAILABLE", "times": 1}],
        default=None,
    )
    refuse_connections: Omittable[Count] = field(
        "Reset this many of the next connections.", 1, default=None
    )


class Script(Model):
    """A scripted reply and what it answered."""

    rpc: str = field("The RPC to answer.", "TagsByFilter")
    where: dict[str, object] = field("The request fields that must match.", {})
    replies: list[dict[str, object]] = field("The replies, in order.", [{"tags": ["dog"]}])
    times: int | None = field("The number of calls it answers; null for all.", 1)
    used: list[int] = field("Numbers of the calls that it answered.", [])


class Scripts(Model):
    """The scripted replies."""

    replies: list[Script] = field("In the order of addition.", [])


def _plan_report(request: ControlRequest) -> dict[str, object]:
    return {"faults": request.handle.faults.report(), "refusing": request.handle.faults.refusing}


def _plan(request: ControlRequest) -> dict[str, object]:
    body: NewFaults = request.body
    if not body.model_fields_set:
        raise HttpProblem(
            422, "the request is empty: give faults or refuse_connections", field="faults"
        )
    # All are parsed before the first one is planned.
    faults = [
        with_field(f"faults[{index}]", document, partial(Fault.from_json, document))
        for index, document in enumerate(body.faults or ())
    ]
    planned = [request.handle.faults.add(fault) for fault in faults]
    if body.refuse_connections is not None:
        request.handle.faults.refuse_connections(body.refuse_connections)
    return {
        "faults": [each.to_json() for each in planned],
        "refusing": request.handle.faults.refusing,
    }


def _forget_plan(request: ControlRequest) -> dict[str, object]:
    return {"forgotten": request.handle.faults.clear()}


def _scripts(request: ControlRequest) -> dict[str, object]:
    return {"replies": request.handle.replies.report()}


def _script(request: ControlRequest) -> dict[str, object]:
    document = request.body.model_dump(exclude_unset=True)
    return with_field("reply", document, lambda: request.handle.replies.add(document)).to_json()


def _forget_scripts(request: ControlRequest) -> dict[str, object]:
    return {"forgotten": request.handle.replies.clear()}


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/faults",
        title="List the planned faults, and which calls they hit",
        tag="faults",
        handler=_plan_report,
        response=PlanModel,
    ),
    Endpoint(
        method="POST",
        path="/faults",
        title="Plan faults; all of them or none",
        tag="faults",
        handler=_plan,
        body=NewFaults,
        response=PlanModel,
        status=201,
    ),
    Endpoint(
        method="DELETE",
        path="/faults",
        title="Remove the planned faults and their counts",
        tag="faults",
        handler=_forget_plan,
        response=Forgotten,
    ),
    Endpoint(
        method="GET",
        path="/replies",
        title="List the scripted replies",
        tag="faults",
        handler=_scripts,
        response=Scripts,
    ),
    Endpoint(
        method="POST",
        path="/replies",
        title="Script replies to matching calls",
        tag="faults",
        handler=_script,
        body=ReplyDocument,
        response=Script,
        status=201,
    ),
    Endpoint(
        method="DELETE",
        path="/replies",
        title="Remove the scripted replies",
        tag="faults",
        handler=_forget_scripts,
        response=Forgotten,
    ),
)
