"""gRPC-Web in bytes: the body of a request, and what the answer means."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from google.protobuf.message import Message

    from fakeviam.wire import Method

_TYPE = "application/grpc-web+proto"
#: The flag of the frame that holds the trailers.
_TRAILERS = 0x80


class MalformedAnswerError(Exception):
    """An answer that breaks the rules of its protocol."""


class Speech(Protocol):
    """How calls are written in HTTP."""

    def headers(self, method: Method) -> Mapping[str, str]:
        """Those of a request, besides its length."""
        ...

    def body(self, method: Method, requests: Sequence[Message]) -> bytes:
        """The body of a request."""
        ...

    def answer(self, method: Method, head: Mapping[str, str], body: bytes) -> Any:
        """The message of an answer, or its messages.

        Raises:
            GRPCError: It is a refusal.
            StreamTerminatedError: It is not this protocol.
            MalformedAnswerError: It is, but breaks its rules.
        """
        ...


class GrpcWeb:
    """gRPC-Web with binary frames."""

    def headers(self, method: Method) -> Mapping[str, str]:  # noqa: ARG002 - the same for all
        return {"content-type": _TYPE, "accept": _TYPE, "x-grpc-web": "1"}

    def body(self, method: Method, requests: Sequence[Message]) -> bytes:  # noqa: ARG002
        return b"".join(map(framed, requests))

    def answer(self, method: Method, head: Mapping[str, str], body: bytes) -> Any:
        return _answer(method, head, body)


def framed(message: Message) -> bytes:
    """A message in its frame."""
    body = message.SerializeToString()
    return struct.pack(">BI", 0, len(body)) + body


def _answer(method: Method, head: Mapping[str, str], body: bytes) -> Any:
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
    return result_of(method, messages)


def result_of(method: Method, messages: Sequence[bytes]) -> Any:
    """The message of a successful answer, or its messages.

    Raises:
        MalformedAnswerError: There are too many.
    """
    if len(messages) > 1 and not method.server_streaming:
        raise MalformedAnswerError(f"{len(messages)} messages, where one answers the call")
    answers = [method.response.FromString(message) for message in messages]
    if method.server_streaming:
        return answers
    assert answers  # noqa: S101 - as grpclib asserts that there is a message
    return answers[0]


def frames(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The flag and the content of each frame of a body, as gRPC-Web and Connect cut it.

    Raises:
        MalformedAnswerError: The last one is not whole.
    """
    while body:
        flag, size = struct.unpack(">BI", body[:5]) if len(body) >= 5 else (0, len(body))
        if len(body) < 5 + size:
            raise MalformedAnswerError("a frame that is cut")
        yield flag, body[5 : 5 + size]
        body = body[5 + size :]


def _parts(body: bytes) -> tuple[list[bytes], dict[str, str]]:
    """The messages and the trailers of a body.

    Raises:
        MalformedAnswerError: Its frames are none, or in no order.
    """
    messages, trailers = list[bytes](), None
    for flag, part in frames(body):
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
