"""Queries over readings: MongoDB's pipelines over `sensorData.readings`.

The engine, and with it bson, is imported with the first query.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from operator import attrgetter
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import LAST, moment_of
from fakeviam.model.entities import DataPipeline, PipelineRun, SavedQuery
from fakeviam.model.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    Refusal,
    ResourceExhaustedError,
)
from fakeviam.server.services.data.reading_documents import documents_of, records_of
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.turns import InTurns, computed, with_modules
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fakeviam.model.policy import Policy
    from fakeviam.query.errors import QueryError
    from fakeviam.query.expressions import Operators
    from fakeviam.query.pushdown import Plan
    from fakeviam.server.state.call import Call


#: Modules whose import takes a tenth of a second.
ENGINE = ("fakeviam.query.bson_documents", "fakeviam.query.pipeline")


def _mql_grounds(request: data.TabularDataByMQLRequest, _policy: Policy) -> Iterator[str]:
    yield from ("MQ-1", "MQ-2", "MQ-5")
    source = request.data_source.type
    hot = source == data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
    if request.use_recent_data or hot:
        yield "MQ-7"


@rpc("TabularDataByMQL", grounds=_mql_grounds)
def tabular_data_by_mql(
    call: Call, request: data.TabularDataByMQLRequest
) -> data.TabularDataByMQLResponse | InTurns[data.TabularDataByMQLResponse]:
    """Run a pipeline over readings, or over a sink (MQ-1 … MQ-12)."""
    return with_modules(ENGINE, lambda: _checked(call, request))


def _checked(
    call: Call, request: data.TabularDataByMQLRequest
) -> data.TabularDataByMQLResponse | InTurns[data.TabularDataByMQLResponse]:
    check_organization(call, request.organization_id)
    sink = sink_of(call, request)
    stages = stages_asked(call, request)
    return computed(call, lambda still: _answer(still, request.organization_id, sink, stages))


def _answer(
    call: Call, organization_id: str, sink: str | None, stages: Sequence[dict[str, object]]
) -> data.TabularDataByMQLResponse:
    from fakeviam.query.errors import QueryError  # noqa: PLC0415 - with the first query

    try:
        if sink is None:
            answer = run_pipeline(call, organization_id, stages)
        else:
            answer = run_over_sink(call, sink, stages)
        return data.TabularDataByMQLResponse(raw_data=encoded(call, answer))
    except QueryError as error:
        raise refusal(error, "MQ-4") from None


def encoded(call: Call, documents: Iterable[dict[str, object]]) -> list[bytes]:
    """Encode the documents of a reply in BSON, and cite the clauses that it depends on."""
    from fakeviam.query.bson_documents import encode_any  # noqa: PLC0415 - with the first query

    answer = list(map(encode_any, documents))
    if any(changed for _, changed in answer):
        call.cite(["MQ-13"])
    return [each for each, _ in answer]


def run_pipeline(
    call: Call,
    organization_id: str,
    stages: Sequence[dict[str, Any]],
    operators: Operators | None = None,
) -> list[dict[str, object]]:
    """Run a pipeline over an organization's readings.

    Args:
        call: The call.
        organization_id: The organization that owns the readings.
        stages: The stages of the pipeline.
        operators: The operators that expressions may use; None is those for clients.

    Raises:
        QueryError: The pipeline is invalid, or exceeds the limits.
    """
    from fakeviam.query.pipeline import Pipeline, check_stages  # noqa: PLC0415 - with the first query
    from fakeviam.query.pushdown import plan  # noqa: PLC0415
    from fakeviam.query.reads import paths_read, tree_of  # noqa: PLC0415

    check_stages(stages)
    chance = Random(call.cloud.ids.seal("query"))  # noqa: S311 - one seed, one run
    planned = plan(stages)
    call.record.plan = _told(planned)
    if planned.sort_by is None and not any("$sort" in stage for stage in stages):
        call.cite(["MQ-6"])
    now = moment_of(call.clock.now())
    pipeline = Pipeline(planned.rest, now=now, random=chance, operators=operators)
    paths = paths_read(planned.rest)
    tree = None if paths is None else tree_of(paths)
    with _without_collections():
        return pipeline.run(documents_of(records_of(call, organization_id, planned), tree))


def _told(planned: Plan) -> str:
    """A description of the plan: the store's part, then the remaining stages."""
    parts = [f"{name} = {value!r}" for name, value in planned.texts.items()]
    for operator, bound in ((">=", planned.start), ("<", planned.end)):
        if bound is not None:
            moment = moment_of(min(bound, LAST)).isoformat()
            parts.append(f"{planned.interval_of} {operator} {moment}")
    if planned.sort_by is not None:
        parts.append(f"{'latest' if planned.descending else 'earliest'} {planned.sort_by} first")
    if planned.limit is not None:
        parts.append(f"at most {planned.limit}")
    stages = " ".join(name for stage in planned.rest for name in stage)
    return f"store: {', '.join(parts) or 'all'}; stages: {stages or 'none'}"


