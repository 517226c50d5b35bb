"""Strict mode: what a request asks of the fake in vain is refused, and fails the test.

An answer proves nothing about a field that was not looked at, and a test that passes because of
that is worse than one that fails.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.model.errors import FailedPreconditionError, FakeViamError
from fakeviam.server.instruments.objections import Objection, objections_to

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam.server.instruments.journal.record import RecordedCall

_CLAUSES = MappingProxyType({"unknown": "ST-1", "unread": "ST-1", "deprecated": "ST-2"})


class StrictError(FakeViamError, AssertionError):
    """Calls asked a strict fake for what it does not do (ST-3)."""


class StrictMode:
    """Whether one cloud is strict, and what it objected to.

    Attributes:
        enabled: Refuse what the fake does not look at.
        objections: What was refused, or asked of an RPC that is not implemented.
    """

    def __init__(self, *, enabled: bool) -> None:
        """Object to nothing yet."""
        self.enabled = enabled
        self.objections: list[Objection] = []

    def check(self, record: RecordedCall, message: Message) -> None:
        """Refuse a request that a strict fake does not serve, and keep why (ST-1, ST-2).

        Raises:
            FailedPreconditionError: It has unknown, unread or deprecated fields, or the RPC is
                deprecated.
        """
        if not self.enabled:
            return
        objections = objections_to(record, message)
        if objections:
            self.objections.extend(objections)
            listed = "; ".join(map(str, objections))
            text = f"strict=True refuses {record.rpc}: {listed}"
            raise FailedPreconditionError(text, clause=_CLAUSES[objections[0].kind])

    def note_unimplemented(self, record: RecordedCall) -> None:
        """Keep that a strict fake was asked for an RPC that it does not have (ST-3)."""
        if self.enabled:
            self.objections.append(Objection(call=record, kind="unimplemented", what="the RPC"))
