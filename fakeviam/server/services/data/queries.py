"""Queries over readings: MongoDB's pipelines over `sensorData.readings`.

The engine, and with it bson, is imported by the first query.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import chain
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import DAY, moment_of
from fakeviam.model.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    Refusal,
    ResourceExhaustedError,
    UnimplementedError,
)
from fakeviam.model.filters import Interval, TimeField
from fakeviam.server.instruments.message_json import message_json
from fakeviam.server.services.encoding import fill_capture_metadata
from fakeviam.server.services.filters import query_from
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import mapping_from
from fakeviam.wire.well_known import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fakeviam.model.filters import Query
    from fakeviam.model.policy import Policy
    from fakeviam.model.records import Source, TabularRecord
    from fakeviam.query.errors import QueryError
    from fakeviam.query.pushdown import Plan
    from fakeviam.server.state.call import Call

_PAGE = 1000
_UTC = timezone.utc
_EPOCH = datetime(1970, 1, 1, tzinfo=_UTC)


def _mql_grounds(request: data.TabularDataByMQLRequest, _policy: Policy) -> Iterator[str]:
    yield from ("MQ-1", "MQ-2", "MQ-5")
    source = request.data_source.type
    hot = source == data.TABULAR_DATA_SOURCE_TYPE_HOT_STORAGE
    if request.use_recent_data or hot:
        yield "MQ-7"


@rpc("TabularDataByMQL", grounds=_mql_grounds)
def tabular_data_by_mql(
    call: Call, request: data.TabularDataByMQLRequest
) -> data.TabularDataByMQLResponse:
    """The answer of a pipeline over an organization's readings (MQ-1 … MQ-10)."""
    from fakeviam.query.bson_documents import encode  # noqa: PLC0415 - with the first query
    from fakeviam.query.errors import QueryError  # noqa: PLC0415
    from fakeviam.query.pipeline import Pipeline, check_stages  # noqa: PLC0415
    from fakeviam.query.pushdown import plan  # noqa: PLC0415

    _check_organization(call, request.organization_id)
    _check_source(request)
    stages = _stages(call, request.mql_binary)
    try:
        check_stages(stages)
        chance = Random(call.cloud.ids.seal("query"))  # noqa: S311 - one seed, one run
        planned = plan(stages)
        if planned.sort_by is None and not any("$sort" in stage for stage in stages):
            call.cite(["MQ-6"])
        pipeline = Pipeline(planned.rest, now=moment_of(call.clock.now()), random=chance)
        documents = _documents(_records(call, request.organization_id, planned))
        return data.TabularDataByMQLResponse(raw_data=map(encode, pipeline.run(documents)))
    except QueryError as error:
        raise _refused(error) from None


def _check_organization(call: Call, organization_id: str) -> None:
    if not organization_id:
        raise InvalidArgumentError("organization_id must not be empty", clause="A48")
    call.principal.check_named([organization_id])


def _check_source(request: data.TabularDataByMQLRequest) -> None:
    if request.query_prefix_name:
        text = f"query_prefix_name {request.query_prefix_name!r}: fakeviam has no saved queries yet"
        raise UnimplementedError(text, clause="MQ-9")
    source = request.data_source
    if source.type != data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK:
        return
    if not source.pipeline_id:
        text = "data_source.pipeline_id must not be empty with a pipeline sink"
        raise InvalidArgumentError(text, clause="MQ-8")
    text = f"data_source.pipeline_id: there is no data pipeline {source.pipeline_id!r}"
    raise NotFoundError(text, clause="MQ-8")


