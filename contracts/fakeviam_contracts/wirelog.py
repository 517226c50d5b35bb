"""Calls to the subject: synchronous, recorded, in one event loop of this thread.

Hypothesis cannot await, so each call runs the loop until it is answered. What went over the
wire is kept, so that a failure can be written as a script that anybody can run.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from google.protobuf.message import Message
from grpclib.client import StreamUnaryMethod, UnaryUnaryMethod
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from fakeviam import wire
from fakeviam.wire.values import struct_from
from fakeviam_contracts.http2 import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from grpclib.client import Channel

AnyMessage = TypeVar("AnyMessage", bound=Message)

#: What the log calls a move of the subject's clock, which is no call.
WAIT = "wait"

_METHODS = {method.name: method for method in wire.methods()}


class ConnectionLostError(Exception):
    """The connection to the subject broke, or never came about."""


class Edge(Protocol):
    """Changes messages between the session and the subject; the log keeps what was sent."""

    def outgoing(self, rpc: str, request: AnyMessage) -> AnyMessage:
        """What to send instead of `request`, which stays as it is."""
        ...

    def incoming(self, rpc: str, reply: AnyMessage) -> AnyMessage:
        """What to hand on instead of `reply`, which stays as it is."""
        ...


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
        self,
        channel: Channel | Connection,
        loop: asyncio.AbstractEventLoop,
        metadata: dict[str, str],
        *,
        edge: Edge | None = None,
        timeout: float | None = None,
        pace: Callable[[], None] | None = None,
    ) -> None:
        """Call over `channel`, whose loop is `loop`, with `metadata` on every call.

        Args:
            channel: The connection.
            loop: Its event loop.
            metadata: Sent with every call.
            edge: Changes the messages on their way.
            timeout: Seconds until a call that is not answered counts as refused.
            pace: Waits before each call, if calls must not come too fast.
        """
        self._channel = channel
        self._loop = loop
        self._metadata = metadata
        self._edge = edge
        self._timeout = timeout
        self._pace = pace
        self.calls: list[Recorded] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the wire's loop."""
        return self._loop.run_until_complete(work)

    def call(self, rpc: str, request: Message) -> Any:
        """Answer of one unary call: a message, or `Refused`.

        Raises:
            ConnectionLostError: The connection broke.
        """
        sent = self._outgoing(rpc, request)
        return self._record(rpc, (sent,), self._unary(rpc, sent))

    def stream(self, rpc: str, requests: Sequence[Message]) -> Any:
        """Answer of one client stream: a message, or `Refused`.

        Raises:
            ConnectionLostError: The connection broke.
        """
        sent = tuple(self._outgoing(rpc, request) for request in requests)
        return self._record(rpc, sent, self._client_stream(rpc, sent))

    def waited(self, nanos: int) -> None:
        """Keep in the log that the subject's clock was moved."""
        span = struct_from({"seconds": nanos / 1e9})
        self.calls.append(Recorded(WAIT, (span,), wire.well_known.Struct()))

    def _outgoing(self, rpc: str, request: Message) -> Message:
        if self._edge is not None:
            return self._edge.outgoing(rpc, request)
        # A copy for the log: the caller may use the message again, for the next page.
        copy = type(request)()
        copy.CopyFrom(request)
        return copy

    def _record(
        self, rpc: str, requests: tuple[Message, ...], work: Coroutine[Any, Any, Any]
    ) -> Any:
        if self._pace is not None:
            self._pace()
        try:
            answer = self.run(work)
        except GRPCError as error:
            answer = Refused(error.status.name, error.message or "")
        except asyncio.TimeoutError:
            answer = Refused("DEADLINE_EXCEEDED", f"no answer within {self._timeout} s")
        except (OSError, ProtocolError, StreamTerminatedError) as error:
            raise ConnectionLostError(f"{rpc}: {str(error) or type(error).__name__}") from error
        self.calls.append(Recorded(rpc, requests, answer))
        if self._edge is None or isinstance(answer, Refused):
            return answer
        return self._edge.incoming(rpc, answer)

    async def _unary(self, rpc: str, request: Message) -> Any:
        method = _METHODS[rpc]
        if isinstance(self._channel, Connection):
            return await self._channel.call(method, (request,), self._metadata)
        stub: UnaryUnaryMethod[Any, Any] = UnaryUnaryMethod(
            self._channel, method.path, method.request, method.response
        )
        return await stub(request, metadata=self._metadata, timeout=self._timeout)

    async def _client_stream(self, rpc: str, requests: Sequence[Message]) -> Any:
        method = _METHODS[rpc]
        if isinstance(self._channel, Connection):
            return await self._channel.call(method, requests, self._metadata)
        stub: StreamUnaryMethod[Any, Any] = StreamUnaryMethod(
            self._channel, method.path, method.request, method.response
        )
        async with stub.open(metadata=self._metadata, timeout=self._timeout) as stream:
            await stream.send_request()
            for request in requests:
                await stream.send_message(request)
            await stream.end()
            return await stream.recv_message()
