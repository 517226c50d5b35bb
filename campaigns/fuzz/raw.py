"""A connection on which frames are sent as they are, right or wrong."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hpack import Decoder, Encoder, HPACKError

from campaigns.fuzz.stage import in_time
from campaigns.laws import BrokenLawError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam import FakeViam

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED, PRIORITIZED = 8, 32

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_LARGEST_WINDOW = 2**31 - 1

#: Headers are pairs of bytes: what is wrong with them shall reach the server.
Pair = tuple[bytes, bytes]


def frame(kind: int, flags: int, stream: int, payload: bytes, size: int | None = None) -> bytes:
    """A frame; `size` is what its head says instead of the truth."""
    length = (len(payload) if size is None else size) & 0xFFFFFF
    return struct.pack(">IBBI", length, kind & 255, flags & 255, stream)[1:] + payload


def request_headers(path: str, *more: Pair) -> list[Pair]:
    """The headers of a call as grpc clients send them."""
    return [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b":authority", b"localhost"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc+proto"),
        *more,
    ]


@dataclass(kw_only=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        headers: Headers and trailers of the stream.
        reset: Error code of its RST_STREAM.
        goaway: Error code and text of a GOAWAY.
        closed: The server closed the connection.
    """

    headers: dict[str, str] = field(default_factory=dict)
    reset: int | None = None
    goaway: tuple[int, bytes] | None = None
    closed: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the connection is of no more use."""
        return self.closed or self.goaway is not None

    @property
    def word(self) -> str:
        """The answer in a word or two."""
        if self.goaway is not None:
            return f"GOAWAY {self.goaway[0]}"
        if self.closed:
            return "closed"
        return f"RST_STREAM {self.reset}" if self.reset is not None else "answered"


class Raw:
    """An HTTP/2 client without manners."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `connect`."""
        self._reader, self._writer = reader, writer
        self._decoder, self._encoder = Decoder(), Encoder()
        self._stream = -1

    @classmethod
    async def connect(cls, cloud: FakeViam, *, greet: bool = True) -> Raw:
        """A connection over TCP that has sent its preface."""
        raw = cls(*await asyncio.open_connection(cloud.host, cloud.port))
        if greet:
            settings = struct.pack(">HI", 4, _LARGEST_WINDOW)
            more = struct.pack(">I", _LARGEST_WINDOW - 65_535)
            raw.send(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(WINDOW, 0, 0, more))
        return raw

    def close(self) -> None:
        """Hang up without a word."""
        self._writer.transport.abort()

    def send(self, data: bytes) -> None:
        """Send these bytes."""
        self._writer.write(data)

    def next_stream(self) -> int:
        """The number of a stream that was not used."""
        self._stream += 2
        return self._stream

    def block(self, headers: Sequence[Pair]) -> bytes:
        """Headers, compressed without remembering them."""
        encoder = Encoder()
        encoder.header_table_size = 0
        return bytes(encoder.encode([(name, value, True) for name, value in headers]))

    async def answer(self, stream: int, *, ping: bytes = b"") -> Answer:
        """Read until the stream ends, the server goes away, or it answers a ping.

        Raises:
            BrokenLawError: None of that happens.
        """
        result = Answer()
        try:
            await in_time(self._read(result, stream, ping))
        except asyncio.TimeoutError as error:
            raise BrokenLawError("never a hang", f"no answer on stream {stream}") from error
        except (OSError, asyncio.IncompleteReadError):
            result.closed = True
        return result

    async def _read(self, answer: Answer, stream: int, ping: bytes) -> None:
        while True:
            head = await self._reader.readexactly(9)
            kind, flags, number = head[3], head[4], int.from_bytes(head[5:9], "big")
            payload = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACK:
                self.send(frame(SETTINGS, ACK, 0, b""))
            elif kind == PING and not flags & ACK:
                self.send(frame(PING, ACK, 0, payload))
            elif kind == PING and payload == ping:
                return
            elif kind == GOAWAY:
                answer.goaway = (int.from_bytes(payload[4:8], "big"), payload[8:])
                return
            elif kind == HEADERS:
                while not flags & END_HEADERS:
                    more = await self._reader.readexactly(9)
                    payload += await self._reader.readexactly(int.from_bytes(more[:3], "big"))
                    flags |= more[4]
                self._headers(answer, payload if number == stream else b"", payload)
            if number == stream and (
                kind == RST_STREAM or (flags & END_STREAM and kind <= HEADERS)
            ):
                answer.reset = int.from_bytes(payload, "big") if kind == RST_STREAM else None
                return

    def _headers(self, answer: Answer, block: bytes, payload: bytes) -> None:
        try:
            headers = self._decoder.decode(payload, raw=True)
        except HPACKError as error:
            raise BrokenLawError("answers are HTTP/2", repr(error)) from error
        if block:
            answer.headers.update((n.decode("latin-1"), v.decode("latin-1")) for n, v in headers)
