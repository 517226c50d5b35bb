"""Looks up the records that a request names, restricted to what the caller may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from fakeviam.model.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
)
from fakeviam.model.ids import BinaryKey
from fakeviam.server.services.wire_values import binary_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fakeviam.model.policy import Policy
    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.state.call import Call
    from fakeviam.wire import data


class Owned(Protocol):
    """Anything that belongs to an organization."""

    @property
    def organization_id(self) -> str:
        """Whose it is."""
        ...


_Owned = TypeVar("_Owned", bound=Owned)


def visible(call: Call, found: _Owned | None, what: str, *, clause: str) -> _Owned:
    """`found`, if it exists and is visible to the caller.

    An id does not name its organization, so another organization's object is reported like one
    that does not exist: nothing leaks (A51).

    Raises:
        NotFoundError: It does not exist for the caller.
    """
    if found is None or not call.principal.sees(found.organization_id):
        raise NotFoundError(f"no {what}", clause=clause)
    return found


def id_grounds(request: Any, _policy: Policy) -> Iterator[str]:
    """The clauses that the ids of a request depend on, in either form."""
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
    """The records that a request names in either form, without duplicates, in order (ID-1, A14).

    Unknown ids are skipped or refused, depending on the policy (A13).

    Raises:
        InvalidArgumentError: It names no records (ID-5).
        PermissionDeniedError: It names another organization's record (A51).
        NotFoundError: An id is unknown and the policy refuses that.
        FailedPreconditionError: It uses BinaryID and the policy refuses that.
    """
    if not binary_ids and not binary_data_ids:
        text = "binary_data_ids must not be empty; binary_ids is empty too"
        raise InvalidArgumentError(text, clause=clause)
    records: dict[str, BinaryRecord] = {}
    mentions = _look_up(call, binary_ids, binary_data_ids)
    for mention in mentions:
        if mention.record is not None:
            records.setdefault(mention.record.file_id, mention.record)
        elif call.policy.unknown_ids == "refuse":
            why = "is not organization/location/file" if mention.malformed else "does not exist"
            clause = "ID-7" if mention.malformed else "A13"
            text = f"binary data {mention.name} {why}{_hint(call, mention)}"
            raise NotFoundError(text, clause=clause)
        else:
            call.cite(["ID-7" if mention.malformed else "ID-6", "A13"])
    if not records:
        more = f" or {len(mentions) - 1} more" if len(mentions) > 1 else ""
        first = mentions[0]
        call.note = f"no binary data has the id {first.name:.300}{more}{_hint(call, first)} [A13]"
    return list(records.values())


def record_named(call: Call, binary_id: data.BinaryID | None, binary_data_id: str) -> BinaryRecord:
    """The record that a request about a box names.

    Raises:
        InvalidArgumentError: It names none (ID-5) or two (ID-8).
        NotFoundError: There is no such record (BX-8).
    """
    if binary_id is None and not binary_data_id:
        raise InvalidArgumentError("binary_data_id must not be empty", clause="ID-5")
    mentions = _look_up(
        call,
        [] if binary_id is None else [binary_id],
        [binary_data_id] if binary_data_id else [],
    )
    for mention in mentions:
        if mention.record is None:
            text = f"no binary data {mention.name}{_hint(call, mention)}"
            raise NotFoundError(text, clause="BX-8")
    if len({mention.record.file_id for mention in mentions if mention.record}) > 1:
        text = "binary_id and binary_data_id name different records"
        raise InvalidArgumentError(text, clause="ID-8")
    record = mentions[0].record
    assert record is not None  # noqa: S101 - the loop above saw to it
    return record


def record_seen(call: Call, binary_data_id: str) -> BinaryRecord | None:
    """The record with this id, if it exists and the caller may see it.

    Raises:
        PermissionDeniedError: It names another organization's record (A51).
    """
    return _look_up(call, [], [binary_data_id])[0].record


#: More ids would block other calls. Real ids have about 100 bytes, so that 4 MB hold 40,000.
_MOST_IDS = 100_000


class _Mention(NamedTuple):
    """One id in a request: its text, how errors quote it, and its record, if there is one."""

    text: str
    name: str
    record: BinaryRecord | None
    malformed: bool


def _look_up(
    call: Call,
    binary_ids: Sequence[data.BinaryID],
    binary_data_ids: Sequence[str],
) -> list[_Mention]:
    if binary_ids and call.policy.deprecated_binary_id == "refuse":
        text = "binary_ids is deprecated; use binary_data_ids, or binary_data_id for one record"
        raise FailedPreconditionError(text, clause="A14")
    if (count := len(binary_ids) + len(binary_data_ids)) > _MOST_IDS:
        raise ResourceExhaustedError(f"{count} ids; at most {_MOST_IDS} are served", clause="SV-2")
    old = [binary_key(message) for message in binary_ids]
    keys = [*old, *map(BinaryKey.parse, binary_data_ids)]
    texts = [*map(str, old), *binary_data_ids]
    call.principal.check_named(key.organization_id for key in keys if key and key.organization_id)
    records = call.store.find_binary(key.file_id if key else "" for key in keys)
    until = call.visible_until()
    return [
        _Mention(
            text,
            repr(text) if number >= len(binary_ids) else f"BinaryID {text!r}",
            record if record and key and _matches(call, key, record, until) else None,
            key is None,
        )
        for number, (key, text, record) in enumerate(zip(keys, texts, records, strict=True))
    ]


def _matches(call: Call, key: BinaryKey, record: BinaryRecord, until: int | None) -> bool:
    source = record.source
    return (
        key.organization_id in ("", source.organization_id)
        and key.location_id in ("", source.location_id)
        and call.principal.sees_data_of(source)
        and (until is None or record.time_synced <= until)
    )


def _hint(call: Call, mention: _Mention) -> str:
    """A guess for an unknown id: an id nested in an id, or a bare file id."""
    whole = "/".join(mention.text.split("/")[-3:])
    key = BinaryKey.parse(whole) or BinaryKey("", "", whole.rpartition("/")[2])
    record = call.store.find_binary([key.file_id])[0]
    if record is None or not _matches(call, key, record, call.visible_until()):
        return ""
    if whole == record.binary_data_id:
        return f"; {whole!r} already is a binary_data_id"
    return f"; did you mean {record.binary_data_id!r}?"
