"""Below the calls: what a server can do to a stream and to its connection.

grpclib offers none of this, so this module reaches into it; nothing else does.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any

from hyperframe.frame import GoAwayFrame

if TYPE_CHECKING:
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
    abort(_transport(stream))


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
    transport.close()


async def send_part(stream: Stream[Any, Any], message: bytes, size: int) -> None:
    """Send the first bytes of a reply, then end the stream with RST_STREAM."""
    await stream.send_initial_metadata()
    framed = struct.pack(">?I", False, len(message)) + message  # noqa: FBT003
    await stream._stream.send_data(framed[:size])  # noqa: SLF001
    await stream.cancel()
