"""What probes share: how a point is decided, or why it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from fakeviam_contracts.session import Session


class UnsettledError(Exception):
    """A point cannot be decided on this server; the message explains why."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A point, decided: the policy's field, its value, the clause, and what was seen."""

    field: str
    value: Any
    clause: str
    seen: str


Found = dict[str, Settled]

#: Decides a point on a session of its own, knowing those before it: the value, and what was seen.
Probe: TypeAlias = "Callable[[Session, Found], tuple[object, str]]"

#: What a server says that is not able to answer now, which decides nothing.
_NO_ANSWERS = frozenset(("CANCELLED", "DEADLINE_EXCEEDED", "UNAUTHENTICATED", "UNAVAILABLE"))


def ask(session: Session, rpc: str, request: Message, *, is_size: bool = False) -> Any:
    """The answer of a call that decides something, if it is refused, too.

    Args:
        session: The session of the probe.
        rpc: The call.
        request: What is sent.
        is_size: Whether the size of a message is at stake, which RESOURCE_EXHAUSTED is about.

    Raises:
        UnsettledError: It is refused for another reason than what it asks for.
    """
    answer = session.wire.call(rpc, request)
    if isinstance(answer, Refused):
        unable = answer.status in _NO_ANSWERS or answer.status == "UNIMPLEMENTED"
        if unable or (answer.status == "RESOURCE_EXHAUSTED" and not is_size):
            raise UnsettledError(f"{rpc} decides nothing: {answer}")
    return answer


def require(found: object, expected: object, what: str) -> None:
    """See that a server does what it does everywhere, so that what it does otherwise is the point.

    Raises:
        UnsettledError: It does not.
    """
    if found != expected:
        raise UnsettledError(f"{what}: {found}, where {expected} was to be expected")


def call(session: Session, rpc: str, request: Message) -> Any:
    """The answer of a call without which nothing can be decided."""
    answer = session.wire.call(rpc, request)
    if isinstance(answer, Refused):
        raise UnsettledError(f"{rpc} is refused: {answer}")
    return answer
