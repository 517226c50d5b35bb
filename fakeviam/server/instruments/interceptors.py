"""A way into every call, for those who want a server that is wrong on purpose.

An interceptor sees requests before the handlers and replies before the client. The contract
kit's mutants are interceptors; so are a test's literal answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fakeviam.model.errors import Refusal
from fakeviam.wire.encoded import Encoded, Streamed, decoded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from google.protobuf.message import Message

    from fakeviam.wire import Method


class RequestSource(Protocol):
    """Where the request messages of a call come from."""

    async def recv_message(self) -> Message | None:
        """The next message; None at the end of the stream."""

    async def meet_fault_unread(self) -> None:
        """Meet a planned fault, though no message is read."""


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
            result: Message | None = message
            for interceptor in self._chain:
                result = None if result is None else interceptor.request(self._rpc, result)
            if result is not None:
                self.taken = result
                return result
        return None

    async def meet_fault_unread(self) -> None:
        await self._source.meet_fault_unread()


async def intercept(
    chain: Sequence[Interceptor],
    method: Method,
    source: RequestSource,
    serve: Callable[[RequestSource], Awaitable[Message | Encoded | Streamed]],
) -> Message | Streamed:
    """Serve one call through the interceptors of its cloud."""
    tap = _Tap(source, method.name, chain)
    try:
        answer = await serve(tap)
    except Refusal as refusal:
        return _answer_refusal(refusal, method.name, chain)
    request = None if method.client_streaming else tap.taken

    def changed(answer: Message | Encoded) -> Message:
        reply = decoded(answer, method.response)
        for interceptor in reversed(chain):
            reply = interceptor.reply(method.name, request, reply)
        return reply

    if isinstance(answer, Streamed):
        return Streamed(each and changed(each) for each in answer.replies)
    return changed(answer)


def _answer_refusal(refusal: Refusal, rpc: str, chain: Sequence[Interceptor]) -> Message:
    for interceptor in reversed(chain):
        try:
            return interceptor.refusal(rpc, refusal)
        except Refusal as other:  # noqa: PERF203 - there are one or two
            refusal = other
    raise refusal
