"""What a call and its transport know of each other, whatever the transport is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from google.protobuf.message import Message
    from grpclib.const import Status

    from fakeviam.model.errors import Refusal
    from fakeviam.wire import Method
    from fakeviam.wire.encoded import Encoded


class CallStream(Protocol):
    """What a call needs of the transport it came by.

    Attributes:
        metadata: What the client sent along.
        authority: The host and port that it calls; empty if nobody says.
        refusal: Why it is refused before anything of it is read; None if it is not.
        malformed: Why it is no call at all; empty if it is one (SV-9).
        cut_text: Why it ended before its answer; empty if nobody says.
    """

    metadata: Any
    authority: str
    refusal: Refusal | None
    malformed: str
    cut_text: str

    @property
    def peer(self) -> str:
        """Who calls, `address:port`; empty on a Unix socket."""
        ...

    @property
    def time_left(self) -> float | None:
        """Seconds that the client still waits; None is for ever."""
        ...

    async def recv_message(self, policy_limit: int | None = None) -> Message | None:
        """The next message, of `policy_limit` bytes at most; None at the end of the stream."""
        ...

    async def send_message(self, message: Message | Encoded) -> None:
        """Send one message."""
        ...

    async def send_framed(self, data: bytes) -> None:
        """Send bytes of framed messages, which may begin and end anywhere."""
        ...

    async def send_trailing_metadata(
        self,
        *,
        status: Status = ...,
        status_message: str | None = None,
        status_details: Iterable[Any] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Send the status, with which the call ends."""
        ...

    def reset(self, code: str) -> None:
        """End the call without a status, for the reason of that name in HTTP/2."""

    def send_goaway(self, *, processed: bool) -> None:
        """Send no more in this call, and let the client open no more on its connection."""

    def reset_connection(self) -> None:
        """Reset the connection of the call."""


class StreamClosedError(ConnectionError):
    """The client can be told nothing more in this call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """What answers the calls of one path."""

    method: Method
    handle: Callable[[CallStream], Awaitable[None]]


class Router(Protocol):
    """Knows what answers which path; there is an answer to each."""

    def find(self, path: str) -> Route:
        """The route of a path."""
        ...
