"""Connect in bytes: the body of a request, and what the answer means."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from fakeviam_contracts.web_speech import MalformedAnswerError, framed, frames, result_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message

    from fakeviam.wire import Method

_UNARY, _STREAM, _ERROR = "application/proto", "application/connect+proto", "application/json"
#: The flag of the frame that ends a stream.
_END = 0x02
#: Each code, and the status of HTTP that it comes with where a message is expected.
_CODES = MappingProxyType(
    {
        "canceled": (Status.CANCELLED, 499),
        "unknown": (Status.UNKNOWN, 500),
        "invalid_argument": (Status.INVALID_ARGUMENT, 400),
        "deadline_exceeded": (Status.DEADLINE_EXCEEDED, 504),
        "not_found": (Status.NOT_FOUND, 404),
        "already_exists": (Status.ALREADY_EXISTS, 409),
        "permission_denied": (Status.PERMISSION_DENIED, 403),
        "resource_exhausted": (Status.RESOURCE_EXHAUSTED, 429),
        "failed_precondition": (Status.FAILED_PRECONDITION, 400),
        "aborted": (Status.ABORTED, 409),
        "out_of_range": (Status.OUT_OF_RANGE, 400),
        "unimplemented": (Status.UNIMPLEMENTED, 501),
        "internal": (Status.INTERNAL, 500),
        "unavailable": (Status.UNAVAILABLE, 503),
        "data_loss": (Status.DATA_LOSS, 500),
        "unauthenticated": (Status.UNAUTHENTICATED, 401),
    }
)


class Connect:
    """Connect with messages in protobuf."""

    def headers(self, method: Method) -> Mapping[str, str]:
        return {"content-type": _type(method), "connect-protocol-version": "1"}

    def body(self, method: Method, requests: Sequence[Message]) -> bytes:
        if _type(method) == _STREAM:
            return b"".join(map(framed, requests))
        return requests[0].SerializeToString()

    def answer(self, method: Method, head: Mapping[str, str], body: bytes) -> Any:
        kind = head.get("content-type", "nothing").partition(";")[0].strip()
        if kind not in (_UNARY, _STREAM, _ERROR):
            raise StreamTerminatedError(f"HTTP {head[':status']} with {kind} is no Connect")
        for name in ("content-encoding", "connect-content-encoding"):
            if head.get(name, "identity") != "identity":
                raise MalformedAnswerError(f"{head[name]}, although nothing was offered")
        if _type(method) == _STREAM:
            return _streamed(method, head[":status"], kind, body)
        return _single(method, head[":status"], kind, body)


def _type(method: Method) -> str:
    return _STREAM if method.client_streaming or method.server_streaming else _UNARY


def _single(method: Method, http: str, kind: str, body: bytes) -> Any:
    if http == "200":
        if kind != _UNARY:
            raise MalformedAnswerError(f"HTTP 200 with {kind}, where {_UNARY} was asked")
        return method.response.FromString(body)
    if kind != _ERROR:
        raise MalformedAnswerError(f"HTTP {http} with {kind}, where errors are {_ERROR}")
    code, error = _error(_json(body))
    if http != str(_CODES[code][1]):
        raise MalformedAnswerError(f"HTTP {http} for {code}, which has {_CODES[code][1]}")
    raise error


def _streamed(method: Method, http: str, kind: str, body: bytes) -> Any:
    if (http, kind) != ("200", _STREAM):
        raise MalformedAnswerError(f"HTTP {http} with {kind}, where a stream has 200 and {_STREAM}")
    messages, end = _parts(body)
    if "error" in end:
        raise _error(end["error"])[1]
    return result_of(method, messages)


def _parts(body: bytes) -> tuple[list[bytes], dict[str, Any]]:
    """The messages of a stream, and its end.

    Raises:
        MalformedAnswerError: Its frames are none, or in no order.
    """
    messages, end = list[bytes](), None
    for flag, part in frames(body):
        if end is not None:
            raise MalformedAnswerError("a frame after the end of the stream")
        if flag == _END:
            end = _json(part)
        elif flag:
            raise MalformedAnswerError(f"a frame with the flag {flag}, although none was offered")
        else:
            messages.append(part)
    if end is None:
        raise MalformedAnswerError("no end of the stream")
    return messages, end


def _json(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError(f"{text[:40]!r}, which is no JSON") from error
    if not isinstance(value, dict):
        raise MalformedAnswerError(f"{text[:40]!r}, which is no JSON object")
    return value


def _error(said: object) -> tuple[str, GRPCError]:
    """The code of an error, and the error."""
    fields = said if isinstance(said, dict) else {}
    code, text = fields.get("code"), fields.get("message", "")
    if not isinstance(code, str) or code not in _CODES:
        raise MalformedAnswerError(f"an error with the code {code!r}, which is none")
    if not isinstance(text, str):
        raise MalformedAnswerError(f"an error with the message {text!r}, which is no text")
    return code, GRPCError(_CODES[code][0], text)
