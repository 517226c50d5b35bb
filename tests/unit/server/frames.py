"""A client that shows every HTTP/2 event of one call, as any other client would meet it."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events

from .driver import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from fakeviam import FakeViam


@dataclass(kw_only=True)
class Seen:
    """What a client saw of one call.

    Attributes:
        headers: Of the answer, and its trailers.
        body: The bytes of DATA frames.
        reset: The error code of RST_STREAM.
        goaway: Last stream id and error code of GOAWAY.
        lost: How the connection ended: `closed`, `reset`, or not at all.
    """

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None
    goaway: tuple[int, int] | None = None
    lost: str = ""
    ended: bool = False

    @property
    def messages(self) -> list[bytes]:
        """The complete messages in the body."""
        found, rest = [], self.body
        while len(rest) >= 5 and len(rest) >= 5 + (size := struct.unpack(">I", rest[1:5])[0]):
            found.append(rest[5 : 5 + size])
            rest = rest[5 + size :]
        return found


class Frames:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        config = h2.config.H2Configuration(header_encoding="utf-8")
        self._h2 = h2.connection.H2Connection(config)
        self._h2.initiate_connection()
        self._flush()

    @classmethod
    async def over_tcp(cls, cloud: FakeViam) -> Frames:
        return cls(*await asyncio.open_connection(cloud.host, cloud.port))

    def close(self) -> None:
        self._writer.close()

    async def call(
        self, rpc: str, *messages: Message, metadata: Mapping[str, str] | None = None
    ) -> Seen:
        """Make a call and see it to its end."""
        number = self._h2.get_next_available_stream_id()
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": METHODS[rpc].path,
            ":authority": "fake",
            "te": "trailers",
            "content-type": "application/grpc+proto",
            **(metadata or {}),
        }
        self._h2.send_headers(number, list(headers.items()))
        blobs = [message.SerializeToString() for message in messages]
        body = b"".join(struct.pack(">BI", 0, len(blob)) + blob for blob in blobs)
        self._h2.send_data(number, body, end_stream=True)
        self._flush()
        return await self._follow(number)

    async def _follow(self, number: int) -> Seen:
        seen = Seen()
        while not seen.ended and not seen.lost:
            try:
                received = await self._reader.read(65536)
            except ConnectionResetError:
                seen.lost = "reset"
                break
            if not received:
                seen.lost = "closed"
                break
            for event in self._h2.receive_data(received):
                self._note(event, number, seen)
            self._flush()
        return seen

    def _note(self, event: h2.events.Event, number: int, seen: Seen) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            seen.goaway = (event.last_stream_id or 0, int(event.error_code or 0))
        elif getattr(event, "stream_id", None) != number:
            return
        elif isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
            seen.headers.update((str(k), str(v)) for k, v in event.headers or ())
        elif isinstance(event, h2.events.DataReceived):
            seen.body += event.data or b""
            self._h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
        elif isinstance(event, h2.events.StreamReset):
            seen.reset = int(event.error_code or 0)
            seen.ended = True
        elif isinstance(event, h2.events.StreamEnded):
            seen.ended = True

    def _flush(self) -> None:
        self._writer.write(self._h2.data_to_send())
