"""`cloud.explain(call)`: why a reply includes a record or not (WY-1, WY-2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.errors import Refusal, UsageError
from fakeviam.model.filters import Query
from fakeviam.model.ids import BinaryKey
from fakeviam.model.records import BinaryRecord
from fakeviam.server.instruments.explain.explanation import Explanation, RecordVerdict
from fakeviam.server.instruments.explain.reasons import Reason, reasons_against
from fakeviam.server.services.data.reading_documents import plain_parameters
from fakeviam.server.services.data.resources import query_of_resource, wanted_parameters
from fakeviam.server.services.data.tabular import query_of_delete
from fakeviam.server.services.explain_queries import (
    mql_verdicts,
    sequence_verdicts,
    sql_verdicts,
)
from fakeviam.server.services.filters import query_from
from fakeviam.server.services.paging import Kind, page_request
from fakeviam.server.state.accounts import Principal
from fakeviam.server.state.call import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fakeviam.model.records import AnyRecord
    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.server.services.paging import PageRequest
    from fakeviam.server.state.cloud import CloudState
    from fakeviam.store.values import Page

#: A page limit above any amount of data.
_ALL = 2**60


def explain_call(cloud: CloudState, record: RecordedCall, file_id: str | None) -> Explanation:
    """Explain a call of `cloud`.

    Args:
        cloud: The cloud; its current state is used.
        record: The journal entry of the call.
        file_id: The only record to explain; None explains all that the call considered.

    Raises:
        UsageError: The RPC selects no data.
    """
    if record.rpc not in SELECTING:
        names = ", ".join(sorted(SELECTING))
        raise UsageError(f"{record.rpc} selects no data; explain supports {names}")
    if record.request is None:
        return Explanation(call=str(record), notes=("no request was received",))
    # Evaluate the call again, without a trace: its clauses are not recorded.
    call = Call.detached(cloud.detached(), record.method)
    call.principal = Principal.within(record.scope)
    explainer = _Explainer(call=call, record=record, answered=_answered_ids(record))
    notes = _notes(record)
    try:
        if record.rpc in _QUERIES:
            results = _QUERIES[record.rpc](call, record.request)
        else:
            results = explainer.by_filter() if record.rpc in _BY_FILTER else explainer.by_ids()
        verdicts = list(results)
    except Refusal as refusal:
        notes = (*notes, f"it would now be refused: {refusal.text}")
        return Explanation(call=str(record), notes=notes)
    if file_id is not None:
        verdicts = [v for v in verdicts if v.id == file_id or v.id.endswith(f"/{file_id}")] or [
            RecordVerdict(
                id=file_id,
                outcome="unknown id",
                note="nothing with that id is stored; it was deleted, or never existed",
            )
        ]
    return Explanation(call=str(record), verdicts=tuple(verdicts), notes=notes)


def last_selecting(calls: Iterable[RecordedCall]) -> RecordedCall:
    """The latest call that selects data.

    Raises:
        UsageError: There is none.
    """
    selecting = [call for call in calls if call.rpc in SELECTING]
    if not selecting:
        names = ", ".join(sorted(SELECTING))
        raise UsageError(f"no call has selected data yet; explain supports {names}")
    return selecting[-1]


def _notes(record: RecordedCall) -> tuple[str, ...]:
    notes = []
    if record.in_progress:
        notes.append("it is in progress")
    elif record.status != "OK":
        notes.append(f"it failed: {record.status}: {record.text}")
    if record.scripted:
        notes.append("its reply was scripted and independent of the data")
    if record.rpc in _QUERIES and not record.scripted:
        notes.append("its pages and its rows are not compared with the reply")
    if record.rpc in _WRITES and record.status == "OK":
        notes.append("it changed the records it selected; this is their current state")
    return tuple(notes)


def _answered_ids(record: RecordedCall) -> frozenset[str] | None:
    """The binary data ids in the reply; None if it has none, or was not recorded."""
    if record.rpc not in ("BinaryDataByFilter", "BinaryDataByIDs") or record.status != "OK":
        return None
    if getattr(record.request, "count_only", False) or record.scripted:
        return None
    try:
        reply: Any = record.reply
    except UsageError:  # the reply was too large to be recorded
        return None
    return reply and frozenset(entry.metadata.binary_data_id for entry in reply.data)


def _id_of(record: AnyRecord) -> str:
    return record.binary_data_id if isinstance(record, BinaryRecord) else record.id


@dataclass(frozen=True, kw_only=True, slots=True)
class _Explainer:
    """Evaluates records and ids in the same way as the handler of the call.

    Attributes:
        call: The repeated call, detached.
        record: The journal entry.
        answered: The ids in the recorded reply, if known.
    """

    call: Call
    record: RecordedCall
    answered: frozenset[str] | None

    def by_filter(self) -> Iterator[RecordVerdict]:
        """The verdict on each record of the kinds that the call selects from."""
        page = self._page()
        room = inf if page is None else page.limit
        ids = set()
        for query, records, rest in self._candidates(page):
            for record in records:
                reasons = [*reasons_against(query, record), *self._other_parameters(record)]
                verdict = self._verdict(record, reasons)
                if verdict.outcome == "included":
                    if rest is not None and verdict.id not in rest:
                        note = "it is before the token in last"
                        verdict = replace(verdict, outcome="other page", note=note)
                    elif room <= 0:
                        note = "it is after the limit"
                        verdict = replace(verdict, outcome="other page", note=note)
                    else:
                        room -= 1
                ids.add(verdict.id)
                yield self._beside_reply(verdict, record)
        for deleted in sorted((self.answered or frozenset()) - ids):
            note = "it was in the reply and has been deleted since"
            yield RecordVerdict(id=deleted, outcome="gone", answered=True, note=note)

    def _page(self) -> PageRequest | None:
        """The requested page; None if the RPC has no pages."""
        request: Any = self.record.request
        data_request = getattr(request, "data_request", None)
        if data_request is None or request.count_only:
            return None
        with_bytes = getattr(request, "include_binary", None)
        of: Kind = "readings" if with_bytes is None else "files"
        return page_request(self.call, data_request, with_bytes=bool(with_bytes), of=of)

    def _candidates(
        self, page: PageRequest | None
    ) -> Iterator[tuple[Query, Sequence[AnyRecord], set[str] | None]]:
        """For each kind of data: the query, all records, and the ids after the page token."""
        everything = Query(include_internal=True)
        descending = page is not None and page.descending
        binary, tabular = _queries(self.call, self.record.request)
        for query, pages in (
            (binary, self.call.store.binary_page),
            (tabular, self.call.store.tabular_page),
        ):
            if query is None:
                continue
            read: Callable[..., Page[Any]] = partial(
                pages, everything, limit=_ALL, descending=descending
            )
            rest = None
            if page is not None and page.after is not None:
                rest = set(map(_id_of, read(after=page.after).records))
            yield query, read(after=None).records, rest

    def _other_parameters(self, record: AnyRecord) -> Iterator[Reason]:
        """The reason if the record's method parameters differ from the requested ones (A34)."""
        if self.record.rpc not in _OF_RESOURCE:
            return
        required = wanted_parameters(self.call, self.record.request)
        if required is not None and (actual := plain_parameters(record.source)) != required:
            yield Reason(field="additional_parameters", wanted=str(required), actual=str(actual))

    def by_ids(self) -> Iterator[RecordVerdict]:
        """The verdict on each id in the request."""
        ids: set[str] = set()
        for text, key in _mentions(self.record.request):
            if key is None:
                form = Reason(field="id", wanted="organization/location/file", actual=repr(text))
                yield RecordVerdict(id=text, outcome="unknown id", reasons=(form,))
                continue
            record = self.call.store.find_binary([key.file_id])[0]
            reasons = tuple(self._reasons_against(key, record))
            if record is None or reasons:
                yield RecordVerdict(id=text, outcome="unknown id", reasons=reasons)
                continue
            verdict = self._verdict(record, [])
            if record.file_id in ids:
                yield replace(verdict, outcome="duplicate id")
            else:
                ids.add(record.file_id)
                yield self._beside_reply(verdict, record)

    def _reasons_against(self, key: BinaryKey, record: BinaryRecord | None) -> Iterator[Reason]:
        """Why an id does not refer to a record for this caller."""
        if record is None:
            yield Reason(field="file id", wanted=repr(key.file_id), actual="no record")
            return
        for field, expected, actual in (
            ("organization", key.organization_id, record.source.organization_id),
            ("location", key.location_id, record.source.location_id),
        ):
            if expected not in ("", actual):
                yield Reason(field=field, wanted=repr(expected), actual=repr(actual))
        visible = Query(
            include_internal=True,
            scope=self.call.principal.scope,
            synced_until=self.call.visible_until(),
        )
        yield from reasons_against(visible, record)

    def _verdict(self, record: AnyRecord, reasons: Sequence[Reason]) -> RecordVerdict:
        return RecordVerdict(
            id=_id_of(record),
            name=record.file_name if isinstance(record, BinaryRecord) else "",
            outcome="excluded" if reasons else "included",
            reasons=tuple(reasons),
        )

    def _beside_reply(self, verdict: RecordVerdict, record: AnyRecord) -> RecordVerdict:
        """The verdict, with a note if it differs from the recorded reply (WY-2)."""
        late = record.time_synced > self.record.arrived
        if self.answered is None:
            return replace(verdict, note="it arrived after the call") if late else verdict
        is_in_reply = verdict.id in self.answered
        verdict = replace(verdict, answered=is_in_reply)
        if is_in_reply == (verdict.outcome == "included"):
            return verdict
        if is_in_reply:
            note = "it was in the reply; the data or the policy has changed since"
        elif late:
            note = "it arrived after the call"
        else:
            note = "it was not in the reply; the data, the policy or the record has changed since"
        return replace(verdict, note=note)


