"""The HTTP side of the port, as connections see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fakeviam.server.transport.protocol_switch import PortServer
from fakeviam.server.transport.stream import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.server.transport.call_stream import Carrier
    from fakeviam.server.transport.head import RequestHead

    Pair = tuple[bytes, bytes]


class HttpRequest(Request):
    """An HTTP/2 request that is not a gRPC call."""

    async def serve(self) -> None:
        """Handle the request."""
        raise NotImplementedError


class HttpSide(PortServer, Protocol):
    """Serves HTTP/1.1 connections, and HTTP/2 requests that are not gRPC calls."""

    def request(
        self, connection: Carrier, number: int, head: RequestHead, headers: Sequence[Pair]
    ) -> HttpRequest:
        """Create an HTTP/2 request."""
        ...

    def refused(
        self, head: bytes, trailers: Sequence[tuple[str, str]]
    ) -> tuple[int, Sequence[Pair], bytes] | None:
        """Status, headers and body that refuse a call; None if the request is not a call.

        Args:
            head: An HTTP/1.1 request up to its empty line.
            trailers: The gRPC status of the call.
        """
        ...

    def refusing(
        self, what: str, trailers: Sequence[tuple[str, str]], told: Callable[[], None]
    ) -> HttpSide:
        """A side that refuses all HTTP/2 requests.

        Args:
            what: The reason.
            trailers: The gRPC status for calls.
            told: Called for each refused request.
        """
        ...
