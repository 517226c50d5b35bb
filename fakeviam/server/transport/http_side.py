"""The HTTP side of the port, as connections know it."""

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
    """A request inside HTTP/2 that is no call of gRPC."""

    async def serve(self) -> None:
        """Answer it."""
        raise NotImplementedError


class HttpSide(PortServer, Protocol):
    """What answers connections in HTTP/1.1, and requests inside HTTP/2."""

    def request(
        self, connection: Carrier, number: int, head: RequestHead, headers: Sequence[Pair]
    ) -> HttpRequest:
        """One more request inside HTTP/2."""
        ...

    def refused(
        self, head: bytes, trailers: Sequence[tuple[str, str]]
    ) -> tuple[int, Sequence[Pair], bytes] | None:
        """Status, headers and body for a call that ends at once; None if it is no call.

        Args:
            head: A request of HTTP/1.1, up to its empty line.
            trailers: How the call ends, as gRPC says it.
        """
        ...

    def refusing(
        self, what: str, trailers: Sequence[tuple[str, str]], told: Callable[[], None]
    ) -> HttpSide:
        """A side that refuses all requests inside HTTP/2.

        Args:
            what: Why.
            trailers: How a call ends, as gRPC says it.
            told: Called at each of them.
        """
        ...
