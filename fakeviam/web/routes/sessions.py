"""Isolated worlds on one server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.web.endpoint import Endpoint
from fakeviam.web.problems import Problem
from fakeviam.web.schema import listed, shape, text

if TYPE_CHECKING:
    from fakeviam.server.lifecycle.session import Session
    from fakeviam.web.endpoint import Ask

_SESSION = shape(
    {
        "name": text("Send it as `fakeviam-session`."),
        "api_key": text(),
        "api_key_id": text(),
    }
)


def _session_json(session: Session) -> dict[str, Any]:
    return {
        "name": session.name,
        "api_key": session.api_key,
        "api_key_id": session.api_key_id,
    }


def _list(ask: Ask) -> dict[str, Any]:
    return {"sessions": [_session_json(session) for session in ask.fake.sessions.values()]}


def _show(ask: Ask) -> dict[str, Any]:
    return _session_json(_named(ask))


def _begin(ask: Ask) -> dict[str, Any]:
    name = ask.body.get("name")
    if name is not None and name in ask.fake.sessions:
        raise Problem(409, f"there is a session {name!r} already", field="name", value=name)
    return _session_json(ask.fake.session(name, policy=ask.body.get("policy")))


def _end(ask: Ask) -> dict[str, Any]:
    session = _named(ask)
    ended = _session_json(session)
    session.close()
    ask.shelf.drop_all(session.name)
    return ended


def _named(ask: Ask) -> Session:
    name = ask.path["name"]
    found = ask.fake.sessions.get(name)
    if found is None:
        raise Problem(404, f"there is no session {name!r}", field="name", value=name)
    return found


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/sessions",
        title="List the sessions",
        act=_list,
        answer=shape({"sessions": listed(_SESSION)}),
        everywhere=True,
    ),
    Endpoint(
        method="POST",
        path="/sessions",
        title="Begin a session: a world of its own, with its own key",
        act=_begin,
        body=shape(
            optional={
                "name": text("One is made up without it.", minLength=1),
                "policy": text(
                    "How it decides disputed points; as the server without it.",
                    enum=["documented", "observed", "strict"],
                ),
            }
        ),
        answer=_SESSION,
        status=201,
        everywhere=True,
    ),
    Endpoint(
        method="GET",
        path="/sessions/{name}",
        title="Show a session",
        act=_show,
        answer=_SESSION,
        everywhere=True,
    ),
    Endpoint(
        method="DELETE",
        path="/sessions/{name}",
        title="End a session and forget all it held",
        act=_end,
        answer=_SESSION,
        everywhere=True,
    ),
)
