"""Calls to the subject: synchronous, recorded, in one event loop of this thread.

Hypothesis cannot await, so each call runs the loop until it is answered. What went over the
wire is kept, so that a failure can be written as a script that anybody can run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grpclib.client import StreamUnaryMethod, UnaryUnaryMethod
from grpclib.exceptions import GRPCError

from fakeviam import wire

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine, Sequence

    from google.protobuf.message import Message
    from grpclib.client import Channel


@dataclass(frozen=True, slots=True)
class Refused:
    """An error status, as the client saw it."""

    status: str
    text: str

    def __str__(self) -> str:
        return f"{self.status}: {self.text}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call: what was sent, and what came back."""

    rpc: str
    requests: tuple[Message, ...]
    answer: Message | Refused


class Wire:
    """A channel to the subject."""

    def __init__(
        self, channel: Channel, loop: asyncio.AbstractEventLoop, metadata: dict[str, str]
    ) -> None:
        """Call over `channel`, whose loop is `loop`, with `metadata` on every call."""
        self._channel = channel
        self._loop = loop
        self._metadata = metadata
        self._methods = {method.name: method for method in wire.methods()}
        self.calls: list[Recorded] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the wire's loop."""
        return self._loop.run_until_complete(work)

    def call(self, rpc: str, request: Message) -> Any:
        """Answer of one unary call: a message, or `Refused`."""
        return self._record(rpc, (request,), self._unary(rpc, request))

    def stream(self, rpc: str, requests: Sequence[Message]) -> Any:
        """Answer of one client stream: a message, or `Refused`."""
        return self._record(rpc, tuple(requests), self._client_stream(rpc, requests))

    def _record(
        self, rpc: str, requests: tuple[Message, ...], work: Coroutine[Any, Any, Any]
    ) -> Any:
        try:
            answer = self.run(work)
        except GRPCError as error:
            answer = Refused(error.status.name, error.message or "")
        self.calls.append(Recorded(rpc, requests, answer))
        return answer

    async def _unary(self, rpc: str, request: Message) -> Any:
        method = self._methods[rpc]
        stub: UnaryUnaryMethod[Any, Any] = UnaryUnaryMethod(
            self._channel, method.path, method.request, method.response
        )
        return await stub(request, metadata=self._metadata)

    async def _client_stream(self, rpc: str, requests: Sequence[Message]) -> Any:
        method = self._methods[rpc]
        stub: StreamUnaryMethod[Any, Any] = StreamUnaryMethod(
            self._channel, method.path, method.request, method.response
        )
        async with stub.open(metadata=self._metadata) as stream:
            await stream.send_request()
            for request in requests:
                await stream.send_message(request)
            await stream.end()
            return await stream.recv_message()
