"""The records that a request names, as far as its caller may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.model.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from fakeviam.model.ids import BinaryKey
from fakeviam.server.services.wire_values import binary_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fakeviam.model.policy import Policy
    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.state.call import Call
    from fakeviam.wire import data


def id_grounds(request: Any, _policy: Policy) -> Iterator[str]:
    """What the ids of a request rest on, in whichever form it gives them."""
    fields = {field.name for field, _ in request.ListFields()}
    old, new = fields & {"binary_ids", "binary_id"}, fields & {"binary_data_ids", "binary_data_id"}
    if not old and not new:
        return
    yield from ("ID-1", "ID-2")
    if not old:
        return
    yield "ID-4"
    if new and "binary_ids" in old:
        yield "A14"
    messages = request.binary_ids if "binary_ids" in old else [request.binary_id]
    if any(not each.organization_id or not each.location_id for each in messages):
        yield "A15"


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
            call.cite(["ID-7" if mention.malformed else "ID-6", "A13"])
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
    keys: list[BinaryKey | None] = [_key_of(call, message) for message in binary_ids]
    keys += map(BinaryKey.parse, binary_data_ids)
    names = [*map(_shown, binary_ids), *map(repr, binary_data_ids)]
    call.principal.check_named(key.organization_id for key in keys if key and key.organization_id)
    found = call.store.find_binary(key.file_id if key else "" for key in keys)
    until = call.visible_until()
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
    return binary_key(message)


def _matches(call: Call, key: BinaryKey, record: BinaryRecord, until: int | None) -> bool:
    source = record.source
    return (
        key.organization_id in ("", source.organization_id)
        and key.location_id in ("", source.location_id)
        and call.principal.sees(source.organization_id)
        and (until is None or record.time_synced <= until)
    )


def _shown(message: data.BinaryID) -> str:
    return f"BinaryID {str(binary_key(message))!r}"
