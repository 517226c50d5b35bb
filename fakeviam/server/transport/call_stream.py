"""The interface between a call and its transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from google.protobuf.message import Message
    from grpclib.const import Status

    from fakeviam.model.errors import Refusal
    from fakeviam.server.instruments.faults.values import Detail
    from fakeviam.server.instruments.journal.redaction import Metadata
    from fakeviam.wire import Method
    from fakeviam.wire.encoded import Encoded


class CallStream(Protocol):
    """A call, as its handler sees the transport.

    Attributes:
        metadata: The metadata that the client sent.
        address: The URL that the client called, `http(s)://host:port`; empty if unknown.
        refusal: Why the call is refused before its body is read; None if it is not.
        malformed: Why the request is malformed; empty if it is not (SV-9).
        cut_text: Why the call ended without a reply; empty if unknown.
        peer: The client's `address:port`; empty on a Unix socket.
        timeout: The client's timeout in seconds; None is unlimited.
    """

    metadata: Metadata
    address: str
    refusal: Refusal | None
    malformed: str
    cut_text: str
    peer: str
    timeout: float | None

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        ...

    async def recv_message(self, policy_limit: int | None = None) -> Message | None:
        """The next message, of at most `policy_limit` bytes; None at the end of the stream."""
        ...

    async def send_message(self, message: Message | Encoded) -> None:
        """Send one message."""
        ...

    def framed(self, messages: Iterable[Message | Encoded]) -> bytes:
        """Encode messages, each with its prefix."""
        ...

    async def send_framed(self, data: bytes) -> None:
        """Send encoded messages; `data` need not end at a message boundary."""
        ...

    async def send_trailing_metadata(
        self,
        *,
        replies: Iterable[Message | Encoded] = (),
        status: Status = ...,
        status_message: str | None = None,
        status_details: Iterable[Detail] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Send the last messages, and the status of the call."""
        ...

    def reset(self, code: str) -> None:
        """End the call without a status, with the HTTP/2 error code of this name."""

    def send_goaway(self, *, processed: bool) -> None:
        """Send nothing more in this call, and accept no new calls on its connection."""

    def reset_connection(self) -> None:
        """Reset the connection of the call."""


class Carried(Protocol):
    """A request, as its connection sees it."""

    id: int
    is_reset: bool


class Carrier(Protocol):
    """The connection of a request, as the request sees it."""

    peer: str
    scheme: str

    def let_come(self, request: Carried, size: int) -> None:
        """Grant the client `size` bytes of window for a request."""

    def send_headers(
        self, number: int, headers: list[tuple[str, str]], *, end: bool = False
    ) -> None:
        """Send headers or trailers on this stream."""

    async def send_data(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Send data at the rate that the client accepts."""

    def reset_stream(self, request: Carried, code: str) -> None:
        """Reset the stream of a request."""

    def send_goaway(self, last: int) -> None:
        """Announce that calls after stream `last` were not processed; close after the others."""

    def abort(self) -> None:
        """Drop the connection immediately."""


class StreamClosedError(ConnectionError):
    """The client can no longer receive anything in this call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """The handler of a path."""

    method: Method
    handle: Callable[[CallStream], Awaitable[None]]


class Router(Protocol):
    """Maps every path to a route; unknown paths have one too."""

    def __getitem__(self, path: str, /) -> Route: ...
