"""Why a query returns a reading, or a sequence contains an image, or not (WY-3)."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import moment_of
from fakeviam.model.filters import Query
from fakeviam.server.instruments.explain.explanation import RecordVerdict
from fakeviam.server.instruments.explain.reasons import Reason, reasons_against
from fakeviam.server.services.data.queries import check_organization, refusal, sink_of, stages_asked
from fakeviam.server.services.data.reading_documents import documents_of, paged, query_of
from fakeviam.server.services.data.sequences import images_query, required_sequence, resources_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fakeviam.model.records import TabularRecord
    from fakeviam.query.expressions import Operators
    from fakeviam.query.values import Document
    from fakeviam.server.state.call import Call
    from fakeviam.wire import data

#: Stages that pass documents on unchanged, or some of them.
_CHOOSING = frozenset({"$match", "$sort", "$limit", "$skip"})
#: Stages that turn one document into one, several or none.
_CHANGING = frozenset(
    {
        *("$addFields", "$project", "$redact", "$replaceRoot", "$replaceWith", "$set", "$unset"),
        "$unwind",
    }
)

_NO_BOUND = Reason(
    field="WHERE",
    wanted="a lower bound on time_received (policy sql_needs_time_bound)",
    actual="none",
)

#: A reading, and the document derived from it.
_Row = tuple[int, Any]


def mql_verdicts(call: Call, request: data.TabularDataByMQLRequest) -> Iterator[RecordVerdict]:
    """The verdict on each reading in a TabularDataByMQL call.

    Raises:
        Refusal: The call would be refused.
    """
    check_organization(call, request.organization_id)
    if sink_of(call, request) is None:
        yield from _judged(call, request.organization_id, stages_asked(call, request))


def sql_verdicts(call: Call, request: data.TabularDataBySQLRequest) -> Iterator[RecordVerdict]:
    """The verdict on each reading in a TabularDataBySQL call.

    Raises:
        Refusal: The call would be refused.
    """
    from fakeviam.query.sql.operators import SQL_OPERATORS  # noqa: PLC0415 - few explain
    from fakeviam.server.services.data.sql import translated  # noqa: PLC0415

    check_organization(call, request.organization_id)
    statement = translated(call, request)
    if not statement.reads:
        return
    unbounded = call.policy.sql_needs_time_bound and not statement.bounded
    for verdict in _judged(call, request.organization_id, statement.stages, SQL_OPERATORS):
        reasons = (*verdict.reasons, _NO_BOUND)
        yield replace(verdict, outcome="excluded", reasons=reasons) if unbounded else verdict


def sequence_verdicts(
    call: Call, request: data.GetSequenceBinaryDataRequest
) -> Iterator[RecordVerdict]:
    """Which images a sequence contains.

    Raises:
        Refusal: There is no such sequence.
    """
    sequence = required_sequence(call, request.sequence_id, "sequence_id")
    query, resources = images_query(call, sequence), resources_of(sequence)
    page = call.store.binary_page(Query(), after=None, limit=2**60, descending=False)
    for record in page.records:
        reasons = reasons_against(query, record)
        own = (record.source.component_name, record.source.method_name)
        if own not in resources:
            allowed = " or ".join(sorted(map("/".join, resources)))
            reasons.append(Reason(field="resources", wanted=allowed, actual="/".join(own)))
        yield RecordVerdict(
            id=record.binary_data_id,
            name=record.file_name,
            outcome="excluded" if reasons else "included",
            reasons=tuple(reasons),
        )


def _judged(
    call: Call, owner: str, stages: Sequence[Document], operators: Operators | None = None
) -> Iterator[RecordVerdict]:
    from fakeviam.query.errors import QueryError  # noqa: PLC0415 - few explain
    from fakeviam.query.pipeline import check_stages  # noqa: PLC0415
    from fakeviam.query.pushdown import plan  # noqa: PLC0415

    try:
        check_stages(stages)
        planned = plan(stages)
        query = query_of(call, owner, planned)
        records = []
        for record in paged(call, Query(), descending=planned.descending, limit=None):
            if reasons := tuple(reasons_against(query, record)):
                yield RecordVerdict(id=record.id, outcome="excluded", reasons=reasons)
            else:
                records.append(record)
        if planned.sort_by == "time_received":
            records.sort(key=attrgetter("time_received"), reverse=planned.descending)
        run = _StagesRun(call, records, operators)
        for number, stage in enumerate(planned.rest, len(stages) - len(planned.rest)):
            yield from run.through(number, stage)
        yield from run.left()
    except QueryError as error:
        raise refusal(error, "MQ-4") from None


class _StagesRun:
    """Documents that pass through the stages of a query."""

    def __init__(
        self, call: Call, records: list[TabularRecord], operators: Operators | None
    ) -> None:
        self._call = call
        self._records = records
        self._operators = operators
        self._rows: list[_Row] = list(enumerate(documents_of(records)))
        self._note = ""

    def through(self, number: int, stage: Document) -> Iterator[RecordVerdict]:
        """The verdicts on documents that a stage removes."""
        ((name, _),) = stage.items()
        before = dict.fromkeys(place for place, _ in self._rows)
        if self._note:
            return
        if name in _CHOOSING:
            places = {id(document): place for place, document in self._rows}
            documents = self._answer(stage, [document for _, document in self._rows])
            numbered = [(places[id(document)], document) for document in documents]
        elif name in _CHANGING:
            numbered = [
                (place, output)
                for place, document in self._rows
                for output in self._answer(stage, [document])
            ]
        else:
            self._note = f"it goes into stage {number} ({name})"
            return
        documents_before = dict(reversed(self._rows))
        self._rows = numbered
        for place in before.keys() - {place for place, _ in numbered}:
            yield self._lost(place, documents_before[place], number, stage)

    def left(self) -> Iterator[RecordVerdict]:
        """The verdicts on documents that reach the end, or a stage that combines them."""
        for place in dict.fromkeys(place for place, _ in self._rows):
            yield RecordVerdict(id=self._records[place].id, outcome="included", note=self._note)

    def _lost(self, place: int, document: Document, number: int, stage: Document) -> RecordVerdict:
        ((name, spec),) = stage.items()
        record_id = self._records[place].id
        if name in {"$limit", "$skip"}:
            note = f"stage {number} ({name}: {spec}) leaves it out"
            return RecordVerdict(id=record_id, outcome="other page", note=note)
        if name != "$match":
            note = f"stage {number} ({name}) leaves nothing of it"
            return RecordVerdict(id=record_id, outcome="excluded", note=note)
        reasons = tuple(
            Reason(field=field, wanted=expected, actual=_actual(document, condition))
            for field, expected, condition in _conditions(number, spec)
            if not self._answer({"$match": condition}, [document])
        )
        return RecordVerdict(id=record_id, outcome="excluded", reasons=reasons)

    def _answer(self, stage: Document, documents: list[Document]) -> list[Document]:
        from fakeviam.query.pipeline import Pipeline  # noqa: PLC0415 - few explain

        now, chance = moment_of(self._call.clock.now()), Random(0)  # noqa: S311 - not drawn from
        return Pipeline([stage], now=now, random=chance, operators=self._operators).run(documents)


def _conditions(number: int, spec: Document) -> Iterator[tuple[str, str, Document]]:
    """The conditions of a `$match`: field, expectation and the condition itself."""
    for field, value in spec.items():
        parts = value.get("$sqlAnd") if isinstance(value, dict) else None
        if parts is not None or (field == "$expr" and "$sql" in repr(value)):
            for each in parts or [value]:
                yield "WHERE", "a condition that is true", {"$expr": each}
        else:
            yield field, f"{value!r} in stage {number}", {field: value}


def _actual(document: Document, condition: Document) -> str:
    """The document's values of the fields in a condition."""
    from fakeviam.query.paths import leaves, split  # noqa: PLC0415 - few explain
    from fakeviam.query.reads import paths_read  # noqa: PLC0415
    from fakeviam.query.values import MISSING  # noqa: PLC0415

    parts = []
    for path in sorted(paths_read([{"$match": condition}, {"$count": "n"}]) or ()):
        values = [each for each in leaves(document, split(path)) if each is not MISSING]
        text = repr(values[0] if len(values) == 1 else values) if values else "nothing"
        parts.append(f"{path} = {text:.200}")
    return ", ".join(parts) or "no such field"
