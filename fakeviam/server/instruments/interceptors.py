"""Interceptors, for servers that are deliberately wrong.

An interceptor sees requests before the handlers do, and replies before the client does. The mutants
of the contract kit are interceptors.
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
    """The request messages of a call."""

    async def recv_message(self) -> Message | None:
        """The next message; None at the end of the stream."""

    async def meet_fault_unread(self) -> None:
        """Fire a planned fault without reading a message."""


class Cut(Exception):  # noqa: N818 - control flow rather than an error
    """Raised by an interceptor to end the call's stream without a status (RST_STREAM).

    Raised in `request`, it ends the call before anything is done; in `reply`, after everything is.
    """


class Interceptor:
    """Override the methods you need; each returns its argument by default.

    Messages are of `fakeviam.wire`. One interceptor serves all calls of a fake, so do not keep
    the state of a call in it.
    """

    def request(self, rpc: str, message: Message) -> Message | None:
        """Process a request, or one message of an upload stream; None drops the message."""
        del rpc
        return message

    def reply(self, rpc: str, request: Message | None, message: Message) -> Message:
        """Process a reply. `request` is None for streams."""
        del rpc, request
        return message

    def refusal(self, rpc: str, refusal: Refusal) -> Message:
        """Process a refusal: raise it or another one, or return a reply instead."""
        del rpc
        raise refusal


class _Tap:
    """A request stream that passes messages through the interceptors first."""

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
    """Handle one call with the interceptors of its cloud."""
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
