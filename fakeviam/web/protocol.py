"""HTTP/1.1 connections and HTTP/2 requests that are not gRPC calls.

HTTP/1.1 uses uvicorn's protocol without its server, which would own the socket, the signals and the
loop; here the fake does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from contextlib import suppress
from copy import copy
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from fakeviam.server.transport.outgoing import Link
from fakeviam.server.transport.protocol_switch import PoliteProtocol
from fakeviam.server.transport.unread import UnreadAnswers
from fakeviam.version import __version__
from fakeviam.web.app import application, refusing
from fakeviam.web.calls import refused
from fakeviam.web.http2 import Http2Request
from fakeviam.web.openapi import API_VERSION
from fakeviam.web.problems import HttpProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import Receive, Scope, Send

    from fakeviam.server.lifecycle.host import Host
    from fakeviam.server.transport.call_stream import Carrier
    from fakeviam.server.transport.head import RequestHead
    from fakeviam.server.transport.http_side import HttpRequest, HttpSide
    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.web.dialects import Ending

    Pair = tuple[bytes, bytes]

_NO_HTTP = HttpProblem(
    400,
    "this is neither HTTP/1.1 nor gRPC",
    hint="for gRPC, use HTTP/2, or gRPC-Web; the control API is at /control/v1",
)

_FAREWELL = "the server stopped"
_STOPPED = HttpProblem(503, f"{_FAREWELL} [SV-17]")
_CUT_HEAD = HttpProblem(400, "the connection ended in the head of the request")
_CUT_BODY = HttpProblem(400, "the connection ended in the body of the request")

#: Limits for a body in many small chunks: bytes, and lines per turn.
_TAKEN_AT_ONCE, _MANY_LINES = 1024, 200

#: Seconds to the next request on a connection; pages and Node have shorter intervals.
_KEPT_SECONDS = 75


class HttpServer:
    """The HTTP side of one fake."""

    def __init__(self, fake: Host) -> None:
        """Serve `fake`; runs in its event loop."""
        #: The application that answers.
        self.app = application(fake)
        self._config = Config(
            self.app,
            http=Connection,
            ws="none",
            lifespan="off",
            timeout_keep_alive=_KEPT_SECONDS,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            headers=[
                ("server", f"fakeviam/{__version__}"),
                ("fakeviam-control-api", API_VERSION),
            ],
        )
        self._config.load()
        self._limits = fake.limits
        self._state = ServerState()
        # uvicorn would also log a warning; the response to the client is enough.
        self._log = logging.Logger("fakeviam.http", logging.ERROR)  # noqa: LOG001 - ours alone
        self._log.parent = logging.getLogger("fakeviam")
        #: What stands in every answer.
        self.headers = self._state.default_headers = self._config.encoded_headers

    def request(
        self, connection: Carrier, number: int, head: RequestHead, headers: Sequence[Pair]
    ) -> HttpRequest:
        """Create an HTTP/2 request."""
        return Http2Request(connection, number, head, headers, app=self.app, extra=self.headers)

    def refused(self, head: bytes, trailers: Sequence[tuple[str, str]]) -> Ending | None:
        """The response that refuses a call starting with `head`; None if it is not a call."""
        reader = h11.Connection(h11.SERVER)
        reader.receive_data(head + b"\r\n\r\n")
        try:
            request = reader.next_event()
        except h11.RemoteProtocolError:
            return None
        if not isinstance(request, h11.Request):
            return None
        headers = [(bytes(name), bytes(value)) for name, value in request.headers]
        path = request.target.partition(b"?")[0].decode("latin-1")
        return refused(
            {"method": request.method.decode(), "path": path, "headers": headers}, trailers
        )

    def refusing(
        self, what: str, trailers: Sequence[tuple[str, str]], told: Callable[[], None]
    ) -> HttpSide:
        """Create a side that refuses all requests inside HTTP/2."""
        side = copy(self)
        side.app = refusing(HttpProblem(400, what), trailers, told)
        return side

    def protocol(self) -> asyncio.Protocol:
        """Create the protocol of a new connection."""
        connection = Connection(self._config, self._state, {})
        connection.limits = self._limits
        connection.logger = self._log
        return connection

    async def stop(self) -> None:
        """Cancel the requests in progress; their connections are already closed."""
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class Exchange:
    """The faults that an application can apply over HTTP/1.1, which is only to disconnect."""

    cut_text = farewell = ""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Use this connection."""
        self._transport = transport

    def reset(self, code: str) -> None:
        """End the request without a response."""
        del code
        self._transport.abort()

    def send_goaway(self, *, processed: bool) -> None:
        """End the request and accept no more on this connection."""
        del processed
        self._transport.abort()

    def reset_connection(self) -> None:
        """Reset the connection."""
        self._transport.abort()


