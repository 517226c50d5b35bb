"""One port for gRPC, HTTP, databases and TLS: the first bytes of a connection tell which it is.

An HTTP/2 client that knows it speaks to an HTTP/2 server begins with a fixed preface, and no
HTTP/1.1 request begins like that. MongoDB's messages begin with their length, a number below any
four letters, and hold their kind in the fourth number. TLS begins with the kind and the version of
its first record, which as a length would be that of a very large message. After the first bytes the
connection belongs to the protocol it chose: nothing stands in between. Inside HTTP/2 the headers of
each request tell whether it is a call of gRPC.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from fakeviam.server.transport.descriptors import is_kept
from fakeviam.server.transport.frames import PREFACE
from fakeviam.server.transport.outgoing import Link, peer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.quiet_log import QuietLog

_LONGEST = len(PREFACE)

#: The four numbers that a message of MongoDB's begins with: its size, …, its kind.
_MONGO_HEADER = struct.Struct("<iiii")
_MONGO_KINDS = (2013, 2004)  # OP_MSG, and OP_QUERY for a first hello
_MONGO_LARGEST = 48_000_000

#: How records of TLS begin: with their kind, one of five, and a version. A handshake comes first;
#: what else comes is refused as TLS, too.
_TLS = frozenset(bytes((kind, 3, version)) for kind in range(20, 25) for version in range(1, 5))


#: Seconds that a client has to take the last word of a server that stops.
FAREWELL_SECONDS = 0.5

_NO_MORE = (
    "the last file descriptors are kept for the calls of those who are connected; close "
    "connections, or raise the number with ulimit -n"
)


class PortServer(Protocol):
    """What answers one side of the port."""

    def protocol(self) -> asyncio.Protocol:
        """A protocol for one more connection."""
        ...

    async def stop(self) -> None:
        """End what is being answered; the connections are gone already."""


class PoliteProtocol(asyncio.Protocol):
    """A connection whose client is told that the server stops (SV-17)."""

    def begin_to_close(self) -> None:
        """Take no more, and cut what is being answered."""
        raise NotImplementedError

    async def close(self, patience: float) -> None:
        """Drop the connection when that has cleared up, in so many seconds at most."""
        raise NotImplementedError


class DatabaseSide(PortServer, Protocol):
    """What speaks MongoDB's protocol."""

    def refusing(self, text: str) -> asyncio.Protocol:
        """A protocol that answers every command with one error."""
        ...


S = TypeVar("S", bound=PortServer)


class LazyServer(Generic[S]):
    """One side of the port, made when it is first asked for (HT-1).

    Starlette and uvicorn take longer to import than a fake takes to start, and most tests
    speak gRPC alone.
    """

    def __init__(self, make: Callable[[], S]) -> None:
        """Serve with what `make` makes."""
        self._make = make
        self._server: S | None = None

    def made(self) -> S:
        """That side, made if it was not yet."""
        if self._server is None:
            self._server = self._make()
        return self._server

    async def stop(self) -> None:
        """End what is being answered."""
        if self._server is not None:
            await self._server.stop()
            self._server = None


class ProtocolSniffer(asyncio.Protocol):
    """A connection that has not yet said what it speaks."""

    def __init__(
        self,
        grpc: Callable[[], asyncio.Protocol],
        http: Callable[[], asyncio.Protocol],
        database: Callable[[], asyncio.Protocol],
        tls: Callable[[], asyncio.Protocol],
        *,
        patience: float,
        quiet_log: QuietLog,
    ) -> None:
        """Hand the connection to what one of these makes; drop it after `patience` seconds.

        Clients of both kinds speak first and at once. Who says too little is named in the log.
        """
        self._patience, self._log = patience, quiet_log
        self._grpc = grpc
        self._http = http
        self._database = database
        self._tls = tls
        self._seen = b""
        self._impatience: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # That of another event loop, such as uvloop's, is no asyncio.Transport.
        self.transport = cast("asyncio.Transport", transport)
        connected = transport.get_extra_info("socket")
        if connected is not None and is_kept(connected.fileno()):
            self._log.say(_NO_MORE, f"refused {peer_of(transport)}: {_NO_MORE} [SV-11]")
            Link(transport).reset()
            return
        self._impatience = asyncio.get_running_loop().call_later(self._patience, self._give_up)

    def data_received(self, data: bytes) -> None:
        received = self._seen = self._seen + data
        make = self._choose(received)
        if make is None:
            return
        self._forget()
        assert self.transport is not None  # noqa: S101 - for the type checker
        protocol = make()
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(received)

    def _give_up(self) -> None:
        assert self.transport is not None  # noqa: S101 - for the type checker
        if self._seen:  # browsers connect in advance, and say nothing
            said = f"{self._seen!r} and then nothing for {self._patience:g} seconds"
            self._log.say("beginning", f"dropped {peer_of(self.transport)}: it said {said} [SV-13]")
        self.transport.abort()

    def _choose(self, seen: bytes) -> Callable[[], asyncio.Protocol] | None:
        """What these first bytes are for; None if they may still become several things."""
        if seen.startswith(PREFACE):
            return self._grpc
        if len(seen) < _LONGEST and PREFACE.startswith(seen):
            return None
        if seen[:3] in _TLS:
            return self._tls
        speaks_mongo = _speaks_mongo(seen)
        if speaks_mongo is None:
            return None
        return self._database if speaks_mongo else self._http

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's
        self._forget()

    def _forget(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None


def _speaks_mongo(seen: bytes) -> bool | None:
    """Whether a connection begins with a message of MongoDB's; None if that is not known yet."""
    size = int.from_bytes(seen[:4], "little")
    if len(seen) >= 4 and not _MONGO_HEADER.size < size <= _MONGO_LARGEST:
        return False
    if len(seen) < 4 and seen.isascii() and seen.isalpha():
        return False
    if len(seen) < _MONGO_HEADER.size:
        return None
    return _MONGO_HEADER.unpack_from(seen)[3] in _MONGO_KINDS


class RejectedConnection(asyncio.Protocol):
    """A connection that is reset as soon as it is made (FT-8)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Link(transport).reset()
