"""TLS between a socket and a protocol (TL-1).

asyncio's own TLS starts with a connection's first byte. Here that byte first decides whether the
client uses TLS at all, so the record layer is driven directly, by `ssl.SSLObject` without a socket.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from fakeviam.server.transport.outgoing import Link
from fakeviam.server.transport.tls.diagnostics import failed_handshake, unfinished_handshake

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.server.transport.quiet_log import QuietLog

#: SSLObject.read returns at most one record, which has up to 16 KiB.
_RECORD = 16 * 1024


class TlsConnection(asyncio.Protocol):
    """One TLS connection, which passes decrypted data to another protocol."""

    def __init__(
        self,
        context: ssl.SSLContext,
        make: Callable[[], asyncio.Protocol],
        *,
        patience: float,
        quiet_log: QuietLog,
    ) -> None:
        """Create the protocol; asyncio connects it.

        Args:
            context: The server's TLS context.
            make: Creates the inner protocol after the handshake.
            patience: Timeout of the handshake in seconds (SV-13).
            quiet_log: Logs failed handshakes.
        """
        self._make, self._patience, self._log = make, patience, quiet_log
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._above: TlsTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_failed = self._is_shaken = False
        #: Aborted during the handshake; afterwards the inner protocol closes the connection.
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the timeout; the client sends first."""
        # A transport of another event loop, such as uvloop's, is not an asyncio.Transport.
        self._raw = self.transport = cast("asyncio.Transport", transport)
        self._link = Link(transport)
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._give_up)
        if self._is_shaken:
            self.data_received(b"")

    def begin(self, data: bytes) -> bool:
        """Do the handshake before there is a transport; returns whether it is complete.

        Raises:
            ssl.SSLError: The handshake failed.
        """
        self._incoming.write(data)
        with suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
            self._is_shaken = True
        return self._is_shaken

    @property
    def has_more(self) -> bool:
        """Whether the client has sent data after the handshake."""
        return self._incoming.pending > 0

    def outgoing(self) -> bytes:
        """The bytes to send."""
        return self._outgoing.read()

    def data_received(self, data: bytes) -> None:
        """Decrypt bytes from the socket."""
        if self._has_failed or (self._above is not None and self._above.is_shut):
            return  # the connection is closing
        self._incoming.write(data)
        if self._above is None and not self._shake_hands():
            return
        self._read()

    def _shake_hands(self) -> bool:
        """Continue the handshake; returns whether it is complete."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self.flush()
            return False
        except ssl.SSLError as error:
            self._fail(error)
            return False
        self._stop_waiting()
        self.flush()
        self.transport = None
        inner = self._make()
        self._above = TlsTransport(self._raw, self._tls, self.flush, inner)
        inner.connection_made(self._above)
        return True

    def _read(self) -> None:
        """Pass decrypted data on in one piece, because HTTP/2 frames can exceed TLS records."""
        above, found, is_at_end = self._above, [], False
        assert above is not None  # noqa: S101 - for the type checker
        try:
            while piece := self._tls.read(_RECORD):
                found.append(piece)
            is_at_end = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            is_at_end = True
        except ssl.SSLError as error:
            self._fail(error)
        self.flush()  # replies of TLS itself, such as key updates
        if found:
            above.inner.data_received(b"".join(found))
        if is_at_end and not above.is_closing() and not above.inner.eof_received():
            above.close()

    def _fail(self, error: ssl.SSLError) -> None:
        """Close with a TLS alert, and log the reason."""
        self._has_failed = True
        self._stop_waiting()
        self._log.say(f"tls {error.reason}", failed_handshake(error, self._raw))
        self.flush()  # the alert
        self._raw.close()

    def _give_up(self) -> None:
        self._log.say("tls silent", unfinished_handshake(self._raw, self._patience))
        self._link.abort()

    def flush(self) -> None:
        """Send pending TLS output."""
        if self._outgoing.pending and not self._raw.is_closing():
            self._link.write(self.outgoing())

    def eof_received(self) -> bool:
        """Handle EOF; the inner protocol decides whether the transport closes."""
        if self._above is not None:
            return bool(self._above.inner.eof_received())
        if not self._has_failed:
            self._log.say("tls unfinished", unfinished_handshake(self._raw))
        return False

    def pause_writing(self) -> None:
        """Pause the inner protocol."""
        if self._above is not None:
            self._above.inner.pause_writing()

    def resume_writing(self) -> None:
        """Resume the inner protocol."""
        if self._above is not None:
            self._above.inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the inner protocol that the socket is closed."""
        self._stop_waiting()
        if self._above is not None:
            self._above.inner.connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class TlsTransport(asyncio.Transport):
    """The transport of the inner protocol, which encrypts what is written."""

    def __init__(
        self,
        raw: asyncio.Transport,
        tls: ssl.SSLObject,
        flush: Callable[[], None],
        inner: asyncio.Protocol,
    ) -> None:
        """Use `raw` for the encrypted data; `flush` sends what `tls` has encrypted."""
        super().__init__()
        self._raw, self._tls, self._flush = raw, tls, flush
        self.inner = inner
        #: Whether nothing more can be sent.
        self.is_shut = False

    def get_extra_info(self, name: str, default: object = None) -> Any:
        if name == "ssl_object":
            return self._tls
        if name == "sslcontext":
            return self._tls.context
        return self._raw.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.inner = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.inner

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_shut or self._raw.is_closing():
            return
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._tls.write(rest) :]
        except ssl.SSLError:  # the client closed TLS without an alert
            self.abort()
            return
        self._flush()

    def can_write_eof(self) -> bool:
        return self._raw.can_write_eof()

    def write_eof(self) -> None:
        """Half-close, so that the client can read everything that was sent."""
        self._shut()
        self._raw.write_eof()

    def close(self) -> None:
        self._shut()
        self._raw.close()

    def _shut(self) -> None:
        if self.is_shut:
            return
        self.is_shut = True
        with suppress(ssl.SSLError):  # including that the client has not closed TLS yet
            self._tls.unwrap()
        self._flush()

    def abort(self) -> None:
        self.is_shut = True
        self._raw.abort()

    def is_closing(self) -> bool:
        return self.is_shut or self._raw.is_closing()

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def is_reading(self) -> bool:
        return self._raw.is_reading()

    def get_write_buffer_size(self) -> int:
        return self._raw.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._raw.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._raw.set_write_buffer_limits(high, low)
