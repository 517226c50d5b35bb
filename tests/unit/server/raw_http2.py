"""A client that sends any bytes at all, and shows every frame that comes back."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

import hpack

from fakeviam.wire import data

from .driver import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam import FakeViam

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = range(8)
WINDOW_UPDATE, CONTINUATION = 8, 9
END_STREAM = ACK = 1
END_HEADERS = 4

NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 5, 6, 7, 8
ENHANCE_YOUR_CALM = 11

LARGEST = 16_384

Pairs = list[tuple[bytes, bytes]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">IBBI", len(payload), kind, flags, stream)[1:] + payload


def call_headers(rpc: str = "TagsByFilter", **changes: bytes | None) -> Pairs:
    """The headers of a good call; `x_y=…` sets or adds the header x-y, None leaves one out."""
    headers: dict[bytes, bytes | None] = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": METHODS[rpc].path.encode(),
        b":authority": b"fake",
        b"te": b"trailers",
        b"content-type": b"application/grpc",
    }
    for name, value in changes.items():
        key = name.replace("_", "-").encode()
        headers[b":" + key if b":" + key in headers else key] = value
    return [(name, value) for name, value in headers.items() if value is not None]


#: A request of TagsByFilter, framed.
ASK = b"\0" + struct.pack(">I", 0) + data.TagsByFilterRequest().SerializeToString()


@dataclass(kw_only=True)
class Answer:
    """What came back on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None
    has_ended: bool = False

    @property
    def status(self) -> str:
        return self.headers.get("grpc-status", "")

    @property
    def text(self) -> str:
        return unquote(self.headers.get("grpc-message", ""))


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self._encoder, self._decoder = hpack.Encoder(), hpack.Decoder()
        self._rest = b""
        self._block = b""
        self.answers: dict[int, Answer] = {}
        self.goaway: tuple[int, int, str] | None = None  # last stream, code, text
        self.pings: list[bytes] = []
        self.settings: dict[int, int] = {}
        self.window = 0  # bytes that were given back for all streams together
        self.is_closed = False

    @classmethod
    async def connect(cls, cloud: FakeViam, *, greet: bool = True) -> RawClient:
        client = cls(*await asyncio.open_unix_connection(cloud.unix_socket))
        if greet:
            client.send(PREFACE, frame(SETTINGS, 0, 0))
        return client

    def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))

    def encode(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        block: bytes = self._encoder.encode(list(headers))
        return block

    def open(self, stream: int, headers: Pairs, *, end: bool = False) -> bytes:
        block, flags = self.encode(headers), END_STREAM if end else 0
        pieces = [block[at : at + LARGEST] for at in range(0, len(block), LARGEST)] or [b""]
        made = [
            frame(CONTINUATION if at else HEADERS, 0 if at else flags, stream, piece)
            for at, piece in enumerate(pieces)
        ]
        made[-1] = made[-1][:4] + bytes([made[-1][4] | END_HEADERS]) + made[-1][5:]
        return b"".join(made)

    def call(self, stream: int, body: bytes = ASK, **changes: bytes | None) -> bytes:
        """The frames of a call of TagsByFilter."""
        return self.open(stream, call_headers("TagsByFilter", **changes)) + frame(
            DATA, END_STREAM, stream, body
        )

    async def ask(self, stream: int, body: bytes = ASK, **changes: bytes | None) -> Answer:
        """Make a call, and see it to its end."""
        self.send(self.call(stream, body, **changes))
        return await self.answer(stream)

    async def answer(self, stream: int) -> Answer:
        """What comes back on a stream, to its end or that of the connection."""
        found = self.answers.setdefault(stream, Answer())
        while not found.has_ended and not self.is_closed:
            await self.read()
        return found

    async def end(self) -> tuple[int, int, str] | None:
        """Read to the end of the connection; answers its GOAWAY."""
        while not self.is_closed:
            await self.read()
        self.writer.close()
        return self.goaway

    async def ping(self) -> None:
        """Wait until everything before was seen by the server."""
        count = len(self.pings)
        self.send(frame(PING, 0, 0, b"01234567"))
        while len(self.pings) == count and not self.is_closed:
            await self.read()

    async def read(self) -> None:
        got = b""
        with suppress(ConnectionError):
            got = await self._reader.read(65_536)
        self.is_closed = not got
        self._rest += got
        while len(self._rest) >= 9:
            length = int.from_bytes(self._rest[:3], "big")
            if len(self._rest) < 9 + length:
                break
            kind, flags = self._rest[3], self._rest[4]
            stream = int.from_bytes(self._rest[5:9], "big")
            payload, self._rest = self._rest[9 : 9 + length], self._rest[9 + length :]
            self._note(kind, flags, stream, payload)

    def _note(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if stream == 0:
            self._note_connection(kind, flags, payload)
            return
        answer = self.answers.setdefault(stream, Answer())
        if kind == DATA:
            answer.body += payload
        elif kind in (HEADERS, CONTINUATION):
            self._block += payload
            if flags & END_HEADERS:
                pairs = self._decoder.decode(self._block)
                answer.headers.update((str(name), str(value)) for name, value in pairs)
                self._block = b""
        elif kind == RST_STREAM:
            answer.reset, answer.has_ended = int.from_bytes(payload, "big"), True
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            answer.has_ended = True

    def _note_connection(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == GOAWAY:
            last, code = struct.unpack(">II", payload[:8])
            self.goaway = (last, code, payload[8:].decode())
        elif kind == PING and flags & ACK:
            self.pings.append(payload)
        elif kind == SETTINGS and not flags & ACK:
            self.settings.update(struct.iter_unpack(">HI", payload))
        elif kind == WINDOW_UPDATE:
            self.window += int.from_bytes(payload, "big")
