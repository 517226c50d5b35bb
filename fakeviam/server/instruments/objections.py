"""Objections of a strict fake, and their report."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.server.instruments.request_fields import (
    deprecated_fields,
    unknown_fields,
    unread_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

    from fakeviam.server.instruments.journal.record import RecordedCall

_ADVICE = MappingProxyType(
    {
        "unknown": "fakeviam's protos do not have it; update fakeviam, or do not send it",
        "unread": "no handler reads it; do not send it, or script the reply",
        "deprecated": "Viam's protos mark it as deprecated",
        "unimplemented": "it is not implemented; script the reply with cloud.replies",
    }
)

#: Replacements that Viam's protos or the documentation of viam-sdk name.
_INSTEAD = MappingProxyType(
    {
        "TabularDataByFilter": "TabularDataByMQL, TabularDataBySQL or ExportTabularData",
        "AddTagsToBinaryDataByFilter": "AddTagsToBinaryDataByIDs",
        "RemoveTagsFromBinaryDataByFilter": "RemoveTagsFromBinaryDataByIDs",
        "binary_ids": "binary_data_ids",
        "binary_id": "binary_data_id",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Objection:
    """Something that a call used and the fake does not support.

    Attributes:
        call: The journal entry of the call.
        kind: `unknown`, `unread`, `deprecated` or `unimplemented`.
        what: The field as a dotted path, or `the RPC`.
    """

    call: RecordedCall
    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what} ({_ADVICE[self.kind]}{self._instead()})"

    def _instead(self) -> str:
        if self.kind != "deprecated":
            return ""
        name = self.call.rpc if self.what == "the RPC" else self.what.rpartition(".")[2]
        instead = _INSTEAD.get(name)
        return f"; use {instead}" if instead else " and name nothing instead"


def objections_to(record: RecordedCall, message: Message) -> list[Objection]:
    """All objections to a request, those to the RPC itself first."""
    method = record.method
    objections: list[tuple[str, str]] = [("deprecated", "the RPC")] if method.deprecated else []
    objections += [("unknown", path) for path in unknown_fields(message)]
    objections += [("unread", path) for path in unread_fields(method.name, message)]
    objections += [("deprecated", path) for path in deprecated_fields(message)]
    return [Objection(call=record, kind=kind, what=what) for kind, what in objections]


def report(objections: Iterable[Objection]) -> str:
    """The report for `check`."""
    lines = [f"  {objection.call}: {objection}" for objection in objections]
    return (
        "strict=True: these calls used something that the fake does not support, so their replies "
        "prove nothing:\n" + "\n".join(lines)
    )
