"""A way into every call, for those who want a server that is wrong on purpose.

An interceptor sees requests before the handlers and replies before the client. The contract
kit's mutants are interceptors; so are a test's literal answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fakeviam.model.errors import Refusal
from fakeviam.wire.encoded import Encoded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from google.protobuf.message import Message

    from fakeviam.wire import Method


class RequestSource(Protocol):
    """Where the request messages of a call come from."""

    async def recv_message(self) -> Message | None:
        """The next message; None at the end of the stream."""


class Cut(Exception):  # noqa: N818 - an order, not an error
    """Raised by an interceptor to end the call's stream without a status (RST_STREAM).

    From `request` it cuts before anything is done, from `reply` after everything is.
    """


class Interceptor:
    """Override what you want to change; each method passes on what it gets.

    Messages are of `fakeviam.wire`. One interceptor serves all calls of a fake, so keep what
    belongs to one call in the messages.
    """

    def request(self, rpc: str, message: Message) -> Message | None:
        """A request, or one message of an upload's stream; None drops it from the stream."""
        del rpc
        return message

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        """A reply. `request` is None for streams."""
        del rpc, request
        return message

    def refusal(self, rpc: str, refusal: Refusal) -> Message:
        """A refusal: raise it, or another one, or answer a message instead."""
        del rpc
        raise refusal


class _Tap:
    """A request stream whose messages pass the interceptors first."""

    def __init__(self, source: RequestSource, rpc: str, chain: Sequence[Interceptor]) -> None:
        self.taken: Message | None = None
        self._source, self._rpc, self._chain = source, rpc, chain

    async def recv_message(self) -> Message | None:
        while (message := await self._source.recv_message()) is not None:
            kept: Message | None = message
            for interceptor in self._chain:
                kept = None if kept is None else interceptor.request(self._rpc, kept)
            if kept is not None:
                self.taken = kept
                return kept
        return None


async def intercept(
    chain: Sequence[Interceptor],
    method: Method,
    source: RequestSource,
    serve: Callable[[RequestSource], Awaitable[Any]],
) -> Message:
    """Serve one call through the interceptors of its cloud."""
    tap = _Tap(source, method.name, chain)
    try:
        answer = await serve(tap)
    except Refusal as refusal:
        return _answered(refusal, method.name, chain)
    reply: Message = answer
    if isinstance(answer, Encoded):
        reply = method.response.FromString(answer.blob)
    request = None if method.client_streaming else tap.taken
    for interceptor in reversed(chain):
        reply = interceptor.reply(method.name, request, reply)
    return reply


def _answered(refusal: Refusal, rpc: str, chain: Sequence[Interceptor]) -> Message:
    for interceptor in reversed(chain):
        try:
            return interceptor.refusal(rpc, refusal)
        except Refusal as other:  # noqa: PERF203 - there are one or two
            refusal = other
    raise refusal
