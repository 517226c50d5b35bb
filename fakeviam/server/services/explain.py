"""`cloud.explain(call)`: why a record was in an answer, or was not (WY-1, WY-2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import Refusal, UsageError
from fakeviam.model.filters import Query
from fakeviam.model.ids import BinaryKey
from fakeviam.model.records import BinaryRecord
from fakeviam.server.instruments.explain.explanation import Explanation, Verdict
from fakeviam.server.instruments.explain.reasons import Reason, reasons_against
from fakeviam.server.services.data.tabular import query_of_delete
from fakeviam.server.services.filters import query_from
from fakeviam.server.services.paging import page_request
from fakeviam.server.state.accounts import Principal
from fakeviam.server.state.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fakeviam.model.records import AnyRecord
    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.wire import data

#: More than any fake holds.
_ALL = 2**60


@dataclass(frozen=True, kw_only=True, slots=True)
class _Selection:
    """Queries of a request for the kinds of data that it is about."""

    binary: Query | None = None
    tabular: Query | None = None


def explained(cloud: CloudState, record: RecordedCall, file_id: str | None) -> Explanation:
    """Explain a call of `cloud`.

    Raises:
        UsageError: Calls of its RPC select no data.
    """
    by_filter, by_ids = _BY_FILTER.get(record.rpc), record.rpc in _BY_IDS
    if by_filter is None and not by_ids:
        known = ", ".join(sorted([*_BY_FILTER, *_BY_IDS]))
        raise UsageError(f"{record.rpc} selects no data; explain takes calls of {known}")
    told = str(record)
    if record.request is None:
        return Explanation(call=told, notes=("no request came",))
    call = _detached(cloud, record)
    notes = _notes(record)
    try:
        if by_filter is None:
            verdicts = list(_ids_explained(call, record.request, record))
        else:
            verdicts = list(_records_explained(call, by_filter(call, record.request), record))
    except Refusal as refusal:
        return Explanation(call=told, notes=(*notes, f"it would be refused: {refusal.text}"))
    return Explanation(call=told, verdicts=_about(verdicts, file_id), notes=notes)


def _detached(cloud: CloudState, record: RecordedCall) -> Call:
    """A call like the recorded one that leaves no trace: its clauses count for nothing."""
    call = Call.detached(cloud.detached(), record.method)
    call.principal = Principal(record.scope)
    return call


def _notes(record: RecordedCall) -> tuple[str, ...]:
    notes = []
    if record.in_progress:
        notes.append("it is in progress")
    elif record.status != "OK":
        notes.append(f"it was not answered: {record.status}: {record.text}")
    if record.scripted:
        notes.append("its answer was a scripted reply, whatever the data")
    if record.rpc in _WRITES and record.status == "OK":
        notes.append("it has changed what it selected; this is what is there now")
    return tuple(notes)


def _about(verdicts: Sequence[Verdict], file_id: str | None) -> tuple[Verdict, ...]:
    if file_id is None:
        return tuple(verdicts)
    chosen = tuple(v for v in verdicts if v.id == file_id or v.id.endswith(f"/{file_id}"))
    if chosen:
        return chosen
    note = "nothing with that id is stored now; it was deleted, or never was"
    return (Verdict(id=file_id, outcome="gone", note=note),)


# By filter -------------------------------------------------------------------------------


def _records_explained(
    call: Call, selection: _Selection, record: RecordedCall
) -> Iterator[Verdict]:
    answered = _answered_ids(record)
    seen = set()
    for query, records, after in _considered(call, selection, record):
        limit = _limit(call, record)
        for each in records:
            verdict = _judged(query, each, after)
            if verdict.outcome == "included":
                if limit <= 0:
                    verdict = replace(verdict, outcome="other page", note="it is after the limit")
                limit -= 1
            seen.add(verdict.id)
            yield _compared(verdict, answered, each, record)
    for lost in () if answered is None else answered:
        if lost not in seen:
            note = "it was in the answer and has been deleted since"
            yield Verdict(id=lost, outcome="gone", answered=True, note=note)


def _considered(
    call: Call, selection: _Selection, record: RecordedCall
) -> Iterator[tuple[Query, Sequence[AnyRecord], set[str] | None]]:
    """Each kind of data in the order of pages, and the ids behind the token, if there is one."""
    everything = Query(include_internal=True)
    asked = getattr(record.request, "data_request", None)
    page = None if asked is None else page_request(call, asked, with_bytes=_with_bytes(record))
    descending = page is not None and page.descending
    pages: tuple[tuple[Query | None, Callable[..., Any]], ...] = (
        (selection.binary, call.store.binary_page),
        (selection.tabular, call.store.tabular_page),
    )
    for query, read in pages:
        if query is None:
            continue
        records = read(everything, after=None, limit=_ALL, descending=descending).records
        after = None
        if page is not None and page.after is not None:
            rest = read(everything, after=page.after, limit=_ALL, descending=descending).records
            after = set(map(_id_of, rest))
        yield query, records, after


def _judged(query: Query, record: AnyRecord, after: set[str] | None) -> Verdict:
    name = record.file_name if isinstance(record, BinaryRecord) else ""
    reasons = tuple(reasons_against(query, record))
    verdict = Verdict(
        id=_id_of(record),
        name=name,
        outcome="excluded" if reasons else "included",
        reasons=reasons,
    )
    if not reasons and after is not None and verdict.id not in after:
        return replace(verdict, outcome="other page", note="it is before the token in last")
    return verdict


def _compared(
    verdict: Verdict, answered: set[str] | None, record: AnyRecord, call: RecordedCall
) -> Verdict:
    """The verdict beside the answer that was given (WY-2)."""
    late = record.time_synced > call.arrived
    if answered is None:
        return replace(verdict, note="it arrived after the call") if late else verdict
    held = verdict.id in answered
    verdict = replace(verdict, answered=held)
    if held == (verdict.outcome == "included"):
        return verdict
    if held:
        note = "it was in the answer; the data or the policy has changed since"
    elif late:
        note = "it arrived after the call"
    else:
        note = "it was not in the answer; the data, the policy or it itself came later"
    return replace(verdict, note=note)


def _answered_ids(record: RecordedCall) -> set[str] | None:
    """The binary data ids in the reply; None if it holds none, or was not kept."""
    if record.rpc not in ("BinaryDataByFilter", "BinaryDataByIDs") or record.status != "OK":
        return None
    if getattr(record.request, "count_only", False) or record.scripted:
        return None
    try:
        reply: Any = record.reply
    except UsageError:  # it was too large
        return None
    return None if reply is None else {entry.metadata.binary_data_id for entry in reply.data}


def _limit(call: Call, record: RecordedCall) -> float:
    asked = getattr(record.request, "data_request", None)
    if asked is None or getattr(record.request, "count_only", False):
        return inf
    return page_request(call, asked, with_bytes=_with_bytes(record)).limit


def _with_bytes(record: RecordedCall) -> bool:
    return bool(getattr(record.request, "include_binary", False))


def _id_of(record: AnyRecord) -> str:
    return record.binary_data_id if isinstance(record, BinaryRecord) else record.id


# By ids ----------------------------------------------------------------------------------


def _ids_explained(call: Call, request: Any, record: RecordedCall) -> Iterator[Verdict]:
    answered = _answered_ids(record)
    seen: set[str] = set()
    for shown, key in _mentions(request):
        found = None if key is None else call.store.find_binary([key.file_id])[0]
        if key is None:
            reasons = [Reason(field="id", wanted="organization/location/file", actual=repr(shown))]
        else:
            reasons = list(_against_key(call, key, found))
        if found is None or reasons:
            yield Verdict(id=shown, outcome="unknown id", reasons=tuple(reasons))
            continue
        twice = found.file_id in seen
        seen.add(found.file_id)
        yield _compared(
            Verdict(
                id=found.binary_data_id,
                name=found.file_name,
                outcome="duplicate id" if twice else "included",
            ),
            None if twice else answered,
            found,
            record,
        )


def _mentions(request: Any) -> Iterator[tuple[str, BinaryKey | None]]:
    """The ids of a request, as they are shown and as they are understood (ID-1)."""
    several = "binary_data_ids" in request.DESCRIPTOR.fields_by_name
    old = request.binary_ids if several else [request.binary_id] * request.HasField("binary_id")
    for each in old:
        key = BinaryKey(each.organization_id, each.location_id, each.file_id)
        yield str(key), key
    new = request.binary_data_ids if several else [request.binary_data_id]
    yield from ((each, BinaryKey.parse(each)) for each in new if several or each)


def _against_key(call: Call, key: BinaryKey, found: BinaryRecord | None) -> Iterator[Reason]:
    if found is None:
        yield Reason(field="file id", wanted=repr(key.file_id), actual="no record")
        return
    source = found.source
    for field, wanted, actual in (
        ("organization", key.organization_id, source.organization_id),
        ("location", key.location_id, source.location_id),
    ):
        if wanted not in ("", actual):
            yield Reason(field=field, wanted=repr(wanted), actual=repr(actual))
    seen = Query(
        include_internal=True,
        scope=call.principal.organization_ids,
        synced_until=call.visible_until(),
    )
    yield from reasons_against(seen, found)


# The RPCs --------------------------------------------------------------------------------


def _pages(call: Call, request: data.BinaryDataByFilterRequest) -> _Selection:
    wanted, internal = request.data_request.filter, request.include_internal_data
    return _Selection(binary=query_from(call, wanted, include_internal=internal))


def _readings(call: Call, request: data.TabularDataByFilterRequest) -> _Selection:
    wanted, internal = request.data_request.filter, request.include_internal_data
    return _Selection(tabular=query_from(call, wanted, include_internal=internal, tabular=True))


def _files(call: Call, request: Any) -> _Selection:
    internal = getattr(request, "include_internal_data", False)
    return _Selection(binary=query_from(call, request.filter, include_internal=internal))


def _tags(call: Call, request: data.TagsByFilterRequest) -> _Selection:
    both = call.policy.tags_by_filter_scope == "binary-and-tabular"
    return _Selection(
        binary=query_from(call, request.filter),
        tabular=query_from(call, request.filter, tabular=True) if both else None,
    )


def _old_readings(call: Call, request: data.DeleteTabularDataRequest) -> _Selection:
    return _Selection(tabular=query_of_delete(call, request))


_BY_FILTER: Mapping[str, Callable[[Call, Any], _Selection]] = MappingProxyType(
    {
        "AddTagsToBinaryDataByFilter": _files,
        "BinaryDataByFilter": _pages,
        "BoundingBoxLabelsByFilter": _files,
        "DeleteBinaryDataByFilter": _files,
        "DeleteTabularData": _old_readings,
        "RemoveTagsFromBinaryDataByFilter": _files,
        "TabularDataByFilter": _readings,
        "TagsByFilter": _tags,
    }
)

_BY_IDS = frozenset(
    {
        "AddBinaryDataToDatasetByIDs",
        "AddBoundingBoxToImageByID",
        "AddTagsToBinaryDataByIDs",
        "BinaryDataByIDs",
        "DeleteBinaryDataByIDs",
        "RemoveBinaryDataFromDatasetByIDs",
        "RemoveBoundingBoxFromImageByID",
        "RemoveTagsFromBinaryDataByIDs",
        "UpdateBoundingBox",
    }
)

_READS = frozenset(
    {
        "BinaryDataByFilter",
        "BinaryDataByIDs",
        "BoundingBoxLabelsByFilter",
        "TabularDataByFilter",
        "TagsByFilter",
    }
)

_WRITES = (frozenset(_BY_FILTER) | _BY_IDS) - _READS