def _mentions(request: Any) -> Iterator[tuple[str, BinaryKey | None]]:
    """The ids of a request, as written and as parsed (ID-1)."""
    several = "binary_data_ids" in request.DESCRIPTOR.fields_by_name
    old = request.binary_ids if several else [request.binary_id] * request.HasField("binary_id")
    for each in old:
        key = BinaryKey(each.organization_id, each.location_id, each.file_id)
        yield str(key), key
    new = request.binary_data_ids if several else [request.binary_data_id]
    yield from ((each, BinaryKey.parse(each)) for each in new if several or each)


def _queries(call: Call, request: Any) -> tuple[Query | None, Query | None]:
    """The queries of a request for binary data and for readings; None if it selects none."""
    if call.record.rpc == "DeleteTabularData":
        return None, query_of_delete(call, request)
    if call.record.rpc in _OF_RESOURCE:
        return None, query_of_resource(call, request)
    spec = getattr(request, "data_request", request).filter
    query = partial(
        query_from, call, spec, include_internal=getattr(request, "include_internal_data", False)
    )
    if call.record.rpc == "TabularDataByFilter":
        return None, query(tabular=True)
    both = call.record.rpc == "TagsByFilter" and call.policy.tags_by_filter_scope != "binary"
    return query(), query(tabular=True) if both else None