@contextmanager
def _without_collections() -> Iterator[None]:
    """Pause the garbage collector: documents have no cycles, but it would traverse all of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def run_over_sink(
    call: Call, pipeline_id: str, stages: Sequence[dict[str, object]]
) -> list[dict[str, object]]:
    """Run a pipeline over the sink of a data pipeline (DP-4).

    Raises:
        QueryError: The pipeline is invalid, or exceeds the limits.
    """
    from fakeviam.query.bson_documents import decode  # noqa: PLC0415 - with the first query
    from fakeviam.query.pipeline import Pipeline, check_stages  # noqa: PLC0415

    check_stages(stages)
    chance = Random(call.cloud.ids.seal("query"))  # noqa: S311 - one seed, one run
    runs = sorted(call.store.entities(PipelineRun, pipeline_id), key=attrgetter("time_data_start"))
    documents = (decode(document) for run in runs for document in run.documents)
    return Pipeline(stages, now=moment_of(call.clock.now()), random=chance).run(documents)


def checked_stages(call: Call, encoded: Sequence[bytes]) -> tuple[bytes, ...]:
    """Validate the stages of a query that will be stored, and return them unchanged.

    Raises:
        InvalidArgumentError: One is not a BSON document, or MongoDB would refuse to run it.
    """
    from fakeviam.query.errors import QueryError  # noqa: PLC0415 - with the first query
    from fakeviam.query.pipeline import Pipeline, check_stages  # noqa: PLC0415

    stages = stages_of(call, encoded)
    try:
        check_stages(stages)
        Pipeline(stages, now=moment_of(call.clock.now()), random=Random(0))  # noqa: S311
    except QueryError as error:
        raise refusal(error, "MQ-4") from None
    return tuple(encoded)


def check_organization(call: Call, organization_id: str) -> None:
    """Check the organization of a query.

    Raises:
        InvalidArgumentError: It is missing.
        PermissionDeniedError: The caller's key belongs to another organization.
    """
    if not organization_id:
        raise InvalidArgumentError("organization_id must not be empty", clause="A48")
    call.principal.check_named([organization_id])


_SOURCES = MappingProxyType(
    {value.number: value.name for value in data.TabularDataSourceType.DESCRIPTOR.values}
)


def stages_asked(call: Call, request: data.TabularDataByMQLRequest) -> list[dict[str, object]]:
    """The stages of the saved query that a request names, if any, followed by its own."""
    return [*_prefix(call, request), *stages_of(call, request.mql_binary)]


def _prefix(call: Call, request: data.TabularDataByMQLRequest) -> list[dict[str, object]]:
    """The stages of the saved query that a request names, if any (MQ-9, MQ-12)."""
    name = request.query_prefix_name
    if not name:
        return []
    call.principal.check_whole("query_prefix_name", clause="SA-7")
    queries = call.store.entities(SavedQuery, request.organization_id)
    for query in queries:
        if query.name == name:
            call.cite(["MQ-12"])
            return stages_of(call, query.stages)
    known = ", ".join(repr(each.name) for each in queries[:10])
    text = (
        f"query_prefix_name: the organization has no saved query {name!r}; "
        f"{f'it has {known}' if known else 'it has none'}"
    )
    raise NotFoundError(text, clause="MQ-9")


def sink_of(call: Call, request: data.TabularDataByMQLRequest) -> str | None:
    """The id of the pipeline whose sink is queried; None for readings (MQ-8)."""
    source = request.data_source
    if source.type not in _SOURCES:
        names = ", ".join(f"{name} ({number})" for number, name in _SOURCES.items())
        text = f"data_source.type must be one of {names}, got {source.type}"
        raise InvalidArgumentError(text, clause="MQ-14")
    if source.type != data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK:
        if source.pipeline_id:
            call.cite(["MQ-14"])
            call.note = "data_source.pipeline_id was ignored: its type is no pipeline sink [MQ-14]"
        return None
    call.principal.check_whole("a pipeline sink", clause="DP-19")
    if not source.pipeline_id:
        text = "data_source.pipeline_id must not be empty with a pipeline sink"
        raise InvalidArgumentError(text, clause="MQ-8")
    pipeline = call.store.entity(DataPipeline, source.pipeline_id)
    if pipeline is None or pipeline.organization_id != request.organization_id:
        text = f"data_source.pipeline_id: there is no data pipeline {source.pipeline_id!r}"
        raise NotFoundError(text, clause="MQ-8")
    call.cite(["DP-4"])
    return pipeline.id


def stages_of(call: Call, encoded: Sequence[bytes]) -> list[dict[str, Any]]:
    """The stages of a request.

    Raises:
        InvalidArgumentError: One is not a BSON document, or contains what the policy refuses.
    """
    from fakeviam.query.bson_documents import decode, expand_extended_json  # noqa: PLC0415

    stages = []
    for place, stage in enumerate(encoded):
        try:
            document = decode(stage)
        except ValueError as error:
            text = f"mql_binary[{place}] is not a BSON document: {error}"
            raise InvalidArgumentError(text, clause="MQ-10") from None
        try:
            expanded = expand_extended_json(document)
        except ValueError as error:
            raise InvalidArgumentError(f"mql_binary[{place}]: {error}", clause="MQ-11") from None
        if expanded != document:
            if call.policy.extended_json_in_bson == "refuse":
                text = f"mql_binary[{place}] holds Extended JSON ({{'$date': …}}); send dates"
                raise InvalidArgumentError(text, clause="MQ-11")
            call.cite(["MQ-11"])
        stages.append(expanded)
    return stages


def refusal(error: QueryError, clause: str) -> Refusal:
    """The refusal for a query that failed; an invalid one cites `clause`."""
    from fakeviam.query.errors import QueryTimeoutError, ResultTooLargeError  # noqa: PLC0415

    if isinstance(error, QueryTimeoutError):
        return DeadlineExceededError(error.text, clause="QG-2")
    if isinstance(error, ResultTooLargeError):
        return ResourceExhaustedError(error.text, clause="QG-1")
    return InvalidArgumentError(str(error), clause="MQ-3" if error.code == 40324 else clause)
