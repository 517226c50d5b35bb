"""One request as its connection sees it: of gRPC, messages in, messages and a status out."""

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

#: What stands before each message: whether it is compressed, and its length.
_PREFIX = struct.Struct(">BI")


class Request:
    """A request, from its headers to the end of its answer.

    Attributes:
        id: Number of its stream.
        peer: Who asks, `address:port`; empty on a Unix socket.
        body: What came and was not read yet.
        malformed: Why it is none at all, and its stream is reset (SV-9).
        cut_text: Why it ended before its answer.
        farewell: What its client is told if it is cut; empty if there is nobody to tell.
        task: What answers it.
        is_started: Whether that has begun.
        is_reset: Whether nothing more can be said: the stream was reset by either side, or given
            up.
        has_ended: Whether its answer was sent to the end.
        client_ended: Whether the client has said all.
    """

    def __init__(self, connection: Carrier, stream_id: int, head: RequestHead) -> None:
        """One that begins with `head`."""
        self.id = stream_id
        self.peer = connection.peer
        self.body = bytearray()
        self.malformed = head.malformed
        self.cut_text = self.farewell = ""
        self.task: asyncio.Task[None] | None = None
        self.is_started = self.is_reset = self.has_ended = self.client_ended = False
        self._connection = connection
        self._expected_bytes = head.content_length
        self._unreturned = 0  # bytes that came, for which the client has no new room yet
        self._more = asyncio.Event()

    # What the connection tells -----------------------------------------------------------

    def received(self, data: bytes, flow: int) -> str:
        """Take what came, which counts as `flow` bytes; answers what is wrong with it."""
        if self._expected_bytes is not None:
            self._expected_bytes -= len(data)
            if self._expected_bytes < 0:
                return "the body is longer than its content-length"
        self.body += data
        self._unreturned += flow
        self._more.set()
        return ""

    def end_of_request(self) -> str:
        """The client has said all; answers what is wrong with that."""
        if self._expected_bytes:
            return f"the body is {self._expected_bytes} bytes shorter than its content-length"
        self.client_ended = True
        self._more.set()
        return ""

    def cut(self, why: str) -> None:
        """End the request without an answer."""
        self.cut_text = self.cut_text or why
        self.body.clear()
        if self.task is not None:
            self.task.cancel()

    def fail(self, why: str) -> None:
        """It was reset because it is malformed."""
        self.is_reset = True
        if self.is_started:
            self.cut(f"malformed: {why} [SV-9]")
        else:
            self.malformed = why  # so that it stands in the journal

    async def finish(self, status: Status, text: str | None) -> None:
        """End the answer, which whoever gave it did not."""
        raise NotImplementedError

    @property
    def is_late(self) -> bool:
        """Whether the client waits no longer."""
        return False

    # Ends of other kinds -----------------------------------------------------------------

    def reset(self, code: str) -> None:
        """End it with RST_STREAM and the HTTP/2 error code of that name."""
        self._connection.reset_stream(self, code)

    def send_goaway(self, *, processed: bool) -> None:
        """Send GOAWAY: the connection closes when all others on it are done.

        Args:
            processed: Whether it counts as processed; if not, a client may safely send it again.
        """
        self.is_reset = True
        self._connection.send_goaway(self.id if processed else max(self.id - 2, 0))

    def reset_connection(self) -> None:
        """Reset its connection."""
        self.is_reset = True
        self._connection.abort()

    # What comes --------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Wait for more, for which there is room: what came is a part of what is wanted."""
        self._give_back(self._unreturned)
        self._more.clear()
        await self._more.wait()

    def _give_back(self, size: int) -> None:
        """Let so many more bytes come, if they are worth a frame."""
        if size >= STREAM_WINDOW // 4 and not self.client_ended:
            self._unreturned -= size
            self._connection.let_come(self, size)


