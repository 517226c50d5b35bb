"""A fake that runs: where it listens, and in which thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fakeviam.model.errors import UsageError
from fakeviam.server.controls import Controls
from fakeviam.server.listeners import (
    HAS_UNIX_SOCKETS,
    Listener,
    SocketPath,
    is_running_loop,
    listen_tcp,
    listen_unix,
)
from fakeviam.server.routes import Routes
from fakeviam.server.thread import LoopThread

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from fakeviam.server.codec import Codec
    from fakeviam.server.sessions import Sessions
    from fakeviam.server.switch import Http

T = TypeVar("T")


class Running(Controls):
    """What is started and stopped: listeners in front of some sessions, a thread if need be."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        at: tuple[str, int, str | os.PathLike[str] | None],
        codec: Codec,
        http: Http,
    ) -> None:
        """Prepare to serve `sessions` at a host, a port and the path of a Unix socket."""
        super().__init__(sessions.base)
        self._sessions = sessions
        self._wanted = at
        self._codec = codec
        self._http = http
        self._listeners: list[Listener] = []
        self._socket: SocketPath | None = None
        self._thread: LoopThread | None = None
        self._port = 0

    # Where it is -------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._wanted[0]

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        self._check_running()
        return self._port

    @property
    def target(self) -> str:
        """`host:port`, as gRPC clients want it; an IPv6 address stands in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"http://{self.target}"

    @property
    def unix_socket(self) -> str:
        """Path of the Unix socket, which viam-sdk takes as `app_url`."""
        self._check_running()
        if self._socket is None:
            raise UsageError("there are no Unix sockets on this system; use cloud.target")
        return self._socket.path

    # In its thread -----------------------------------------------------------------------

    def atomically(self, work: Callable[[], T]) -> T:
        """Do something in the server's thread, between two steps of its calls.

        What `work` raises passes through.
        """
        if self._thread is None or self._thread.is_current:
            return work()
        return self._thread.call(work)

    def _atomically(self, work: Callable[[], T]) -> T:
        return self.atomically(work)

    # Starting and stopping ---------------------------------------------------------------

    def __enter__(self) -> Self:
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
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            try:
                self._thread.run(self.stop())
            finally:
                self._thread.close()
                self._thread = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start listening, in the current event loop.

        Raises:
            UsageError: It runs already, or an address cannot be had.
        """
        self._check_stopped()
        host, port, path = self._wanted
        routes = Routes(self._sessions)
        try:
            tcp = Listener(routes, self._codec, self._http, admit=self._admits)
            await listen_tcp(tcp, host, port)
            self._listeners.append(tcp)
            self._port = tcp.port
            if HAS_UNIX_SOCKETS:
                await self._start_unix(routes, path)
        except BaseException:
            await self.stop()
            raise

    async def _start_unix(self, routes: Routes, path: str | os.PathLike[str] | None) -> None:
        place = SocketPath(path)
        listener = Listener(routes, self._codec, self._http, admit=self._admits)
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
        self._let_go()

    def _check_usable(self) -> None:
        """Refuse to start if what it holds was given back."""

    def _let_go(self) -> None:
        """Give back what it holds beyond this process."""

    def _admits(self) -> bool:
        # No call has come yet that could name a session: connections are the base's.
        return not self._cloud.faults.refuses_connection()

    def _check_stopped(self) -> None:
        if self._listeners:
            raise UsageError("this FakeViam is already running; make a second one instead")
        self._check_usable()

    def _check_running(self) -> None:
        if not self._listeners:
            message = "this FakeViam is not running; enter it first: `with FakeViam() as cloud:`"
            raise UsageError(message)
