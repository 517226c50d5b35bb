"""One HTTP/2 stream: a request body read as gRPC messages, and a reply with its status."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from grpclib.const import Status

from fakeviam.model.errors import InvalidArgumentError, ResourceExhaustedError
from fakeviam.server.transport.call_stream import StreamClosedError
from fakeviam.server.transport.h2_private import STREAM_WINDOW
from fakeviam.server.transport.messages import (
    FEW_BYTES,
    LARGE,
    MOST,
    header_value,
    joined,
    parsed_large,
    status_headers,
    unpacked,
)
from fakeviam.server.transport.quiet_log import log
from fakeviam.wire.encoded import Encoded, size_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from google.protobuf.message import Message

    from fakeviam.model.errors import Refusal
    from fakeviam.server.instruments.faults.values import Detail
    from fakeviam.server.instruments.journal.redaction import Metadata
    from fakeviam.server.transport.call_stream import Carrier
    from fakeviam.server.transport.head import RequestHead
    from fakeviam.server.transport.messages import Codec
    from fakeviam.wire import Method

#: The prefix of a message: a compression flag and the length.
_PREFIX = struct.Struct(">BI")


class Request:
    """An HTTP request, from its headers to the end of its response.

    Attributes:
        id: The HTTP/2 stream id.
        peer: The client's `address:port`; empty on a Unix socket.
        body: Bytes received but not read yet.
        malformed: Why the request is malformed, so that its stream is reset (SV-9).
        cut_text: Why the request ended without a response.
        farewell: What to say if the request is cut (SV-17); empty if nothing can be sent.
        task: The task that handles the request.
        is_started: Whether the task has started.
        is_reset: Whether nothing more can be sent, because either side reset the stream or the
            connection is going away.
        has_ended: Whether the response was sent completely.
        client_ended: Whether the client has sent the whole request.
    """

    def __init__(self, connection: Carrier, stream_id: int, head: RequestHead) -> None:
        """Start a request with the headers `head`."""
        self.id = stream_id
        self.peer = connection.peer
        self.body = bytearray()
        self.malformed = head.malformed
        self.cut_text = self.farewell = ""
        self.task: asyncio.Task[None] | None = None
        self.is_started = self.is_reset = self.has_ended = self.client_ended = False
        self._connection = connection
        self._expected_bytes = head.content_length
        self._unreturned = 0  # bytes received but not yet granted again as flow-control window
        self._more = asyncio.Event()

    # Called by the connection -------------------------------------------------------------

    def received(self, data: bytes, flow: int) -> str:
        """Buffer data that used `flow` bytes of the window; return what is wrong with it."""
        if self._expected_bytes is not None:
            self._expected_bytes -= len(data)
            if self._expected_bytes < 0:
                return "the body is longer than its content-length"
        self.body += data
        self._unreturned += flow
        self._more.set()
        return ""

    def end_of_request(self) -> str:
        """Mark the request as complete; return what is wrong with it."""
        if self._expected_bytes:
            return f"the body is {self._expected_bytes} bytes shorter than its content-length"
        self.client_ended = True
        self._more.set()
        return ""

    def cut(self, why: str) -> None:
        """End the request without a response."""
        self.cut_text = self.cut_text or why
        self.body.clear()
        if self.task is not None:
            self.task.cancel()

    def fail(self, why: str) -> None:
        """End a request whose stream was reset because it is malformed."""
        self.is_reset = True
        if self.is_started:
            self.cut(f"malformed: {why} [SV-9]")
            # `handle_call` has not run yet; it records the reason in the journal.
        else:
            self.malformed = why

    async def finish(self, status: Status, text: str, clause: str) -> None:
        """End the response that the handler left open."""
        raise NotImplementedError

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return False

    # Other endings ------------------------------------------------------------------------

    def reset(self, code: str) -> None:
        """Reset the stream with the HTTP/2 error code of this name."""
        self._connection.reset_stream(self, code)

    def send_goaway(self, *, processed: bool) -> None:
        """Send GOAWAY: the connection closes once all other calls on it have ended.

        Args:
            processed: Whether this call counts as processed; if not, the client may retry safely.
        """
        self.is_reset = True
        self._connection.send_goaway(self.id if processed else max(self.id - 2, 0))

    def reset_connection(self) -> None:
        """Reset the connection."""
        self.is_reset = True
        self._connection.abort()

    # Reading ------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Wait for more data, and grant the window for it: a partial message was received."""
        self._give_back(self._unreturned)
        self._more.clear()
        await self._more.wait()

    def _give_back(self, size: int) -> None:
        """Grant the client `size` bytes of window, if that is worth a frame."""
        # A quarter of the window: a WINDOW_UPDATE for every frame would double the traffic, and
        # one for the whole window would stall the client for a round trip.
        if size >= STREAM_WINDOW // 4 and not self.client_ended:
            self._unreturned -= size
            self._connection.let_come(self, size)


