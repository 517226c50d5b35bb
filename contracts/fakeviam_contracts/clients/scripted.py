"""A server with scripted replies, which records all calls.

    async with ScriptedServer() as server:
        server.script("TagsByFilter", Refuse("UNAVAILABLE", "come back later"))
        …
        server.calls  # the received calls

RPCs without a script get an empty message of the right type.
"""

from __future__ import annotations

import socket
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server

from fakeviam import wire

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from google.protobuf.message import Message
    from grpclib.server import Stream
    from typing_extensions import Self

#: The maximum number of calls in a scenario, far above what any client needs.
MOST = 150


#: What is added to the name of an RPC that is to count only. Such calls have scripts of their own,
#: because clients may count before they read.
COUNTING = " to count"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Reply with an error; streams after a number of messages, None is after all of them."""

    status: str
    text: str = "scripted"
    after: int | None = None


@dataclass(frozen=True, slots=True)
class StreamReset:
    """Reset the stream after a number of messages."""

    after: int = 1


@dataclass
class ReceivedCall:
    """A received call.

    Attributes:
        rpc: Its name.
        metadata: Its headers.
        deadline: The remaining seconds on arrival; None is no deadline.
        messages: The messages of the client, as far as they were read.
    """

    rpc: str
    metadata: dict[str, str]
    deadline: float | None
    messages: list[object] = field(default_factory=list)


class ScriptedServer:
    """All services, on a Unix socket or a TCP port; use it as a context manager.

    Attributes:
        target: Its address in the form of the protocol.
        calls: The calls since `reset`.
        stopped: Whether there have been more than `MOST` calls since.
    """

    def __init__(self, *, tcp: bool = False, tls: ssl.SSLContext | None = None) -> None:
        """Prepare the server; it does not listen yet.

        Args:
            tcp: Listen on a TCP port, whose address has the https scheme, instead of a socket.
            tls: Use TLS there.
        """
        self._tls, self._tcp = tls, tcp or tls is not None
        self.calls: list[ReceivedCall] = []
        self.stopped = False
        self.target = ""
        self._scripts: dict[str, list[object]] = {}
        self._server = Server([self])
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def __aenter__(self) -> Self:
        if self._tcp:
            # IPv4, because every client tries it in the end for the name localhost.
            listening = socket.create_server(("127.0.0.1", 0))
            await self._server.start(sock=listening, ssl=self._tls)
            self.target = f"https://localhost:{listening.getsockname()[1]}"
            return self
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "s"
        await self._server.start(path=str(path))
        self.target = f"unix:{path}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()
        if self._folder is not None:
            self._folder.cleanup()

    def reset(self) -> None:
        """Remove all scripts and calls."""
        self.calls = []
        self.stopped = False
        self._scripts = {}

    def script(
        self, rpc: str, *steps: Message | Refuse | StreamReset | Callable[[Any], Message]
    ) -> None:
        """Script consecutive replies of an RPC; the last one is repeated.

        A step may be a function of the request.
        """
        self._scripts[rpc] = list(steps)

    def sent(self, rpc: str) -> list[Any]:
        """All messages of all calls of an RPC."""
        return [message for call in self.calls if call.rpc == rpc for message in call.messages]

    def count(self, rpc: str) -> int:
        """The number of calls of an RPC."""
        return sum(call.rpc == rpc for call in self.calls)

    def __mapping__(self) -> dict[str, Handler]:
        return {method.path: self._handler(method) for method in wire.methods()}

    def _handler(self, method: wire.Method) -> Handler:
        async def handle(stream: Stream[object, object]) -> None:
            await self._serve(method, stream)

        cardinality = {
            (False, False): Cardinality.UNARY_UNARY,
            (False, True): Cardinality.UNARY_STREAM,
            (True, False): Cardinality.STREAM_UNARY,
            (True, True): Cardinality.STREAM_STREAM,
        }[method.client_streaming, method.server_streaming]
        return Handler(handle, cardinality, method.request, method.response)

    async def _serve(self, method: wire.Method, stream: Stream[object, object]) -> None:
        left = stream.deadline.time_remaining() if stream.deadline else None
        call = ReceivedCall(
            method.name, {k: str(v) for k, v in (stream.metadata or {}).items()}, left
        )
        self.calls.append(call)
        if len(self.calls) > MOST:
            self.stopped = True
            raise GRPCError(Status.ABORTED, f"more than {MOST} calls: the scenario is over")
        if not method.client_streaming:
            await _read(stream, call, None)
            if any(getattr(one, "count_only", False) for one in call.messages):
                call.rpc += COUNTING
        step = self._next(call.rpc, method)
        if method.client_streaming:
            await _read(stream, call, getattr(step, "after", None))
        if isinstance(step, StreamReset):
            await stream.cancel()
        elif isinstance(step, Refuse):
            raise GRPCError(Status[step.status], step.text)
        else:
            request = call.messages[0] if call.messages else method.request()
            await stream.send_message(step(request) if callable(step) else step)

    def _next(self, name: str, method: wire.Method) -> object:
        steps = self._scripts.get(name)
        if not steps:
            return method.response()
        return steps.pop(0) if len(steps) > 1 else steps[0]


async def _read(stream: Stream[object, object], call: ReceivedCall, most: int | None) -> None:
    """Read messages of the client, to the end or up to a number."""
    if most == 0:
        return
    async for message in stream:
        call.messages.append(message)
        if len(call.messages) == most:
            return
