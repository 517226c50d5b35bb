"""The bytes of an HTTP/2 connection, cut into frames (RFC 9113, 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from h2.errors import ErrorCodes

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a client says first.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = range(8)
WINDOW_UPDATE, CONTINUATION = 8, 9

#: Names of the types, by number.
NAMES = (
    "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
    "WINDOW_UPDATE", "CONTINUATION",
)  # fmt: skip

# Flags.
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8

#: Bytes of the payload of a frame: what may be sent to those who announce nothing else.
LARGEST = 16_384

_HEAD = 9


class ConnectionFailure(Exception):  # noqa: N818 - an order, not an error of ours
    """The connection cannot go on; its client is told why in a GOAWAY."""

    def __init__(self, code: ErrorCodes, text: str) -> None:
        """End the connection with an error code of HTTP/2, and a text for people."""
        super().__init__(text)
        self.code, self.text = code, text


class Frame(NamedTuple):
    """One frame as it came.

    Attributes:
        kind: Its type.
        flags: Its flags.
        stream_id: The stream it is of; 0 is the connection.
        raw: All of its bytes.
    """

    kind: int
    flags: int
    stream_id: int
    raw: bytes

    @property
    def payload(self) -> bytes:
        """What follows its nine bytes of head."""
        return self.raw[_HEAD:]

    @property
    def size(self) -> int:
        """Bytes of payload."""
        return len(self.raw) - _HEAD

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but padding in it."""
        padding = self.raw[_HEAD] + 1 if self.flags & PADDED and self.size else 0
        return self.size <= padding

    def with_flags(self, flags: int) -> Frame:
        """The same frame with other flags."""
        raw = self.raw[:4] + bytes([flags]) + self.raw[5:]
        return self._replace(flags=flags, raw=raw)


class FrameCutter:
    """What came of a connection and was not looked at yet."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._bytes = bytearray()
        self._has_preface = False

    def add(self, data: bytes) -> None:
        """Add what came."""
        self._bytes += data

    def frames(self, most: int) -> Iterator[Frame]:
        """The next complete frames, `most` at most.

        Raises:
            ConnectionFailure: A frame says that it is larger than it may be, or the client
                does not speak HTTP/2.
        """
        if not self._has_preface and not self._cut_preface():
            return
        held, at = self._bytes, 0
        try:
            for _ in range(most):
                if len(held) - at < _HEAD:
                    return
                length = int.from_bytes(held[at : at + 3], "big")
                if length > LARGEST:
                    text = f"a frame of {length} bytes; {LARGEST} at most"
                    raise ConnectionFailure(ErrorCodes.FRAME_SIZE_ERROR, text)
                end = at + _HEAD + length
                if len(held) < end:
                    return
                raw = bytes(held[at:end])
                at = end
                yield Frame(raw[3], raw[4], int.from_bytes(raw[5:9], "big") & 0x7FFFFFFF, raw)
        finally:
            del held[:at]

    def _cut_preface(self) -> bool:
        if not PREFACE.startswith(self._bytes[: len(PREFACE)]):
            raise ConnectionFailure(ErrorCodes.PROTOCOL_ERROR, "this is not HTTP/2")
        self._has_preface = len(self._bytes) >= len(PREFACE)
        if self._has_preface:
            del self._bytes[: len(PREFACE)]
        return self._has_preface

    @property
    def has_frame(self) -> bool:
        """Whether a frame is complete, or too large."""
        held = self._bytes
        return len(held) >= _HEAD and (
            len(held) >= _HEAD + (length := int.from_bytes(held[:3], "big")) or length > LARGEST
        )

    def clear(self) -> None:
        """Forget what came."""
        self._bytes.clear()