class Connection(H11Protocol, PoliteProtocol):
    """One HTTP connection.

    Attributes:
        limits: The timeouts for the head of a request and for pauses in its body
            (SV-13).
    """

    limits: ConnectionLimits
    _waiting: asyncio.TimerHandle | None = None
    _task: asyncio.Task[Any] | None = None  # handles a request
    _backlog = b""  # received part of a chunked body that waits for other connections
    _is_at_end = False  # the client has half-closed the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._link = Link(transport)
        self._link.keep_alive()
        self._unread = UnreadAnswers(transport, self.limits)
        self._exchange = Exchange(transport)
        self.app_state = {"peer": _peer(transport), "exchange": self._exchange}
        self._application, self.app = self.app, self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._task = asyncio.current_task()
        await self._application(scope, receive, send)
        if self._exchange.farewell and self._left() is not None:
            self._refuse(_STOPPED)

    def begin_to_close(self) -> None:
        self._stop_waiting()
        self._link.pause_reading()
        if self._left() is not None and self._task is not None:
            self._exchange.cut_text = self._exchange.farewell = _FAREWELL
            self._task.cancel()

    async def close(self, patience: float) -> None:
        if self._exchange.farewell and self._task is not None:
            await asyncio.wait({self._task}, timeout=patience)
        self._link.abort()  # do not wait for a client that reads slowly

    def data_received(self, data: bytes) -> None:
        if self._backlog:
            self._backlog += data
            self.flow.pause_reading()
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Process some or all of the data; each chunk of a body costs as much as a request."""
        many = data.count(b"\r\n") > _MANY_LINES
        first, rest = (data[:_TAKEN_AT_ONCE], data[_TAKEN_AT_ONCE:]) if many else (data, b"")
        super().data_received(first)
        if rest and not self._is_in_chunks:
            super().data_received(rest)
        elif rest and not self.transport.is_closing():
            self._backlog = rest
            self.flow.pause_reading()
            self.loop.call_soon(self._go_on)
        self._mind_the_time()

    @property
    def _is_in_chunks(self) -> bool:
        in_body = self.conn.their_state is h11.SEND_BODY
        return in_body and any(name == b"transfer-encoding" for name, _ in self.headers)

    def _go_on(self) -> None:
        data, self._backlog = self._backlog, b""
        if not self.transport.is_closing():
            self._take(data)
            if not self._backlog:
                self.flow.resume_reading()
                self._end_with_client()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Handle EOF: complete requests are answered first (SV-16)."""
        if not self._is_at_end:
            self._is_at_end = True
            self._end_with_client()
            self._link.outlast(self._probe)
        return not self.transport.is_closing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unread.watch()
        self._end_with_client()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.note_progress()

    def _end_with_client(self) -> None:
        """Close once the client has half-closed and all its requests are answered."""
        if not self._is_at_end or self._backlog or self.transport.is_closing():
            return
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            self._refuse(_CUT_BODY)
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            self._refuse(_CUT_HEAD)
        elif self._left() is None:
            self.transport.close()

    def _probe(self) -> None:
        """Send an interim response, which clients ignore (RFC 9110, 15.2)."""
        cycle = self._left()
        if cycle and not cycle.response_started and self.conn.their_http_version == b"1.1":
            interim = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            self.transport.write(self.conn.send(interim) or b"")

    def _mind_the_time(self) -> None:
        state = self.conn.their_state
        if self.transport.is_closing() or state is not h11.IDLE:
            self._stop_waiting()
        if self._waiting is not None or self.transport.is_closing():
            return
        if state is h11.IDLE:
            what, seconds = "the head of the request was not complete", self.limits.header_seconds
        elif state is h11.SEND_BODY:
            what, seconds = "the body of the request stood still", self.limits.stalled_seconds
        else:
            return
        self._waiting = self.loop.call_later(seconds, self._lose_patience, what, seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._unread.stop()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _lose_patience(self, what: str, seconds: float) -> None:
        self._refuse(HttpProblem(408, f"{what} after {seconds:g} seconds"))

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours is more detailed
        """Say what is wrong, and close the connection; called while h11's error is handled."""
        self._refuse(_malformed(sys.exc_info()[1], in_body=self._left() is not None))

    def _left(self) -> RequestResponseCycle | None:
        """The request in progress, if there is one."""
        cycle: RequestResponseCycle | None = self.cycle
        return None if cycle is None or cycle.response_complete else cycle

    def _refuse(self, problem: HttpProblem) -> None:
        cycle = self._left()
        if cycle is not None:  # its application must learn that the client is gone
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        body = json.dumps(problem.to_json()).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        for event in (
            h11.Response(
                status_code=problem.status,
                headers=headers,
                reason=HTTPStatus(problem.status).phrase,
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            with suppress(h11.LocalProtocolError):  # responses to HEAD have no body
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _malformed(error: BaseException | None, *, in_body: bool) -> HttpProblem:
    """What h11 found wrong with a request, or the protocols of this port if it is none."""
    if not isinstance(error, h11.RemoteProtocolError) or "request line" in str(error):
        return _NO_HTTP
    what = "the body of the request is not that of HTTP/1.1" if in_body else "malformed request"
    return HttpProblem(error.error_status_hint, f"{what}: {error} [HT-11]")


def _peer(transport: asyncio.Transport) -> str | None:
    """The caller's address; None on a Unix socket."""
    connected: Any = transport.get_extra_info("socket")
    if connected is not None and connected.family == getattr(socket, "AF_UNIX", None):
        return None
    name = transport.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else "an unknown address"
