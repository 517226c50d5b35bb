"""A route of the control API: what it takes, what it does, what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fakeviam.web.models import Nothing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.host import Host
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.validation.models import Model


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlRequest:
    """One request, checked against its endpoint.

    Attributes:
        fake: The server.
        find: Finds the session that the request chose; refuses one that has ended.
        session: The name of that session.
        path: Values of the names in the path.
        query: The query, a value of the endpoint's model.
        body: The body, a value of the endpoint's model.
        stream: The body's bytes, for an endpoint that takes a stream.
        content_type: What the caller says they are.
        trusted: The caller has shown the control token.
        gone: Waits until the caller has hung up.
    """

    fake: Host
    find: Callable[[], CloudHandle]
    session: str
    path: Mapping[str, str]
    query: Any
    body: Any
    stream: AsyncIterator[bytes]
    content_type: str
    trusted: bool
    gone: Callable[[], object]

    @property
    def handle(self) -> CloudHandle:
        """The session that the request chose; the server's own cloud without one.

        Raises:
            Problem: 404, it has ended while the request came in.
        """
        return self.find()

    @property
    def cloud(self) -> CloudState:
        """The state of that session, for steps that its handle has no word for."""
        return self.find()._cloud  # noqa: SLF001


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A route.

    Attributes:
        method: HTTP method.
        path: With the names of its variables in braces.
        title: What it does, in one line.
        tag: The topic it belongs to.
        handler: Does it. Returns the answer's JSON, or something that is awaited for it. What it
            changes, it changes without awaiting.
        response: Model of the answer; None is a stream.
        body: Model of the request's body; None takes none.
        streams: Content types of a body that is read as it comes.
        query: Model of the query.
        status: HTTP status of the answer.
        server_wide: Is about the server, not about a session.
        response_type: Content type of the answer.
    """

    method: str
    path: str
    title: str
    tag: str
    handler: Callable[[ControlRequest], object]
    response: type[Model] | None
    body: type[Model] | None = None
    streams: tuple[str, ...] = ()
    query: type[Model] = Nothing
    status: int = 200
    server_wide: bool = False
    response_type: str = "application/json"
