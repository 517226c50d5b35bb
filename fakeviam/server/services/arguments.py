"""Requests → values of the model: times, ids of binary data, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.clock import SECOND
from fakeviam.model.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from fakeviam.model.ids import BinaryKey
from fakeviam.wire.times import nanos_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.state.call import Call
    from fakeviam.wire import data
    from fakeviam.wire.well_known import Timestamp


def time_from(timestamp: Timestamp, field: str) -> int:
    """Nanoseconds of a Timestamp.

    Raises:
        InvalidArgumentError: It is outside the years 1 to 9999 (TM-3).
    """
    try:
        return nanos_from(timestamp)
    except ValueError as error:
        raise InvalidArgumentError(f"{field}: {error}", clause="TM-3") from error


def synced_until(call: Call) -> int | None:
    """Records stored later than this are not visible yet (A55); None is no limit."""
    lag = call.policy.visibility_lag.total_seconds()
    if lag:
        call.cite("A55")
    elif not call.cloud.hiding:  # by a fault (FT-7)
        return None
    return call.cloud.clock.now() - int(lag * SECOND)


def tags_argument(call: Call, tags: Iterable[str], *, clause: str) -> tuple[str, ...]:
    """The distinct tags of a request that must name some, in its order (TA-2, TA-4, TA-5)."""
    chosen = tuple(dict.fromkeys(tags))
    if not chosen:
        raise InvalidArgumentError("tags must not be empty", clause=clause)
    check_tags(chosen)
    if len(chosen) > 1 or chosen[0] != chosen[0].strip():
        call.cite("TA-5")
    return chosen


def check_tags(tags: Iterable[str]) -> None:
    """Refuse blank tags (TA-4)."""
    for tag in tags:
        if not tag.strip():
            raise InvalidArgumentError(f"tags must not be blank, got {tag!r}", clause="TA-4")


def records_named(
    call: Call,
    binary_ids: Sequence[data.BinaryID],
    binary_data_ids: Sequence[str],
    *,
    clause: str = "ID-5",
) -> list[BinaryRecord]:
    """The records that a request names in either form, each once, in order (ID-1, A14).

    Unknown ids are left out, or refused, as the policy says (A13).

    Raises:
        InvalidArgumentError: It names none (ID-5).
        PermissionDeniedError: It names another organization's record (A51).
        NotFoundError: An id is unknown and the policy refuses that.
        FailedPreconditionError: It uses BinaryID and the policy refuses that.
    """
    chosen: dict[str, BinaryRecord] = {}
    for mention in _look_up(call, binary_ids, binary_data_ids, clause=clause):
        if mention.record is not None:
            chosen.setdefault(mention.record.file_id, mention.record)
        elif call.policy.unknown_ids == "refuse":
            why = "is not organization/location/file" if mention.malformed else "does not exist"
            clause = "ID-7" if mention.malformed else "A13"
            raise NotFoundError(f"binary data {mention.name} {why}", clause=clause)
        else:
            call.cite("ID-7" if mention.malformed else "ID-6", "A13")
    return list(chosen.values())


def record_named(call: Call, binary_id: data.BinaryID | None, binary_data_id: str) -> BinaryRecord:
    """The one record that a box request names.

    Raises:
        InvalidArgumentError: It names none (ID-5), or two (ID-8).
        NotFoundError: There is no such record (BX-8).
    """
    mentions = _look_up(
        call,
        [] if binary_id is None else [binary_id],
        [binary_data_id] if binary_data_id else [],
        clause="ID-5",
    )
    for mention in mentions:
        if mention.record is None:
            raise NotFoundError(f"no binary data {mention.name}", clause="BX-8")
    if len({mention.record.file_id for mention in mentions if mention.record}) > 1:
        text = "binary_id and binary_data_id name two different records"
        raise InvalidArgumentError(text, clause="ID-8")
    record = mentions[0].record
    assert record is not None  # noqa: S101 - the loop above saw to it
    return record


class _Mention(NamedTuple):
    """One id of a request: how it is shown, and the record it names, if there is one."""

    name: str
    record: BinaryRecord | None
    malformed: bool


def _look_up(
    call: Call,
    binary_ids: Sequence[data.BinaryID],
    binary_data_ids: Sequence[str],
    *,
    clause: str,
) -> list[_Mention]:
    if not binary_ids and not binary_data_ids:
        text = "binary_data_ids must not be empty (and neither are there binary_ids)"
        raise InvalidArgumentError(text, clause=clause)
    call.cite("ID-1", "ID-2", *(("ID-4",) if binary_ids else ()))
    if binary_ids and binary_data_ids:
        call.cite("A14")
    keys: list[BinaryKey | None] = [_key_of(call, message) for message in binary_ids]
    keys += map(BinaryKey.parse, binary_data_ids)
    names = [*map(_shown, binary_ids), *map(repr, binary_data_ids)]
    call.principal.check_named(key.organization_id for key in keys if key and key.organization_id)
    found = call.store.find_binary(key.file_id if key else "" for key in keys)
    until = synced_until(call)
    return [
        _Mention(
            name,
            record if record and key and _matches(call, key, record, until) else None,
            key is None,
        )
        for key, name, record in zip(keys, names, found, strict=True)
    ]


def _key_of(call: Call, message: data.BinaryID) -> BinaryKey:
    if call.policy.deprecated_binary_id == "refuse":
        text = "binary_ids is deprecated; use binary_data_ids (binary_data_id for one record)"
        raise FailedPreconditionError(text, clause="A14")
    if not message.organization_id or not message.location_id:
        call.cite("A15")
    return BinaryKey(message.organization_id, message.location_id, message.file_id)


def _matches(call: Call, key: BinaryKey, record: BinaryRecord, until: int | None) -> bool:
    source = record.source
    return (
        key.organization_id in ("", source.organization_id)
        and key.location_id in ("", source.location_id)
        and call.principal.sees(source.organization_id)
        and (until is None or record.time_synced <= until)
    )


def _shown(message: data.BinaryID) -> str:
    key = BinaryKey(message.organization_id, message.location_id, message.file_id)
    return f"BinaryID {str(key)!r}"
