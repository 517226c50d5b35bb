"""Calls to the subject: synchronous, recorded, in one event loop of this thread.

Hypothesis cannot await, so each call runs the loop until it is answered. What went over the
wire is kept, so that a failure can be written as a script that anybody can run.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from google.protobuf.message import DecodeError, Message
from grpclib.client import StreamUnaryMethod, UnaryStreamMethod, UnaryUnaryMethod
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from fakeviam import wire
from fakeviam.wire.values import struct_from
from fakeviam_contracts.assertions import MayNotError
from fakeviam_contracts.http2 import Http2Connection
from fakeviam_contracts.interrupts import complete
from fakeviam_contracts.web_connection import WebConnection
from fakeviam_contracts.web_speech import MalformedAnswerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence

    from grpclib.client import Channel

    from fakeviam_contracts.pacing import Pace

AnyChannel: TypeAlias = "Channel | Http2Connection | WebConnection"
AnyMessage = TypeVar("AnyMessage", bound=Message)

#: Gets each call before it is made.
Trace: TypeAlias = "Callable[[str, Sequence[Message]], None]"

#: The seconds between attempts of a call that came too fast for a server.
PAUSES = (0.05, 0.2, 0.8)
#: Messages that are larger are refused for their size, whenever they come.
_SMALL = 1 << 16

#: What the log calls a move of the subject's clock, which is no call.
WAIT = "wait"

UPLOADS = ("DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload")

#: How reads begin that may be repeated at no cost.
_READS = ("BinaryData", "TabularData", "TagsBy", "ExportTabular")

_METHODS = {method.name: method for method in wire.methods()}


class ConnectionLostError(Exception):
    """The connection to the subject broke, or never came about."""


class SenselessAnswerError(Exception):
    """Success, with bytes that are no message of its kind, or with none."""


class NotServedError(Exception):
    """The subject does not have an RPC, which older servers may lack."""


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
    answer: Message | list[Message] | Refused


class Timed(NamedTuple):
    """One call of several clients at once.

    Attributes:
        client: The number of the client.
        rpc: The call.
        requests: What was sent.
        answer: What came back.
        began: When it was sent: larger numbers are later.
        ended: When its answer was there.
    """

    client: int
    rpc: str
    requests: tuple[Message, ...]
    answer: Any
    began: int
    ended: int


@dataclass(slots=True)
class Tally:
    """The calls that a subject gets, over all wires: of checks, and of set-up and clean-up, too.

    Attributes:
        calls: How many there were.
        pace: Waits before each one, if they must not come too fast.
    """

    calls: int = 0
    pace: Pace | None = None


class Wire:
    """A channel to the subject."""

    def __init__(
        self,
        channel: AnyChannel,
        loop: asyncio.AbstractEventLoop,
        metadata: dict[str, str],
        *,
        edge: Edge | None = None,
        timeout: float | None = None,
        connect: Callable[[int], Awaitable[AnyChannel]] | None = None,
        alive: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Call over `channel`, whose loop is `loop`, with `metadata` on every call.

        Args:
            channel: The connection.
            loop: Its event loop.
            metadata: Sent with every call.
            edge: Changes the messages on their way.
            timeout: Seconds until a call that is not answered counts as refused.
            connect: Gives the n-th further connection, for several clients at once.
            alive: Whether the server answers anything at all, asked after a call without answer.
        """
        self._channel = channel
        self._loop = loop
        self._metadata = metadata
        self.edge = edge
        self._timeout = timeout
        self._connect, self._alive = connect, alive
        #: With an API key, the calls that it was seen to be allowed. What it is not ends a session;
        #: what the kit asks for itself, without an edge, it judges by itself.
        self.may: set[str] | None = None
        self.trace: Trace | None = None
        #: Says whether to make the next read twice, which an even number of calls may hide.
        self.doubles: Callable[[], bool] | None = None
        #: Waits until uploads are seen, before the next call that is none.
        self.settle: Callable[[], None] | None = None
        self._has_unseen = False
        #: Counts the calls of several wires, and spaces them.
        self.tally = Tally()
        self.calls: list[Recorded] = []

    def run(self, work: Coroutine[object, object, object]) -> Any:
        """Run a coroutine in the wire's loop."""
        return complete(self._loop, work)

    def call(self, rpc: str, request: Message) -> Any:
        """Answer of one call: a message, or a list of them from a stream, or `Refused`.

        Raises:
            ConnectionLostError: The connection broke.
            MayNotError: The API key may not do it.
        """
        self._wait_before(rpc)
        sent = self._outgoing(rpc, request)
        if self.doubles is not None and rpc.startswith(_READS) and self.doubles():
            self._record(rpc, (sent,))
        return self._record(rpc, (sent,))

    def stream(self, rpc: str, requests: Sequence[Message]) -> object:
        """Answer of one client stream: a message, or `Refused`.

        Raises:
            ConnectionLostError: The connection broke.
        """
        sent = tuple(self._outgoing(rpc, request) for request in requests)
        return self._record(rpc, sent)

    def waited(self, nanos: int) -> None:
        """Keep in the log that the subject's clock was moved."""
        span = struct_from({"seconds": nanos / 1e9})
        self.calls.append(Recorded(WAIT, (span,), wire.well_known.Struct()))

    def wait_for_uploads(self) -> None:
        """Wait until what was uploaded is seen."""
        if self._has_unseen and self.settle is not None:
            self.settle()
        self._has_unseen = False

    def _wait_before(self, *rpcs: str) -> None:
        """Wait for earlier uploads if these calls could see them."""
        if not set(rpcs) <= set(UPLOADS):
            self.wait_for_uploads()

    async def _open(self, number: int) -> AnyChannel:
        return self._channel if self._connect is None else await self._connect(number)

    def _outgoing(self, rpc: str, request: Message) -> Message:
        if self.edge is not None:
            return self.edge.outgoing(rpc, request)
        # A copy for the log: the caller may use the message again, for the next page.
        copy = type(request)()
        copy.CopyFrom(request)
        return copy

    def at_once(self, scripts: Sequence[Sequence[Sequence[Message]]]) -> list[Timed]:
        """Several clients, each with a connection of its own, that make their calls at once.

        Args:
            scripts: The calls of each client, one after the other: the message of a unary call,
                or those of a stream.

        Raises:
            ConnectionLostError: A connection broke.
        """
        self._wait_before(*(rpc_of(call) for script in scripts for call in script))
        sent = [
            [tuple(self._outgoing(rpc_of(call), message) for message in call) for call in script]
            for script in scripts
        ]
        timed: list[Timed] = self.run(self._clients(sent))
        for call in timed:
            self._keep(call.rpc, call.requests, call.answer)
        return timed

    def _permitted(self, rpc: str, answer: object) -> None:
        """Note what the key may do; what it was never seen to be allowed, it may not."""
        if self.may is not None and not isinstance(answer, Refused):
            self.may.add(rpc)
        elif self.may is not None and rpc not in self.may:
            self.check_permission()

    def check_permission(self) -> None:
        """See that the last call was not refused for the sake of the API key.

        Raises:
            MayNotError: It was.
        """
        answer = self.calls[-1].answer if self.calls else None
        if self.may is None or self.edge is None or not isinstance(answer, Refused):
            return
        if answer.status == "PERMISSION_DENIED":
            raise MayNotError(f"the API key may not call {self.calls[-1].rpc}: {answer}")

    async def _clients(self, scripts: Sequence[Sequence[tuple[Message, ...]]]) -> list[Timed]:
        channels = [await self._open(at) for at in range(len(scripts))]
        clock, timed = itertools.count(), list[Timed]()

        async def client(number: int) -> None:
            for requests in scripts[number]:
                rpc, began = rpc_of(requests), next(clock)
                answer = await self._answer(rpc, requests, channels[number])
                ended = next(clock)
                timed.append(
                    Timed(number, rpc, requests, self._incoming(rpc, answer), began, ended)
                )

        await asyncio.gather(*map(client, range(len(scripts))))
        return timed

    def _record(self, rpc: str, requests: tuple[Message, ...]) -> object:
        answer = self.run(self._answer(rpc, requests, self._channel))
        self._keep(rpc, requests, answer)
        return self._incoming(rpc, answer)

    def _keep(self, rpc: str, requests: tuple[Message, ...], answer: Any) -> None:
        """Keep a call in the log, and what follows from its answer."""
        self.calls.append(Recorded(rpc, requests, answer))
        self._has_unseen |= rpc in UPLOADS and not isinstance(answer, Refused)
        self._permitted(rpc, answer)

    def _incoming(self, rpc: str, answer: Any) -> Any:
        if self.edge is None or isinstance(answer, Refused):
            return answer
        if isinstance(answer, list):
            return [self.edge.incoming(rpc, message) for message in answer]
        return self.edge.incoming(rpc, answer)

    async def _answer(self, rpc: str, requests: tuple[Message, ...], channel: AnyChannel) -> Any:
        """The answer of a call, or `Refused`.

        Raises:
            ConnectionLostError: The connection broke.
        """
        self.tally.calls += 1
        if self.trace is not None:
            self.trace(rpc, requests)
        for pause in PAUSES:
            answer = await self._answer_once(rpc, requests, channel)
            if not _asks_for_patience(answer, requests):
                return answer
            await asyncio.sleep(pause)
        return await self._answer_once(rpc, requests, channel)

    async def _answer_once(
        self, rpc: str, requests: tuple[Message, ...], channel: AnyChannel
    ) -> Any:
        try:
            return await self.ask(_METHODS[rpc], requests, channel)
        except GRPCError as error:
            return Refused(error.status.name, error.message or "")
        except asyncio.TimeoutError:
            return await self._unanswered(rpc)
        except (OSError, ProtocolError, StreamTerminatedError) as error:
            if _is_reset(error) and self._alive is not None and await self._alive():
                return Refused("UNAVAILABLE", f"the stream was reset: {error}")
            raise ConnectionLostError(f"{rpc}: {str(error) or type(error).__name__}") from error
        except MalformedAnswerError as error:
            raise SenselessAnswerError(f"{rpc} is answered by {error}") from error
        except (AssertionError, DecodeError) as error:
            # grpclib asserts that there is a message.
            kind = _METHODS[rpc].response.DESCRIPTOR.name
            why = f"bytes that are no {kind}" if str(error) else f"success without a {kind}"
            raise SenselessAnswerError(f"{rpc} is answered by {why}") from error

    async def _unanswered(self, rpc: str) -> Refused:
        """What a call without an answer means: a server that hangs, or one that hangs in this."""
        why = f"no answer within {self._timeout:g} s"
        if self._alive is not None and not await self._alive():
            raise ConnectionLostError(f"{rpc}: {why}, and none to anything else")
        return Refused("DEADLINE_EXCEEDED", why)

    async def ask(
        self,
        method: wire.Method,
        requests: tuple[Message, ...],
        channel: AnyChannel | None = None,
    ) -> object:
        """The answer of one call, by the connection or another one; errors are those of gRPC."""
        pace = self.tally.pace
        async with contextlib.nullcontext() if pace is None else pace.turn():
            with _forgotten_transport():
                return await self._ask(method, requests, channel or self._channel)

    async def _ask(
        self, method: wire.Method, requests: tuple[Message, ...], channel: AnyChannel
    ) -> object:
        if isinstance(channel, WebConnection):
            return await channel.call(method, requests, self._metadata, self._timeout)
        if isinstance(channel, Http2Connection):
            return await channel.call(method, requests, self._metadata)
        if method.server_streaming:
            reader: UnaryStreamMethod[Any, Any] = UnaryStreamMethod(
                channel, method.path, method.request, method.response
            )
            return await reader(requests[0], metadata=self._metadata, timeout=self._timeout)
        if not method.client_streaming:
            unary: UnaryUnaryMethod[object, object] = UnaryUnaryMethod(
                channel, method.path, method.request, method.response
            )
            return await unary(requests[0], metadata=self._metadata, timeout=self._timeout)
        stub: StreamUnaryMethod[object, object] = StreamUnaryMethod(
            channel, method.path, method.request, method.response
        )
        async with stub.open(metadata=self._metadata, timeout=self._timeout) as stream:
            await stream.send_request()
            for request in requests:
                await stream.send_message(request)
            await stream.end()
            answer = await stream.recv_message()
            assert answer is not None  # noqa: S101 - as grpclib asserts it of unary calls
            return answer


@contextlib.contextmanager
def _forgotten_transport() -> Iterator[None]:
    """Tell a connection that was lost before its call, whose transport grpclib no longer has."""
    try:
        yield
    except AttributeError as error:
        if error.name != "_transport":
            raise
        raise StreamTerminatedError("Connection lost") from error


def _asks_for_patience(answer: object, requests: Sequence[Message]) -> bool:
    """Whether a call may be taken if it comes later: nothing about it is too large."""
    if not isinstance(answer, Refused) or answer.status != "RESOURCE_EXHAUSTED":
        return False
    is_large = "INCLUDE_BINARY_TOO_LARGE" in answer.text or getattr(
        requests[0], "include_binary", False
    )
    return not is_large and sum(request.ByteSize() for request in requests) < _SMALL


def _is_reset(error: Exception) -> bool:
    """Whether only a call was broken off, as by a handler that crashed, and not the connection."""
    return isinstance(error, StreamTerminatedError) and str(error).startswith("Stream reset")


def rpc_of(requests: Sequence[Message]) -> str:
    """The call that a request is for."""
    return requests[0].DESCRIPTOR.name.removesuffix("Request")
