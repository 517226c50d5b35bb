"""What probes share: how a point is decided, or why it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
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


def call(session: Session, rpc: str, request: Message) -> Any:
    """The answer of a call without which nothing can be decided."""
    answer = session.wire.call(rpc, request)
    if isinstance(answer, Refused):
        raise UnsettledError(f"{rpc} is refused: {answer}")
    return answer
