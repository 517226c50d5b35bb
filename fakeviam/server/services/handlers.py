"""What the handler of a unary RPC is, and what its answers rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from fakeviam.model.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.model.policy import Policy
    from fakeviam.server.instruments.interceptors import RequestSource
    from fakeviam.server.state.call import Call

Request = TypeVar("Request")
Reply = TypeVar("Reply")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rpc(Generic[Request, Reply]):
    """The handler of one unary RPC.

    Attributes:
        name: Name of the RPC.
        handle: Answers a request. Nothing awaits in it, so its reads and writes are one step.
        rests_on: Clauses that every answer rests on.
        grounds: The other clauses that follow from a request and the policy alone.
        reply_grounds: Those that follow from the reply; for RPCs that write nothing.
    """

    name: str
    handle: Callable[[Call, Request], Reply]
    rests_on: tuple[str, ...] = ()
    grounds: Callable[[Any, Policy], Iterable[str]] | None = None
    reply_grounds: Callable[[Any, Policy], Iterable[str]] | None = None

    def __call__(self, call: Call, request: Request) -> Reply:
        """Answer a request, citing what the answer rests on before anything is written."""
        call.cite(self.rests_on)
        if self.grounds is not None:
            call.cite(self.grounds(request, call.policy))
        reply = self.handle(call, request)
        if self.reply_grounds is not None:
            call.cite(self.reply_grounds(reply, call.policy))
        return reply

    async def serve(self, call: Call, requests: RequestSource) -> Reply:
        """Answer the call whose request message is in `requests`.

        Raises:
            InvalidArgumentError: The message is missing (SV-3).
        """
        request: Any = await requests.recv_message()
        if request is None:
            raise InvalidArgumentError("the request message is missing", clause="SV-3")
        return self(call, request)


class _Declare(Protocol):
    def __call__(self, handle: Callable[[Call, Request], Reply]) -> Rpc[Request, Reply]: ...


def rpc(
    name: str,
    *,
    rests_on: Iterable[str] = (),
    grounds: Callable[[Any, Policy], Iterable[str]] | None = None,
    reply_grounds: Callable[[Any, Policy], Iterable[str]] | None = None,
) -> _Declare:
    """Make a function the handler of the RPC of that name."""

    def declare(handle: Callable[[Call, Request], Reply]) -> Rpc[Request, Reply]:
        return Rpc(
            name=name,
            handle=handle,
            rests_on=tuple(rests_on),
            grounds=grounds,
            reply_grounds=reply_grounds,
        )

    return declare


def handlers_in(*modules: Any) -> dict[str, Rpc[Any, Any]]:
    """The handlers that these modules declare, by RPC."""
    return {
        value.name: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Rpc)
    }
