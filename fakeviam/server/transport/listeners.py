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

from fakeviam.model.errors import UsageError
from fakeviam.server.transport.connection import GrpcConnection
from fakeviam.server.transport.limits import MAX_MESSAGE_BYTES, ConnectionLimits
from fakeviam.server.transport.protocol_switch import ProtocolSniffer, RejectedConnection
from fakeviam.server.transport.quiet_log import QuietLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.call_stream import Router
    from fakeviam.server.transport.protocol_switch import Http

HAS_UNIX_SOCKETS = sys.platform != "win32"

# The kernel's limit, less the closing zero, of the stricter system (macOS).
_LONGEST_PATH = 103


class Listener:
    """A listening socket, whose connections are gRPC or HTTP."""

    def __init__(
        self,
        router: Router,
        http: Http | None = None,
        *,
        max_message_bytes: int | None = MAX_MESSAGE_BYTES,
        limits: ConnectionLimits | None = None,
        admit: Callable[[], bool] = lambda: True,
    ) -> None:
        """Serve `router`, and `http` if it is given; runs in the current event loop.

        Args:
            router: What answers the calls of which path.
            http: The HTTP side of the port.
            max_message_bytes: Ceiling of request messages (SV-2); None takes all.
            limits: What a connection may cost.
            admit: Asked about each gRPC connection; those it does not want are reset.
        """
        self._router, self._http, self._admit = router, http, admit
        self._largest = max_message_bytes
        self._limits = limits or ConnectionLimits()
        self._log = QuietLog(asyncio.get_running_loop().time)
        self._server: asyncio.AbstractServer | None = None
        self._protocols: weakref.WeakSet[asyncio.Protocol] = weakref.WeakSet()

    async def start_tcp(self, host: str, port: int) -> None:
        """Listen on a TCP address."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, host, port)

    async def start_unix(self, path: str) -> None:
        """Listen on a Unix socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._protocol, path)

    def _protocol(self) -> asyncio.Protocol:
        if self._http is None:
            return self._grpc()
        sniffer = ProtocolSniffer(
            self._grpc, self._http_protocol, patience=self._limits.header_seconds
        )
        return self._remember(sniffer)

    def _grpc(self) -> asyncio.Protocol:
        if not self._admit():
            return self._remember(RejectedConnection())
        return self._remember(
            GrpcConnection(
                self._router, limits=self._limits, largest=self._largest, quiet_log=self._log
            )
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
        if self._server is None:
            raise UsageError("the listener is not started")
        await self._accept_no_more()
        self._server.close()
        for protocol in list(self._protocols):
            if isinstance(protocol, GrpcConnection):
                await protocol.close()
            elif (transport := getattr(protocol, "transport", None)) is not None:
                transport.abort()
        # From Python 3.12 on this waits for the connections, too.
        await self._server.wait_closed()

    async def _accept_no_more(self) -> None:
        """Let connections that were just accepted get their transports, so that none is lost."""
        if isinstance(self._server, asyncio.Server):
            loop = asyncio.get_running_loop()
            for listening in self._server.sockets:
                loop.remove_reader(listening.fileno())
            # Accepting makes a task, which makes the transport, which tells the protocol.
            for _ in range(3):
                await asyncio.sleep(0)


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
        await listener.start_tcp(host, port)
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
        await listener.start_unix(path)
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
