"""Isolated sessions on one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Omittable
from fakeviam.web.endpoint import Endpoint
from fakeviam.web.models import NonEmpty
from fakeviam.web.problems import HttpProblem
from fakeviam.web.routes.keys import shown_key
from fakeviam.web.routes.policy import Preset

if TYPE_CHECKING:
    from fakeviam.server.lifecycle.session import Session
    from fakeviam.web.endpoint import ControlRequest


class SessionModel(Model):
    """An isolated cloud."""

    name: str = field("Its name, for the header `fakeviam-session`.", "session-1")
    api_key: str | None = field(
        "API key of the session's own account. With auth=keys, null without the control token, "
        "except on opening.",
        "k",
    )
    api_key_id: str = field("Its id.", "f4ce0000-0000-4000-8000-000000000002")


class SessionList(Model):
    """The open sessions."""

    sessions: list[SessionModel] = field("In the order of opening.", [])


class NewSession(Model):
    """A session to open."""

    name: Omittable[NonEmpty] = field("Its name; generated if omitted.", "test-1", default=None)
    policy: Omittable[Preset] = field(
        "How it decides disputed points; by default like the server.", "strict", default=None
    )


def _session_json(
    request: ControlRequest, session: Session, *, new: bool = False
) -> dict[str, object]:
    return {
        "name": session.name,
        "api_key": session.api_key if new else shown_key(request, session.api_key),
        "api_key_id": session.api_key_id,
    }


def _list(request: ControlRequest) -> dict[str, object]:
    return {
        "sessions": [_session_json(request, session) for session in request.fake.sessions.values()]
    }


def _show(request: ControlRequest) -> dict[str, object]:
    return _session_json(request, _session(request))


def _begin(request: ControlRequest) -> dict[str, object]:
    name = request.body.name
    if name is not None and name in request.fake.sessions:
        raise HttpProblem(409, f"the session {name!r} already exists", field="name", value=name)
    return _session_json(request, request.fake.session(name, policy=request.body.policy), new=True)


def _end(request: ControlRequest) -> dict[str, object]:
    session = _session(request)
    ended = _session_json(request, session)
    session.close()
    return ended


def _session(request: ControlRequest) -> Session:
    name = request.path["name"]
    session = request.fake.sessions.get(name)
    if session is None:
        raise HttpProblem(404, f"there is no session {name!r}", field="name", value=name)
    return session


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/sessions",
        title="List the sessions",
        tag="sessions",
        handler=_list,
        response=SessionList,
        server_wide=True,
    ),
    Endpoint(
        method="POST",
        path="/sessions",
        title="Open a session: an isolated cloud with its own API key",
        tag="sessions",
        handler=_begin,
        body=NewSession,
        response=SessionModel,
        status=201,
        server_wide=True,
    ),
    Endpoint(
        method="GET",
        path="/sessions/{name}",
        title="Show a session",
        tag="sessions",
        handler=_show,
        response=SessionModel,
        server_wide=True,
    ),
    Endpoint(
        method="DELETE",
        path="/sessions/{name}",
        title="End a session and delete its state",
        tag="sessions",
        handler=_end,
        response=SessionModel,
        server_wide=True,
    ),
)
