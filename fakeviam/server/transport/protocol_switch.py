"""One port for gRPC and HTTP: the first bytes of a connection tell which it is.

An HTTP/2 client that knows it speaks to an HTTP/2 server begins with a fixed preface, and no
HTTP/1.1 request begins like that. After the first bytes the connection belongs to the protocol
it chose: nothing stands in between.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

from fakeviam.server.transport.frames import PREFACE
from fakeviam.server.transport.sockets import abort

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = len(PREFACE)


class HttpServer(Protocol):
    """What answers the HTTP side of the port."""

    def protocol(self) -> asyncio.Protocol:
        """A protocol for one more connection."""
        ...

    async def stop(self) -> None:
        """End the requests that are being answered; their connections are gone already."""


class Http:
    """The HTTP side of one fake, made when the first HTTP connection comes (HT-1).

    Starlette and uvicorn take longer to import than a fake takes to start, and most tests
    speak gRPC alone.
    """

    def __init__(self, make: Callable[[], HttpServer]) -> None:
        """Serve with what `make` makes."""
        self._make = make
        self._server: HttpServer | None = None

    def protocol(self) -> asyncio.Protocol:
        """A protocol for one more connection."""
        if self._server is None:
            self._server = self._make()
        return self._server.protocol()

    async def stop(self) -> None:
        """End the requests that are being answered."""
        if self._server is not None:
            await self._server.stop()
            self._server = None


class ProtocolSniffer(asyncio.Protocol):
    """A connection that has not yet said what it speaks."""

    def __init__(
        self,
        grpc: Callable[[], asyncio.Protocol],
        http: Callable[[], asyncio.Protocol],
        *,
        patience: float,
    ) -> None:
        """Hand the connection to what one of these makes; drop it after `patience` seconds.

        Clients of both kinds speak first and at once.
        """
        self._patience = patience
        self._grpc = grpc
        self._http = http
        self._seen = b""
        self._impatience: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # That of another event loop, such as uvloop's, is no asyncio.Transport.
        self.transport = cast("asyncio.Transport", transport)
        self._impatience = asyncio.get_running_loop().call_later(
            self._patience, self.transport.abort
        )

    def data_received(self, data: bytes) -> None:
        seen = self._seen = self._seen + data
        if len(seen) < _LONGEST and PREFACE.startswith(seen):
            return  # it may become either
        self._forget()
        make = self._grpc if seen.startswith(PREFACE) else self._http
        assert self.transport is not None  # noqa: S101 - for the type checker
        protocol = make()
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(seen)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's
        self._forget()

    def _forget(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None


class RejectedConnection(asyncio.Protocol):
    """A connection that is reset as soon as it is made (FT-8)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        abort(transport)
