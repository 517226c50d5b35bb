"""An endpoint of the control API: its request, its handler and its response."""

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
    """One request, validated for its endpoint.

    Attributes:
        fake: The server.
        find: Finds the selected session; refuses one that has ended.
        session: The name of the session.
        path: The variables in the path.
        query: The query, a value of the endpoint's model.
        body: The body, a value of the endpoint's model.
        stream: The body's bytes, if the endpoint reads a stream.
        content_type: The content type of the stream.
        trusted: Whether the caller has sent the control token.
        gone: Waits until the caller has disconnected.
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
        """The handle on the selected session, or on the server's own cloud.

        Raises:
            Problem: 404, the session ended while the request arrived.
        """
        return self.find()

    @property
    def cloud(self) -> CloudState:
        """The state of that session, for operations that the handle does not have."""
        return self.find()._cloud  # noqa: SLF001


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A route of the control API.

    Attributes:
        method: HTTP method.
        path: The path, with variables in braces.
        title: A one-line description.
        tag: The topic.
        handler: Handles the request. Returns the response's JSON, or an awaitable of it. Its
            changes are made without awaiting.
        response: The model of the response; None is a stream.
        body: The model of the request's body; None is no body.
        streams: The content types of a streamed body.
        query: The model of the query.
        status: The HTTP status of the response.
        server_wide: Whether it concerns the server rather than a session.
        response_type: The content type of the response.
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
