"""Messages about failed handshakes, and replies to clients with the wrong protocol."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from fakeviam.server.transport.outgoing import peer_of

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Sequence

NEEDS_TLS = (
    "this port speaks TLS, and the client does not: use https://, and leave out insecure=True or "
    "plaintext; or start the server without --tls, FakeViam(tls=True)"
)
MONGO_NEEDS_TLS = (
    "this port speaks TLS, and the client does not: put tls=true and tlsCAFile=… into the URI, as "
    "GetDatabaseConnection and database_uri() have it"
)
HAS_NO_TLS = (
    "this port speaks no TLS, and the client began with it: use http://, for viam-sdk "
    "DialOptions(insecure=True) or the Unix socket as app_url; or start the server with --tls, "
    "FakeViam(tls=True)"
)
STANDS_STILL = "this fake lives, and waits for its database, which does not answer"

#: TLS alerts of clients that do not trust a certificate, by OpenSSL's names.
_DISTRUST = ("UNKNOWN_CA", "CERTIFICATE_UNKNOWN", "BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE")

_ADVICE = (
    "let it trust the file that --ca-file writes, FakeViam.ca_file, and call the server by a name "
    "that is in the certificate"
)


def failed_handshake(error: ssl.SSLError, transport: asyncio.Transport) -> str:
    """Why a TLS handshake failed (TL-4)."""
    reason = error.reason or str(error)
    who = peer_of(transport)
    if any(each in reason for each in _DISTRUST):
        return f"{who} does not trust this server's certificate ({reason}): {_ADVICE} [TL-4]"
    return f"TLS with {who} failed: {reason.lower().replace('_', ' ')} [TL-4]"


def unfinished_handshake(transport: asyncio.Transport, patience: float | None = None) -> str:
    """The message for a handshake that the client did not complete (TL-4)."""
    what = "hung up" if patience is None else f"said nothing more for {patience:g} seconds"
    return (
        f"{peer_of(transport)} {what} during the TLS handshake; if it does not trust this "
        f"server's certificate, {_ADVICE} [TL-4]"
    )


def http_answer(text: str) -> bytes:
    """An HTTP/1.1 response with the message, in the form of the control API's errors."""
    body = json.dumps({"error": {"what": f"{text} [TL-3]"}}).encode() + b"\n"
    return last_answer(400, [(b"content-type", b"application/json")], body)


def unhealthy_answer() -> bytes:
    """The response that the fake is alive but blocked (HT-12)."""
    body = f"{STANDS_STILL} [HT-12]\n".encode()
    return last_answer(503, [(b"content-type", b"text/plain; charset=utf-8")], body)


def last_answer(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bytes:
    """An HTTP/1.1 response that closes the connection."""
    told = {b"server": b"fakeviam", **dict(headers), b"content-length": b"%d" % len(body)}
    lines = [b"%s: %s\r\n" % pair for pair in (*told.items(), (b"connection", b"close"))]
    first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    return b"".join((first, *lines, b"\r\n", body))
