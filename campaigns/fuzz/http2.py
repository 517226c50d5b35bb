"""The wire below the messages: how they are framed, headers, and frames of HTTP/2."""

from __future__ import annotations

import asyncio
import base64
import struct
from abc import abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from grpclib.const import Status

from campaigns.client import METHODS, random_method
from campaigns.fuzz import raw
from campaigns.fuzz.raw import Answer, Raw, frame, request_headers
from campaigns.fuzz.stage import PATIENCE, Stage, judged, set_up
from campaigns.fuzz.target import Player, Target
from campaigns.laws import BrokenLawError
from campaigns.messages import random_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from campaigns.dice import Dice
    from campaigns.fuzz.raw import Pair
    from fakeviam.wire import Method

_STATUSES = {str(status.value): status.name for status in Status}

#: What ends a call besides a refusal.
_CLIENTS_WISH = ("DEADLINE_EXCEEDED", "CANCELLED")


class OnTheWire(Player):
    """Sends what it makes over a connection, and looks at what comes back."""

    def __init__(self, stage: Stage) -> None:
        """Attack the fake of `stage`."""
        self.stage = stage
        self.told = ""
        self._raw: Raw | None = None
        self._tasks = len(asyncio.all_tasks())
        self._state = stage.state()

    async def connection(self) -> Raw:
        """The connection, or a new one where the last one was lost."""
        if self._raw is None:
            self._raw = await Raw.connect(self.stage.cloud)
        return self._raw

    def drop(self) -> None:
        """Hang up."""
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    async def take(self, dice: Dice) -> str:
        outcome = await self.attack(dice)
        await self.stage.check_neighbour()
        self.stage.check_no_crash()
        if outcome != "OK":
            self.stage.check_unchanged(self._state, f"{outcome}: {self.told}")
        self._state = self.stage.state()
        return outcome

    @abstractmethod
    async def attack(self, dice: Dice) -> str:
        """Send one input; what became of it."""

    def last_input(self) -> str:
        return self.told[:2000]

    async def look_back(self) -> None:
        self.drop()
        self.stage.check_shown()
        for _ in range(500):
            if len(asyncio.all_tasks()) <= self._tasks:
                return
            await asyncio.sleep(PATIENCE / 500)
        left = "; ".join(sorted(map(repr, asyncio.all_tasks())))
        raise BrokenLawError("nothing of a connection stays", left[:1500])

    def outcome(self, answer: Answer, method: Method | None) -> str:
        """What became of a call, judged where it was answered by a status."""
        headers = answer.headers
        if "grpc-status" not in headers:
            status = headers.get(":status", "")
            if status == "500":
                raise BrokenLawError("never a 500", f"{headers} to {self.told}")
            return f"HTTP {status}" if status else answer.word
        name = _STATUSES.get(headers["grpc-status"], headers["grpc-status"])
        if name == "OK" or name in _CLIENTS_WISH:
            return name
        text = unquote(headers.get("grpc-message", ""))
        return judged(method, name, text, headers.get("fakeviam-clause", ""))


