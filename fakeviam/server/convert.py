"""Requests → values of the model: filters, times, ids of binary data, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.clock import SECOND
from fakeviam.model.datasets import labelled_datasets
from fakeviam.model.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from fakeviam.model.filters import EVERYTHING, Interval, Query, TagRule, TimeField
from fakeviam.model.ids import BinaryKey
from fakeviam.wire import data
from fakeviam.wire.times import nanos_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.call import Call
    from fakeviam.wire.well_known import Timestamp

_RULES = {
    data.TAGS_FILTER_TYPE_UNSPECIFIED: TagRule.LISTED,
    data.TAGS_FILTER_TYPE_MATCH_BY_OR: TagRule.LISTED,
    data.TAGS_FILTER_TYPE_TAGGED: TagRule.TAGGED,
    data.TAGS_FILTER_TYPE_UNTAGGED: TagRule.UNTAGGED,
}

_SCALARS = ("component_name", "component_type", "robot_name", "robot_id", "part_name", "part_id")


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


def query_from(
    call: Call, message: data.Filter, *, include_internal: bool = False, tabular: bool = False
) -> Query:
    """The query that a filter means under this fake's policy (FI-1 … FI-17).

    Args:
        call: The call it came with.
        message: The filter; an absent one reads as an empty one (FI-2).
        include_internal: Whether Viam's own data is selected too (PG-10).
        tabular: The query is for readings, which have no boxes and no datasets (A18).
    """
    call.principal.check_named(message.organization_ids)
    call.cite("FI-1" if message.ByteSize() else "FI-2")
    scalars = {name: getattr(message, name) for name in _SCALARS}
    if message.method or any(scalars.values()):
        call.cite("FI-4")
    if message.part_name or message.robot_name:
        call.cite("UP-10")
    if max(map(len, (message.location_ids, message.organization_ids, message.mime_type))) > 1:
        call.cite("FI-5")
    nothing = tabular and bool(message.bbox_labels or message.dataset_id)
    if nothing or (tabular and message.mime_type):
        call.cite("FI-16", "A18")
    rule, tags = tags_from(call, message.tags_filter)
    labels = labelled_datasets(tags) if call.policy.dataset_label == "shown" else frozenset()
    if labels:
        call.cite("A10")
    if message.bbox_labels:
        call.cite("FI-10")
    if message.dataset_id:
        call.cite("FI-11", "DM-3", *(("FI-12",) if rule is TagRule.UNTAGGED else ()))
    call.cite("PG-10")
    return Query(
        **scalars,
        method_name=message.method,
        location_ids=frozenset(message.location_ids),
        organization_ids=frozenset(message.organization_ids),
        mime_types=frozenset(message.mime_type),
        interval=_interval_from(call, message.interval),
        tag_rule=rule,
        tags=tags,
        label_dataset_ids=labels,
        box_labels=frozenset(message.bbox_labels),
        dataset_id=message.dataset_id,
        include_internal=include_internal,
        scope=call.principal.organization_ids,
        synced_until=synced_until(call),
        nothing=nothing,
    )


def tags_from(call: Call, message: data.TagsFilter) -> tuple[TagRule, frozenset[str]]:
    """What a tags filter asks (FI-6, FI-7, FI-8, A17)."""
    rule = _RULES.get(message.type)
    if rule is None:
        text = f"tags_filter.type must be 0 to 3, got {message.type}"
        raise InvalidArgumentError(text, clause="FI-17")
    if rule is not TagRule.LISTED:
        call.cite("FI-7")
        return rule, frozenset()
    if not message.tags:
        if message.type == data.TAGS_FILTER_TYPE_MATCH_BY_OR:
            call.cite("FI-9", "A17")
        else:
            call.cite("FI-8")
        return TagRule.IGNORED, frozenset()
    call.cite("FI-6")
    return rule, frozenset(message.tags)


def _interval_from(call: Call, message: data.CaptureInterval) -> Interval:
    has_start, has_end = message.HasField("start"), message.HasField("end")
    if not has_start and not has_end:
        return EVERYTHING
    if not (has_start and has_end):
        call.cite("FI-13")
    call.cite("FI-14", "A3", *(("A2",) if has_end else ()))
    return Interval(
        start=time_from(message.start, "interval.start") if has_start else None,
        end=time_from(message.end, "interval.end") if has_end else None,
        end_inside=call.policy.interval_bounds == "closed",
        clock=TimeField(call.policy.interval_clock),
    )


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