def _stages(call: Call, encoded: Sequence[bytes]) -> list[dict[str, Any]]:
    """The stages of a request.

    Raises:
        InvalidArgumentError: One is not a BSON document, or holds what the policy refuses.
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


def _refused(error: QueryError) -> Refusal:
    from fakeviam.query.errors import QueryTimeoutError, ResultTooLargeError  # noqa: PLC0415

    if isinstance(error, QueryTimeoutError):
        return DeadlineExceededError(error.text, clause="QG-2")
    if isinstance(error, ResultTooLargeError):
        return ResourceExhaustedError(error.text, clause="QG-1")
    return InvalidArgumentError(str(error), clause="MQ-3" if error.code == 40324 else "MQ-4")


# Readings as documents ----------------------------------------------------------------------------


def _records(call: Call, organization_id: str, planned: Plan) -> Iterable[TabularRecord]:
    """The readings that a plan wants, in its order."""
    base = query_from(
        call, data.Filter(organization_ids=[organization_id]), include_internal=False, tabular=True
    )
    location = planned.texts.get("location_id")
    texts: dict[str, Any] = {
        name: value for name, value in planned.texts.items() if name != "location_id"
    }
    query = replace(
        base,
        **texts,
        location_ids=frozenset({location}) if location else base.location_ids,
        interval=Interval(
            start=planned.start,
            end=planned.end,
            end_inside=False,
            clock=TimeField(planned.interval_of),
        ),
    )
    if planned.sort_by != "time_received":
        return _paged(call, query, descending=planned.descending, wanted=planned.limit)
    records = _paged(call, query, descending=False, wanted=None)
    if planned.limit is None:
        return sorted(records, key=attrgetter("time_received"), reverse=planned.descending)
    best = heapq.nlargest if planned.descending else heapq.nsmallest
    return best(planned.limit, records, key=attrgetter("time_received"))


def _paged(
    call: Call, query: Query, *, descending: bool, wanted: int | None
) -> Iterator[TabularRecord]:
    after = None
    size = _PAGE if wanted is None else min(wanted, _PAGE)
    while True:
        page = call.store.tabular_page(query, after=after, limit=size, descending=descending)
        yield from page.records
        if len(page.records) < size:
            return
        after = page.last


def _documents(records: Iterable[TabularRecord]) -> Iterator[dict[str, Any]]:
    from bson import ObjectId  # noqa: PLC0415 - with the first query

    parameters: dict[Source, dict[str, Any]] = {}
    for record in records:
        source = record.source
        if source not in parameters:
            parameters[source] = plain_parameters(source)
        requested = _date(record.time_requested)
        yield {
            "_id": ObjectId(record.id),
            "organization_id": source.organization_id,
            "location_id": source.location_id,
            "robot_id": source.robot_id,
            "part_id": source.part_id,
            "component_type": source.component_type,
            "component_name": source.component_name,
            "method_name": source.method_name,
            "time_requested": requested,
            "time_received": _date(record.time_received),
            "tags": list(record.tags),
            "additional_parameters": parameters[source],
            "data": mapping_from(Struct.FromString(record.payload)),
            "capture_day": requested.replace(hour=0, minute=0, second=0, microsecond=0),
        }


def _date(nanos: int) -> datetime:
    """A time to the millisecond, which is all that BSON keeps."""
    return _EPOCH + timedelta(milliseconds=nanos // 1_000_000)


def plain_parameters(source: Source) -> dict[str, Any]:
    """The parameters of a capture as plain values; wrapper types are what they wrap."""
    message = data.CaptureMetadata()
    fill_capture_metadata(message, source, (), "")
    shown = {name: message_json(packed) for name, packed in message.method_parameters.items()}
    return {name: value.get("value", value) for name, value in shown.items()}


# The latest reading -------------------------------------------------------------------------------

#: How far back GetLatestTabularData looks (GL-2).
_YEAR = 365 * DAY


def _latest_grounds(request: data.GetLatestTabularDataRequest, _policy: Policy) -> Iterator[str]:
    yield from ("GL-1", "GL-2", "GL-3")
    if request.HasField("additional_parameters"):
        yield "A34"


@rpc("GetLatestTabularData", grounds=_latest_grounds)
def get_latest_tabular_data(
    call: Call, request: data.GetLatestTabularDataRequest
) -> data.GetLatestTabularDataResponse:
    """The reading of a resource that was captured last (GL-1 … GL-4)."""
    for name in ("part_id", "resource_name", "resource_subtype", "method_name"):
        if not getattr(request, name):
            raise InvalidArgumentError(f"{name} must not be empty", clause="GL-4")
    since = call.clock.now() - _YEAR
    for record in _captured(call, request):
        if record.time_synced >= since:
            return data.GetLatestTabularDataResponse(
                time_captured=timestamp_from(record.time_requested),
                time_synced=timestamp_from(record.time_synced),
                payload=Struct.FromString(record.payload),
            )
    return data.GetLatestTabularDataResponse()


def _captured(call: Call, request: data.GetLatestTabularDataRequest) -> Iterator[TabularRecord]:
    """The readings of a resource, the latest first."""
    query = query_from(
        call,
        data.Filter(
            part_id=request.part_id,
            component_name=request.resource_name,
            component_type=request.resource_subtype,
            method=request.method_name,
        ),
        include_internal=False,
        tabular=True,
    )
    records = _paged(call, query, descending=True, wanted=None)
    first = next(records, None)
    if first is None or not _asks_for_parameters(call, request):
        return iter(()) if first is None else chain([first], records)
    wanted = mapping_from(request.additional_parameters)
    return (
        record for record in chain([first], records) if plain_parameters(record.source) == wanted
    )


def _asks_for_parameters(call: Call, request: data.GetLatestTabularDataRequest) -> bool:
    if not request.HasField("additional_parameters"):
        return False
    return (
        bool(request.additional_parameters.fields) or call.policy.empty_parameters == "constraint"
    )
