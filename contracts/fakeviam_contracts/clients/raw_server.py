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
    CONNECTION_CLOSED = "ends with the connection before its status"


@dataclass(frozen=True, slots=True)
class RawReply:
    """A message with a grpc-encoding; without a function, the message is not compressed."""

    message: Message
    coding: str = ""
    pack: Callable[[bytes], bytes] = bytes
    fault: Fault | None = None


class RawServer:
    """Replies to calls on a Unix socket; use it as a context manager.

    Attributes:
        target: Its address in the form of the protocol.
        calls: The received calls.
    """

    def __init__(self, answer: Callable[[RawCall], RawReply | None]) -> None:
        """Reply to each call with the result of a function; None never replies."""
        self.answer = answer
        self.calls: list[RawCall] = []
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
            self._server.calls.append(call)
        elif isinstance(event, DataReceived):
            self._calls[event.stream_id].body.extend(event.data)
            self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            reply = self._server.answer(self._calls[event.stream_id])
            if reply is not None:
                self._send(event.stream_id, reply)

    def _send(self, stream: int, reply: RawReply) -> None:
        body = reply.pack(reply.message.SerializeToString())
        coding = [("grpc-encoding", reply.coding)] if reply.coding else []
        if reply.fault is Fault.HTTP_ERROR:
            head = [(":status", "503"), ("content-type", "text/html")]
            self._http.send_headers(stream, head, end_stream=True)
            return
        head = [(":status", "200"), ("content-type", "application/grpc+proto"), *coding]
        self._http.send_headers(stream, head)
        framed = struct.pack(">?I", bool(reply.coding), len(body)) + body
        if reply.fault is Fault.MESSAGE_CUT:
            framed = framed[:-1]
        if reply.fault is not Fault.MESSAGE_MISSING:
            self._http.send_data(stream, framed, end_stream=reply.fault is Fault.STATUS_MISSING)
        if reply.fault is Fault.STREAM_RESET:
            self._http.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        elif reply.fault is Fault.CONNECTION_CLOSED:
            self._transport.write(self._http.data_to_send())
            self._transport.close()
        elif reply.fault is not Fault.STATUS_MISSING:
            status = "99" if reply.fault is Fault.STATUS_UNKNOWN else "0"
            self._http.send_headers(stream, [("grpc-status", status)], end_stream=True)
