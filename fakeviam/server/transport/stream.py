"""One call as its connection sees it: messages in, messages and a status out."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from grpclib.const import Status

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.server.transport.h2_private import STREAM_WINDOW
from fakeviam.server.transport.head import ENCODINGS
from fakeviam.server.transport.messages import (
    MessageCutter,
    framed,
    packed_status,
    parsed,
    prefix_of,
)
from fakeviam.wire.encoded import encoded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from google.protobuf.message import Message

    from fakeviam.model.errors import Refusal
    from fakeviam.server.transport.head import RequestHead
    from fakeviam.wire import Method
    from fakeviam.wire.encoded import Encoded

#: Bytes: a larger message goes out behind a frame with its prefix, and is not copied for it.
_WORTH_A_COPY = 64 * 1024

#: What a status message holds as it is: printable ASCII but for the percent sign.
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


class Carrier(Protocol):
    """The connection that a call came by."""

    peer: str

    def now(self) -> float:
        """Seconds, by the clock of the event loop."""
        ...

    def future(self) -> asyncio.Future[None]:
        """Something to wait for."""
        ...

    def let_come(self, stream: GrpcStream, size: int) -> None:
        """Let the client send so many more bytes of a call."""

    def send_headers(
        self, number: int, headers: list[tuple[str, str]], *, end: bool = False
    ) -> None:
        """Send headers or trailers of the stream of that number."""

    async def send_data(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Send data, as fast as the client takes it."""

    def reset_stream(self, stream: GrpcStream, code: str) -> None:
        """End a call with RST_STREAM."""

    def send_goaway(self, last: int) -> None:
        """Say that calls after the stream `last` were not processed; close when all are done."""

    def abort(self) -> None:
        """Drop the connection at once."""


