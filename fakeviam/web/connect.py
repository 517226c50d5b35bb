"""The Connect protocol: calls as plain POST requests, in protobuf or in JSON (HT-10)."""

from __future__ import annotations

import json
import re
import struct
from base64 import b64decode, b64encode
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from grpclib.const import Status

from fakeviam.model.errors import InvalidArgumentError, Refusal, ResourceExhaustedError
from fakeviam.server.transport.messages import MOST
from fakeviam.web.dialects import Dialect, Ending
from fakeviam.wire import status as rpc_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fakeviam.server.transport.head import RequestHead
    from fakeviam.server.transport.messages import Codec

    Pair = tuple[bytes, bytes]
    Trailers = Sequence[tuple[str, str]]

_TIMEOUT = re.compile(rb"[0-9]{1,10}")
_LARGEST_LENGTH = 2**32 - 1

#: What Connect encodes in its own way, and gRPC would interpret differently.
_ITS_OWN = (b"connect-", b"grpc-")
_OF_BODIES = frozenset({b"content-encoding", b"accept-encoding"})

_HTTP_STATUS = MappingProxyType(
    {
        Status.CANCELLED: 499,
        Status.UNKNOWN: 500,
        Status.INVALID_ARGUMENT: 400,
        Status.DEADLINE_EXCEEDED: 504,
        Status.NOT_FOUND: 404,
        Status.ALREADY_EXISTS: 409,
        Status.PERMISSION_DENIED: 403,
        Status.RESOURCE_EXHAUSTED: 429,
        Status.FAILED_PRECONDITION: 400,
        Status.ABORTED: 409,
        Status.OUT_OF_RANGE: 400,
        Status.UNIMPLEMENTED: 501,
        Status.INTERNAL: 500,
        Status.UNAVAILABLE: 503,
        Status.DATA_LOSS: 500,
        Status.UNAUTHENTICATED: 401,
    }
)


class _Outcome(NamedTuple):
    """The result of a call.

    Attributes:
        status: The status.
        error: The error in Connect's JSON form; empty if there is none.
        metadata: The trailing metadata.
    """

    status: Status
    error: dict[str, object]
    metadata: list[tuple[str, str]]


class Connect(Dialect):
    """A call with enveloped messages, of which the last contains the result."""

    accepts = b"connect-accept-encoding"
    encoding = b"connect-content-encoding"
    streams = True

    def __init__(self, content_type: bytes, codec: Codec | None) -> None:
        super().__init__(content_type, codec)
        self._http_status: int | None = None

    def head(
        self, headers: Iterable[Pair], path: bytes, *, streaming: bool | None, largest: int
    ) -> RequestHead:
        pairs = list(headers)
        head = super().head(pairs, path, streaming=streaming, largest=largest)
        try:
            self._check_kind(streaming)
            _check_version(dict(pairs))
            head.timeout = _timeout(dict(pairs))
            self._check_length(dict(pairs).get(b"content-length", b"0"))
        except Refusal as refusal:
            head.refusal = refusal
        return head

    def _said(self, headers: Sequence[Pair]) -> list[Pair]:
        kept = [
            pair
            for pair in super()._said(headers)
            if pair[0] not in _OF_BODIES and not pair[0].startswith(_ITS_OWN)
        ]
        packed = dict(headers).get(self.encoding)
        return kept if packed is None else [*kept, (b"grpc-encoding", packed.strip().lower())]

    def _check_kind(self, streaming: bool | None) -> None:  # noqa: FBT001 - three answers
        if streaming is None or streaming is self.streams:
            return
        self._http_status = 415
        prefix, kind = ("connect+", "a stream") if streaming else ("", "one message each way")
        form = self.codec.name if self.codec else "proto"
        better = f"application/{prefix}{form}"
        text = f"this RPC is {kind}: send it as {better}, not as {self._content_type.decode()}"
        raise InvalidArgumentError(text, clause="SV-10")

    def _check_length(self, said: bytes) -> None:
        """Refuse a body that is too large before it comes; one of many messages never is."""

    def ending(self, trailers: Trailers) -> Ending:
        how = _read(trailers)
        end: dict[str, object] = {"error": how.error} if how.error else {}
        if how.metadata:
            end["metadata"] = {name: [value] for name, value in how.metadata}
        text = json.dumps(end).encode()
        last = struct.pack(">BI", 2, len(text)) + text
        return Ending(self._http_status or 200, self.opening(), last)


