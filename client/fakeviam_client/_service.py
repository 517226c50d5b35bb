"""Calls over the channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from grpclib.client import Channel, StreamUnaryMethod, UnaryUnaryMethod

from fakeviam import wire
from fakeviam_client._arguments import wrong

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

    from fakeviam.wire import Method


class Service:
    """A channel, and the metadata that goes with every call."""

    def __init__(self, channel: Channel, metadata: Mapping[str, str]) -> None:
        """Call over `channel`; `metadata` carries the authorization, and may be empty."""
        if not isinstance(channel, Channel):
            raise wrong("channel", "a grpclib.client.Channel", channel)
        if not isinstance(metadata, Mapping):
            raise wrong("metadata", "a mapping of strings", metadata)
        self._channel = channel
        self._metadata = dict(metadata)
        self._methods: dict[str, Method] = {method.name: method for method in wire.methods()}

    async def _call(self, name: str, request: Message) -> Any:
        method = self._methods[name]
        stub: UnaryUnaryMethod[Any, Any] = UnaryUnaryMethod(
            self._channel, method.path, method.request, method.response
        )
        return await stub(request, metadata=self._metadata)

    async def _stream(self, name: str, messages: Iterable[Message]) -> Any:
        """Send messages one by one, each when the last has left the window."""
        method = self._methods[name]
        stub: StreamUnaryMethod[Any, Any] = StreamUnaryMethod(
            self._channel, method.path, method.request, method.response
        )
        async with stub.open(metadata=self._metadata) as stream:
            for message in messages:
                await stream.send_message(message)
            await stream.end()
            return await stream.recv_message()