class Framing(OnTheWire):
    """Calls whose messages are framed wrongly."""

    async def attack(self, dice: Dice) -> str:
        method = random_method(dice)
        body = self._body(dice, method)
        encoding: list[Pair] = [(b"grpc-encoding", b"gzip")] if dice.chance(0.1) else []
        connection = await self.connection()
        stream = connection.next_stream()
        self.told = f"{method.name} {body.hex()}"
        block = connection.block(request_headers(method.path, *encoding))
        data = frame(raw.HEADERS, raw.END_HEADERS, stream, block)
        pieces = _pieces(dice, body)
        trailers = dice.chance(0.05)
        for number, piece in enumerate(pieces, 1):
            ends = raw.END_STREAM if number == len(pieces) and not trailers else 0
            data += _data(dice, ends, stream, piece)
        if trailers:
            block = connection.block([(b"x-end", b"1")])
            data += frame(raw.HEADERS, raw.END_HEADERS | raw.END_STREAM, stream, block)
        connection.send(data)
        answer = await connection.answer(stream)
        if answer.is_over:
            self.drop()
            raise BrokenLawError("one call never costs another", f"{answer.word}: {self.told}")
        return self.outcome(answer, method)

    def _body(self, dice: Dice, method: Method) -> bytes:
        body = b""
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
            data = random_message(dice, method.request, self.stage.known).SerializeToString()
            flag, size = 0, len(data)
            if dice.chance(0.3):
                flag = dice.choice((1, 2, 128, 255))
            if dice.chance(0.3):
                size = dice.choice((0, size - 1, size + 1, size + 5, 2**31, 2**32 - 1)) % 2**32
            body += struct.pack(">BI", flag, size) + data
        if dice.chance(0.3):
            body = body[: dice.randrange(len(body) + 1)]
        return dice.mutated(body) if dice.chance(0.2) else body


def _data(dice: Dice, flags: int, stream: int, piece: bytes) -> bytes:
    """A frame of data, sometimes padded."""
    if dice.chance(0.9):
        return frame(raw.DATA, flags, stream, piece)
    padding = dice.randrange(9)
    return frame(raw.DATA, flags | raw.PADDED, stream, bytes([padding]) + piece + bytes(padding))


def _pieces(dice: Dice, body: bytes) -> list[bytes]:
    """The body, cut at random into what one frame holds."""
    pieces = []
    while len(body) > 16_000 or (body and dice.chance(0.3)):
        at = dice.randrange(min(len(body), 16_000) + 1)
        pieces.append(body[:at])
        body = body[at:]
    return [*pieces, body]


_NAMES = (
    *(b"x-meta", b"x-meta-bin", b"X-Upper", b"grpc-timeout", b"grpc-encoding", b"content-type"),
    *(b"te", b"authorization", b"fakeviam-session", b"grpc-accept-encoding", b"user-agent"),
    *(b":path", b":method", b":scheme", b":authority", b":status", b":new", b"", b"bad name"),
    *(b"connection", b"transfer-encoding", b"content-length", b"host", b"cookie", b"\xff\xfe"),
    *(b"grpc-status", b"grpc-message", b"viam_metadata", b"x-meta-BIN", b"expect", b"upgrade"),
)
_VALUES = (
    *(b"", b" ", b"a", b"!!!", b"AAAA", b"AA", b"\xff\xfe", b"a\0b", b"a\r\nb: c", b"\x7f", b"1"),
    *(b"0n", b"1n", b"0S", b"99999999H", b"1", b"S", b"-1S", b"1x", b"999999999S", b"5M"),
    *(b"application/grpc", b"application/grpc+json", b"text/html", b"gzip", b"identity"),
    *(b"Bearer x", b"Bearer ", b"other", b"nobody", b"GET", b"CONNECT", b"/x", b"*"),
    *(b"x" * 3000, base64.b64encode(b"bytes"), "ü".encode(), b"trailers", b"chunked", b"100"),
)


class Headers(OnTheWire):
    """Calls with headers that are wrong, odd or twice there."""

    async def attack(self, dice: Dice) -> str:
        method = random_method(dice)
        headers = request_headers(method.path)
        for _ in range(dice.choice((1, 1, 2, 4))):
            self._spoil(dice, headers)
        message = random_message(dice, method.request, self.stage.known).SerializeToString()
        self.told = f"{headers} {message.hex()}"
        connection = await self.connection()
        stream = connection.next_stream()
        block = connection.block(headers)
        if dice.chance(0.03):
            block = dice.mutated(block)
            self.told += f" as {block.hex()}"
        message = message[:15_000]
        connection.send(
            frame(raw.HEADERS, raw.END_HEADERS, stream, block[:16_000])
            + frame(raw.DATA, raw.END_STREAM, stream, struct.pack(">BI", 0, len(message)) + message)
        )
        answer = await connection.answer(stream)
        if answer.is_over:
            self.drop()
        return self.outcome(answer, None)

    def _spoil(self, dice: Dice, headers: list[Pair]) -> None:
        at = dice.randrange(len(headers) + 1)
        name, value = dice.choice(_NAMES), dice.choice(_VALUES)
        kind = dice.randrange(5)
        if kind == 0 and at < len(headers):
            headers[at] = (headers[at][0], value)
        elif kind == 1 and at < len(headers):
            del headers[at]
        elif kind == 2 and headers:
            headers.insert(at, dice.choice(headers))
        else:
            headers.insert(at if dice.chance(0.3) else len(headers), (name, value))


