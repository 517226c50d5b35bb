"""What a request asks of the fake in vain: reported always, refused by a strict fake.

An answer proves nothing about a field that was not looked at, and a test that passes because of
that is worse than one that fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from google.protobuf.unknown_fields import UnknownFieldSet

from fakeviam.model.errors import FailedPreconditionError, FakeViamError
from fakeviam.server.fields import is_map, is_repeated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from google.protobuf.message import Message

    from fakeviam.server.call import Call
    from fakeviam.server.journal.record import RecordedCall
    from fakeviam.wire import Method

#: RPC → the fields of its request that the fake has no use for, by dotted path. A test traces
#: what the handlers read and finds just these.
UNREAD: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # Annotations get ids of their own.
        "DataCaptureUpload": frozenset(
            {
                "sensor_contents.metadata.annotations.bboxes.id",
                "sensor_contents.metadata.annotations.classifications.id",
            }
        ),
        "StreamingDataCaptureUpload": frozenset(
            {
                "metadata.sensor_metadata.annotations.bboxes.id",
                "metadata.sensor_metadata.annotations.classifications.id",
            }
        ),
    }
)

_ADVICE = MappingProxyType(
    {
        "unknown": "no message that this fakeviam knows has it; update fakeviam, or do not send it",
        "unread": "the fake does not look at it; do not send it, or script the reply",
        "deprecated": "Viam's contract marks it as deprecated; use what has taken its place",
        "unimplemented": "fakeviam has no handler for it; script the reply with cloud.replies",
    }
)

_CLAUSES = MappingProxyType({"unknown": "ST-1", "unread": "ST-1", "deprecated": "ST-2"})


class StrictError(FakeViamError, AssertionError):
    """Calls asked a strict fake for what it does not do (ST-3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Objection:
    """Something that a call asked for in vain.

    Attributes:
        call: Its entry in the journal.
        kind: `unknown`, `unread`, `deprecated` or `unimplemented`.
        what: The field by its dotted path, or `the RPC`.
    """

    call: RecordedCall
    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what} ({_ADVICE[self.kind]})"


def unknown_fields(message: Message) -> tuple[str, ...]:
    """The fields in a message, however deep, that our contract does not have: `filter.#17`."""
    return tuple(dict.fromkeys(_unknown(message, "")))


def _unknown(message: Message, prefix: str) -> Iterator[str]:
    strange = UnknownFieldSet(message)
    yield from (f"{prefix}#{strange[at].field_number}" for at in range(len(strange)))
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if is_map(field):
            if field.message_type.fields_by_name["value"].message_type is not None:
                for key in value:
                    yield from _unknown(value[key], f"{prefix}{field.name}.{key}.")
            continue
        for each in value if is_repeated(field) else [value]:
            yield from _unknown(each, f"{prefix}{field.name}.")


def unread_fields(rpc: str, message: Message) -> tuple[str, ...]:
    """The fields that are set and that the fake does not look at."""
    unread = UNREAD.get(rpc)
    return tuple(path for path in _set(message, "") if path in unread) if unread else ()


def deprecated_fields(message: Message) -> tuple[str, ...]:
    """The fields that are set and that Viam's contract marks as deprecated."""
    return tuple(dict.fromkeys(_deprecated(message, "")))


def _set(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        yield path
        if field.message_type is not None and not is_map(field):
            for each in value if is_repeated(field) else [value]:
                yield from _set(each, f"{path}.")


def _deprecated(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        if field.GetOptions().deprecated:
            yield path
        elif field.message_type is not None and not is_map(field):
            for each in value if is_repeated(field) else [value]:
                yield from _deprecated(each, f"{path}.")


def objections_to(record: RecordedCall, method: Method, message: Message) -> list[Objection]:
    """All that a strict fake refuses a request for, the RPC itself first."""
    found: list[tuple[str, str]] = [("deprecated", "the RPC")] if method.deprecated else []
    found += [("unknown", path) for path in unknown_fields(message)]
    found += [("unread", path) for path in unread_fields(method.name, message)]
    found += [("deprecated", path) for path in deprecated_fields(message)]
    return [Objection(call=record, kind=kind, what=what) for kind, what in found]


def refuse_if_strict(call: Call, message: Message) -> None:
    """Refuse a request that a strict fake does not serve, and keep why (ST-1, ST-2).

    Raises:
        FailedPreconditionError: It has unknown, unread or deprecated fields, or the RPC is
            deprecated.
    """
    if not call.cloud.strict:
        return
    found = objections_to(call.record, call.record.method, message)
    if found:
        call.cloud.objections.extend(found)
        told = "; ".join(map(str, found))
        text = f"strict=True refuses {call.rpc}: {told}"
        raise FailedPreconditionError(text, clause=_CLAUSES[found[0].kind])


def note_unimplemented(call: Call) -> None:
    """Keep that a strict fake was asked for an RPC that it does not have (ST-3)."""
    if call.cloud.strict:
        call.cloud.objections.append(
            Objection(call=call.record, kind="unimplemented", what="the RPC")
        )


def report(objections: Iterable[Objection]) -> str:
    """What `check` says of them."""
    lines = [f"  {found.call}: {found}" for found in objections]
    return (
        "strict=True: these calls asked for what the fake does not do, so what they got proves "
        "nothing:\n" + "\n".join(lines)
    )