class GrpcStream(Request):
    """A call, from its headers to its status.

    Attributes:
        metadata: What the client sent along.
        address: Where it calls, `http(s)://host:port`; empty if nobody says.
        refusal: Why it is refused before anything of it is read; None if it is not.
        timeout: Seconds that the client waits for the whole call; None is for ever.
    """

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
        """A call of `method` that begins with `head`.

        Args:
            connection: What it came by.
            stream_id: Number of its stream.
            head: Its headers.
            method: What is called.
            largest: Bytes of a message at most; None takes all.
            codec: Knows the form of its messages, if that is not gRPC's.
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
        self._has_begun = False  # to answer

    def expire(self) -> None:
        """Its deadline has passed."""
        if not self.has_ended and self.task is not None:
            self.task.cancel()

    async def finish(self, status: Status, text: str | None) -> None:
        """End the answer."""
        await self.send_trailing_metadata(status=status, status_message=text)

    # The call ----------------------------------------------------------------------------

    @property
    def is_late(self) -> bool:
        """Whether the client waits no longer."""
        return self._expires <= _now()

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
            if len(data) > FEW_BYTES:
                return await asyncio.to_thread(parsed_large, data, kind)
            return kind.FromString(data)
        except DecodeError as error:
            text = f"request is not a valid {kind.DESCRIPTOR.full_name} message"
            raise InvalidArgumentError(text, clause="SV-3") from error

    async def _take(self, size: int, *, is_begun: bool = False) -> bytes | None:
        """So many bytes; None if the client has said all, and not begun a message."""
        body = self.body
        while len(body) < size:
            if self.client_ended:
                if not body and not is_begun:
                    return None
                raise InvalidArgumentError(
                    "the stream ended in the middle of a message", clause="SV-3"
                )
            await self._wait()
        with memoryview(body) as view:
            data = bytes(view[:size])
        del body[:size]
        self._give_back(self._unreturned - len(body))
        return data

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
            await asyncio.sleep(0)  # others get their turn
        return b"".join(pieces)

    async def _end_of_unary(self) -> None:
        while not self.client_ended and not self.body:
            await self._wait()
        if self.body:
            text = f"{self._method.name} takes one message, and a second one came"
            raise InvalidArgumentError(text, clause="SV-14")
        self._read_all = True

    # The answer --------------------------------------------------------------------------

    async def send_message(self, message: Message | Encoded) -> None:
        """Send one message."""
        for piece in await self._framed_in_time(message):
            await self.send_framed(piece)

    async def _framed_in_time(self, message: Message | Encoded) -> tuple[bytes, ...]:
        """A message in its frame; what takes long is done beside the event loop."""
        if self._codec is not None and size_of(message) > self._codec.parsed_at_once:
            return await asyncio.to_thread(self._framed, message)
        return self._framed(message)

    def framed(self, messages: Iterable[Message | Encoded]) -> bytes:
        """Messages as they go out, each in its frame."""
        return b"".join(piece for each in messages for piece in self._framed(each))

    def _framed(self, message: Message | Encoded) -> tuple[bytes, ...]:
        """A message in its frame, in few pieces; large ones of its own are not copied."""
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
        """Send bytes of framed messages, which may begin and end anywhere."""
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
        """Send the last messages, and the status with which the call ends."""
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
        if not self._is_grpc:  # nor is the client, so the text is for people, too
            await self._connection.send_data(self.id, f"{status_message}\n".encode(), end=True)
        self.has_ended = True


async def run(request: Request, handle: Callable[[], Awaitable[None]]) -> None:
    """Answer a request, whatever happens."""
    request.is_started = True
    try:
        await handle()
        if not request.has_ended:
            await _end(request, Status.OK, None)
    except asyncio.CancelledError:
        if request.is_late:
            await _end(request, Status.DEADLINE_EXCEEDED, "the deadline has passed [SV-8]")
        elif request.farewell:
            await _end(request, Status.UNAVAILABLE, request.farewell)
    except StreamClosedError:
        pass
    except Exception:  # noqa: BLE001 - what the pipeline did not answer itself
        log.exception("fakeviam has a bug, please report it")
        await _end(request, Status.INTERNAL, "fakeviam has a bug [SV-4]")


async def _end(request: Request, status: Status, text: str | None) -> None:
    if not (request.has_ended or request.is_reset):
        with suppress(StreamClosedError):
            await request.finish(status, text)


def _now() -> float:
    """Seconds, by the clock of the event loop."""
    return asyncio.get_running_loop().time()