class Frames(OnTheWire):
    """Frames that are no call, or not in that order."""

    async def attack(self, dice: Dice) -> str:
        self.drop()
        greet = dice.chance(0.95)
        connection = self._raw = await Raw.connect(self.stage.cloud, greet=greet)
        frames = [self._frame(dice, connection) for _ in range(dice.choice((1, 2, 3, 6, 12)))]
        data = b"".join(frames)
        whole = greet
        if dice.chance(0.3):
            data, whole = dice.mutated(data), False
        self.told = f"{'greeted' if greet else 'not greeted'} {data.hex()}"
        connection.send(data)
        if not whole:
            return "sent"
        connection.send(frame(raw.PING, 0, 0, b"goodbye!"))
        answer = await connection.answer(-1, ping=b"goodbye!")
        return answer.word

    async def take(self, dice: Dice) -> str:
        # Some of them are whole calls, which may write.
        try:
            return await super().take(dice)
        finally:
            self.drop()

    def _frame(self, dice: Dice, connection: Raw) -> bytes:
        stream = dice.choice((0, 1, 1, 3, 5, 2, 7, 2**31 - 1, 2**31))
        if dice.chance(0.3):
            method = METHODS["BinaryDataByFilter"]
            flags = raw.END_HEADERS | dice.choice((0, 0, raw.END_STREAM))
            return frame(raw.HEADERS, flags, stream, connection.block(request_headers(method.path)))
        kind = dice.choice((*range(10), *range(10), 10, 11, 255))
        flags = dice.choice((0, 1, 4, 5, 8, 32, dice.randrange(256)))
        return frame(kind, flags, stream, self._payload(dice, kind))

    def _payload(self, dice: Dice, kind: int) -> bytes:
        if dice.chance(0.2):
            return dice.randbytes(dice.choice((0, 1, 3, 4, 5, 8, 100)))
        number = struct.pack(">I", dice.choice((0, 1, 8, 2**31 - 1, 2**32 - 1)))
        if kind == raw.SETTINGS:
            pairs = [
                (dice.randrange(9), dice.integer(0, 2**32 - 1)) for _ in range(dice.randrange(4))
            ]
            return b"".join(struct.pack(">HI", *pair) for pair in pairs)
        payloads = {
            raw.PING: dice.randbytes(8),
            raw.GOAWAY: number + struct.pack(">I", dice.randrange(15)) + b"bye",
            raw.PRIORITY: number + b"\x10",
            raw.DATA: bytes(5) if dice.chance(0.5) else dice.randbytes(20),
        }
        return payloads.get(kind, number)


def _target(of: type[OnTheWire], label: str, what: str, part: int) -> Target:
    class Wire(Target):
        name, takes, share, size = label, what, part, 100

        @asynccontextmanager
        async def opened(self, dice: Dice) -> AsyncIterator[Player]:
            async with set_up(dice) as stage:
                yield of(stage)

    return Wire()


WIRE_TARGETS = (
    _target(Framing, "framing", "how messages are framed: flags, lengths, pieces, ends", 50),
    _target(Headers, "headers", "headers that are wrong, odd, twice there or missing", 50),
    _target(Frames, "frames", "HTTP/2 frames of any kind in any order", 40),
)
