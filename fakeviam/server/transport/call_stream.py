"""What a call and its transport know of each other, whatever the transport is."""

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
    """What a call needs of the transport it came by.

    Attributes:
        metadata: What the client sent along.
        address: Where it calls, `http(s)://host:port`; empty if nobody says.
        refusal: Why it is refused before anything of it is read; None if it is not.
        malformed: Why it is no call at all; empty if it is one (SV-9).
        cut_text: Why it ended before its answer; empty if nobody says.
        peer: Who calls, `address:port`; empty on a Unix socket.
        timeout: Seconds that the client waits for the whole call; None is for ever.
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
        """Whether the client waits no longer."""
        ...

    async def recv_message(self, policy_limit: int | None = None) -> Message | None:
        """The next message, of `policy_limit` bytes at most; None at the end of the stream."""
        ...

    async def send_message(self, message: Message | Encoded) -> None:
        """Send one message."""
        ...

    def framed(self, messages: Iterable[Message | Encoded]) -> bytes:
        """Messages as they go out, each in its frame."""
        ...

    async def send_framed(self, data: bytes) -> None:
        """Send bytes of framed messages, which may begin and end anywhere."""
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
        """Send the last messages, and the status with which the call ends."""
        ...

    def reset(self, code: str) -> None:
        """End the call without a status, for the reason of that name in HTTP/2."""

    def send_goaway(self, *, processed: bool) -> None:
        """Send no more in this call, and let the client open no more on its connection."""

    def reset_connection(self) -> None:
        """Reset the connection of the call."""


class Carried(Protocol):
    """What a connection knows of a request, to let it come or end it."""

    id: int
    is_reset: bool


class Carrier(Protocol):
    """The connection that a request came by."""

    peer: str
    scheme: str

    def let_come(self, request: Carried, size: int) -> None:
        """Let the client send so many more bytes of a request."""

    def send_headers(
        self, number: int, headers: list[tuple[str, str]], *, end: bool = False
    ) -> None:
        """Send headers or trailers of the stream of that number."""

    async def send_data(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Send data, as fast as the client takes it."""

    def reset_stream(self, request: Carried, code: str) -> None:
        """End a request with RST_STREAM."""

    def send_goaway(self, last: int) -> None:
        """Say that calls after the stream `last` were not processed; close when all are done."""

    def abort(self) -> None:
        """Drop the connection at once."""


class StreamClosedError(ConnectionError):
    """The client can be told nothing more in this call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """What answers the calls of one path."""

    method: Method
    handle: Callable[[CallStream], Awaitable[None]]


class Router(Protocol):
    """Knows what answers which path; there is an answer to each."""

    def __getitem__(self, path: str, /) -> Route: ...
