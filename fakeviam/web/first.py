"""The HTTP side of one fake as it is at first: light, since most fakes are asked by gRPC alone.

What answers takes half a second to import. That is done aside by the first request, which waits for
it; calls are answered meanwhile (SV-18).
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from fakeviam.server.transport.protocol_switch import LaterProtocol
from fakeviam.web.http2 import Http2Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.types import Receive, Scope, Send

    from fakeviam.server.lifecycle.host import Host
    from fakeviam.server.transport.call_stream import Carrier
    from fakeviam.server.transport.head import RequestHead
    from fakeviam.server.transport.http_side import HttpRequest, HttpSide
    from fakeviam.web.protocol import HttpServer

    Pair = tuple[bytes, bytes]

_HEAVY = "fakeviam.web.protocol"


class FirstServer:
    """The HTTP side of one fake."""

    def __init__(self, fake: Host) -> None:
        """Serve `fake`; runs in its event loop."""
        self._fake = fake
        self._server: HttpServer | None = None

    def _made(self) -> HttpServer:
        if self._server is None:
            from fakeviam.web.protocol import HttpServer  # noqa: PLC0415 - see above

            self._server = HttpServer(self._fake)
        return self._server

    async def _imported(self) -> HttpServer:
        await asyncio.to_thread(import_module, _HEAVY)
        return self._made()

    def request(
        self, connection: Carrier, number: int, head: RequestHead, headers: Sequence[Pair]
    ) -> HttpRequest:
        """Create an HTTP/2 request."""
        if self._server is None:
            return _LateRequest(connection, number, head, headers, server=self._imported)
        return self._server.request(connection, number, head, headers)

    def protocol(self) -> asyncio.Protocol:
        """Create the protocol of a new connection."""
        return LaterProtocol(self._protocol) if self._server is None else self._server.protocol()

    async def _protocol(self) -> asyncio.Protocol:
        return (await self._imported()).protocol()

    def refused(
        self, head: bytes, trailers: Sequence[tuple[str, str]]
    ) -> tuple[int, Sequence[Pair], bytes] | None:
        """The response that refuses a call starting with `head`; None if it is not a call."""
        return self._made().refused(head, trailers)

    def refusing(
        self, what: str, trailers: Sequence[tuple[str, str]], told: Callable[[], None]
    ) -> HttpSide:
        """Create a side that refuses all HTTP/2 requests."""
        return self._made().refusing(what, trailers, told)

    async def stop(self) -> None:
        """Cancel the requests in progress; their connections are already closed."""
        if self._server is not None:
            await self._server.stop()


class _LateRequest(Http2Request):
    """A request that waits for what answers it."""

    def __init__(
        self,
        connection: Carrier,
        number: int,
        head: RequestHead,
        headers: Sequence[Pair],
        *,
        server: Callable[[], Awaitable[HttpServer]],
    ) -> None:
        super().__init__(connection, number, head, headers, app=_nobody, extra=())
        self._server = server

    async def serve(self) -> None:
        server = await self._server()
        self._app, self._extra = server.app, server.headers
        await super().serve()


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError
