"""gRPC-Web and Connect calls in plain HTTP, handled like gRPC calls (HT-7, HT-10).

A call arrives as a POST request and is passed on as a gRPC call: it uses the same stream class, and
the carrier below it writes the response in the caller's dialect. Login, sessions, faults, the
journal and deadlines therefore work as for gRPC.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from fakeviam import wire
from fakeviam.server.services.links import ROOT as FILES
from fakeviam.server.transport.head import media_type
from fakeviam.server.transport.routes import Routes
from fakeviam.server.transport.stream import GrpcStream, run
from fakeviam.web.connect import Connect, ConnectUnary
from fakeviam.web.dialects import Dialect, GrpcWeb, GrpcWebText
from fakeviam.web.json_codec import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from fakeviam.server.lifecycle.host import Host
    from fakeviam.server.transport.call_stream import Carried
    from fakeviam.web.dialects import Ending
    from fakeviam.wire import Method

#: The content types of calls, for the response to others.
POSTED = (
    "application/grpc-web, application/grpc-web-text, application/proto, application/json, "
    "application/connect+proto, application/connect+json"
)

#: Bytes of a body that are buffered before the call reads them. Many, because a disconnected
#: client is only noticed while it is being read.
_KEPT_AT_MOST = 16 * 1024 * 1024

#: Bytes of a response that are sent at once: others are answered before the next, if the client is
#: slower, and only so many wait in the connection's buffer.
_PIECE = 256 * 1024

#: Bytes of a message that remain while a piece of it is sent.
_UNKNOWN = -1

#: gRPC response headers that a dialect replaces.
_OF_THE_BEGINNING = frozenset({":status", "content-type", "grpc-accept-encoding"})


class HttpExchange(Protocol):
    """The faults that an application can apply to the connection of its request.

    Attributes:
        cut_text: Why the request ended without a response; empty if unknown.
        farewell: What to say if the request is cut (SV-17); empty if nothing can be sent.
    """

    cut_text: str
    farewell: str

    def reset(self, code: str) -> None:
        """End the request without a response, with the HTTP/2 error code of this name."""

    def send_goaway(self, *, processed: bool) -> None:
        """End the request and accept no more on this connection."""

    def reset_connection(self) -> None:
        """Reset the connection."""


def is_rpc_path(path: str) -> bool:
    """Whether a path looks like that of an RPC, `/package.Service/Method`."""
    service, slash, name = path[1:].partition("/")
    return bool(slash and name) and "." in service and "/" not in name


#: The dialect of each content type, except for Connect's unary calls.
_FRAMED: Mapping[bytes, Callable[[bytes], Dialect]] = MappingProxyType(
    {
        b"application/grpc-web": partial(GrpcWeb, codec=None),
        b"application/grpc-web+proto": partial(GrpcWeb, codec=None),
        b"application/grpc-web+json": partial(GrpcWeb, codec=JSON),
        b"application/grpc-web-text": partial(GrpcWebText, codec=None),
        b"application/grpc-web-text+proto": partial(GrpcWebText, codec=None),
        b"application/connect+proto": partial(Connect, codec=None),
        b"application/connect+json": partial(Connect, codec=JSON),
    }
)
_WHOLE = MappingProxyType({b"application/proto": None, b"application/json": JSON})


def is_call(scope: Scope) -> bool:
    """Whether a request is a call."""
    if scope["method"] != "POST":
        return False
    media = media_type(_content_type(scope))
    # Other requests may be JSON too.
    return media in _FRAMED or (media in _WHOLE and _may_be_rpc(scope["path"]))


def _dialect(scope: Scope, *, largest: int | None) -> Dialect:
    """The dialect of a call."""
    content_type = _content_type(scope)
    media = media_type(content_type)
    if (make := _FRAMED.get(media)) is not None:
        return make(content_type)
    return ConnectUnary(media, _WHOLE[media], largest=largest)


def refused(scope: Scope, trailers: Sequence[tuple[str, str]]) -> Ending | None:
    """The response that refuses a request with these trailers; None if it is not a call."""
    return _dialect(scope, largest=None).ending(trailers) if is_call(scope) else None


def _content_type(scope: Scope) -> bytes:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers.get(b"content-type", b"")


def _may_be_rpc(path: str) -> bool:
    return path.count("/") == 2 and not path.startswith(f"{FILES}/")


class HttpCalls:
    """Handles the plain HTTP calls of one fake."""

    def __init__(self, fake: Host) -> None:
        """Serve the RPCs of `fake`."""
        self._fake = fake
        self._routes = Routes(fake.clouds)
        self._known = frozenset(each.path for each in (*wire.methods(), *wire.utilities()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one call."""
        dialect = _dialect(scope, largest=self._fake.max_message_bytes)
        exchange: HttpExchange = scope["state"]["exchange"]
        route = self._routes[scope["raw_path"].decode("ascii", "backslashreplace")]
        head = dialect.head(
            scope["headers"],
            scope["raw_path"],
            streaming=self._streams(route.method),
            largest=self._fake.limits.header_list_bytes,
        )
        carrier = _Carrier(scope, send, dialect)
        stream = GrpcStream(
            carrier,
            1,
            head,
            route.method,
            largest=self._fake.max_message_bytes,
            codec=dialect.codec,
        )
        task = stream.task = asyncio.create_task(run(stream, partial(route.handle, stream)))
        loop = asyncio.get_running_loop()
        expiry = None if head.timeout is None else loop.call_later(head.timeout, stream.expire)
        body = asyncio.create_task(_feed(receive, stream, carrier))
        try:
            await asyncio.wait({task})
        finally:
            body.cancel()
            if expiry is not None:
                expiry.cancel()
            stream.farewell = exchange.farewell
            stream.cut(exchange.cut_text)
            with suppress(asyncio.CancelledError):
                await task
            if stream.farewell and not stream.is_reset:
                await carrier.say_goodbye()
        if stream.is_reset or carrier.is_within_message:  # by a fault; by a deadline
            carrier.break_off(exchange)
            await asyncio.sleep(0)  # let uvicorn notice
        else:
            await carrier.finish()

    def _streams(self, method: Method) -> bool | None:
        """Whether an RPC streams; None if the RPC is unknown."""
        if method.path not in self._known:
            return None
        return method.client_streaming or method.server_streaming


