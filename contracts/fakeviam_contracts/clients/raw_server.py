"""A server with replies in raw bytes: for what grpclib cannot do, or does not get wrong.

async with RawServer(lambda call: RawReply(data.TagsByFilterResponse())) as server:
    …
    server.calls  # the received calls
"""

from __future__ import annotations

import asyncio
import enum
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError
from hyperframe.frame import GoAwayFrame

from fakeviam import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message
    from typing_extensions import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class RawCall:
    """A received call: its name, headers and bytes."""

    rpc: str
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


class Fault(enum.Enum):
    """What is wrong with a reply; no client may take it for a whole one."""

    MESSAGE_MISSING = "ends with OK, but without a message"
    MESSAGE_CUT = "ends with OK in the middle of a message"
    STATUS_MISSING = "ends without a status"
    STATUS_UNKNOWN = "ends with the status 99"
    HTTP_ERROR = "is HTTP 503, and of no gRPC server"
    STREAM_RESET = "is reset before its status"
    STREAM_RESET_KINDLY = "is reset without an error before its status"
    STREAM_RESET_AT_ONCE = "is reset before it begins"
    CONNECTION_CLOSED = "ends with the connection before its status"
    CONNECTION_CLOSED_AT_ONCE = "ends with the connection before it begins"


Headers = tuple[tuple[str, str], ...]

#: How a stream is reset, and whether before the reply begins.
_RESETS = {
    Fault.STREAM_RESET: ErrorCodes.INTERNAL_ERROR,
    Fault.STREAM_RESET_KINDLY: ErrorCodes.NO_ERROR,
    Fault.STREAM_RESET_AT_ONCE: ErrorCodes.CANCEL,
}


@dataclass(frozen=True, slots=True)
class RawReply:
    """A message with a grpc-encoding; without a function, the message is not compressed.

    Attributes:
        message: The message; None is none.
        coding: Its grpc-encoding.
        pack: What is done to its bytes.
        fault: What is wrong with the reply.
        packed: Whether the message says that it is compressed; None is if it has a coding.
        form: The content-type.
        headers: Additional ones before the message; None is none at all, if there is no message.
        trailers: The status, and what comes with it.
        piece: The maximum size of a DATA frame, which may be padded.
        pad: The padding of each frame.
        ends: Whether the status is sent at all; the client waits for it otherwise.
        goodbye: Whether the client is told before that the connection takes no more calls.
    """

    message: Message | None
    coding: str = ""
    pack: Callable[[bytes], bytes] = bytes
    fault: Fault | None = None
    packed: bool | None = None
    form: str = "application/grpc+proto"
    headers: Headers | None = ()
    trailers: Headers = (("grpc-status", "0"),)
    piece: int = 1 << 14
    pad: int | None = None
    ends: bool = True
    goodbye: bool = False


#: What is called; a client may ask for more, such as the health of the server, and not get it.
_PATHS = frozenset(method.path for method in wire.methods())
_UNIMPLEMENTED = RawReply(None, headers=None, trailers=(("grpc-status", "12"),))


class RawServer:
    """Replies to calls on a Unix socket; use it as a context manager.

    Attributes:
        target: Its address in the form of the protocol.
        calls: The received calls.
        late: Those of them over connections that take no more.
    """

    def __init__(self, answer: Callable[[RawCall], RawReply | None]) -> None:
        """Reply to each call with the result of a function; None never replies."""
        self.answer = answer
        self.calls: list[RawCall] = []
        self.late: list[RawCall] = []
        self.target = ""
        self._folder = tempfile.TemporaryDirectory()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        path = Path(self._folder.name) / "s"
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Connection(self), str(path))
        self.target = f"unix:{path}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101 - it was entered
        self._server.close()
        self._folder.cleanup()


class _Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, server: RawServer) -> None:
        self._server = server
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._calls: dict[int, RawCall] = {}
        self._over = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy
        self._transport = transport
        self._http.initiate_connection()
        self._transport.write(self._http.data_to_send())

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._http.receive_data(data):
                self._take(event)
        except ProtocolError:
            self._transport.close()
        self._transport.write(self._http.data_to_send())

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            headers = {str(name): str(value) for name, value in event.headers}
            call = RawCall(rpc=headers[":path"].rpartition("/")[2], headers=headers)
            self._calls[event.stream_id] = call
            if headers[":path"] in _PATHS:
                self._server.calls.append(call)
                if self._over:
                    self._server.late.append(call)
        elif isinstance(event, DataReceived):
            self._calls[event.stream_id].body.extend(event.data)
            self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            call = self._calls[event.stream_id]
            known = call.headers[":path"] in _PATHS
            reply = self._server.answer(call) if known else _UNIMPLEMENTED
            if reply is not None:
                self._send(event.stream_id, reply)

    def _send(self, stream: int, reply: RawReply) -> None:
        if reply.goodbye:
            # h2 would send nothing more after it.
            self._over = True
            goodbye = GoAwayFrame(0, last_stream_id=stream).serialize()
            self._transport.write(self._http.data_to_send() + goodbye)
        if reply.fault is Fault.HTTP_ERROR:
            head = [(":status", "503"), ("content-type", "text/html")]
            self._http.send_headers(stream, head, end_stream=True)
        elif reply.fault is Fault.CONNECTION_CLOSED_AT_ONCE:
            self._transport.close()
        else:
            if reply.fault is not Fault.STREAM_RESET_AT_ONCE:
                self._begin(stream, reply)
            self._end(stream, reply)

    def _begin(self, stream: int, reply: RawReply) -> None:
        """Send all but the status."""
        if reply.headers is None:
            return
        coding = [("grpc-encoding", reply.coding)] if reply.coding else []
        self._http.send_headers(stream, [*_head(reply), *coding, *reply.headers])
        if reply.message is None or reply.fault is Fault.MESSAGE_MISSING:
            return
        body = reply.pack(reply.message.SerializeToString())
        packed = bool(reply.coding) if reply.packed is None else reply.packed
        framed = struct.pack(">?I", packed, len(body)) + body
        if reply.fault is Fault.MESSAGE_CUT:
            framed = framed[:-1]
        for at in range(0, len(framed), reply.piece):
            last = reply.fault is Fault.STATUS_MISSING and at + reply.piece >= len(framed)
            piece = framed[at : at + reply.piece]
            self._http.send_data(stream, piece, end_stream=last, pad_length=reply.pad)

    def _end(self, stream: int, reply: RawReply) -> None:
        """Send the status, or what comes instead of it."""
        if reply.fault in _RESETS:
            self._http.reset_stream(stream, _RESETS[reply.fault])
        elif reply.fault is Fault.CONNECTION_CLOSED:
            self._transport.write(self._http.data_to_send())
            self._transport.close()
        elif reply.fault is not Fault.STATUS_MISSING and reply.ends:
            status = (("grpc-status", "99"),) if reply.fault is Fault.STATUS_UNKNOWN else ()
            head = _head(reply) if reply.headers is None else []
            trailers = [*head, *(status or reply.trailers)]
            self._http.send_headers(stream, trailers, end_stream=True)


def _head(reply: RawReply) -> list[tuple[str, str]]:
    return [(":status", "200"), ("content-type", reply.form)]
