"""A light gRPC client for our own fake: one call at a time, over a Unix socket.

A call over grpclib costs as much on the client's side as on the server's, and random programs
make hundreds a second. This speaks just the HTTP/2 that such a call needs (RFC 9113): its own
frames are made by hand, and headers that both sides have in their tables (RFC 7541) are made and
read once. Servers elsewhere are called by grpclib.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError
from hpack import Decoder, Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from google.protobuf.message import Message

    from fakeviam.wire import Method

# Frames, and their flags.
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_CONTINUATION = 9
_END_STREAM = _ACK = 1
_END_HEADERS = 4
_PADDED, _PRIORITY = 8, 32

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Settings.
_PUSH, _INITIAL_WINDOW = 2, 4
#: As much as the server may send without being told to go on, and when it is told.
_LARGEST_WINDOW = 2**31 - 1
_ENOUGH = 2**30
_FIRST_WINDOW = 65_535
_LARGEST_FRAME = 16_384


class _Stream:
    """One call: what may still be sent, and what has come."""

    def __init__(self, number: int, window: int, done: asyncio.Future[None]) -> None:
        self.number, self.window, self.done = number, window, done
        self.body = bytearray()
        self.headers: dict[str, str] = {}


class Http2Connection(asyncio.Protocol):
    """A connection to an in-process fake."""

    def __init__(self) -> None:
        """Wait to be connected; use `connect`."""
        self._buffer = bytearray()
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()
        self._stream: _Stream | None = None
        self._number = -1
        self._decoder, self._encoder = Decoder(), Encoder()
        # Blocks of headers that only point into the tables as they are now.
        self._read: dict[bytes, list[tuple[str, str]]] = {}
        self._made: dict[tuple[str, tuple[tuple[str, str], ...]], bytes] = {}
        self._block = b""
        self._received = 0
        self._window, self._stream_window = _FIRST_WINDOW, _FIRST_WINDOW
        self._room = asyncio.Event()
        self._lost: ConnectionError | None = None

    @classmethod
    async def connect(cls, path: str) -> Http2Connection:
        """A connection to the server at a Unix socket."""
        _, connection = await asyncio.get_running_loop().create_unix_connection(cls, path)
        return connection

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    # Calls -------------------------------------------------------------------------------

    async def call(
        self, method: Method, requests: Sequence[Message], metadata: Mapping[str, str]
    ) -> Any:
        """The answer of one call; of one that is answered by a stream, the list of its messages.

        Raises:
            GRPCError: It was refused.
            StreamTerminatedError: It was cut.
            ConnectionError: The server hung up.
        """
        if self._lost is not None:
            raise self._lost
        self._number += 2
        stream = _Stream(self._number, self._stream_window, self._loop.create_future())
        self._stream = stream
        try:
            head = self._head(method.path, metadata)
            body = b"".join(map(_prefixed, requests))
            if len(body) <= min(_LARGEST_FRAME, self._window, stream.window):
                self._spend(stream, len(body))
                self._transport.write(
                    _frame(_HEADERS, _END_HEADERS, stream.number, head)
                    + _frame(_DATA, _END_STREAM, stream.number, body)
                )
            else:
                self._transport.write(_frame(_HEADERS, _END_HEADERS, stream.number, head))
                await self._send_pieces(stream, body)
            await stream.done
        finally:
            self._stream = None
        return _answer(method, stream)

    async def _send_pieces(self, stream: _Stream, body: bytes) -> None:
        """Send what is too much for one frame, or for what the server takes at once."""
        at = 0
        while at < len(body) and not stream.done.done():
            size = min(_LARGEST_FRAME, self._window, stream.window, len(body) - at)
            if size <= 0:
                self._room.clear()
                await self._room.wait()
                continue
            self._spend(stream, size)
            last = _END_STREAM if at + size == len(body) else 0
            self._transport.write(_frame(_DATA, last, stream.number, body[at : at + size]))
            at += size

    def _spend(self, stream: _Stream, size: int) -> None:
        self._window -= size
        stream.window -= size

    def _head(self, path: str, metadata: Mapping[str, str]) -> bytes:
        key = (path, tuple(metadata.items()))
        if key in self._made:
            return self._made[key]
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": "localhost",
            "te": "trailers",
            "content-type": "application/grpc+proto",
            **metadata,
        }
        block: bytes = self._encoder.encode(headers.items())
        if _only_points(block):
            self._made[key] = block
        else:
            self._made.clear()
        return block

    # What comes --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello, and that there is room for everything."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy
        self._transport = transport
        settings = struct.pack(">HIHI", _PUSH, 0, _INITIAL_WINDOW, _LARGEST_WINDOW)
        more = struct.pack(">I", _LARGEST_WINDOW - _FIRST_WINDOW)
        transport.write(
            _PREFACE + _frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW_UPDATE, 0, 0, more)
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """End the call that is under way."""
        self._lost = ConnectionResetError(str(exc or "the server hung up"))
        self._fail(self._lost)

    def data_received(self, data: bytes) -> None:
        """Take what came apart into frames."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 9:
            end = at + 9 + int.from_bytes(buffer[at : at + 3], "big")
            if len(buffer) < end:
                break
            number = int.from_bytes(buffer[at + 5 : at + 9], "big")
            self._frame(buffer[at + 3], buffer[at + 4], number, bytes(buffer[at + 9 : end]))
            at = end
        del buffer[:at]

    def _frame(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if number == 0:
            self._connection_frame(kind, flags, payload)
            return
        if kind in (_HEADERS, _CONTINUATION):
            # Also of streams that are over: they are of the same compression.
            self._headers(flags, number, payload)
        stream = self._stream
        if kind == _DATA:
            self._count(len(payload))
        if stream is None or number != stream.number:
            return
        if kind == _DATA:
            stream.body += _unpadded(flags, payload)
        elif kind == _WINDOW_UPDATE:
            stream.window += int.from_bytes(payload, "big")
            self._room.set()
        elif kind == _RST_STREAM:
            code = int.from_bytes(payload, "big")
            self._fail(StreamTerminatedError(f"the server cut the call, error code {code}"))
        if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            self._end(stream)

    def _end(self, stream: _Stream) -> None:
        self._room.set()
        if not stream.done.done():
            stream.done.set_result(None)

    def _fail(self, error: Exception) -> None:
        if self._stream is not None and not self._stream.done.done():
            self._stream.done.set_exception(error)
        self._room.set()

    def _headers(self, flags: int, number: int, payload: bytes) -> None:
        self._block += _unpadded(flags, payload)[5 if flags & _PRIORITY else 0 :]
        if not flags & _END_HEADERS:
            return
        block, self._block = self._block, b""
        headers = self._read.get(block)
        if headers is None:
            headers = [(str(name), str(value)) for name, value in self._decoder.decode(block)]
            if _only_points(block):
                self._read[block] = headers
            else:
                self._read.clear()
        if self._stream is not None and number == self._stream.number:
            self._stream.headers.update(headers)

    def _connection_frame(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == _SETTINGS and not flags & _ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                if name == _INITIAL_WINDOW:
                    # It holds for the stream that is open, too.
                    if self._stream is not None:
                        self._stream.window += value - self._stream_window
                    self._stream_window = value
            self._room.set()
            self._transport.write(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            self._transport.write(_frame(_PING, _ACK, 0, payload))
        elif kind == _WINDOW_UPDATE:
            self._window += int.from_bytes(payload, "big")
            self._room.set()
        elif kind == _GOAWAY:
            self._lost = ConnectionResetError("the server goes away")
            self._fail(self._lost)

    def _count(self, size: int) -> None:
        """Let the server go on when it has used up half of what it may send."""
        self._received += size
        if self._received >= _ENOUGH:
            self._transport.write(_frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", self._received)))
            self._received = 0


def _frame(kind: int, flags: int, number: int, payload: bytes) -> bytes:
    return struct.pack(">IBBI", len(payload), kind, flags, number)[1:] + payload


def _prefixed(message: Message) -> bytes:
    body = message.SerializeToString()
    return b"\0" + len(body).to_bytes(4, "big") + body


def _only_points(block: bytes) -> bool:
    """Whether a block of headers adds nothing to the table: it is all indices of one byte."""
    return all(0x80 < byte < 0xFF for byte in block)


def _unpadded(flags: int, payload: bytes) -> bytes:
    return payload[1 : len(payload) - payload[0]] if flags & _PADDED else payload


def _answer(method: Method, stream: _Stream) -> object:
    headers = stream.headers
    status = headers.get("grpc-status", "")
    if status not in _STATUSES:
        raise GRPCError(Status.UNKNOWN, f"no status of gRPC among {headers}")
    if status != "0":
        raise GRPCError(_STATUSES[status], unquote(headers.get("grpc-message", "")))
    messages = list(_messages(method, bytes(stream.body)))
    if method.server_streaming:
        return messages
    if len(messages) != 1:
        text = f"{len(stream.body)} bytes that are {len(messages)} messages instead of one"
        raise GRPCError(Status.UNKNOWN, text)
    return messages[0]


def _messages(method: Method, body: bytes) -> Iterator[Message]:
    decode: Callable[[bytes], Message] = method.response.FromString
    while body:
        size = int.from_bytes(body[1:5], "big")
        if len(body) < 5 + size or body[0]:
            raise GRPCError(Status.UNKNOWN, f"{len(body)} bytes that are no message")
        yield decode(body[5 : 5 + size])
        body = body[5 + size :]


_STATUSES = {str(status.value): status for status in Status}