async def _feed(receive: Receive, stream: GrpcStream, carrier: _Carrier) -> None:
    """Pass the body on as the call reads it; a client that disconnects ends its call."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            stream.is_reset = True
            stream.cut("the client went away")
            return
        is_last = not message.get("more_body", False)
        data = carrier.dialect.frames(message.get("body", b""), is_last=is_last)
        stream.complaint = carrier.dialect.complaint
        stream.received(data, len(data))
        if is_last:
            stream.end_of_request()
        else:
            await carrier.take(len(data))


class _Carrier:
    """The connection of one call: an HTTP request, whose dialect encodes the response."""

    def __init__(self, scope: Scope, send: Send, dialect: Dialect) -> None:
        client = scope.get("client")
        self.peer = f"{client[0]}:{client[1]}" if client and scope["state"]["peer"] else ""
        self.scheme = scope["scheme"]
        self._send, self.dialect = send, dialect
        self._has_begun = False
        self._trailers: list[tuple[str, str]] | None = None
        self._broken: Callable[[HttpExchange], None] | None = None
        self._room = _KEPT_AT_MOST
        self._owed = 0  # bytes of a message that is partly sent
        self._more_room: asyncio.Future[None] | None = None

    async def take(self, size: int) -> None:
        """Count `size` received bytes; wait until there is room for more."""
        self._room -= size
        while self._room <= 0:
            self._more_room = asyncio.get_running_loop().create_future()
            await self._more_room

    def let_come(self, request: Carried, size: int) -> None:
        """Accept `size` more bytes of the body, like a WINDOW_UPDATE."""
        del request
        self._room += size
        if self._room > 0 and self._more_room is not None and not self._more_room.done():
            self._more_room.set_result(None)

    def send_headers(
        self, number: int, headers: list[tuple[str, str]], *, end: bool = False
    ) -> None:
        """Send headers; trailers wait until everything is sent."""
        del number
        if end:
            self._trailers = [pair for pair in headers if pair[0] not in _OF_THE_BEGINNING]

    async def send_data(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Send data at the rate that the client accepts."""
        del number, end
        owed = self._owed_after(data)
        for body in self.dialect.bodies(data):
            self._owed = _UNKNOWN
            await self._begin(200, self.dialect.opening())
            await self._send_body(body, more=True)
        if self._owed == _UNKNOWN:
            self._owed = owed

    def _owed_after(self, data: bytes) -> int:
        at = self._owed
        while 0 <= at <= len(data) - 5:
            at += 5 + int.from_bytes(data[at + 1 : at + 5], "big")
        return at - len(data)

    @property
    def is_within_message(self) -> bool:
        """Whether a message is partly sent: a status would be read as the rest of it."""
        return self._owed == _UNKNOWN

    async def finish(self) -> None:
        """End the response; without a status, the connection is broken off."""
        if self._trailers is not None:
            status, headers, body = self.dialect.ending(self._trailers)
            await self._begin(status, headers)
            for piece in self.dialect.kept:
                await self._send_body(piece, more=True)
            await self._send_body(body, more=False)

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        for at in range(0, len(body), _PIECE) or [0]:
            end = at + _PIECE
            piece = body[at:end]
            told = {"type": "http.response.body", "body": piece}
            await self._send({**told, "more_body": more or end < len(body)})

    async def say_goodbye(self) -> None:
        """End the response if possible: within a message, the status would be read as its rest."""
        if self._owed == 0:
            await self.finish()

    async def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if not self._has_begun:
            self._has_begun = True
            start = {"type": "http.response.start", "status": status, "headers": headers}
            await self._send(start)

    def break_off(self, exchange: HttpExchange) -> None:
        """Break off the connection in the way that was requested."""
        if self._broken is None:
            exchange.reset("CANCEL")
        else:
            self._broken(exchange)

    def reset_stream(self, request: Carried, code: str) -> None:
        """Send nothing more: the client sees a truncated response."""
        request.is_reset = True
        self._broken = lambda exchange: exchange.reset(code)

    def send_goaway(self, last: int) -> None:
        """Accept no more requests; the call itself is the first that was not processed."""
        self._broken = lambda exchange: exchange.send_goaway(processed=last > 0)

    def abort(self) -> None:
        """Reset the connection."""
        self._broken = lambda exchange: exchange.reset_connection()