class ConnectUnary(Connect):
    """A call whose body is a single message; an error is JSON with an HTTP status."""

    accepts = b"accept-encoding"
    encoding = b"content-encoding"
    streams = False

    def __init__(self, content_type: bytes, codec: Codec | None, *, largest: int | None) -> None:
        """A request of which at most `largest` bytes are kept."""
        super().__init__(content_type, codec)
        ceiling = codec.ceiling if codec is not None else MOST
        self._largest = min(largest or ceiling, ceiling)
        self._pieces: list[bytes] = []
        self._size = self._replied = 0
        self._is_packed = self._is_too_large = False
        self._reply: list[bytes] = []  # in gRPC's frame, and in pieces: it may be large

    def _said(self, headers: Sequence[Pair]) -> list[Pair]:
        said = super()._said(headers)
        self._is_packed = dict(said).get(b"grpc-encoding", b"identity") != b"identity"
        return said

    def _check_length(self, said: bytes) -> None:
        if said.isdigit() and int(said) > self._largest:
            text = f"message of {int(said)} bytes is larger than {self._largest}"
            raise ResourceExhaustedError(text, clause="SV-2")

    def frames(self, data: bytes, *, is_last: bool) -> bytes:
        if self._is_too_large:
            return b""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > self._largest:
            self._is_too_large = True  # reported by its length alone
            self._pieces.clear()
            return self._prefix()
        return b"".join((self._prefix(), *self._pieces)) if is_last else b""

    def _prefix(self) -> bytes:
        return struct.pack(">?I", self._is_packed, min(self._size, _LARGEST_LENGTH))

    def body(self, frames: bytes) -> bytes:
        start = max(5 - self._replied, 0)
        self._replied += len(frames)
        self._reply.append(frames[start:] if start else frames)
        return b""

    def ending(self, trailers: Trailers) -> Ending:
        how = _read(trailers)
        headers = [
            *self.opening(),
            *((f"trailer-{name}".encode(), value.encode()) for name, value in how.metadata),
        ]
        status, body, self.kept = 200, b"", self._reply
        if how.error:
            self.kept = ()
            headers[0] = (b"content-type", b"application/json")
            status = self._http_status or _HTTP_STATUS[how.status]
            body = f"{json.dumps(how.error)}\n".encode()
        size = len(body) + sum(map(len, self.kept))
        headers.append((b"content-length", str(size).encode()))
        return Ending(status, headers, body)


def error_json(status: Status, text: str) -> dict[str, object]:
    """An error in Connect's JSON form."""
    code = "canceled" if status is Status.CANCELLED else status.name.lower()
    return {"code": code, "message": text}


def _check_version(headers: Mapping[bytes, bytes]) -> None:
    version = headers.get(b"connect-protocol-version", b"1")
    if version.strip() != b"1":
        text = f"connect-protocol-version must be 1, got {version.decode('latin-1')!r}"
        raise InvalidArgumentError(text, clause="SV-10")


def _timeout(headers: Mapping[bytes, bytes]) -> float | None:
    said = headers.get(b"connect-timeout-ms")
    if said is None:
        return None
    if not _TIMEOUT.fullmatch(said):
        shown = said.decode("latin-1")
        text = f"connect-timeout-ms is no number of up to ten digits: {shown!r}"
        raise InvalidArgumentError(text, clause="SV-8")
    return int(said) / 1000


def _read(trailers: Trailers) -> _Outcome:
    """The result in gRPC's trailers."""
    said = dict(trailers)
    status = Status(int(said["grpc-status"]))
    metadata = [pair for pair in trailers if not pair[0].startswith("grpc-")]
    if status is Status.OK:
        return _Outcome(status, {}, metadata)
    error = error_json(status, unquote(said.get("grpc-message", "")))
    if (packed := said.get("grpc-status-details-bin")) is not None:
        whole = rpc_status.Status.FromString(b64decode(packed + "=" * (-len(packed) % 4)))
        error["details"] = [
            {
                "type": detail.type_url.rpartition("/")[2],
                "value": b64encode(detail.value).rstrip(b"=").decode(),
            }
            for detail in whole.details
        ]
    return _Outcome(status, error, metadata)
