"""What pages speak: a call of gRPC, said in plain HTTP.

A dialect turns a request into frames of gRPC, and the answer of gRPC into that of HTTP. It knows
no connection: `calls.py` moves the bytes.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.server.transport.head import ENCODINGS, media_type, read_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam.server.transport.head import RequestHead
    from fakeviam.server.transport.messages import Codec

    Pair = tuple[bytes, bytes]
    Trailers = Sequence[tuple[str, str]]

#: Headers that HTTP/1.1 has and HTTP/2 must not have, and those that are written anew.
_OF_HTTP1 = frozenset(
    {
        *(b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"),
        *(b"host", b"content-type", b"content-length", b"te"),
    }
)


class Ending(NamedTuple):
    """The end of an answer.

    Attributes:
        status: That of HTTP, if nothing was sent before.
        headers: Those of the answer, if nothing was sent before.
        body: What ends it.
    """

    status: int
    headers: list[Pair]
    body: bytes


class Dialect:
    """One call in a dialect whose body is framed as in gRPC."""

    #: The header of answers that names the compressions of requests (SV-15).
    accepts = b"grpc-accept-encoding"

    def __init__(self, content_type: bytes, codec: Codec | None) -> None:
        """A request of that content type, whose messages `codec` knows if not protobuf does."""
        self.codec = codec
        # The answer has it too, and not every header that came can be sent.
        is_clean = content_type.isascii() and content_type.decode().isprintable()
        self._content_type = content_type if is_clean else media_type(content_type)

    def head(
        self, headers: Iterable[Pair], path: bytes, *, streaming: bool | None, largest: int
    ) -> RequestHead:
        """The head of the call that these headers begin.

        Args:
            headers: Of the request.
            path: That of the RPC.
            streaming: Whether the RPC streams; None where nobody knows.
            largest: Bytes of headers at most.
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
        return read_head(said, largest=largest)

    def _said(self, headers: Sequence[Pair]) -> list[Pair]:
        """What gRPC would have said."""
        return [pair for pair in headers if pair[0] not in _OF_HTTP1]

    def frames(self, data: bytes, *, is_last: bool) -> bytes:
        """What came, as frames of gRPC."""
        del is_last
        return data

    def opening(self) -> list[Pair]:
        """The headers of an answer."""
        return [
            (b"content-type", self._content_type),
            (self.accepts, ",".join(ENCODINGS).encode()),
        ]

    def body(self, frames: bytes) -> bytes:
        """What goes out for these bytes of frames; nothing if all is said at the end."""
        return frames

    def ending(self, trailers: Trailers) -> Ending:
        """The end of the answer."""
        raise NotImplementedError


class GrpcWeb(Dialect):
    """gRPC-Web, which has the trailers in its last frame (HT-7)."""

    def ending(self, trailers: Trailers) -> Ending:
        block = "".join(f"{name}: {value}\r\n" for name, value in trailers).encode()
        last = struct.pack(">BI", 0x80, len(block)) + block
        return Ending(200, self.opening(), self.body(last))


class GrpcWebText(GrpcWeb):
    """gRPC-Web in base64, for browsers that can read text alone while it comes."""

    _rest = b""

    def frames(self, data: bytes, *, is_last: bool) -> bytes:
        text = self._rest + data
        whole = len(text) // 4 * 4
        self._rest = text[whole:]
        return _NO_FRAME if is_last and self._rest else _decoded(text[:whole])

    def body(self, frames: bytes) -> bytes:
        return b64encode(frames)


#: A frame that no message begins with, which is refused (SV-3).
_NO_FRAME = b"\x7f\0\0\0\0"


def _decoded(text: bytes) -> bytes:
    """The bytes in base64."""
    try:
        # Each frame may have been encoded by itself, with padding in the middle.
        if b"=" in text[:-4]:
            groups = (text[at : at + 4] for at in range(0, len(text), 4))
            return b"".join(b64decode(group, validate=True) for group in groups)
        return b64decode(text, validate=True)
    except Base64Error:
        return _NO_FRAME