class GrpcStream(Request):
    """A gRPC call, from its headers to its status.

    Attributes:
        metadata: The metadata that the client sent.
        address: The URL that the client called, `http(s)://host:port`; empty if unknown.
        refusal: Why the call is refused before its body is read; None if it is not.
        timeout: The client's timeout in seconds; None is unlimited.
        complaint: Why the rest of the body cannot be read; empty while it can.
    """

    complaint = ""

    def __init__(
        self,
        connection: Carrier,
        stream_id: int,
        head: RequestHead,
        method: Method,
        *,
        largest: int | None,
        codec: Codec | None = None,
    ) -> None:
        """Start a call of `method` with the headers `head`.

        Args:
            connection: The connection that received the call.
            stream_id: The HTTP/2 stream id.
            head: The request headers.
            method: The called method.
            largest: Maximum size of a message in bytes; None is unlimited.
            codec: Decodes and encodes messages if their form is not gRPC's own.
        """
        super().__init__(connection, stream_id, head)
        self.metadata: Metadata = head.metadata
        self.address = f"{connection.scheme}://{head.authority}" if head.authority else ""
        self.refusal: Refusal | None = head.refusal
        self._method = method
        self._codec = codec
        self._opening, self._is_grpc = head.opening, head.http_status == 200
        ceiling = codec.ceiling if codec is not None else MOST
        self._largest = min(largest or ceiling, ceiling)
        self.timeout = head.timeout
        self._expires = inf if head.timeout is None else _now() + head.timeout
        self._encoding = head.encoding
        self._read_all = False
        self._has_begun = False  # whether the response headers were sent

    def expire(self) -> None:
        """Cancel the call because its deadline has passed."""
        if not self.has_ended and self.task is not None:
            self.task.cancel()

    async def finish(self, status: Status, text: str, clause: str) -> None:
        """Send the status."""
        metadata = {"fakeviam-clause": clause} if clause else None
        await self.send_trailing_metadata(status=status, status_message=text, metadata=metadata)

    # The call ----------------------------------------------------------------------------

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return self._expires <= _now()

    async def __aiter__(self) -> AsyncIterator[Message]:
        while (message := await self.recv_message()) is not None:
            yield message

    async def recv_message(self, policy_limit: int | None = None) -> Message | None:
        """The next message; None when the client has sent all messages.

        The message of a unary call is returned only after the end of the request: what follows
        it decides whether the call may run at all (SV-14).

        Raises:
            Refusal: The data is not a valid message, or it is larger than `policy_limit`.
        """
        if self._read_all:
            return None
        prefix = await self._take(_PREFIX.size)
        if prefix is None:
            self._read_all = True
            return None
        flag, length = _PREFIX.unpack(prefix)
        self._check_size(length, policy_limit)
        if flag > 1:
            text = f"{flag} is no flag of a message; 0 is plain, 1 is compressed"
            raise InvalidArgumentError(text, clause="SV-3")
        data = await self._take(length, is_begun=True) or b""
        if flag:
            data = await self._unpack(data, policy_limit)
        message = await self._parsed(data)
        if not self._method.client_streaming:
            await self._end_of_unary()
        return message

    async def _parsed(self, data: bytes) -> Message:
        kind, codec = self._method.request, self._codec
        if codec is not None:
            if len(data) > codec.parsed_at_once:
                return await asyncio.to_thread(codec.parsed, data, kind)
            return codec.parsed(data, kind)
        try:
            # Parsing many megabytes takes seconds, which would block every other call.
            if len(data) > FEW_BYTES:
                return await asyncio.to_thread(parsed_large, data, kind)
            return kind.FromString(data)
        except DecodeError as error:
            text = f"request is not a valid {kind.DESCRIPTOR.full_name} message"
            raise InvalidArgumentError(text, clause="SV-3") from error

    async def _take(self, size: int, *, is_begun: bool = False) -> bytes | None:
        """The next `size` bytes; None if the request ended at a message boundary."""
        body = self.body
        self._check_body()
        while len(body) < size:
            if self.client_ended:
                if not body and not is_begun:
                    return None
                raise InvalidArgumentError(
                    "the stream ended in the middle of a message", clause="SV-3"
                )
            await self._wait()
            self._check_body()
        # A slice of the bytearray itself would copy the data twice.
        with memoryview(body) as view:
            data = bytes(view[:size])
        del body[:size]
        # Grant only what was read: an unread body must stop the client.
        self._give_back(self._unreturned - len(body))
        return data

    def _check_body(self) -> None:
        if self.complaint:
            raise InvalidArgumentError(self.complaint, clause="SV-3")

    def _check_size(self, size: int, policy_limit: int | None, unpacked: str = "") -> None:
        text = f"message of {size} bytes{unpacked} is larger than "
        if size > self._largest:
            raise ResourceExhaustedError(f"{text}{self._largest}", clause="SV-2")
        if policy_limit is not None and size > policy_limit:
            why = f"{policy_limit} (policy max_request_bytes)"
            raise ResourceExhaustedError(f"{text}{why}", clause="A60")

    async def _unpack(self, data: bytes, policy_limit: int | None) -> bytes:
        pieces, size = [], 0
        for piece in unpacked(data, self._encoding):
            size += len(piece)
            self._check_size(min(size, MOST), policy_limit, " or more, unpacked,")
            pieces.append(piece)
            await asyncio.sleep(0)  # let other calls run
        return b"".join(pieces)

    async def _end_of_unary(self) -> None:
        while not self.client_ended and not self.body:
            await self._wait()
        self._check_body()
        if self.body:
            text = f"{self._method.name} takes one message, and a second one came"
            raise InvalidArgumentError(text, clause="SV-14")
        self._read_all = True

    # Writing ------------------------------------------------------------------------------

    async def send_message(self, message: Message | Encoded) -> None:
        """Send one message."""
        for piece in await self._framed_in_time(message):
            await self.send_framed(piece)

    async def _framed_in_time(self, message: Message | Encoded) -> tuple[bytes, ...]:
        """Encode a message with its prefix; in a thread if that takes long."""
        if self._codec is not None and size_of(message) > self._codec.parsed_at_once:
            return await asyncio.to_thread(self._framed, message)
        return self._framed(message)

    def framed(self, messages: Iterable[Message | Encoded]) -> bytes:
        """Encode messages, each with its prefix."""
        return b"".join(piece for each in messages for piece in self._framed(each))

    def _framed(self, message: Message | Encoded) -> tuple[bytes, ...]:
        """Encode a message with its prefix, in few pieces and without copying large ones."""
        if self._codec is not None:
            pieces = self._codec.encoded(message, self._method.response)
        elif isinstance(message, Encoded):
            pieces = message.pieces
        else:
            pieces = (message.SerializeToString(),)
        size = sum(map(len, pieces))
        pieces = (_PREFIX.pack(0, size), *pieces)
        return tuple(joined(pieces)) if size > LARGE else (b"".join(pieces),)

    async def send_framed(self, data: bytes) -> None:
        """Send encoded messages; `data` need not end at a message boundary."""
        # The headers wait for the first data, so that a refusal is a single frame.
        if not self._has_begun:
            self._connection.send_headers(self.id, self._opening)
            self._has_begun = True
        if data:
            await self._connection.send_data(self.id, data)

    async def send_trailing_metadata(
        self,
        *,
        replies: Iterable[Message | Encoded] = (),
        status: Status = Status.OK,
        status_message: str | None = None,
        status_details: Iterable[Detail] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Send the last messages, and the status of the call."""
        # Encode everything first, while an error can still become a status.
        pieces = [piece for each in replies for piece in await self._framed_in_time(each)]
        trailers = (
            [("grpc-status", "0")]
            if status is Status.OK
            else status_headers(status, status_message, status_details)
        )
        if metadata:
            trailers += ((name, header_value(text)) for name, text in metadata.items())
        for piece in pieces:
            await self.send_framed(piece)
        if not self._has_begun:
            trailers = self._opening + trailers
        self._connection.send_headers(self.id, trailers, end=self._is_grpc)
        if not self._is_grpc:  # no gRPC client can read the trailers, so send text for people
            await self._connection.send_data(self.id, f"{status_message}\n".encode(), end=True)
        self.has_ended = True


async def run(request: Request, handle: Callable[[], Awaitable[None]]) -> None:
    """Handle a request, and always end its response."""
    request.is_started = True
    try:
        await handle()
        if not request.has_ended:
            await _end(request, Status.OK)
    # The deadline, the client or the server ended the call; a client that left is told nothing.
    except asyncio.CancelledError:
        if request.is_late:
            await _end(request, Status.DEADLINE_EXCEEDED, "the deadline has passed", "SV-8")
        elif request.farewell:
            await _end(request, Status.UNAVAILABLE, request.farewell, "SV-17")
    except StreamClosedError:
        pass
    except Exception:  # noqa: BLE001 - what the pipeline did not answer itself
        log.exception("fakeviam has a bug, please report it")
        await _end(request, Status.INTERNAL, "fakeviam has a bug", "SV-4")


async def _end(request: Request, status: Status, text: str = "", clause: str = "") -> None:
    if not (request.has_ended or request.is_reset):
        with suppress(StreamClosedError):
            await request.finish(status, f"{text} [{clause}]" if clause else text, clause)


def _now() -> float:
    """The event loop's time in seconds."""
    return asyncio.get_running_loop().time()