#: RPCs that name one resource, and possibly its method parameters.
_OF_RESOURCE = frozenset({"ExportTabularData", "GetLatestTabularData"})

_BY_FILTER = _OF_RESOURCE | frozenset(
    {
        "AddTagsToBinaryDataByFilter",
        "BinaryDataByFilter",
        "BoundingBoxLabelsByFilter",
        "DeleteBinaryDataByFilter",
        "DeleteTabularData",
        "RemoveTagsFromBinaryDataByFilter",
        "TabularDataByFilter",
        "TagsByFilter",
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

#: RPCs that are explained stage by stage.
_QUERIES: MappingProxyType[str, Callable[[Call, Any], Iterator[RecordVerdict]]] = MappingProxyType(
    {
        "GetSequenceBinaryData": sequence_verdicts,
        "TabularDataByMQL": mql_verdicts,
        "TabularDataBySQL": sql_verdicts,
    }
)

_READS = _OF_RESOURCE | frozenset(
    {
        "BinaryDataByFilter",
        "BinaryDataByIDs",
        "BoundingBoxLabelsByFilter",
        "TabularDataByFilter",
        "TagsByFilter",
    }
)

#: RPCs whose calls can be explained.
SELECTING = _BY_FILTER | _BY_IDS | _QUERIES.keys()

#: Those that only read.
READING = SELECTING & (_READS | _QUERIES.keys())

_WRITES = SELECTING - READING
