"""Calls over the channel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from grpclib.client import (
    Channel,
    StreamUnaryMethod,
    UnaryStreamMethod,
    UnaryUnaryMethod,
)
from grpclib.exceptions import StreamTerminatedError

from fakeviam import wire
from fakeviam.target import tls_failure
from fakeviam_client._arguments import text, wrong

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from google.protobuf.message import Message
    from grpclib.client import Stream

LOGGER = logging.getLogger("fakeviam_client")

#: The trailer with remarks of a fake that the reply has no field for.
NOTE = "fakeviam-note"

#: How long the status may take after the end of the stream, which it comes with.
STATUS_SECONDS = 1.0

M = TypeVar("M", bound="Message")

_METHODS = MappingProxyType({method.response_type: method for method in wire.methods()})


class Service:
    """A channel, and the metadata for every call.

    Refusals are raised as grpclib's GRPCError, with status and message. A server that cannot be
    reached, or that disconnects during a call, raises ConnectionError.
    """

    def __init__(self, channel: Channel, metadata: Mapping[str, str]) -> None:
        """Call over `channel`; `metadata` carries the authorization, and may be empty.

        Raises:
            TypeError: An argument has the wrong type.
        """
        if not isinstance(channel, Channel):
            raise wrong("channel", "a grpclib.client.Channel", channel)
        if not isinstance(metadata, Mapping):
            raise wrong("metadata", "a mapping of strings", metadata)
        self._channel = channel
        self._metadata = {
            text("metadata key", key): text(f"metadata[{key!r}]", value)
            for key, value in metadata.items()
        }

    async def _call(self, kind: type[M], request: Message, timeout: float | None = None) -> M:
        """Call the RPC with this type of reply, with a timeout in seconds."""
        async with self._open(kind, timeout) as stream:
            await stream.send_message(request, end=True)
            reply = await stream.recv_message()
        return _present(kind, reply)

    async def _stream(self, kind: type[M], messages: Iterable[Message]) -> M:
        """Send messages one by one, as flow control permits; return the reply.

        Stops reading messages once the server has ended the call.
        """
        async with self._open(kind) as stream:
            sending = asyncio.ensure_future(_send(stream, messages))
            answer = asyncio.ensure_future(stream.recv_message())
            try:
                await asyncio.wait({sending, answer}, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                reply = await answer
                if not sending.done():
                    # grpclib raises the server's refusal if there was one.
                    raise StreamTerminatedError(
                        "the server replied before the request was complete"
                    )
            finally:
                sending.cancel()
                answer.cancel()
                await asyncio.gather(sending, answer, return_exceptions=True)
        return _present(kind, reply)

    @asynccontextmanager
    async def _open(
        self, kind: type[M], timeout: float | None = None
    ) -> AsyncIterator[Stream[Message, M]]:
        """Start a call.

        Raises:
            ConnectionError: The server cannot be reached, or disconnects.
        """
        method = _METHODS[kind.DESCRIPTOR.full_name]
        LOGGER.debug("calling %s", method.path)
        if method.server_streaming:
            stub: Any = UnaryStreamMethod
        else:
            stub = StreamUnaryMethod if method.client_streaming else UnaryUnaryMethod
        opening = stub(self._channel, method.path, method.request, kind)
        try:
            async with opening.open(metadata=self._metadata, timeout=timeout) as stream:
                await _connect(stream)
                yield stream
                await _end(stream, method.name)
            trailers = stream.trailing_metadata
            if trailers and NOTE in trailers:
                LOGGER.warning("%s: %s", method.name, trailers[NOTE])
        # An AssertionError is grpclib's word for a message that breaks off.
        except (StreamTerminatedError, AssertionError) as error:
            raise ConnectionError(f"{method.name} was interrupted: {error}") from error
        except AttributeError as error:
            # grpclib forgets the transport of a connection that was lost before its call.
            if error.name != "_transport":
                raise
            raise ConnectionError(f"{method.name} was interrupted: Connection lost") from error


def rpc_of(kind: type[Message]) -> str:
    """The RPC with this type of reply."""
    return _METHODS[kind.DESCRIPTOR.full_name].name


async def _connect(stream: Stream[Message, M]) -> None:
    try:
        await stream.send_request()
    except OSError as error:
        raise ConnectionError(f"cannot reach the server: {tls_failure(error) or error}") from error


async def _send(stream: Stream[Message, M], messages: Iterable[Message]) -> None:
    for message in messages:
        await stream.send_message(message)
    await stream.end()


async def _end(stream: Stream[Message, M], name: str) -> None:
    """Wait for the status of a call whose messages have been read.

    It comes with the end of the stream; grpclib alone would wait for it for ever.

    Raises:
        ConnectionError: There is none, or there are more messages.
    """
    if await stream.recv_message() is not None:
        raise ConnectionError(f"the server answered {name} with more than one message")
    status = asyncio.ensure_future(stream.recv_trailing_metadata())
    try:
        await asyncio.wait({status}, timeout=STATUS_SECONDS)
        if not status.done():
            raise ConnectionError(f"{name} was interrupted: the stream ended without a status")
    finally:
        status.cancel()
    await status


def _present(kind: type[M], reply: M | None) -> M:
    if reply is None:
        raise ConnectionError(f"the server ended {rpc_of(kind)} with OK but without a message")
    return reply
