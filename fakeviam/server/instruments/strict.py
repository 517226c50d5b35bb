"""Strict mode: refuses requests that use something the fake does not support.

A reply proves nothing about a field that the fake ignored, and a test that passes because of that
is worse than one that fails.
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
    """Calls used something that a strict fake does not support (ST-3)."""


class StrictMode:
    """Whether a cloud is strict, and what it has refused.

    Attributes:
        enabled: Refuse what the fake ignores.
        objections: What was refused, including calls of unimplemented RPCs.
    """

    def __init__(self, *, enabled: bool) -> None:
        """Start without objections."""
        self.enabled = enabled
        self.objections: list[Objection] = []

    def check(self, record: RecordedCall, message: Message) -> None:
        """Refuse a request that strict mode does not allow, and record why (ST-1, ST-2).

        Raises:
            FailedPreconditionError: It has unknown, unread or deprecated fields, or its RPC is
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
        """Record a call of an unimplemented RPC (ST-3)."""
        if self.enabled:
            self.objections.append(Objection(call=record, kind="unimplemented", what="the RPC"))
