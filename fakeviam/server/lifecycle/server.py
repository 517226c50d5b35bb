"""A server that is started and stopped: where it listens, and in which thread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, TypeVar

from fakeviam.model.checks import check_type
from fakeviam.model.errors import UsageError
from fakeviam.server.transport.listeners import (
    HAS_UNIX_SOCKETS,
    Listener,
    SocketPath,
    is_running_loop,
    listen_tcp,
    listen_unix,
)
from fakeviam.server.transport.loop_thread import LoopThread
from fakeviam.server.transport.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.server.transport.pipeline import CloudDirectory
    from fakeviam.server.transport.protocol_switch import Http

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where to listen, as it was asked for.

    Attributes:
        host: Name or address.
        port: TCP port; 0 is any that is free, None is none, for the Unix socket alone.
        unix_socket: Path of the Unix socket; None is a temporary one.
    """

    host: str
    port: int | None
    unix_socket: str | os.PathLike[str] | None

    def __post_init__(self) -> None:
        check_type("host", self.host, str)
        if self.port is None and not HAS_UNIX_SOCKETS:
            raise UsageError("port must be a number: there are no Unix sockets on this system")
        if self.port is not None and type(self.port) is not int:
            raise UsageError(f"port must be a whole number, got {self.port!r}")
        if not isinstance(self.unix_socket, (str, os.PathLike, NoneType)):
            raise UsageError(f"unix_socket must be a path, got {self.unix_socket!r}")


class Server:
    """Listeners in front of some clouds, in the current event loop or in a thread of its own."""

    def __init__(
        self,
        clouds: CloudDirectory,
        address: Address,
        *,
        max_message_bytes: int | None,
        limits: ConnectionLimits,
        http: Http,
        admit: Callable[[], bool],
    ) -> None:
        """Prepare to serve `clouds`.

        Args:
            clouds: Which cloud a call is for.
            address: Where to listen.
            max_message_bytes: Ceiling of request messages (SV-2); None takes all.
            limits: What a connection may cost.
            http: The HTTP side of the port.
            admit: Asked about each gRPC connection; those it refuses are reset.
        """
        self._clouds = clouds
        self._address = address
        self._max_message_bytes, self._limits = max_message_bytes, limits
        self._http = http
        self._admit = admit
        self._listeners: list[Listener] = []
        self._socket: SocketPath | None = None
        self._thread: LoopThread | None = None
        self._port = 0

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._address.host

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return bool(self._listeners)

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        self._check_running()
        if self._address.port is None:
            raise UsageError("this fake has no TCP port, for port=None; use cloud.unix_socket")
        return self._port

    @property
    def has_port(self) -> bool:
        """Whether it listens on a TCP port, and not on its Unix socket alone."""
        return self._address.port is not None

    @property
    def unix_socket(self) -> str:
        """Path of the Unix socket."""
        self._check_running()
        if self._socket is None:
            raise UsageError("there are no Unix sockets on this system; use cloud.target")
        return self._socket.path

    def atomically(self, work: Callable[[], T]) -> T:
        """Do something in the server's thread, between two steps of its calls.

        What `work` raises passes through.
        """
        if self._thread is None or self._thread.is_current:
            return work()
        return self._thread.call(work)

    # Starting and stopping ---------------------------------------------------------------

    def start_in_thread(self) -> None:
        """Start listening, in an event loop in a thread of its own.

        Raises:
            UsageError: It is running, an address is not available, or this thread runs a loop.
        """
        if is_running_loop():
            message = "inside an event loop, write `async with FakeViam()`"
            raise UsageError(message)
        self._check_stopped()
        thread = LoopThread()
        try:
            thread.run(self.start())
        except BaseException:
            thread.close()
            raise
        self._thread = thread

    def stop_thread(self) -> None:
        """Stop what was started in a thread, and the thread."""
        if self._thread is not None:
            try:
                self._thread.run(self.stop())
            finally:
                self._thread.close()
                self._thread = None

    async def start(self) -> None:
        """Start listening, in the current event loop.

        Raises:
            UsageError: It is running, or an address is not available.
        """
        self._check_stopped()
        routes = Routes(self._clouds)
        try:
            if self._address.port is not None:
                await self._start_tcp(routes, self._address.port)
            if HAS_UNIX_SOCKETS:
                await self._start_unix(routes)
        except BaseException:
            await self.stop()
            raise

    def _listener(self, routes: Routes) -> Listener:
        return Listener(
            routes,
            self._http,
            max_message_bytes=self._max_message_bytes,
            limits=self._limits,
            admit=self._admit,
        )

    def _http_address(self) -> str:
        """The address of the HTTP side for clients on this machine."""
        host = self._address.host
        if host in ("", "0.0.0.0", "::"):  # noqa: S104 - all addresses: one of them is this
            host = "127.0.0.1" if host != "::" else "::1"
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    async def _start_tcp(self, routes: Routes, port: int) -> None:
        listener = self._listener(routes)
        await listen_tcp(listener, self._address.host, port)
        self._listeners.append(listener)
        self._port = listener.port
        self._clouds.address = self._http_address()

    async def _start_unix(self, routes: Routes) -> None:
        place = SocketPath(self._address.unix_socket)
        listener = self._listener(routes)
        await listen_unix(listener, place.path)
        self._listeners.append(listener)
        self._socket = place

    async def stop(self) -> None:
        """Stop listening, drop every connection, remove the socket file."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            await listener.stop()
        await self._http.stop()
        if self._socket is not None:
            self._socket.remove()
            self._socket = None

    def _check_stopped(self) -> None:
        if self._listeners:
            raise UsageError("this FakeViam is already running; create another one")

    def _check_running(self) -> None:
        if not self._listeners:
            message = "this FakeViam is not running; enter it first: `with FakeViam() as cloud:`"
            raise UsageError(message)
