"""A GET request over HTTP/1.1 as a stream: headers first, then the body in pieces."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from fakeviam.target import client_context, tls_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    import h11

#: Seconds of silence after which a connection counts as lost.
SILENCE = 60.0

_PIECE = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5

#: Characters that are not escaped in a URL; like browsers, escape all others.
_AS_IT_IS = "%/:=&?~#+!$,;'@()*[]"


class DownloadError(Exception):
    """A file cannot be downloaded.

    Attributes:
        status: The HTTP status; None if the reason is another one.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        """Create the error."""
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """A response whose body is read with `pieces`.

    Attributes:
        status: The HTTP status.
        headers: The headers, with names in lower case.
        pieces: The body; raises ConnectionError if it is incomplete.
    """

    status: int
    headers: Mapping[str, str]
    pieces: Callable[[], AsyncIterator[bytes]]


@asynccontextmanager
async def get(url: str, headers: Mapping[str, str], *, ca_file: str) -> AsyncIterator[Response]:
    """Send a GET request and follow redirects; other hosts do not get the authorization.

    Raises:
        ConnectionError: The server does not respond, or the response is incomplete.
        DownloadError: `url` is not an HTTP URL, or redirects form a loop.
    """
    sent = dict(headers)
    for _ in range(_MOST_REDIRECTS + 1):
        async with _answer(url, sent, ca_file) as response:
            if response.status not in _REDIRECTS or "location" not in response.headers:
                yield response
                return
            # Header values may be arbitrary bytes.
            location = quote(response.headers["location"].encode("latin-1"), safe=_AS_IT_IS)
        _, there = _split(location), urljoin(url, location)
        if _host(_split(there)) != _host(_split(url)):
            sent.pop("authorization", None)
        url = there
    raise DownloadError(f"the server redirects more than {_MOST_REDIRECTS} times")


@asynccontextmanager
async def _answer(url: str, headers: Mapping[str, str], ca_file: str) -> AsyncIterator[Response]:
    import h11  # noqa: PLC0415 - few programs download files of their own

    reader, writer = await _connect(url, ca_file)
    connection = h11.Connection(h11.CLIENT)
    receive = _Receiver(connection, reader).event
    try:
        for event in (_request(url, headers), h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        head = await receive()
        while isinstance(head, h11.InformationalResponse):
            head = await receive()
        told = {name.decode().lower(): value.decode("latin-1") for name, value in head.headers}

        async def pieces() -> AsyncIterator[bytes]:
            while isinstance(event := await receive(), h11.Data):
                yield bytes(event.data)

        yield Response(status=head.status_code, headers=told, pieces=pieces)
    finally:
        writer.transport.abort()  # closing TLS would wait for the server
        with suppress(OSError):
            await writer.wait_closed()


class _Receiver:
    """The events of one HTTP connection."""

    def __init__(self, connection: h11.Connection, reader: asyncio.StreamReader) -> None:
        self._connection, self._reader = connection, reader

    async def event(self) -> Any:
        """The next event.

        Raises:
            ConnectionError: The connection breaks, or is silent for too long.
        """
        import h11  # noqa: PLC0415

        while True:
            try:
                found = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                raise ConnectionError(f"the answer broke off: {error}") from error
            if found is not h11.NEED_DATA:
                return found
            self._connection.receive_data(await self._more())

    async def _more(self) -> bytes:
        try:
            return await asyncio.wait_for(self._reader.read(_PIECE), SILENCE)
        except asyncio.TimeoutError:
            raise ConnectionError(f"the server was silent for {SILENCE:g} seconds") from None
        except OSError as error:
            raise ConnectionError(f"the connection was lost: {error}") from error


async def _connect(url: str, ca_file: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DownloadError(f"the link is none of HTTP: {url.partition('?')[0]}")
    is_secure = parts.scheme == "https"
    try:
        context = client_context(ca_file, protocol="http/1.1") if is_secure else None
    except ValueError as error:
        raise DownloadError(f"ca_file: {error}") from error
    port = parts.port or (443 if is_secure else 80)
    name = _ascii(parts.hostname)
    opening = asyncio.open_connection(name, port, ssl=context, limit=_PIECE)
    try:
        return await asyncio.wait_for(opening, SILENCE)
    except (OSError, asyncio.TimeoutError) as error:
        why = tls_failure(error) or error
        raise ConnectionError(f"cannot reach {_host(parts)}: {why}") from error


def _request(url: str, headers: Mapping[str, str]) -> h11.Request:
    import h11  # noqa: PLC0415

    parts = _split(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    # Without compression: ranges refer to the encoded form.
    fixed = {"host": _host(parts), "accept-encoding": "identity", "connection": "close"}
    return h11.Request(
        method="GET",
        target=quote(target, safe=_AS_IT_IS),
        headers=list({**fixed, **headers}.items()),
    )


def _split(url: str) -> SplitResult:
    """Parse a URL completely, so that errors occur here."""
    try:
        parts = urlsplit(url)
        _host(parts)
    except ValueError as error:
        raise DownloadError(f"the link is no URL: {url.partition('?')[0]}: {error}") from error
    return parts


def _host(parts: SplitResult) -> str:
    """The Host header, without user name and password."""
    name = _ascii(parts.hostname or "")
    shown = f"[{name}]" if ":" in name else name
    return shown if parts.port is None else f"{shown}:{parts.port}"


def _ascii(host: str) -> str:
    """A host name in the form of DNS."""
    return host if host.isascii() else host.encode("idna").decode()
