"""Calls over the channel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel, StreamUnaryMethod, UnaryUnaryMethod
from grpclib.exceptions import StreamTerminatedError

from fakeviam import wire
from fakeviam_client._arguments import text, wrong

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from google.protobuf.message import Message
    from grpclib.client import Stream

LOGGER = logging.getLogger("fakeviam_client")

#: A trailer in which a fake tells what the reply cannot.
NOTE = "fakeviam-note"

_METHODS = MappingProxyType({method.name: method for method in wire.methods()})


class Service:
    """A channel, and the metadata that goes with every call.

    What the server refuses comes out as grpclib's GRPCError, with its status and text. A server
    that cannot be reached, or that vanishes during a call, is a ConnectionError.
    """

    def __init__(self, channel: Channel, metadata: Mapping[str, str]) -> None:
        """Call over `channel`; `metadata` carries the authorization, and may be empty.

        Raises:
            TypeError: One of them is something else.
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

    async def _call(self, name: str, request: Message) -> Any:
        """Send one message and return the answer."""
        async with self._open(name) as stream:
            await stream.send_message(request, end=True)
            reply = await stream.recv_message()
        return _present(name, reply)

    async def _stream(self, name: str, messages: Iterable[Message]) -> Any:
        """Send messages one by one, each when the last has left the window; return the answer.

        Takes no further message once the server has ended the call.
        """
        async with self._open(name) as stream:
            sending = asyncio.ensure_future(_send(stream, messages))
            answer = asyncio.ensure_future(stream.recv_message())
            try:
                await asyncio.wait({sending, answer}, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                reply = await answer
                if not sending.done():
                    # grpclib turns this into the server's refusal, if that is how it ended.
                    raise StreamTerminatedError(
                        "the server replied before the request was complete"
                    )
            finally:
                sending.cancel()
                answer.cancel()
                await asyncio.gather(sending, answer, return_exceptions=True)
        return _present(name, reply)

    @asynccontextmanager
    async def _open(self, name: str) -> AsyncIterator[Stream[Any, Any]]:
        """Start a call.

        Raises:
            ConnectionError: The server cannot be reached, or vanishes inside.
        """
        method = _METHODS[name]
        LOGGER.debug("calling %s", method.path)
        stub = (StreamUnaryMethod if method.client_streaming else UnaryUnaryMethod)(
            self._channel, method.path, method.request, method.response
        )
        try:
            async with stub.open(metadata=self._metadata) as stream:
                await _connect(stream)
                yield stream
            trailers = stream.trailing_metadata
            if trailers and NOTE in trailers:
                LOGGER.warning("%s: %s", name, trailers[NOTE])
        except StreamTerminatedError as error:
            raise ConnectionError(f"{name} was interrupted: {error}") from error


async def _connect(stream: Stream[Any, Any]) -> None:
    try:
        await stream.send_request()
    except OSError as error:
        raise ConnectionError(f"cannot reach the server: {error}") from error


async def _send(stream: Stream[Any, Any], messages: Iterable[Message]) -> None:
    for message in messages:
        await stream.send_message(message)
    await stream.end()


def _present(name: str, reply: Any) -> Any:
    if reply is None:
        raise ConnectionError(f"the server ended {name} with OK but without a message")
    return reply
