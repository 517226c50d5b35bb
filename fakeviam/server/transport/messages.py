"""Rare forms of gRPC messages: compressed, large, encoded by other codecs, and errors."""

from __future__ import annotations

import zlib
from base64 import b64encode
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import quote

from fakeviam.model.errors import InvalidArgumentError, ResourceExhaustedError
from fakeviam.wire import status as rpc_status
from fakeviam.wire.counting import holds_more

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message
    from grpclib.const import Status

    from fakeviam.server.instruments.faults.values import Detail
    from fakeviam.wire.encoded import Encoded

M = TypeVar("M", bound="Message")

#: zlib's window bits: gRPC's deflate is the zlib format.
_WINDOW_BITS = MappingProxyType({"deflate": 15, "gzip": 31})

#: Bytes of input and output per step of decompression, and protobuf's maximum.
_PACKED_AT_ONCE = 256 * 1024
_UNPACKED_AT_ONCE = 1024 * 1024
MOST = 2**31 - 1

#: Maximum number of values in a message: more than fit into the 4 MB that the service accepts,
#: even if all were numbers in a reading.
MOST_VALUES = 1_000_000

#: A message of at most this size cannot contain more.
FEW_BYTES = 2 * MOST_VALUES

#: Pieces above this size are not copied in order to join them.
LARGE = 64 * 1024

#: What grpc-message contains unescaped: printable ASCII without the percent sign.
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def unpacked(data: bytes, encoding: str) -> Iterator[bytes]:
    """Decompress a message in pieces, each of which takes little time.

    Raises:
        InvalidArgumentError: It is not compressed in this way (SV-15).
    """
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        text = "a message says that it is compressed, and grpc-encoding does not say how"
        raise InvalidArgumentError(text, clause="SV-15")
    unpacking, size, at = zlib.decompressobj(bits), 0, 0
    try:
        while not unpacking.eof:
            # In pieces, because zlib copies the unconsumed rest of its input at each step.
            tail = unpacking.unconsumed_tail or data[at : (at := at + _PACKED_AT_ONCE)]
            piece = unpacking.decompress(tail, _UNPACKED_AT_ONCE)
            if not piece and not tail and not unpacking.eof:
                break
            size += len(piece)
            yield piece
    except zlib.error as error:
        text = f"a message is not {encoding}: {error}"
        raise InvalidArgumentError(text, clause="SV-15") from error
    if not unpacking.eof or unpacking.unused_data or at < len(data) or size > MOST:
        text = f"a message is not {encoding}: it is cut short, or something follows it"
        raise InvalidArgumentError(text, clause="SV-15")


def too_many_values(size: int) -> ResourceExhaustedError:
    """The refusal of a message that would block other calls for longer than its size suggests."""
    text = f"message of {size} bytes holds more than {MOST_VALUES} values"
    return ResourceExhaustedError(text, clause="SV-2")


def joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, with small pieces joined."""
    small: list[bytes] = []
    size = 0
    for piece in pieces:
        is_large = len(piece) > LARGE
        if small and (is_large or size > LARGE):
            yield b"".join(small)
            small.clear()
            size = 0
        if is_large:
            yield piece
        else:
            small.append(piece)
            size += len(piece)
    yield b"".join(small)


class Codec(Protocol):
    """An encoding of messages other than gRPC's.

    Attributes:
        name: The suffix of its content types.
        ceiling: Maximum size of a message in bytes.
        parsed_at_once: Above this size, parsing runs in a thread.
    """

    name: str
    ceiling: int
    parsed_at_once: int

    def parsed(self, data: bytes, kind: type[M]) -> M:
        """Decode a message.

        Raises:
            InvalidArgumentError: The data is not such a message (SV-3).
        """
        ...

    def encoded(self, message: Message | Encoded, kind: type[Message]) -> tuple[bytes, ...]:
        """Encode a message of this type, in pieces."""
        ...


def parsed_large(data: bytes, kind: type[M]) -> M:
    """Decode a large message.

    Raises:
        DecodeError: The data is not such a message.
        ResourceExhaustedError: It contains too many values (SV-2).
    """
    if holds_more(data, kind, MOST_VALUES):
        raise too_many_values(len(data))
    return kind.FromString(data)


def status_headers(
    status: Status, text: str | None, details: Iterable[Detail] | None
) -> list[tuple[str, str]]:
    """The trailers with the status of a call."""
    headers = [("grpc-status", str(status.value))]
    if text is not None:
        headers.append(("grpc-message", quote(text, safe=_PLAIN, encoding="utf-8")))
    if details is not None:
        blob = packed_status(status, text or "", details)
        headers.append(("grpc-status-details-bin", b64encode(blob).rstrip(b"=").decode()))
    return headers


def header_value(text: str) -> str:
    """`text` as the value of a header: printable ASCII."""
    escaped = text.encode("ascii", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in escaped).strip()


def packed_status(status: Status, text: str, details: Iterable[Detail]) -> bytes:
    """The trailer `grpc-status-details-bin`: a `google.rpc.Status` with packed details.

    Each detail has `type_url` and `value`.
    """
    status_message = rpc_status.Status(code=status.value, message=text)
    for detail in details:
        status_message.details.add(type_url=detail.type_url, value=detail.value)
    return status_message.SerializeToString()
