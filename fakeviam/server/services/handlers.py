"""What the handler of a unary RPC is, and what its answers rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from fakeviam.model.policy import Policy
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


def handlers_in(*modules: ModuleType) -> dict[str, Rpc[Any, Any]]:
    """The handlers that these modules declare, by RPC."""
    return {
        value.name: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Rpc)
    }
