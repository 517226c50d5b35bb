"""A connection that speaks gRPC-Web over HTTP/1.1, one call at a time."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import h11
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.message import Message

    from fakeviam.wire import Method

_TYPE = "application/grpc-web+proto"
#: The flag of the frame that holds the trailers.
_TRAILERS = 0x80
_AT_A_TIME = 65_536


class MalformedAnswerError(Exception):
    """An answer in gRPC-Web that breaks its rules."""


class WebConnection:
    """A connection to a server that browsers call, too."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Connect to that port when the first call is made."""
        self._host, self._port, self._tls = host, port, tls
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def call(
        self,
        method: Method,
        requests: Sequence[Message],
        metadata: Mapping[str, str],
        timeout: float | None = None,
    ) -> Message | list[Message]:
        """The answer of one call; of one that is answered by a stream, all its messages.

        Raises:
            GRPCError: It was refused.
            StreamTerminatedError: The answer is no gRPC-Web, or breaks off.
            MalformedAnswerError: It is gRPC-Web that no client understands.
            asyncio.TimeoutError: It did not come in time.
        """
        try:
            exchange = self._exchange(method, requests, metadata)
            head, body = await asyncio.wait_for(exchange, timeout)
        except BaseException:
            # What comes later would be taken for the answer of the next call.
            self.close()
            raise
        return _answer(method, head, body)

    def close(self) -> None:
        """Hang up; the next call connects again."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _exchange(
        self, method: Method, requests: Sequence[Message], metadata: Mapping[str, str]
    ) -> tuple[dict[str, str], bytes]:
        writer = await self._connected()
        body = b"".join(map(_framed, requests))
        headers = {
            "host": f"{self._host}:{self._port}",
            "content-type": _TYPE,
            "accept": _TYPE,
            "x-grpc-web": "1",
            "content-length": str(len(body)),
            **metadata,
        }
        request = h11.Request(method="POST", target=method.path, headers=list(headers.items()))
        for event in (request, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(self._http.send(event) or b"")
        await writer.drain()
        return await self._response()

    async def _connected(self) -> asyncio.StreamWriter:
        if self._writer is None or await self._hung_up():
            self._reader, self._writer = await asyncio.open_connection(
                self._host, self._port, ssl=self._tls
            )
            self._http = h11.Connection(h11.CLIENT)
        else:
            self._http.start_next_cycle()
        return self._writer

    async def _hung_up(self) -> bool:
        """Whether the server has ended the connection after an answer, as it may."""
        if self._writer is not None:
            # Between calls nobody listens.
            await asyncio.sleep(0)
            if self._reader.at_eof() or self._http.their_state is not h11.DONE:
                self.close()
        return self._writer is None

    async def _response(self) -> tuple[dict[str, str], bytes]:
        head: dict[str, str] = {}
        body = bytearray()
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise StreamTerminatedError(f"the answer is no HTTP: {error}") from error
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(_AT_A_TIME))
            elif isinstance(event, h11.Response):
                head = _decoded(event.headers)
                head[":status"] = str(event.status_code)
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return head, bytes(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise StreamTerminatedError("Connection lost")


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _framed(message: Message) -> bytes:
    body = message.SerializeToString()
    return struct.pack(">BI", 0, len(body)) + body


def _answer(method: Method, head: Mapping[str, str], body: bytes) -> Message | list[Message]:
    """The message of an answer, or its messages.

    Raises:
        GRPCError: It is a refusal.
        StreamTerminatedError: It is not gRPC-Web.
        MalformedAnswerError: It is, but breaks its rules.
    """
    kind = head.get("content-type", "nothing")
    if not kind.startswith("application/grpc-web"):
        raise StreamTerminatedError(f"HTTP {head[':status']} with {kind} is no gRPC-Web")
    if kind.partition(";")[0].strip() not in ("application/grpc-web", _TYPE):
        raise MalformedAnswerError(f"{kind}, where {_TYPE} was asked")
    if head[":status"] != "200":
        raise MalformedAnswerError(f"HTTP {head[':status']}, where gRPC-Web has 200 for all")
    messages, trailers = _parts(body)
    status = _status(trailers if "grpc-status" in trailers else head)
    if status is not Status.OK:
        raise GRPCError(status, unquote({**head, **trailers}.get("grpc-message", "")))
    if len(messages) > 1 and not method.server_streaming:
        raise MalformedAnswerError(f"{len(messages)} messages, where one answers the call")
    answers: list[Any] = [method.response.FromString(message) for message in messages]
    if method.server_streaming:
        return answers
    assert answers  # noqa: S101 - as grpclib asserts that there is a message
    return answers[0]  # type: ignore[no-any-return]  # a message


def _parts(body: bytes) -> tuple[list[bytes], dict[str, str]]:
    """The messages and the trailers of a body.

    Raises:
        MalformedAnswerError: Its frames are none, or in no order.
    """
    messages, trailers = list[bytes](), None
    while body:
        flag, size = struct.unpack(">BI", body[:5]) if len(body) >= 5 else (0, len(body))
        if len(body) < 5 + size:
            raise MalformedAnswerError("a frame that is cut")
        part, body = body[5 : 5 + size], body[5 + size :]
        if trailers is not None:
            raise MalformedAnswerError("a frame after the trailers")
        if flag == _TRAILERS:
            trailers = _trailers(part)
        elif flag:
            raise MalformedAnswerError(f"a frame with the flag {flag}, although none was offered")
        else:
            messages.append(part)
    return messages, trailers or {}


def _status(headers: Mapping[str, str]) -> Status:
    """The status of a call.

    Raises:
        MalformedAnswerError: There is none.
    """
    text = headers.get("grpc-status")
    if text is None:
        raise MalformedAnswerError("no grpc-status")
    try:
        return Status(int(text))
    except ValueError as error:
        raise MalformedAnswerError(f"the grpc-status {text!r}, which is none") from error


def _trailers(part: bytes) -> dict[str, str]:
    lines = part.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