class GrpcStream:
    """A call, from its headers to its status.

    Attributes:
        id: Number of its stream.
        metadata: What the client sent along.
        authority: The host and port that it calls.
        refusal: Why it is refused before anything of it is read; None if it is not.
        malformed: Why it is no call at all, and its stream is reset (SV-9).
        cut_text: Why it ended before its answer.
        task: What answers it.
        is_started: Whether that has begun.
        is_reset: Whether nothing more can be said: the stream was reset by either side, or given
            up.
        has_ended: Whether its status was sent.
        client_ended: Whether the client has said all.
    """

    def __init__(
        self,
        connection: Carrier,
        stream_id: int,
        head: RequestHead,
        method: Method,
        *,
        largest: int | None,
    ) -> None:
        """A call of `method` that begins with `head`."""
        self.id = stream_id
        self.metadata = head.metadata
        self.authority = head.authority
        self.refusal: Refusal | None = head.refusal
        self.malformed = head.malformed
        self.cut_text = ""
        self.task: asyncio.Task[None] | None = None
        self.is_started = self.is_reset = self.has_ended = self.client_ended = False
        self._connection = connection
        self._method = method
        self._http_status = head.http_status
        self._expires = None if head.timeout is None else connection.now() + head.timeout
        self._encoding = head.encoding
        self._expected_bytes = head.content_length
        self._messages = MessageCutter(largest)
        self._read_all = False
        self._held = 0  # bytes that came and were not taken yet
        self._taken = 0  # bytes that were taken, which the client was not told yet
        self._more: asyncio.Future[None] | None = None
        self._has_begun = False  # to answer

    # What the connection tells -----------------------------------------------------------

    def received(self, data: bytes, flow: int) -> str:
        """Take what came, which counts as `flow` bytes; answers what is wrong with it."""
        if self._expected_bytes is not None:
            self._expected_bytes -= len(data)
            if self._expected_bytes < 0:
                return "the body is longer than its content-length"
        self._messages.received.add(data)
        self._held += flow
        self._wake()
        return ""

    def end_of_request(self) -> str:
        """The client has said all; answers what is wrong with that."""
        if self._expected_bytes:
            return f"the body is {self._expected_bytes} bytes shorter than its content-length"
        self.client_ended = True
        self._wake()
        return ""

    def cut(self, why: str) -> None:
        """End the call without an answer."""
        self.cut_text = self.cut_text or why
        self.drop_unread()
        if self.task is not None:
            self.task.cancel()

    def expire(self) -> None:
        """Its deadline has passed."""
        if not self.has_ended and self.task is not None:
            self.task.cancel()

    def drop_unread(self) -> None:
        """Forget what came and nobody will read."""
        self._messages.received.clear()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    # The call ----------------------------------------------------------------------------

    @property
    def peer(self) -> str:
        """Who calls, `address:port`; empty on a Unix socket."""
        return self._connection.peer

    @property
    def time_left(self) -> float | None:
        """Seconds that the client still waits; None is for ever."""
        return None if self._expires is None else max(0.0, self._expires - self._connection.now())

    async def __aiter__(self) -> AsyncIterator[Message]:
        while (message := await self.recv_message()) is not None:
            yield message

    async def recv_message(self, policy_limit: int | None = None) -> Message | None:
        """The next message; None when the client has said all.

        That of a unary call comes when the client has said all: what follows it decides
        whether the call is done (SV-14).

        Raises:
            Refusal: What came is no message of this call, or larger than `policy_limit`.
        """
        if self._read_all:
            return None
        data = await self._next(policy_limit)
        if data is None:
            self._read_all = True
            return None
        message: Message = parsed(data, self._method.request)
        if not self._method.client_streaming:
            await self._end_of_unary()
        return message

    async def _next(self, policy_limit: int | None) -> bytes | None:
        messages = self._messages
        while (packed := messages.next(policy_limit)) is None:
            if self.client_ended:
                if messages.is_between:
                    return None
                raise InvalidArgumentError(
                    "the stream ended in the middle of a message", clause="SV-3"
                )
            await self._wait()
        self._give_back(self._held - len(messages.received))
        if packed.is_compressed:
            return await self._unpack(packed.data, policy_limit)
        return packed.data

    async def _unpack(self, data: bytes, policy_limit: int | None) -> bytes:
        pieces = []
        for piece in self._messages.unpacked(data, self._encoding, policy_limit):
            pieces.append(piece)
            await asyncio.sleep(0)  # others get their turn
        return b"".join(pieces)

    async def _end_of_unary(self) -> None:
        while not self.client_ended and not self._messages.received:
            await self._wait()
        if self._messages.received:
            text = f"{self._method.name} takes one message, and a second one came"
            raise InvalidArgumentError(text, clause="SV-14")
        self._read_all = True

    async def _wait(self) -> None:
        """Wait for more, for which there is room: what came is a part of what is wanted."""
        self._give_back(self._held)
        self._more = self._connection.future()
        try:
            await self._more
        finally:
            self._more = None

    def _give_back(self, size: int) -> None:
        if size <= 0:
            return
        self._held -= size
        self._taken += size
        if self._taken >= STREAM_WINDOW // 4 and not self.client_ended:
            self._connection.let_come(self, self._taken)
            self._taken = 0

    # The answer --------------------------------------------------------------------------

    async def send_message(self, message: Message | Encoded) -> None:
        """Send one message."""
        data = encoded(message)
        if len(data) > _WORTH_A_COPY:
            await self.send_framed(prefix_of(data))
            await self.send_framed(data)
        else:
            await self.send_framed(framed([data]))

    async def send_framed(self, data: bytes) -> None:
        """Send bytes of framed messages, which may begin and end anywhere."""
        if not self._has_begun:
            self._send_headers(self._opening())
        if data:
            await self._connection.send_data(self.id, data)

    async def send_trailing_metadata(
        self,
        *,
        status: Status = Status.OK,
        status_message: str | None = None,
        status_details: Iterable[Any] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Send the status, with which the call ends."""
        headers = [] if self._has_begun else self._opening()
        headers += _status(status, status_message, status_details)
        headers += ((name, header_value(text)) for name, text in (metadata or {}).items())
        if self._http_status == 200:
            self._send_headers(headers, end=True)
            return
        # No client of gRPC asked, so the text is for people, too.
        self._send_headers(headers)
        await self._connection.send_data(self.id, f"{status_message}\n".encode(), end=True)
        self.has_ended = True

    def _opening(self) -> list[tuple[str, str]]:
        kind = "application/grpc+proto" if self._http_status == 200 else "text/plain; charset=utf-8"
        headers = [
            (":status", str(self._http_status)),
            ("content-type", kind),
            ("grpc-accept-encoding", ",".join(ENCODINGS)),
        ]
        if self._http_status == 405:
            headers.append(("allow", "POST"))
        return headers

    def _send_headers(self, headers: list[tuple[str, str]], *, end: bool = False) -> None:
        self._connection.send_headers(self.id, headers, end=end)
        self._has_begun = True
        self.has_ended = end

    # Ends of other kinds -----------------------------------------------------------------

    def reset(self, code: str) -> None:
        """End the call with RST_STREAM and the HTTP/2 error code of that name."""
        self._connection.reset_stream(self, code)

    def abandon(self) -> None:
        """Say nothing more in this call."""
        self.is_reset = True

    def send_goaway(self, *, processed: bool) -> None:
        """Send GOAWAY: the connection closes when the other calls on it are done.

        Args:
            processed: Whether this call counts as processed; if not, a client may safely send
                it again.
        """
        self.abandon()
        self._connection.send_goaway(self.id if processed else max(self.id - 2, 0))

    def reset_connection(self) -> None:
        """Reset the connection of the call."""
        self.abandon()
        self._connection.abort()


def _status(
    status: Status, text: str | None, details: Iterable[Any] | None
) -> list[tuple[str, str]]:
    headers = [("grpc-status", str(status.value))]
    if text is not None:
        headers.append(("grpc-message", quote(text, safe=_PLAIN, encoding="utf-8")))
    if details is not None:
        blob = packed_status(status, text or "", details)
        headers.append(("grpc-status-details-bin", b64encode(blob).rstrip(b"=").decode()))
    return headers


def header_value(text: str) -> str:
    """`text` as the value of a header: printable ASCII."""
    escaped = text.encode("ascii", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in escaped).strip()
