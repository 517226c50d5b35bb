"""A connection of HTTP/1.1 on which requests are sent as they are, right or wrong."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, NamedTuple

from campaigns.fuzz.stage import in_time
from campaigns.laws import BrokenLawError

if TYPE_CHECKING:
    from fakeviam import FakeViam


class Reply(NamedTuple):
    """An answer over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes


class Web:
    """A connection that is kept, over which requests are sent as they are."""

    def __init__(self, cloud: FakeViam) -> None:
        """Connect to `cloud` when it is needed."""
        self._cloud = cloud
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def ask(self, request: bytes, *, head: bool = False) -> Reply | None:
        """The answer; None if the server hung up instead.

        Raises:
            BrokenLawError: There is none.
        """
        try:
            return await in_time(self._ask(request, head=head))
        except asyncio.TimeoutError as error:
            self.close()
            raise BrokenLawError("never a hang", "no answer over HTTP") from error
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return None

    async def _ask(self, request: bytes, *, head: bool) -> Reply:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._cloud.host, self._cloud.port)
        reader, writer = self._streams
        writer.write(request)
        while (reply := await _reply(reader, head=head)) and reply.status < 200:
            pass  # an interim one
        if reply is None:
            raise asyncio.IncompleteReadError(b"", 1)
        if reply.headers.get("connection") == "close":
            self.close()
        return reply


async def _reply(reader: asyncio.StreamReader, *, head: bool) -> Reply | None:
    """The next answer; None at the end of the connection."""
    try:
        text = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BrokenLawError("answers are whole", repr(error.partial)) from error
        return None
    first, *lines = text.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines if line]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    status = int(first.split()[1])
    body = b"" if head else await _body(reader, status, headers)
    return Reply(status, headers, body)


async def _body(reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> bytes:
    if status < 200 or status in (204, 304):
        return b""
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int((await reader.readline()).strip(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def encoded(
    method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    """A request."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + body


async def last_words(cloud: FakeViam, request: bytes) -> list[Reply]:
    """All answers to a client that sends this, ends its side, and reads to the end.

    Raises:
        BrokenLawError: The server does not end, or not with a whole answer.
    """
    reader, writer = await asyncio.open_connection(cloud.host, cloud.port)
    replies: list[Reply] = []
    try:
        writer.write(request)
        writer.write_eof()
        while reply := await in_time(_reply(reader, head=False)):
            replies += [reply] * (reply.status >= 200)
    except asyncio.TimeoutError as error:
        raise BrokenLawError("never a hang", "no end over HTTP") from error
    except asyncio.IncompleteReadError as error:
        raise BrokenLawError("answers are whole", repr(error.partial)) from error
    except OSError:
        pass  # what it did not read was reset
    finally:
        writer.transport.abort()
    return replies


def check_reply(reply: Reply) -> None:
    """No answer is a 500 by accident, and a refusal says what is wrong.

    Raises:
        BrokenLawError: It is, or does not.
    """
    text = f"{reply.status} {reply.body[:500]!r}"
    if reply.status >= 500 and reply.status not in _SAID_ON_PURPOSE:
        raise BrokenLawError("never a 500", text)
    if reply.status >= 400 and "application/json" in reply.headers.get("content-type", ""):
        answer = json.loads(reply.body)
        # As Connect has it, or as the rest.
        if not (answer.get("message") or answer.get("error", {}).get("what")):
            raise BrokenLawError("a refusal says what is wrong", text)


#: Connect's calls of what no cloud has, gRPC over HTTP/1.1, and a full disk.
_SAID_ON_PURPOSE = (501, 505, 507)
