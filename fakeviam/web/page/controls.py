"""The page's controls: converts forms to requests of the control API."""

from __future__ import annotations

import asyncio
import inspect
import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from fakeviam.model.text import counted
from fakeviam.server.instruments.unfired_faults import explain_unfired
from fakeviam.web.endpoint import ControlRequest, Endpoint
from fakeviam.web.page.forms import read_form, whole
from fakeviam.web.problems import HttpProblem
from fakeviam.web.request_parsing import JSON_TYPE, checked, json_of
from fakeviam.web.routes.seeds import LINES_TYPE
from fakeviam.web.table import ROOT, endpoints

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.requests import Request

    from fakeviam.web.page.visit import Visit

    Form = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """A form and its request.

    Attributes:
        path: The path in the control API; names in braces are fields of the form.
        done: The message after success.
        body: Creates the request's body from the form.
        method: The HTTP method.
        view: The view that shows the result.
        takes_files: Whether the request's body is a seed from the uploaded files.
    """

    path: str
    done: str
    body: Callable[[Form], Any] = lambda _form: {}
    method: str = "POST"
    view: str = "controls"
    takes_files: bool = False


def _numbers(form: Form, *names: str) -> dict[str, object]:
    return {name: _number(name, form[name]) for name in names if form.get(name)}


def _number(name: str, text: str) -> float:
    if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII) is None:
        raise HttpProblem(422, f"{name} must be a number", field=name, value=text)
    return float(text)


def _step(form: Form) -> dict[str, object]:
    step = _numbers(form, "days", "hours", "minutes", "seconds")
    if not step:
        raise HttpProblem(422, "give days, hours, minutes or seconds", field="days", value="")
    return {"advance": step}


def _fault(form: Form) -> dict[str, object]:
    fault: dict[str, object] = {"rpc": form.get("rpc") or "*", "status": form.get("status", "")}
    if form.get("times"):
        fault["times"] = whole("times", form["times"])
    return {"faults": [fault]}


def _policy(form: Form) -> dict[str, object]:
    name, value = form.get("field", ""), form.get("value", "")
    if name == "preset":
        return {"preset": value}
    return {name: json_of(value.encode())}


#: All forms of the page, by name.
ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "freeze": Action(
            path="/clock", done="The clock is frozen.", body=lambda _: {"freeze": True}
        ),
        "run": Action(path="/clock", done="The clock runs.", body=lambda _: {"freeze": False}),
        "set": Action(
            path="/clock", done="The clock is set.", body=lambda form: {"set": form.get("time", "")}
        ),
        "advance": Action(path="/clock", done="The clock has moved.", body=_step),
        "plan": Action(path="/faults", done="The fault is planned.", body=_fault),
        "plan-json": Action(
            path="/faults",
            done="The faults are planned.",
            body=lambda form: {"faults": json_of(form.get("faults", "").encode())},
        ),
        "forget-faults": Action(method="DELETE", path="/faults", done="No fault is planned."),
        "snapshot": Action(
            path="/snapshots",
            done="The snapshot is taken.",
            body=lambda form: {"name": form.get("name", "")},
        ),
        "restore": Action(path="/snapshots/{snapshot}/restore", done="The snapshot is restored."),
        "delete-snapshot": Action(
            method="DELETE", path="/snapshots/{snapshot}", done="The snapshot is deleted."
        ),
        "open-session": Action(
            path="/sessions",
            done="The session is open.",
            body=lambda form: {"name": form["name"]} if form.get("name") else {},
        ),
        "close-session": Action(
            method="DELETE", path="/sessions/{name}", done="The session is closed."
        ),
        "add-key": Action(
            path="/api-keys",
            done="The API key is created.",
            body=lambda form: {
                "role": form.get("role", "owner"),
                "organizations": [form.get("organization", "")],
            },
        ),
        "revoke-key": Action(
            method="DELETE", path="/api-keys/{id}", done="The API key is revoked."
        ),
        "policy": Action(
            method="PATCH",
            path="/policy",
            done="The policy is changed.",
            body=_policy,
            view="policy",
        ),
        "seed": Action(path="/seed", done="The seed is loaded."),
        "seed-files": Action(path="/seed", done="The files are loaded.", takes_files=True),
        "reset": Action(path="/reset", done="Everything is deleted."),
    }
)


async def change(visit: Visit, request: Request) -> tuple[str, str]:
    """Execute a form, by the control API's own operation.

    Returns:
        The view that shows the result, and a message.

    Raises:
        HttpProblem: The form is invalid; nothing was changed.
        SeedError: The uploaded files are invalid.
    """
    form, files = await read_form(request)
    action = ACTIONS.get(form.get("action", ""))
    if action is None:
        raise HttpProblem(
            422, "there is no such action", field="action", value=form.get("action", "")
        )
    for name in re.findall(r"{(\w+)}", action.path):
        if not form.get(name):
            raise HttpProblem(422, f"{name} must not be empty", field=name, value="")
    endpoint = _endpoint(action)
    body = action.body(form)
    content = (form.get("seed", "").encode(), JSON_TYPE)
    if action.takes_files:
        from fakeviam.web.page.dropping import lines_of  # noqa: PLC0415 - reads all that there is

        content = (await asyncio.to_thread(lines_of, files), LINES_TYPE)
    answer = endpoint.handler(
        ControlRequest(
            fake=visit.fake,
            find=lambda: visit.handle,
            session=visit.session,
            path=form,
            query=None,
            body=None if endpoint.body is None else checked(endpoint.body, body),
            stream=_once(content[0]),
            content_type=content[1],
            trusted=visit.fake.control_token is not None,
            gone=request.receive,
        )
    )
    if inspect.isawaitable(answer):
        answer = await answer
    return action.view, f"{action.done}{_more(action, answer)}"


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _endpoint(action: Action) -> Endpoint:
    wanted = (action.method, ROOT + action.path)
    return next(each for each in endpoints() if (each.method, each.path) == wanted)


def _more(action: Action, answer: Any) -> str:
    """Details of a response for the message."""
    if action.path == "/api-keys":
        return f" Its key: {answer['key']}"
    if action.path != "/seed":
        return ""
    counts = {
        "file": len(answer["binary_data_ids"]),
        "reading": answer["readings"],
        # Objects have a short and a full name.
        "dataset": len(set(answer["datasets"].values())),
        "part": len(set(answer["parts"].values())),
    }
    held = [counted(count, one) for one, count in counts.items() if count]
    left_out = [f"{each['count']} {each['what']} ({each['why']})" for each in answer["left_out"]]
    without = f" Left out: {'; '.join(left_out)}." if left_out else ""
    return f" It held {', '.join(held) or 'nothing'}.{without}"


def show(visit: Visit) -> tuple[str, dict[str, object]]:
    """The clock, faults, snapshots, sessions and keys, with their forms."""
    handle = visit.handle
    trusted = visit.fake.control_token is not None or visit.cloud.accounts.mode == "any"
    return "controls.html", {
        "faults": [(str(each.fault), each) for each in handle.faults],
        "unfired": explain_unfired(handle.faults, visit.cloud.journal),
        "snapshots": handle.snapshots,
        "keys": [key if trusted else replace(key, key="…") for key in handle.api_keys],
        "organizations": visit.organizations,
    }
