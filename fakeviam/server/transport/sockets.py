"""What asyncio's transports do not offer: how a socket ends, and how the kernel watches it."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import asyncio

_RST_AT_CLOSE = struct.pack("ii", 1, 0)


def abort(transport: asyncio.BaseTransport) -> None:
    """Drop a connection at once: TCP RST instead of an orderly end."""
    connected: Any = transport.get_extra_info("socket")
    if _is_tcp(connected):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_AT_CLOSE)
    cast("asyncio.Transport", transport).abort()


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Let TCP find out that a peer is gone, of which no process needs to tell."""
    connected: Any = transport.get_extra_info("socket")
    if not _is_tcp(connected):
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6)):
        number = getattr(socket, option, None)  # not every system has all of them
        if number is not None:
            connected.setsockopt(socket.IPPROTO_TCP, number, seconds)


def _is_tcp(connected: Any) -> bool:
    return connected is not None and connected.family != getattr(socket, "AF_UNIX", None)
