"""A connection that is reset raises ConnectionError, whenever that is."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from fakeviam_client import connect
from grpclib.client import Channel

from fakeviam import FakeViam

if TYPE_CHECKING:
    from grpclib.protocol import H2Protocol

_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
#: The headers of an answer on the first stream: `:status: 200` and the content type.
_ANSWER = b"\0\0\x13\1\4\0\0\0\1\x88\x5f\x10application/grpc"
_PREFACE, _DATA, _HEADERS = 24, 0, 1

MOMENTS = ("accepted", "settings", "headers", "data", "answer")


class _Resets:
    """Serves connections up to a moment, and resets them."""

    def __init__(self, moment: str) -> None:
        self._moment = moment

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = writer.get_extra_info("socket")
        place.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError, EOFError):
            await self._until(reader, writer)
        writer.transport.abort()

    async def _until(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._moment == "accepted":
            return
        await reader.readexactly(_PREFACE)
        writer.write(_SETTINGS)
        if self._moment == "settings":
            return
        awaited = _HEADERS if self._moment == "headers" else _DATA
        kind = -1
        while kind != awaited:
            head = await reader.readexactly(9)
            await reader.readexactly(int.from_bytes(head[:3], "big"))
            kind = head[3]
        if self._moment == "answer":
            writer.write(_ANSWER)


@pytest.mark.asyncio
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_reset_at_any_moment(moment: str) -> None:
    """Of a call and of an upload; the next one connects again, and ends the same way."""
    server = await asyncio.start_server(_Resets(moment).serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with connect(f"127.0.0.1:{port}") as client:
        for _ in range(3):
            with pytest.raises(ConnectionError, match="TagsByFilter was interrupted"):
                await client.tags_by_filter()
            with pytest.raises(ConnectionError, match="FileUpload was interrupted"):
                await client.file_upload(part_id="p", data=b"x" * 200_000, file_extension=".b")
    server.close()
    await server.wait_closed()


@pytest.mark.asyncio
async def test_a_connection_that_is_lost_before_its_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """grpclib knows no transport then, which was an AttributeError of its own."""
    connects = Channel.__connect__

    async def lost(channel: Channel) -> H2Protocol:
        protocol = await connects(channel)
        protocol.connection._transport.abort()
        await asyncio.sleep(0)  # the loop tells the protocol
        return protocol

    async with FakeViam(seed=1) as cloud, connect(cloud.target) as client:
        monkeypatch.setattr(Channel, "__connect__", lost)
        with pytest.raises(ConnectionError, match="TagsByFilter was interrupted: Connection lost"):
            await client.tags_by_filter()
        with pytest.raises(ConnectionError, match="FileUpload was interrupted: Connection lost"):
            await client.file_upload(part_id="p", data=b"x", file_extension=".b")
