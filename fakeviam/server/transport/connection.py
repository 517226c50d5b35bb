"""Below the calls: what a server can do to a stream and to its connection.

grpclib offers none of this, so this module reaches into it; nothing else does.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any

from h2.errors import ErrorCodes
from hyperframe.frame import GoAwayFrame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grpclib.server import Stream

_RST_AT_CLOSE = struct.pack("ii", 1, 0)


def _transport(stream: Stream[Any, Any]) -> Any:
    return stream._stream._transport  # noqa: SLF001


def abort(transport: Any) -> None:
    """Drop a connection at once: TCP RST instead of an orderly end."""
    connected = transport.get_extra_info("socket")
    if connected is not None and connected.family != getattr(socket, "AF_UNIX", None):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_AT_CLOSE)
    transport.abort()


def reset_connection(stream: Stream[Any, Any]) -> None:
    """Reset the connection of a call."""
    _forget(stream)
    abort(_transport(stream))


async def reset_stream(stream: Stream[Any, Any], code: str) -> None:
    """End a call with RST_STREAM and the HTTP/2 error code of that name."""
    await stream._stream.reset(error_code=ErrorCodes[code])  # noqa: SLF001
    _forget(stream)


def send_goaway(stream: Stream[Any, Any], *, processed: bool) -> None:
    """Send GOAWAY and close the connection.

    Args:
        stream: The call it happens in.
        processed: Whether this call counts as processed; if not, a client may safely send
            it again.
    """
    last = (stream._stream.id or 0) - (0 if processed else 2)  # noqa: SLF001
    frame = GoAwayFrame(0, last_stream_id=max(last, 0), error_code=0)
    transport = _transport(stream)
    # Written past h2, which would let nothing else out of this connection afterwards.
    transport.write(frame.serialize())
    _forget(stream)
    transport.close()


def framed(messages: Iterable[bytes]) -> bytes:
    """Messages as gRPC frames them."""
    return b"".join(struct.pack(">?I", False, len(each)) + each for each in messages)  # noqa: FBT003


async def send_framed(stream: Stream[Any, Any], data: bytes) -> None:
    """Send bytes of framed messages, which may begin and end anywhere."""
    if not stream._send_initial_metadata_done:  # noqa: SLF001
        await stream.send_initial_metadata()
    if data:
        await stream._stream.send_data(data)  # noqa: SLF001
    stream._send_message_done = True  # noqa: SLF001 - for all that grpclib may know


def _forget(stream: Stream[Any, Any]) -> None:
    """Let grpclib send no status when the call ends."""
    stream._cancel_done = True  # noqa: SLF001
