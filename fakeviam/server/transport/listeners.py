"""Listening on a TCP port and a Unix socket, in front of the same services."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import sys
import tempfile
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import UsageError
from fakeviam.server.transport.connection import GrpcConnection
from fakeviam.server.transport.limits import MAX_MESSAGE_BYTES, ConnectionLimits
from fakeviam.server.transport.outgoing import Link
from fakeviam.server.transport.own_directory import OwnDirectory
from fakeviam.server.transport.protocol_switch import (
    FAREWELL_SECONDS,
    LaterProtocol,
    PoliteProtocol,
    ProtocolSniffer,
    RejectedConnection,
)
from fakeviam.server.transport.quiet_log import QuietLog

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from fakeviam.server.transport.call_stream import Router
    from fakeviam.server.transport.http_side import HttpSide
    from fakeviam.server.transport.protocol_switch import DatabaseSide, LazyServer
    from fakeviam.server.transport.tls.blocked_loop import LoopWatch
    from fakeviam.server.transport.tls.connection import TlsConnection

_UNIX = getattr(socket, "AF_UNIX", None)
HAS_UNIX_SOCKETS = sys.platform != "win32"

# asyncio's backlog is both the length of the kernel's queue and how many connections it accepts
# before it does anything else; refused ones take some turns to close and need free descriptors.
_AT_ONCE, _WAITING = 2, 128

# The kernel's limit without the closing zero, on the stricter system (macOS).
_LONGEST_PATH = 103


class Listener:
    """A listening socket for gRPC, HTTP and MongoDB's protocol, either with TLS or without."""

    def __init__(
        self,
        router: Router,
        http: LazyServer[HttpSide] | None = None,
        database: LazyServer[DatabaseSide] | None = None,
        *,
        max_message_bytes: int | None = MAX_MESSAGE_BYTES,
        limits: ConnectionLimits | None = None,
        admit: Callable[[], bool] = lambda: True,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Create a listener; runs in the current event loop.

        Args:
            router: Maps a path to its handler.
            http: The HTTP side of the port.
            database: The database side of the port.
            max_message_bytes: Maximum size of request messages (SV-2); None is unlimited.
            limits: The limits of each connection.
            admit: Called for each gRPC connection; False resets it.
            tls: Creates the TLS side of a new connection; None is plaintext.
        """
        self._tls = tls
        self._router, self._admit = router, admit
        self._http, self._database = http, database
        self._largest = max_message_bytes
        self._limits = limits or ConnectionLimits()
        self._log = QuietLog(asyncio.get_running_loop().time)
        self._server: asyncio.AbstractServer | None = None
        self._watch: LoopWatch | None = None
        self._protocols: weakref.WeakSet[asyncio.Protocol] = weakref.WeakSet()

    async def start_tcp(self, host: str, port: int) -> None:
        """Listen on a TCP address; a name such as `localhost` may have several."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, host, port, backlog=_AT_ONCE)
        if port == 0 and len({each.getsockname()[1] for each in self._server.sockets}) > 1:
            free = self.port  # the system chose one port per address, and they must be equal
            self._server.close()
            await self._server.wait_closed()
            self._server = await loop.create_server(self._protocol, host, free, backlog=_AT_ONCE)
        self._let_wait()

    async def start_unix(self, path: str) -> None:
        """Listen on a Unix socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._protocol, path, backlog=_AT_ONCE)
        self._let_wait()

    def _let_wait(self) -> None:
        """Let the kernel queue more connections than the loop accepts at once."""
        listening: Any = self._server  # as in `port`
        for each in listening.sockets:
            with socket.socket(fileno=os.dup(each.fileno())) as same:
                same.listen(_WAITING)

    def watch_loop(self, *, tells_health: bool) -> None:
        """Serve TCP clients from a thread while this loop is blocked (TL-7, HT-12)."""
        from fakeviam.server.transport.tls.blocked_loop import LoopWatch  # noqa: PLC0415

        listening: Any = self._server  # as in `port`
        descriptors = [each.fileno() for each in listening.sockets if each.family != _UNIX]
        handshake = None if self._tls is None else self._handshake
        if descriptors:
            self._watch = LoopWatch(
                descriptors,
                self._protocol,
                handshake,
                self._remember,
                tells_health=tells_health and self._tls is None,
            )

    def _protocol(self) -> asyncio.Protocol:
        if self._tls is None:
            return self._spoken()
        return self._sniffer(
            self._grpc_in_clear, self._http_in_clear, self._database_in_clear, self._encrypted
        )

    def _spoken(self) -> asyncio.Protocol:
        """The protocol of a new connection, or of the TLS on it."""
        if self._http is None or self._database is None:
            return self._grpc()
        return self._sniffer(
            self._grpc,
            partial(self._lazy, self._http),
            partial(self._lazy, self._database),
            self._unexpected_tls,
        )

    def _sniffer(self, *made: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        patience = self._limits.header_seconds
        return self._remember(ProtocolSniffer(*made, patience=patience, quiet_log=self._log))

    def _grpc(self) -> asyncio.Protocol:
        if not self._admit():
            return self._remember(RejectedConnection())
        return self._grpc_to(self._router, self._http)

    def _grpc_to(
        self, router: Router, http: LazyServer[HttpSide] | None = None
    ) -> asyncio.Protocol:
        return self._remember(
            GrpcConnection(
                router,
                limits=self._limits,
                largest=self._largest,
                quiet_log=self._log,
                http=http,
            )
        )

    def _lazy(self, server: LazyServer[Any]) -> asyncio.Protocol:
        return self._remember(server.protocol())

    # Imported on first use: most fakes serve no TLS.

    def _encrypted(self) -> asyncio.Protocol:
        return self._remember(self._handshake())

    def _handshake(self) -> TlsConnection:
        from fakeviam.server.transport.tls.connection import TlsConnection  # noqa: PLC0415

        assert self._tls is not None  # noqa: S101 - for the type checker
        patience = self._limits.header_seconds
        return TlsConnection(self._tls(), self._spoken, patience=patience, quiet_log=self._log)

    def _grpc_in_clear(self) -> asyncio.Protocol:
        from fakeviam.server.transport.tls import wrong_protocol  # noqa: PLC0415

        assert self._http is not None  # noqa: S101 - for the type checker
        answer = wrong_protocol.GrpcAnswer(self._log)
        return self._grpc_to(answer, answer.http(self._http.made))

    def _http_in_clear(self) -> asyncio.Protocol:
        from fakeviam.server.transport.tls.wrong_protocol import CallAnswer  # noqa: PLC0415

        assert self._http is not None  # noqa: S101 - for the type checker
        return self._remember(CallAnswer(self._http.made, limits=self._limits, quiet_log=self._log))

    def _database_in_clear(self) -> asyncio.Protocol:
        from fakeviam.server.transport.tls.diagnostics import MONGO_NEEDS_TLS  # noqa: PLC0415

        assert self._database is not None  # noqa: S101 - for the type checker
        text = f"{MONGO_NEEDS_TLS} [TL-3]"
        self._log.say(MONGO_NEEDS_TLS, f"refused a client of the database: {text}")
        return self._remember(self._database.made().refusing(text))

    def _unexpected_tls(self) -> asyncio.Protocol:
        from fakeviam.server.transport.tls.diagnostics import HAS_NO_TLS  # noqa: PLC0415

        return self._refusal(HAS_NO_TLS)

    def _refusal(self, text: str) -> asyncio.Protocol:
        from fakeviam.server.transport.tls.wrong_protocol import HttpAnswer  # noqa: PLC0415

        return self._remember(HttpAnswer(text, limits=self._limits, quiet_log=self._log))

    def _remember(self, protocol: asyncio.Protocol) -> asyncio.Protocol:
        self._protocols.add(protocol)
        if isinstance(protocol, LaterProtocol):
            protocol.tell = self._remember
        return protocol

    @property
    def port(self) -> int:
        """The TCP port."""
        listening: Any = self._server  # another event loop's server is not an asyncio.Server
        if listening is None:
            raise UsageError("the listener is not started")
        port: int = listening.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening, cancel running calls and drop all connections."""
        if self._server is None:
            raise UsageError("the listener is not started")
        if self._watch is not None:
            self._watch.stop()
        await self._accept_no_more()
        self._server.close()
        protocols = list(self._protocols)
        told = [each for each in protocols if isinstance(each, PoliteProtocol)]
        for each in told:
            each.begin_to_close()
        now = asyncio.get_running_loop().time
        until = now() + FAREWELL_SECONDS
        for each in told:
            await each.close(max(until - now(), 0))
        for protocol in protocols:
            if (transport := getattr(protocol, "transport", None)) is not None:
                Link(transport).abort()
        # From Python 3.12 on, this also waits for the connections.
        await self._server.wait_closed()

    async def _accept_no_more(self) -> None:
        """Let just accepted connections get their transports, so that none is leaked."""
        if isinstance(self._server, asyncio.Server):
            loop = asyncio.get_running_loop()
            for listening in self._server.sockets:
                loop.remove_reader(listening.fileno())
            # Accepting creates a task, which creates the transport, which calls the protocol.
            for _ in range(3):
                await asyncio.sleep(0)


class SocketPath:
    """The path of a Unix socket, either requested or a short temporary one."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        """Check the requested path, or create a temporary directory in TMPDIR.

        Raises:
            UsageError: The path is too long, in use, or not a socket; or TMPDIR cannot hold a
                socket.
        """
        self._directory: OwnDirectory | None = None
        if path is not None:
            self.path = os.fspath(path)
            _check_free(self.path)
        else:
            self._directory = _temporary_directory()
            # MongoDB clients recognize the path of a socket by its suffix.
            self.path = str(Path(self._directory.path) / "s.sock")

    def remove(self) -> None:
        """Remove the socket file, which asyncio does not do before Python 3.13."""
        with contextlib.suppress(FileNotFoundError):
            Path(self.path).unlink()
        if self._directory is not None:
            self._directory.remove()


def _temporary_directory() -> OwnDirectory:
    # Read here, because tempfile caches the first value of TMPDIR.
    parent = os.environ.get("TMPDIR") or tempfile.gettempdir()
    excess = len(os.fsencode(parent)) + len("/fv-12345678/s.sock") - _LONGEST_PATH
    if excess > 0:
        raise UsageError(
            f"TMPDIR is {excess} bytes too long for a Unix socket in it, whose path may have "
            f"{_LONGEST_PATH}: {parent}; set a shorter one, such as TMPDIR=/tmp, or ask for "
            "a path with unix_socket"
        )
    try:
        return OwnDirectory(parent)
    except OSError as error:
        message = f"cannot make a directory for the Unix socket in {parent}: {error.strerror}"
        raise UsageError(message) from error


async def listen_tcp(listener: Listener, host: str, port: int) -> None:
    """Start listening on a TCP address.

    Raises:
        UsageError: The address is not available; the message explains why.
    """
    try:
        await listener.start_tcp(host, port)
    except UnicodeError as error:  # Python's error for a name that is too long for DNS
        message = f"host is no address and no host name: {host!r}"
        raise UsageError(message) from error
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = f"cannot listen on {host}:{port}: {why}"
        raise UsageError(message) from error


async def listen_unix(listener: Listener, path: str) -> None:
    """Start listening on a Unix socket.

    Raises:
        UsageError: The socket cannot be created; the message explains why.
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
        return  # nothing is there, or listening reports the problem
    if not stat.S_ISSOCK(mode):
        message = f"cannot listen on the Unix socket {path}: a file is there already"
        raise UsageError(message)
    with socket.socket(socket.AF_UNIX) as probe:
        # asyncio would silently replace a socket that another process still serves.
        if probe.connect_ex(path) == 0:
            message = f"cannot listen on the Unix socket {path}: another server is using it"
            raise UsageError(message)
