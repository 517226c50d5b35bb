"""A route of the control API: what it takes, what it does, what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from fakeviam.server.lifecycle.handle import CloudHandle
    from fakeviam.server.lifecycle.host import Host
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.web.schema import Schema
    from fakeviam.web.shelf import Shelf


@dataclass(kw_only=True, slots=True)
class Ask:
    """One request, checked against its endpoint.

    Attributes:
        fake: The server.
        find: Finds the session that the request chose; refuses one that has ended.
        session: The name of that session.
        shelf: The snapshots that were taken over HTTP.
        path: Values of the names in the path.
        query: Values of the query.
        body: The JSON object of the body.
        stream: The body's bytes, for an endpoint that takes a stream.
        content_type: What the caller says they are.
        gone: Waits until the caller has hung up.
    """

    fake: Host
    find: Callable[[], CloudHandle]
    session: str
    shelf: Shelf
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    stream: AsyncIterator[bytes]
    content_type: str
    gone: Callable[[], Any]

    @property
    def world(self) -> CloudHandle:
        """The session that the request chose; the server's own world without one.

        Raises:
            Problem: 404, it has ended while the request came in.
        """
        return self.find()

    @property
    def cloud(self) -> CloudState:
        """The state of that world, for steps that its handle has no word for."""
        return self.find()._cloud  # noqa: SLF001


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A route.

    Attributes:
        method: HTTP method.
        path: With the names of its variables in braces.
        title: What it does, in one line.
        act: Does it. Returns the answer's JSON, or something that is awaited for it. What it
            changes, it changes without awaiting.
        answer: Shape of the answer.
        body: Shape of the request's body; None takes none.
        streams: Content types of a body that is read as it comes.
        query: Shapes of the query's parameters, all optional.
        status: HTTP status of the answer.
        everywhere: Is about the server, not about a session.
        answer_type: Content type of the answer.
    """

    method: str
    path: str
    title: str
    act: Callable[[Ask], Any]
    answer: Schema
    body: Schema | None = None
    streams: tuple[str, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    status: int = 200
    everywhere: bool = False
    answer_type: str = "application/json"
