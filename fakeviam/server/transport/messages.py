"""Messages of gRPC in the bytes of a stream, both ways: a flag, four bytes of length, the rest."""

from __future__ import annotations

import struct
import zlib
from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from google.protobuf.message import DecodeError

from fakeviam.model.errors import InvalidArgumentError, ResourceExhaustedError
from fakeviam.wire import status as rpc_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message
    from grpclib.const import Status

M = TypeVar("M", bound="Message")

_PREFIX = 5

#: How zlib knows what it unpacks: gRPC's deflate has zlib's head.
_WINDOW_BITS = MappingProxyType({"deflate": 15, "gzip": 31})

#: Bytes that are unpacked at once, from and to, and what protobuf can hold at most.
_PACKED_AT_ONCE = 256 * 1024
_UNPACKED_AT_ONCE = 1024 * 1024
_MOST = 2**31 - 1

#: Bytes: smaller frames are kept together, so that a million of one byte need no more memory.
_PIECE = 16_384


class ReceivedBytes:
    """The bytes of a request that have come and were not read yet, in pieces."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._pieces: deque[bytes | bytearray] = deque()
        self._at = 0  # of the first piece
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, data: bytes) -> None:
        """Add what came."""
        self._size += len(data)
        last = self._pieces[-1] if self._pieces else None
        if last is not None and len(last) + len(data) <= _PIECE:
            if isinstance(last, bytes):
                last = self._pieces[-1] = bytearray(last)
            last += data
        else:
            self._pieces.append(data)

    def take(self, size: int) -> bytes:
        """The next bytes, of which there must be so many."""
        taken = []
        self._size -= size
        while size:
            first = self._pieces[0]
            part = first[self._at : self._at + size] if self._at or size < len(first) else first
            size -= len(part)
            self._at += len(part)
            if self._at == len(first):
                self._pieces.popleft()
                self._at = 0
            taken.append(part)
        return taken[0] if len(taken) == 1 and isinstance(taken[0], bytes) else b"".join(taken)

    def clear(self) -> None:
        """Forget what came."""
        self._pieces.clear()
        self._at = self._size = 0


class Packed(NamedTuple):
    """One message as it came.

    Attributes:
        data: Its bytes.
        is_compressed: Whether it says that they are compressed.
    """

    data: bytes
    is_compressed: bool


class MessageCutter:
    """The messages in the bytes of one request. What is too large is refused by its length."""

    def __init__(self, largest: int | None) -> None:
        """Refuse messages above `largest` bytes (SV-2); None takes all."""
        self.received = ReceivedBytes()
        self._largest = largest
        self._prefix: tuple[bool, int] | None = None

    @property
    def is_between(self) -> bool:
        """Whether a message has just ended, and nothing has come of another."""
        return self._prefix is None and not self.received

    def next(self, policy_limit: int | None) -> Packed | None:
        """The next message; None if it has not come yet as a whole.

        Raises:
            Refusal: It is larger than the server or the policy allows.
        """
        if self._prefix is None:
            if len(self.received) < _PREFIX:
                return None
            self._prefix = self._read_prefix(policy_limit)
        is_compressed, length = self._prefix
        if len(self.received) < length:
            return None
        self._prefix = None
        return Packed(self.received.take(length), is_compressed)

    def _read_prefix(self, policy_limit: int | None) -> tuple[bool, int]:
        flag, length = struct.unpack(">BI", self.received.take(_PREFIX))
        self._check_size(length, policy_limit, "")
        if flag > 1:
            text = f"{flag} is no flag of a message; 0 is plain, 1 is compressed"
            raise InvalidArgumentError(text, clause="SV-3")
        return bool(flag), length

    def _check_size(self, size: int, policy_limit: int | None, unpacked: str) -> None:
        text = f"message of {size} bytes{unpacked} is larger than "
        if self._largest is not None and size > self._largest:
            raise ResourceExhaustedError(f"{text}{self._largest}", clause="SV-2")
        if policy_limit is not None and size > policy_limit:
            why = f"{policy_limit} (policy max_request_bytes)"
            raise ResourceExhaustedError(f"{text}{why}", clause="A60")

    def unpacked(self, data: bytes, encoding: str, policy_limit: int | None) -> Iterator[bytes]:
        """The pieces of a compressed message, each of which takes little time.

        Raises:
            Refusal: It is not compressed like that, or its size goes beyond what is allowed.
        """
        bits = _WINDOW_BITS.get(encoding)
        if bits is None:
            text = "a message says that it is compressed, and grpc-encoding does not say how"
            raise InvalidArgumentError(text, clause="SV-15")
        unpacking, size, at = zlib.decompressobj(bits), 0, 0
        try:
            while not unpacking.eof:
                # In pieces, since what is left of one is copied.
                tail = unpacking.unconsumed_tail or data[at : (at := at + _PACKED_AT_ONCE)]
                piece = unpacking.decompress(tail, _UNPACKED_AT_ONCE)
                if not piece and not tail and not unpacking.eof:
                    break
                size += len(piece)
                self._check_size(min(size, _MOST), policy_limit, " or more, unpacked,")
                yield piece
        except zlib.error as error:
            text = f"a message is not {encoding}: {error}"
            raise InvalidArgumentError(text, clause="SV-15") from error
        if not unpacking.eof or unpacking.unused_data or at < len(data) or size > _MOST:
            text = f"a message is not {encoding}: it is cut short, or something follows it"
            raise InvalidArgumentError(text, clause="SV-15")


def parsed(data: bytes, kind: type[M]) -> M:
    """The message in `data`.

    Raises:
        InvalidArgumentError: It is no such message (SV-3).
    """
    try:
        return kind.FromString(data)
    except DecodeError as error:
        text = f"request is not a valid {kind.DESCRIPTOR.full_name} message"
        raise InvalidArgumentError(text, clause="SV-3") from error


def prefix_of(message: bytes) -> bytes:
    """What stands before a message that is not compressed."""
    return struct.pack(">?I", False, len(message))  # noqa: FBT003


def framed(messages: Iterable[bytes]) -> bytes:
    """Messages as gRPC frames them."""
    return b"".join(prefix_of(each) + each for each in messages)


def packed_status(status: Status, text: str, details: Iterable[Any]) -> bytes:
    """The trailer `grpc-status-details-bin`: a `google.rpc.Status` with packed details.

    Each detail has `type_url` and `value`.
    """
    made = rpc_status.Status(code=status.value, message=text)
    for detail in details:
        made.details.add(type_url=detail.type_url, value=detail.value)
    return made.SerializeToString()
