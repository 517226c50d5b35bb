"""Links that break, and servers of files that do as they are told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


class Link:
    """A proxy that drops the answer of the n-th HTTP request after so many bytes.

    Attributes:
        target: Where it listens.
        cuts: Bytes of an answer that pass, one number a request; None or none left is all.
        heads: What HTTP requests began with.
    """

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self.target = ""
        self.cuts: list[int | None] = []
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection(*self._there)
        first = await reader.read(65536)
        is_http = first.startswith(b"GET ")
        left = None
        if is_http:
            self.heads.append(first)
            left = self.cuts.pop(0) if self.cuts else None
        to_there.write(first)
        on = asyncio.ensure_future(_pump(reader, to_there, None))
        with suppress(asyncio.CancelledError):
            await _pump(there, writer, left)
        on.cancel()
        for each in (writer, to_there):
            each.transport.abort()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None
) -> None:
    with suppress(OSError):
        while left != 0 and (data := await reader.read(65536 if left is None else left)):
            writer.write(data)
            await writer.drain()
            left = None if left is None else left - len(data)


@asynccontextmanager
async def breaking(host: str, port: int) -> AsyncIterator[Link]:
    """A link to a server."""
    link = Link(host, port)
    server = await asyncio.start_server(link.serve, "127.0.0.1", 0)
    link.target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield link
        server.close()


class Files:
    """Answers HTTP requests with the bytes it is told, one after the other; the last again."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = list(answers)
        self.url = ""
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
            with suppress(OSError):
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[Files]:
    """A server of such answers."""
    files = Files(answers)
    server = await asyncio.start_server(files.serve, "127.0.0.1", 0)
    files.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/f"
    async with server:
        yield files


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """An answer of HTTP/1.1."""
    told = {"content-length": str(len(body))}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
