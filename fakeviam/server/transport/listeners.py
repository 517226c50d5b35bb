"""Listening: a TCP port and a Unix socket in front of the same services."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import stat
import sys
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grpclib.server import Server

from fakeviam.model.errors import UsageError
from fakeviam.server.transport.codec import DetailsCodec
from fakeviam.server.transport.protocol_switch import ProtocolSniffer, RejectedConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.codec import Codec
    from fakeviam.server.transport.protocol_switch import Http
    from fakeviam.server.transport.routes import Routes

HAS_UNIX_SOCKETS = sys.platform != "win32"

# The kernel's limit, less the closing zero, of the stricter system (macOS).
_LONGEST_PATH = 103


class Listener(Server):
    """A grpclib server that shares its port with HTTP and drops its connections when it stops.

    grpclib leaves them open, and from Python 3.12 on waiting for a closed server then
    waits until the last client has gone.
    """

    def __init__(
        self,
        routes: Routes,
        codec: Codec,
        http: Http | None = None,
        *,
        admit: Callable[[], bool] = lambda: True,
    ) -> None:
        """Serve `routes`, and `http` if it is given; runs in the current event loop.

        `admit` is asked about each gRPC connection; those it does not want are reset.
        """
        super().__init__([], codec=codec, status_details_codec=DetailsCodec())
        self._mapping = routes.__mapping__()  # grpclib would copy it, and ask the copy
        self._http = http
        self._admit = admit
        self._protocols: weakref.WeakSet[asyncio.Protocol] = weakref.WeakSet()

    def _protocol_factory(self) -> asyncio.Protocol:  # type: ignore[override]
        if self._http is None:
            return self._grpc()
        return self._remember(ProtocolSniffer(self._grpc, self._http_protocol))

    def _grpc(self) -> asyncio.Protocol:
        return self._remember(
            super()._protocol_factory() if self._admit() else RejectedConnection()
        )

    def _http_protocol(self) -> asyncio.Protocol:
        assert self._http is not None  # noqa: S101 - for the type checker
        return self._remember(self._http.protocol())

    def _remember(self, protocol: asyncio.Protocol) -> asyncio.Protocol:
        self._protocols.add(protocol)
        return protocol

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        listening: Any = self._server  # that of another event loop is no asyncio.Server
        if listening is None:
            raise UsageError("the listener is not started")
        port: int = listening.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening, cancel running calls, drop every connection."""
        await self._accept_no_more()
        self.close()
        for protocol in list(self._protocols):
            # Abort, not close: a client that reads slowly must not hold up the end.
            transport = _transport(protocol)
            if transport is not None:
                transport.abort()
        await self.wait_closed()

    async def _accept_no_more(self) -> None:
        """Let connections that were just accepted get their transports, so that none is lost."""
        if isinstance(self._server, asyncio.Server):
            loop = asyncio.get_running_loop()
            for listening in self._server.sockets:
                loop.remove_reader(listening.fileno())
            # Accepting makes a task, which makes the transport, which tells the protocol.
            for _ in range(3):
                await asyncio.sleep(0)


def _transport(protocol: asyncio.Protocol) -> asyncio.Transport | None:
    """The transport of grpclib's protocol or of one that says `transport`, once it has one."""
    holder = getattr(protocol, "connection", None)
    found: asyncio.Transport | None = getattr(
        protocol, "transport", getattr(holder, "_transport", None)
    )
    return found


class SocketPath:
    """The place of a Unix socket: one that was asked for, or a short temporary one."""

    def __init__(self, asked: str | os.PathLike[str] | None) -> None:
        """Check the path that was asked for, or make a directory for one where TMPDIR says.

        Raises:
            UsageError: The path is too long, in use, or something else is there; or TMPDIR
                is no place for a socket.
        """
        self._directory: str | None = None
        if asked is not None:
            self.path = os.fspath(asked)
            _check_free(self.path)
        else:
            self._directory = _temporary_directory()
            self.path = str(Path(self._directory) / "s")

    def remove(self) -> None:
        """Remove the socket file, which asyncio leaves behind before Python 3.13."""
        with contextlib.suppress(FileNotFoundError):
            Path(self.path).unlink()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


def _temporary_directory() -> str:
    # Read here, since tempfile keeps what TMPDIR was when it was first asked.
    parent = os.environ.get("TMPDIR") or tempfile.gettempdir()
    excess = len(os.fsencode(parent)) + len("/fv-12345678/s") - _LONGEST_PATH
    if excess > 0:
        raise UsageError(
            f"TMPDIR is {excess} bytes too long for a Unix socket in it, whose path may have "
            f"{_LONGEST_PATH}: {parent}; set a shorter one, such as TMPDIR=/tmp, or ask for "
            "a path with unix_socket"
        )
    try:
        return tempfile.mkdtemp(prefix="fv-", dir=parent)
    except OSError as error:
        message = f"cannot make a directory for the Unix socket in {parent}: {error.strerror}"
        raise UsageError(message) from error


async def listen_tcp(listener: Listener, host: str, port: int) -> None:
    """Start listening on a TCP address.

    Raises:
        UsageError: The address cannot be had; the text says why.
    """
    try:
        await listener.start(host, port)
    except UnicodeError as error:  # how Python says that a name is too long for DNS
        message = f"host is no address and no host name: {host!r}"
        raise UsageError(message) from error
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = f"cannot listen on {host}:{port}: {why}"
        raise UsageError(message) from error


async def listen_unix(listener: Listener, path: str) -> None:
    """Start listening on a Unix socket.

    Raises:
        UsageError: The socket cannot be made; the text says why.
    """
    try:
        await listener.start(path=path)
    except OSError as error:
        message = f"cannot listen on the Unix socket {path}: {error.strerror or error}"
        raise UsageError(message) from error


def _check_free(path: str) -> None:
    if len(os.fsencode(path)) > _LONGEST_PATH:
        message = f"the Unix socket path is longer than {_LONGEST_PATH} bytes: {path}"
        raise UsageError(message)
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return  # nothing there, or listening itself will say why not
    if not stat.S_ISSOCK(mode):
        message = f"cannot listen on the Unix socket {path}: a file is there already"
        raise UsageError(message)
    with socket.socket(socket.AF_UNIX) as probe:
        # asyncio would silently take over a socket that another process still serves.
        if probe.connect_ex(path) == 0:
            message = f"cannot listen on the Unix socket {path}: another server is using it"
            raise UsageError(message)


def is_running_loop() -> bool:
    """Whether this thread is inside a running event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
