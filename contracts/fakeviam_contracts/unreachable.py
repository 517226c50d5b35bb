"""Why a server does not answer, and what to do about it.

Libraries of gRPC say no more than that the connection was lost. So the server is asked once more,
by hand and without any key, what it speaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from typing import TYPE_CHECKING

from fakeviam.target import tls_failure

if TYPE_CHECKING:
    from fakeviam.target import Target

#: Seconds for connecting, and for each answer.
PATIENCE = 2.0
_QUESTION = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#: The preface of HTTP/2, with empty settings: servers that speak both versions answer in its own.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
#: How an alert of TLS begins, and what a frame of HTTP/2's settings has for its kind.
_ALERT, _SETTINGS = b"\x15\x03", b"\x04"
_WHICH_PORT = "is it the right port?"


def why_unreachable(error: Exception, where: Target, *, spoken: str) -> str:
    """Why no call came through, with what to do next.

    Args:
        error: What the client said; its cause may be what the system said.
        where: Who was called.
        spoken: The protocol: gRPC, gRPC-Web or Connect.
    """
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        return tls_failure(cause) or f"TLS failed: {cause.reason or cause}; {_WHICH_PORT}"
    if isinstance(cause, socket.gaierror):
        return f"{cause.strerror or cause}; is the name right?"
    if isinstance(cause, ConnectionRefusedError | FileNotFoundError):
        advice = "start a fake with `fakeviam serve`, or use --self"
        if where.path:
            return f"no Unix socket is served at {where.path}; write host:port for TCP, or {advice}"
        return f"{os.strerror(cause.errno or 0)}; {advice}"
    is_known = isinstance(cause, OSError) and cause.errno
    said = os.strerror(cause.errno) if is_known else str(cause or error)  # type: ignore[union-attr]
    if said.startswith("Stream reset"):
        return f"{said}; its log should say why"
    hangs = isinstance(error.__context__, asyncio.TimeoutError)
    return f"{said}; {_spoken(where, spoken, failing='hangs' if hangs else 'broke off')}"


def _spoken(where: Target, spoken: str, *, failing: str) -> str:
    """What a server speaks that is no gRPC, or not to us."""
    try:
        if spoken == "gRPC" and _answer(where, _PREFACE)[3:4] == _SETTINGS:
            return f"it speaks HTTP/2; its log should say why it {failing}"
        answer = _answer(where, _QUESTION)
    except OSError as error:
        return f"by hand it goes no further ({str(error) or type(error).__name__}); {_WHICH_PORT}"
    if answer.startswith(_ALERT) or (not answer and not where.tls and _has_tls(where)):
        return "it speaks TLS; use https://"
    if answer.startswith(b"HTTP/1"):
        other = "gRPC is asked for without web+ or connect+"
        if spoken == "gRPC":
            other = "web+http(s):// asks for gRPC-Web, connect+http(s):// for Connect"
        return f"it speaks HTTP/1.1, and not {spoken}; {_WHICH_PORT} {other}"
    heard = f"what it says is not gRPC: {answer[:40]!r}" if answer else "it says nothing"
    return f"{heard}; {_WHICH_PORT} If so, its log should say more"


def _answer(where: Target, question: bytes) -> bytes:
    """The first bytes that are answered; none if it says nothing, or hangs up."""
    with _connected(where, tls=where.tls) as line:
        try:
            line.sendall(question)
            return line.recv(512)
        except (TimeoutError, ConnectionError):
            return b""


def _connected(where: Target, *, tls: bool) -> socket.socket:
    if where.path:
        with contextlib.ExitStack() as stack:
            line = stack.enter_context(socket.socket(socket.AF_UNIX))
            line.settimeout(PATIENCE)
            line.connect(where.path)
            stack.pop_all()
        return line
    line = socket.create_connection((where.host, where.port), PATIENCE)
    return _unverified().wrap_socket(line) if tls else line


def _has_tls(where: Target) -> bool:
    if where.path:
        return False
    try:
        _connected(where, tls=True).close()
    except OSError:
        return False
    return True


def _unverified() -> ssl.SSLContext:
    """TLS without verification, for a request without secrets whose reply is not trusted."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
