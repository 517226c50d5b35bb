"""Protocols that carry gRPC calls in plain HTTP.

A dialect converts a request to gRPC frames, and a gRPC reply to an HTTP response. It is independent
of connections: `calls.py` transfers the bytes.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.errors import UnimplementedError
from fakeviam.server.transport.head import ENCODINGS, media_type, read_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fakeviam.server.transport.head import RequestHead
    from fakeviam.server.transport.messages import Codec

    Pair = tuple[bytes, bytes]
    Trailers = Sequence[tuple[str, str]]

#: Bytes that become base64 at once, three of them four letters: the rest waits for the client.
_ENCODED_AT_ONCE = 192 * 1024

#: Headers of HTTP/1.1 that HTTP/2 must not have, and those that are generated.
_OF_HTTP1 = frozenset(
    {
        *(b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"),
        *(b"host", b"content-type", b"content-length", b"te"),
    }
)


class Ending(NamedTuple):
    """The end of a response.

    Attributes:
        status: The HTTP status, if nothing was sent before.
        headers: The response headers, if nothing was sent before.
        body: The last bytes of the body.
    """

    status: int
    headers: list[Pair]
    body: bytes


class Dialect:
    """A call in a dialect whose body has gRPC's frames."""

    #: The response header with the supported compressions of requests (SV-15).
    accepts = b"grpc-accept-encoding"

    #: The request header with the compression of its messages.
    encoding = b"grpc-encoding"

    #: The bytes of the response before those of its ending, if they were kept until then.
    kept: Sequence[bytes] = ()

    #: Why the body is none of this dialect; empty while it may be.
    complaint = ""

    def __init__(self, content_type: bytes, codec: Codec | None) -> None:
        """A request with this content type; `codec` decodes messages that are not protobuf."""
        self.codec = codec
        # The response has it too, and not every received header may be sent.
        is_clean = content_type.isascii() and content_type.decode().isprintable()
        self._content_type = content_type if is_clean else media_type(content_type)

    def head(
        self, headers: Iterable[Pair], path: bytes, *, streaming: bool | None, largest: int
    ) -> RequestHead:
        """The gRPC head of a call.

        Args:
            headers: The request headers.
            path: The path of the RPC.
            streaming: Whether the RPC streams; None if unknown.
            largest: Maximum size of the headers in bytes.
        """
        del streaming
        pairs = list(headers)
        said = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", path),
            (b":authority", dict(pairs).get(b"host", b"localhost")),
            (b"content-type", b"application/grpc+proto"),
            (b"te", b"trailers"),
            *self._said(pairs),
        ]
        head = read_head(said, largest=largest)
        coding = dict(pairs).get(b"content-encoding", b"identity").strip().lower()
        if coding != b"identity" and self.encoding != b"content-encoding":
            text = f"the body has the content-encoding {coding.decode('latin-1')!r}; "
            text += f"compress its messages, and say so in {self.encoding.decode()}"
            head.refusal = head.refusal or UnimplementedError(text, clause="SV-15")
        return head

    def _said(self, headers: Sequence[Pair]) -> list[Pair]:
        """The equivalent gRPC headers."""
        return [pair for pair in headers if pair[0] not in _OF_HTTP1]

    def frames(self, data: bytes, *, is_last: bool) -> bytes:
        """Convert received data to gRPC frames."""
        del is_last
        return data

    def opening(self) -> list[Pair]:
        """The response headers."""
        return [
            (b"content-type", self._content_type),
            (self.accepts, ",".join(ENCODINGS).encode()),
        ]

    def body(self, frames: bytes) -> bytes:
        """The data to send for these frames; empty if everything is sent at the end."""
        return frames

    def bodies(self, frames: bytes) -> Iterator[bytes]:
        """The data to send for these frames, made as it is sent; none if it is sent at the end."""
        if body := self.body(frames):
            yield body

    def ending(self, trailers: Trailers) -> Ending:
        """The end of the response."""
        raise NotImplementedError


class GrpcWeb(Dialect):
    """gRPC-Web, whose last frame contains the trailers (HT-7)."""

    def ending(self, trailers: Trailers) -> Ending:
        block = "".join(f"{name}: {value}\r\n" for name, value in trailers).encode()
        last = struct.pack(">BI", 0x80, len(block)) + block
        return Ending(200, self.opening(), self.body(last))


class GrpcWebText(GrpcWeb):
    """gRPC-Web in base64, for browsers that can only stream text."""

    _rest = b""

    def frames(self, data: bytes, *, is_last: bool) -> bytes:
        text = self._rest + data
        whole = len(text) // 4 * 4
        self._rest = text[whole:]
        try:
            return _decoded(text if is_last else text[:whole])
        except Base64Error:
            self.complaint = "the body is not base64, as that of grpc-web-text"
            return b""

    def body(self, frames: bytes) -> bytes:
        return b64encode(frames)

    def bodies(self, frames: bytes) -> Iterator[bytes]:
        for at in range(0, len(frames), _ENCODED_AT_ONCE):
            yield self.body(frames[at : at + _ENCODED_AT_ONCE])


def _decoded(text: bytes) -> bytes:
    """Decode base64, of which each frame may have its own padding.

    Raises:
        Base64Error: It is invalid.
    """
    if b"=" in text[:-4]:
        groups = (text[at : at + 4] for at in range(0, len(text), 4))
        return b"".join(b64decode(group, validate=True) for group in groups)
    return b64decode(text, validate=True)
