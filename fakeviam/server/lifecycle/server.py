"""A server: where it listens, and in which thread."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, TypeVar

from fakeviam.model.checks import check_type
from fakeviam.model.errors import UsageError
from fakeviam.model.text import short
from fakeviam.server.instruments.timers import is_running_loop
from fakeviam.server.transport.listeners import (
    HAS_UNIX_SOCKETS,
    Listener,
    SocketPath,
    listen_tcp,
    listen_unix,
)
from fakeviam.server.transport.loop_thread import LoopThread
from fakeviam.server.transport.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fakeviam.server.transport.http_side import HttpSide
    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.server.transport.pipeline import CloudDirectory
    from fakeviam.server.transport.protocol_switch import DatabaseSide, LazyServer
    from fakeviam.server.transport.tls.identity import Identity

T = TypeVar("T")

#: The module of viam-sdk that blocks the event loop before a client's first call.
BLOCKING = "viam.rpc.dial"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenAddress:
    """The requested addresses.

    Attributes:
        host: Host name or address.
        port: TCP port; 0 picks a free one, None is none, for the Unix socket only.
        unix_socket: Path of the Unix socket; None is a temporary one.
        plaintext_port: An additional TCP port without TLS, if the first one has TLS.
    """

    host: str
    port: int | None
    unix_socket: str | os.PathLike[str] | None
    plaintext_port: int | None = None

    def __post_init__(self) -> None:
        check_type("host", self.host, str)
        if self.port is None and not HAS_UNIX_SOCKETS:
            raise UsageError("port must be a number: there are no Unix sockets on this system")
        if self.port is not None and type(self.port) is not int:
            raise UsageError(f"port must be a whole number, got {short(self.port)}")
        if self.plaintext_port is not None and type(self.plaintext_port) is not int:
            raise UsageError(
                f"plaintext_port must be a whole number, got {short(self.plaintext_port)}"
            )
        if not isinstance(self.unix_socket, (str, os.PathLike, NoneType)):
            raise UsageError(f"unix_socket must be a path, got {short(self.unix_socket)}")


class Server:
    """Listeners in front of some clouds, in the current event loop or in its own thread."""

    def __init__(
        self,
        clouds: CloudDirectory,
        address: ListenAddress,
        *,
        max_message_bytes: int | None,
        limits: ConnectionLimits,
        http: LazyServer[HttpSide],
        database: LazyServer[DatabaseSide],
        admit: Callable[[], bool],
        identity: Identity | None = None,
    ) -> None:
        """Create a server of `clouds`; `start` or `start_in_thread` starts it.

        Args:
            clouds: Finds the cloud of a call.
            address: Where to listen.
            max_message_bytes: Maximum size of request messages (SV-2); None is unlimited.
            limits: The limits of each connection.
            http: The HTTP side of the port.
            database: The database side of the port.
            admit: Called for each gRPC connection; False resets it.
            identity: The TLS certificate; None is a server without TLS.
        """
        self._clouds = clouds
        self._address = address
        self._max_message_bytes, self._limits = max_message_bytes, limits
        self._http, self._database = http, database
        self._admit = admit
        #: The TLS certificate; None without TLS.
        self.identity = identity
        self._listeners: list[Listener] = []
        self._socket: SocketPath | None = None
        self._thread: LoopThread | None = None
        self._port = self._plaintext_port = 0

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._address.host

    @property
    def scheme(self) -> str:
        """The scheme of its URLs."""
        return "http" if self.identity is None else "https"

    @property
    def is_running(self) -> bool:
        """Whether it is listening."""
        return bool(self._listeners)

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        self._check_running()
        if self._address.port is None:
            raise UsageError("this fake has no TCP port, for port=None; use cloud.unix_socket")
        return self._port

    @property
    def plaintext_port(self) -> int | None:
        """The additional TCP port without TLS; None if there is none."""
        self._check_running()
        return self._plaintext_port or None

    @property
    def ca_file(self) -> str:
        """The file with its CA certificate; empty if there is none."""
        self._check_running()
        return "" if self.identity is None else self.identity.ca_file

    @property
    def has_port(self) -> bool:
        """Whether it listens on a TCP port, rather than on its Unix socket only."""
        return self._address.port is not None

    @property
    def unix_socket(self) -> str:
        """Path of the Unix socket."""
        self._check_running()
        if self._socket is None:
            raise UsageError("there are no Unix sockets on this system; use cloud.target")
        return self._socket.path

    def atomically(self, work: Callable[[], T]) -> T:
        """Call `work` in the server's thread, between two steps of its calls.

        Exceptions in `work` propagate.
        """
        if self._thread is None or self._thread.is_current:
            return work()
        return self._thread.call(work)

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Await `work` in the server's thread; nothing happens if this is the server's thread.

        Exceptions in `work` propagate.
        """
        if self._thread is None or self._thread.is_current:
            return

        async def awaited() -> None:
            await work()

        self._thread.run(awaited())

    # Starting and stopping ---------------------------------------------------------------

    def start_in_thread(self) -> None:
        """Start listening, in an event loop in its own thread.

        Raises:
            UsageError: It is running, an address is not available, or this thread runs a loop.
        """
        if is_running_loop():
            message = "inside an event loop, write `async with FakeViam()`"
            raise UsageError(message)
        self._check_stopped()
        thread = LoopThread()
        try:
            thread.run(self._start())
        except BaseException:
            thread.close()
            raise
        self._thread = thread

    def stop_thread(self) -> None:
        """Stop listening, and stop the thread."""
        if self._thread is not None:
            try:
                self._thread.run(self.stop())
            finally:
                self._thread.close()
                self._thread = None

    async def start(self) -> None:
        """Start listening in the current event loop, which clients in it may block.

        Raises:
            UsageError: It is running, or an address is not available.
        """
        await self._start(may_be_blocked=BLOCKING in sys.modules)

    async def _start(self, *, may_be_blocked: bool = False) -> None:
        self._check_stopped()
        routes = Routes(self._clouds)
        try:
            if self.identity is not None:
                self.identity.publish()
            if self._address.port is not None:
                await self._start_tcp(routes, self._address.port)
            if self._address.plaintext_port is not None:
                await self._start_plaintext(routes, self._address.plaintext_port)
            if HAS_UNIX_SOCKETS:
                await self._start_unix(routes)
            waits = self._clouds.base.store.ledgers is not None  # calls to a database block
            if waits or may_be_blocked:  # otherwise the watching thread is not worth its cost
                for listener in self._listeners:
                    listener.watch_loop(tells_health=waits)
        except BaseException:
            await self.stop()
            raise

    def _listener(self, routes: Routes, identity: Identity | None = None) -> Listener:
        return Listener(
            routes,
            self._http,
            self._database,
            max_message_bytes=self._max_message_bytes,
            limits=self._limits,
            admit=self._admit,
            tls=None if identity is None else identity.context,
        )

    def _http_address(self) -> str:
        """The address of the HTTP side, for clients on this machine."""
        host = self._address.host
        if host in ("", "0.0.0.0", "::"):  # noqa: S104 - all addresses: one of them is this
            host = "127.0.0.1" if host != "::" else "::1"
        place = f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"
        return f"{self.scheme}://{place}"

    async def _start_tcp(self, routes: Routes, port: int) -> None:
        self._port = await self._listen(routes, port, self.identity)
        self._clouds.address = self._http_address()

    async def _start_plaintext(self, routes: Routes, port: int) -> None:
        try:
            self._plaintext_port = await self._listen(routes, port)
        except UsageError as error:
            raise UsageError(f"plaintext_port: {error}") from error.__cause__

    async def _listen(self, routes: Routes, port: int, identity: Identity | None = None) -> int:
        """Listen on a TCP port, and return its number."""
        listener = self._listener(routes, identity)
        await listen_tcp(listener, self._address.host, port)
        self._listeners.append(listener)
        return listener.port

    async def _start_unix(self, routes: Routes) -> None:
        place = SocketPath(self._address.unix_socket)
        listener = self._listener(routes)
        await listen_unix(listener, place.path)
        self._listeners.append(listener)
        self._socket = place

    async def stop(self) -> None:
        """Stop listening, drop all connections, and remove the socket file."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            await listener.stop()
        await self._http.stop()
        await self._database.stop()
        await self._stop_jobs()
        if self.identity is not None:
            self.identity.withdraw()
        if self._socket is not None:
            self._socket.remove()
            self._socket = None

    async def _stop_jobs(self) -> None:
        """Stop work that is done by the clocks; with persisted data, it remains due."""
        for cloud in (self._clouds.base, *self._clouds):
            job = cloud.catching_up
            cloud.rest()
            if job is not None:
                await asyncio.wait([job])

    def _check_stopped(self) -> None:
        if self._listeners:
            raise UsageError("this FakeViam is already running; create another one")

    def _check_running(self) -> None:
        if not self._listeners:
            message = "this FakeViam is not running; enter it first: `with FakeViam() as cloud:`"
            raise UsageError(message)
