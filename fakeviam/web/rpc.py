"""gRPC-Web over HTTP/1.1: calls of browsers on the path of every other call (HT-7).

A call arrives as one POST and is handed on as if it had come by HTTP/2: its stream is the same, and
the carrier under it writes what a browser can read. So login, sessions, faults, the journal and
deadlines are those of gRPC.
"""

from __future__ import annotations

import asyncio
import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from contextlib import suppress
from typing import TYPE_CHECKING

from grpclib.const import Status

from fakeviam.server.transport.call_stream import StreamClosedError
from fakeviam.server.transport.head import read_head
from fakeviam.server.transport.routes import Routes
from fakeviam.server.transport.stream import GrpcStream

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import Message, Receive, Scope, Send

    from fakeviam.server.lifecycle.host import Host

    Headers = list[tuple[bytes, bytes]]

_BINARY = b"application/grpc-web"
_TEXT = b"application/grpc-web-text"
_TRAILERS = 0x80

#: Headers that HTTP/1.1 has and HTTP/2 must not have, and those that are written anew.
_OF_HTTP1 = frozenset(
    {
        *(b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"),
        *(b"host", b"content-type", b"content-length", b"te"),
    }
)


#: Headers of an answer that HTTP/1.1 says in its own way.
_OF_THE_BEGINNING = frozenset({":status", "content-type", "grpc-accept-encoding"})


def is_grpc_web(scope: Scope) -> bool:
    """Whether a request is a call of gRPC-Web."""
    return scope["method"] == "POST" and _media(scope["headers"]).startswith(_BINARY)


def _media(headers: Headers) -> bytes:
    content = dict(headers).get(b"content-type", b"")
    return content.split(b";")[0].strip().lower()


class GrpcWeb:
    """Answers the calls of one fake's web pages."""

    def __init__(self, fake: Host) -> None:
        """Serve what `fake` serves by gRPC."""
        self._fake = fake
        self._routes = Routes(fake.clouds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        text = _media(scope["headers"]).startswith(_TEXT)
        carrier = _Carrier(scope, send, text=text)
        head = read_head(_as_http2(scope), largest=self._fake.limits.header_list_bytes)
        route = self._routes.find(head.path)
        stream = GrpcStream(carrier, 1, head, route.method, largest=self._fake.max_message_bytes)
        task = asyncio.create_task(_run(route.handle(stream), stream))
        stream.task = task
        loop = asyncio.get_running_loop()
        expiry = None if head.timeout is None else loop.call_later(head.timeout, stream.expire)
        body = asyncio.create_task(_feed(receive, stream, text=text))
        try:
            await asyncio.wait({task})
        finally:
            body.cancel()
            task.cancel()
            if expiry is not None:
                expiry.cancel()
            with suppress(asyncio.CancelledError, StreamClosedError):
                await task
        if stream.is_reset:  # by a fault; the page sees that the connection broke
            scope["state"]["hang_up"]()
            await asyncio.sleep(0)  # until uvicorn knows
        else:
            await carrier.finish()


def _as_http2(scope: Scope) -> Headers:
    """The headers of a request as HTTP/2 has them."""
    headers: Headers = scope["headers"]
    pseudo = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", scope["raw_path"]),
        (b":authority", dict(headers).get(b"host", b"localhost")),
    ]
    kept = [(name, value) for name, value in headers if name not in _OF_HTTP1]
    return [*pseudo, (b"content-type", b"application/grpc+proto"), (b"te", b"trailers"), *kept]


async def _run(handled: Awaitable[None], stream: GrpcStream) -> None:
    try:
        await handled
        if not (stream.has_ended or stream.is_reset):
            await stream.send_trailing_metadata()
    except asyncio.CancelledError:
        if stream.time_left == 0 and not (stream.has_ended or stream.is_reset):
            text = "the deadline has passed [SV-8]"
            await stream.send_trailing_metadata(
                status=Status.DEADLINE_EXCEEDED, status_message=text
            )


async def _feed(receive: Receive, stream: GrpcStream, *, text: bool) -> None:
    """Hand the body on as it comes; a client that goes away ends its call."""
    rest = b""
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            stream.is_reset = True
            stream.cut("the client went away")
            return
        data: bytes = message.get("body", b"")
        if text:
            data, rest = _decoded(rest + data)
        stream.received(data, len(data))
        if not message.get("more_body", False):
            stream.end_of_request()


def _decoded(text: bytes) -> tuple[bytes, bytes]:
    """The bytes in base64, and the letters that are not yet a group of four.

    What is no base64 becomes a frame that no message begins with, which is refused (SV-3).
    """
    whole = len(text) // 4 * 4
    try:
        # Each frame may have been encoded by itself, with padding in the middle.
        groups = (text[at : at + 4] for at in range(0, whole, 4))
        if b"=" in text[: whole - 4]:
            return b"".join(b64decode(group, validate=True) for group in groups), text[whole:]
        return b64decode(text[:whole], validate=True), text[whole:]
    except Base64Error:
        return b"\x7f\0\0\0\0", b""


class _Carrier:
    """The connection under one call: HTTP/1.1, where trailers travel in the body."""

    def __init__(self, scope: Scope, send: Send, *, text: bool) -> None:
        client = scope.get("client")
        self.peer = f"{client[0]}:{client[1]}" if client and scope["state"]["peer"] else ""
        self._send, self._text = send, text
        self._content_type = dict(scope["headers"]).get(b"content-type", b"")
        self._loop = asyncio.get_running_loop()
        self._has_begun = False
        self._last = b""

    def now(self) -> float:
        """Seconds, by the clock of the event loop."""
        return self._loop.time()

    def future(self) -> asyncio.Future[None]:
        """Something to wait for."""
        return self._loop.create_future()

    def let_come(self, stream: GrpcStream, size: int) -> None:
        """HTTP/1.1 has no windows: uvicorn stops reading by itself."""

    def send_headers(
        self, number: int, headers: list[tuple[str, str]], *, end: bool = False
    ) -> None:
        """Keep headers or trailers for when something is sent."""
        del number
        if end:
            told = [pair for pair in headers if pair[0] not in _OF_THE_BEGINNING]
            block = "".join(f"{name}: {value}\r\n" for name, value in told).encode()
            self._last = struct.pack(">BI", _TRAILERS, len(block)) + block

    async def send_data(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Send data, as fast as the client takes it."""
        del number, end
        await self._write(data, more=True)

    async def finish(self) -> None:
        """End the answer with the trailers; without them the connection breaks."""
        if self._last:
            await self._write(self._last, more=False)

    async def _write(self, data: bytes, *, more: bool) -> None:
        if not self._has_begun:
            self._has_begun = True
            headers = [(b"content-type", self._content_type)]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        body = b64encode(data) if self._text else data
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def reset_stream(self, stream: GrpcStream, code: str) -> None:
        """Say nothing more: the client sees an answer that breaks off."""
        del code
        stream.is_reset = True

    def send_goaway(self, last: int) -> None:
        """HTTP/1.1 cannot say this: the connection breaks, since the call was abandoned."""

    def abort(self) -> None:
        """The connection breaks, since the call was abandoned."""
