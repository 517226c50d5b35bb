"""Clear replies to clients that use TLS where it is not served, or the reverse (TL-3)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from grpclib.const import Status

from fakeviam.server.transport.call_stream import Route
from fakeviam.server.transport.outgoing import Link, peer_of
from fakeviam.server.transport.protocol_switch import LazyServer
from fakeviam.server.transport.routes import unknown_method
from fakeviam.server.transport.tls.diagnostics import NEEDS_TLS, http_answer, last_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.call_stream import CallStream
    from fakeviam.server.transport.http_side import HttpSide
    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.server.transport.quiet_log import QuietLog


_TEXT = f"{NEEDS_TLS} [TL-3]"

#: The status of refused calls. Not UNAVAILABLE, which clients would retry silently.
_STATUS = Status.FAILED_PRECONDITION
_TRAILERS = (
    ("grpc-status", str(_STATUS.value)),
    ("grpc-message", _TEXT),
    ("fakeviam-clause", "TL-3"),
)


class HttpAnswer(asyncio.Protocol):
    """Sends an HTTP/1.1 response in plaintext, and closes the connection.

    A TLS client recognizes this as a server without TLS: OpenSSL reports WRONG_VERSION_NUMBER, on
    which viam-sdk relies.
    """

    def __init__(self, text: str, *, limits: ConnectionLimits, quiet_log: QuietLog) -> None:
        """Respond with `text`."""
        self._text, self._limits, self._log = text, limits, quiet_log
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self._link = transport, Link(transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - whatever it is
        if self._timer is None:
            self._answer(http_answer(self._text))

    def _answer(self, answer: bytes) -> None:
        self._log.say(self._text, f"refused {peer_of(self.transport)}: {self._text} [TL-3]")
        self._link.write(answer)
        # Closing a socket with unread input sends RST, which would destroy the response.
        linger = self._limits.linger_seconds
        self._timer = asyncio.get_running_loop().call_later(linger, self._link.abort)
        self._link.finish()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        if self._timer is not None:
            self._timer.cancel()


class CallAnswer(HttpAnswer):
    """Refuses HTTP where TLS is served; gRPC-Web and Connect calls in their own form."""

    def __init__(
        self, make: Callable[[], HttpSide], *, limits: ConnectionLimits, quiet_log: QuietLog
    ) -> None:
        """Refuse calls in the way that the side created by `make` does."""
        super().__init__(NEEDS_TLS, limits=limits, quiet_log=quiet_log)
        self._make = make
        self._seen = b""
        self._impatience: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if self._timer is not None:
            return
        self._seen += data
        head, end, _ = self._seen.partition(b"\r\n\r\n")
        may_be_call = self._seen.startswith(b"POST ")
        if may_be_call and not end and len(head) < self._limits.header_list_bytes:
            if self._impatience is None:
                loop, patience = asyncio.get_running_loop(), self._limits.header_seconds
                self._impatience = loop.call_later(patience, self._answer, http_answer(NEEDS_TLS))
            return
        if self._impatience is not None:
            self._impatience.cancel()
        self._answer(
            (self._refused(head) if may_be_call and end else None) or http_answer(NEEDS_TLS)
        )

    def eof_received(self) -> None:
        """Handle EOF, even within a request head; the transport closes."""
        if self._seen and self._timer is None:
            self._answer(http_answer(NEEDS_TLS))

    def _refused(self, head: bytes) -> bytes | None:
        ending = self._make().refused(head, _TRAILERS)
        return None if ending is None else last_answer(*ending)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
        super().connection_lost(exc)


class GrpcAnswer:
    """A Router for plaintext gRPC where TLS is served: it refuses every call."""

    def __init__(self, quiet_log: QuietLog) -> None:
        """Log refused calls."""
        self._log = quiet_log

    def __getitem__(self, path: str) -> Route:
        """The same route for all paths."""
        return Route(method=unknown_method(path), handle=self._refuse)

    async def _refuse(self, stream: CallStream) -> None:
        self._log.say(NEEDS_TLS, f"refused a call of {stream.peer}: {_TEXT}")
        await stream.send_trailing_metadata(status=_STATUS, status_message=_TEXT)

    def http(self, make: Callable[[], HttpSide]) -> LazyServer[HttpSide]:
        """The side that refuses other requests on these connections, see `CallAnswer`."""
        told = partial(self._log.say, NEEDS_TLS, f"refused a request in HTTP/2: {_TEXT}")
        return LazyServer(lambda: make().refusing(_TEXT, _TRAILERS, told))
