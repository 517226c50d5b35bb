"""Handlers of unary RPCs, with the clauses that their replies depend on."""

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
        handle: Returns the reply. It never awaits, so that its reads and writes are atomic.
        rests_on: Clauses that every reply depends on.
        grounds: Further clauses, determined by the request and the policy alone.
        reply_grounds: Further clauses, determined by the reply; only for RPCs that do not write.
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
    """Declare a function as the handler of an RPC."""

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
    """The handlers declared in these modules, by RPC."""
    return {
        value.name: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Rpc)
    }
