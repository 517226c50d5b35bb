"""One port for gRPC, HTTP, databases and TLS, told apart by the first bytes of a connection.

HTTP/2 starts with a fixed preface, which no HTTP/1.1 request does. A MongoDB message starts with
its length, which is smaller than any four letters, and its kind is the fourth number. TLS starts
with the type and version of a record, which as a length would be a very large message. After the
decision the connection belongs to the chosen protocol, with nothing in between. Within HTTP/2, the
headers of each request tell whether it is a gRPC call.
"""

from __future__ import annotations

import asyncio
import struct
from importlib import import_module
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from fakeviam.server.transport.descriptors import is_kept
from fakeviam.server.transport.frames import PREFACE
from fakeviam.server.transport.outgoing import Link, peer_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fakeviam.server.transport.quiet_log import QuietLog

_LONGEST = len(PREFACE)

#: The four numbers at the start of a MongoDB message: its size, …, its kind.
_MONGO_HEADER = struct.Struct("<iiii")
_MONGO_KINDS = (2013, 2004)  # OP_MSG, and OP_QUERY for the first hello
_MONGO_LARGEST = 48_000_000

#: The start of a TLS record: one of five types, and a version. A handshake comes first; anything
#: else is refused as TLS, too.
_TLS = frozenset(bytes((kind, 3, version)) for kind in range(20, 25) for version in range(1, 5))


#: Seconds for a client to read the final status when the server stops.
FAREWELL_SECONDS = 0.5

_NO_MORE = (
    "the last file descriptors are kept for the calls of those who are connected; close "
    "connections, or raise the number with ulimit -n"
)


class PortServer(Protocol):
    """The handler of one side of the port."""

    def protocol(self) -> asyncio.Protocol:
        """Create the protocol of a new connection."""
        ...

    async def stop(self) -> None:
        """Stop what is in progress; the connections are already closed."""


class PoliteProtocol(asyncio.Protocol):
    """A connection that tells its client that the server stops (SV-17)."""

    def begin_to_close(self) -> None:
        """Accept nothing more, and cancel what is in progress."""
        raise NotImplementedError

    async def close(self, patience: float) -> None:
        """Drop the connection when that is done, after at most `patience` seconds."""
        raise NotImplementedError


class DatabaseSide(PortServer, Protocol):
    """Serves MongoDB's protocol."""

    def refusing(self, text: str) -> asyncio.Protocol:
        """Create a protocol that answers every command with an error."""
        ...


S = TypeVar("S", bound=PortServer)


class LazyServer(Generic[S]):
    """One side of the port, created on first use (HT-1).

    Importing Starlette and uvicorn takes longer than starting a fake, and most tests use gRPC
    only.
    """

    def __init__(self, make: Callable[[], S], *, module: str = "") -> None:
        """Create the side with `make`, which is quick once `module` is imported."""
        self._make, self._module = make, module
        self._server: S | None = None

    def protocol(self) -> asyncio.Protocol:
        """The protocol of a new connection; the first may have to wait for the module."""
        if self._server is None and self._module:
            return LaterProtocol(self._imported)
        return self.made().protocol()

    async def _imported(self) -> asyncio.Protocol:
        await asyncio.to_thread(import_module, self._module)
        return self.made().protocol()

    def made(self) -> S:
        """The side, created on the first call."""
        if self._server is None:
            self._server = self._make()
        return self._server

    async def stop(self) -> None:
        """Stop what is in progress."""
        if self._server is not None:
            await self._server.stop()
            self._server = None


def _nothing(_protocol: asyncio.Protocol) -> None:
    """Nobody wants to know."""


class LaterProtocol(asyncio.Protocol):
    """A connection whose protocol takes time to create; others are served meanwhile (SV-18).

    Attributes:
        tell: Called with the protocol, before it has the connection.
    """

    def __init__(self, make: Callable[[], Awaitable[asyncio.Protocol]]) -> None:
        """Hand the connection, and what it has said, to the protocol that `make` makes."""
        self._make = make
        self.tell: Callable[[asyncio.Protocol], object] = _nothing
        self._seen = bytearray()
        self._is_at_end = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.pause_reading()
        self._task = asyncio.ensure_future(self._hand_over(self.transport))

    def data_received(self, data: bytes) -> None:
        self._seen += data

    def eof_received(self) -> bool:
        self._is_at_end = True
        return True

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's
        self._task.cancel()

    async def _hand_over(self, transport: asyncio.Transport) -> None:
        protocol = await self._make()
        self.tell(protocol)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(bytes(self._seen))
        if not transport.is_closing():
            transport.resume_reading()
        if self._is_at_end and not protocol.eof_received():
            transport.close()


class ProtocolSniffer(asyncio.Protocol):
    """A connection whose protocol is not known yet."""

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
        """Hand the connection to the protocol that it starts with; drop it after `patience`.

        In all protocols, the client sends first. A client that sends too little is logged.
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
        # A transport of another event loop, such as uvloop's, is not an asyncio.Transport.
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
        if self._seen:  # browsers open connections in advance without sending anything
            said = f"{self._seen!r} and then nothing for {self._patience:g} seconds"
            self._log.say("beginning", f"dropped {peer_of(self.transport)}: it said {said} [SV-13]")
        self.transport.abort()

    def _choose(self, seen: bytes) -> Callable[[], asyncio.Protocol] | None:
        """The protocol for these first bytes; None if more are needed to decide."""
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
    """Whether a connection starts with a MongoDB message; None if more bytes are needed."""
    size = int.from_bytes(seen[:4], "little")
    if len(seen) >= 4 and not _MONGO_HEADER.size < size <= _MONGO_LARGEST:
        return False
    if len(seen) < 4 and seen.isascii() and seen.isalpha():
        return False
    if len(seen) < _MONGO_HEADER.size:
        return None
    return _MONGO_HEADER.unpack_from(seen)[3] in _MONGO_KINDS


class RejectedConnection(asyncio.Protocol):
    """A connection that is reset as soon as it is accepted (FT-8)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Link(transport).reset()
