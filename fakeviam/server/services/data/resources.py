"""The readings of one resource: the latest one, or all of them as a stream."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import DAY
from fakeviam.model.errors import InvalidArgumentError
from fakeviam.server.services.data.reading_documents import PAGE, plain_parameters
from fakeviam.server.services.encoding import delimited, timestamp
from fakeviam.server.services.filters import FilterReader, interval_grounds, query_from
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.turns import InTurns, turns
from fakeviam.wire import data
from fakeviam.wire.encoded import Encoded, Streamed
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import mapping_from, struct_from
from fakeviam.wire.well_known import Struct

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from fakeviam.model.filters import Query
    from fakeviam.model.policy import Policy
    from fakeviam.model.records import Source, TabularRecord
    from fakeviam.server.state.call import Call

    #: Both requests name a resource in the same fields.
    ResourceRequest = data.GetLatestTabularDataRequest | data.ExportTabularDataRequest

#: How far back GetLatestTabularData searches (GL-2).
_YEAR = 365 * DAY

#: The tags of length-delimited fields in an export's message: (number << 3 | 2).
_TIME, _TAG, _PAYLOAD = b"\x2a", b"\x62", b"\x6a"

#: The fields that name a resource, by attribute of a reading; the most likely mistakes first.
_NAMES = MappingProxyType(
    {
        "resource_subtype": "component_type",
        "method_name": "method_name",
        "resource_name": "component_name",
        "part_id": "part_id",
    }
)


def _parameter_grounds(request: ResourceRequest, _policy: Policy) -> tuple[str, ...]:
    return ("A34",) if request.HasField("additional_parameters") else ()


@rpc("GetLatestTabularData", rests_on=["GL-1", "GL-2", "GL-3"], grounds=_parameter_grounds)
def get_latest_tabular_data(
    call: Call, request: data.GetLatestTabularDataRequest
) -> InTurns[data.GetLatestTabularDataResponse]:
    """The most recently captured reading of a resource (GL-1 … GL-4)."""
    query = query_of_resource(call, request, clause="GL-4")
    return InTurns(_latest(call, request, query))


def _latest(
    call: Call, request: data.GetLatestTabularDataRequest, query: Query
) -> Generator[None, None, data.GetLatestTabularDataResponse]:
    since = call.clock.now() - _YEAR
    for record in _matching(call, request, query, descending=True):
        if record is None:
            yield
        elif record.time_synced >= since:
            return data.GetLatestTabularDataResponse(
                time_captured=timestamp_from(record.time_requested),
                time_synced=timestamp_from(record.time_synced),
                payload=Struct.FromString(record.payload),
            )
    yield from turns(call.store, partial(note_nothing, call, request, query))
    return data.GetLatestTabularDataResponse()


def _export_grounds(request: data.ExportTabularDataRequest, policy: Policy) -> Iterator[str]:
    yield from _parameter_grounds(request, policy)
    if request.HasField("additional_parameters"):
        yield "EX-3"
    # Published clients send an interval without bounds, which selects everything.
    if request.HasField("interval"):
        yield "EX-2"


@rpc(
    "ExportTabularData",
    rests_on=["EX-1", "EX-4", "EX-5", "EX-6", "EX-7"],
    grounds=_export_grounds,
)
def export_tabular_data(call: Call, request: data.ExportTabularDataRequest) -> Streamed:
    """All readings of a resource, oldest first (EX-1 … EX-9)."""
    query = query_of_resource(call, request, clause="EX-8")
    return Streamed(_exported(call, request, query))


def _exported(
    call: Call, request: data.ExportTabularDataRequest, query: Query
) -> Iterator[Encoded | None]:
    heads: dict[Source, bytes] = {}
    for record in _matching(call, request, query, descending=False):
        if record is None:
            yield None
            continue
        head = heads.get(record.source)
        if head is None:
            head = heads[record.source] = _head(record.source)
        tags = [delimited(_TAG, tag.encode()) for tag in record.tags]
        time = delimited(_TIME, timestamp(record.time_requested))
        yield Encoded((b"".join((head, time, *tags, delimited(_PAYLOAD, record.payload))),))
    if not heads:
        yield from turns(call.store, partial(note_nothing, call, request, query))


def _head(source: Source) -> bytes:
    """The encoded fields that all messages of a source have in common."""
    message = data.ExportTabularDataResponse(
        part_id=source.part_id,
        resource_name=source.component_name,
        resource_subtype=source.component_type,
        method_name=source.method_name,
        organization_id=source.organization_id,
        location_id=source.location_id,
        robot_name=source.robot_name,
        robot_id=source.robot_id,
        part_name=source.part_name,
        method_parameters=_parameters(source),
    )
    return message.SerializeToString(deterministic=True)


def _parameters(source: Source) -> Struct:
    """The parameters of a capture; one that is nested too deeply for a Struct becomes JSON text."""
    message = Struct()
    for name, value in plain_parameters(source).items():
        try:
            struct = struct_from({name: value})
        except ValueError:
            struct = struct_from({name: json.dumps(value)})
        message.MergeFrom(struct)
    return message


def query_of_resource(call: Call, request: ResourceRequest, *, clause: str = "") -> Query:
    """The query for the readings of the requested resource, with any parameters.

    Raises:
        InvalidArgumentError: A field of the resource's name is missing; cites `clause`.
    """
    for name in ("part_id", "resource_name", "resource_subtype", "method_name"):
        if clause and not getattr(request, name):
            raise InvalidArgumentError(f"{name} must not be empty", clause=clause)
    filters = data.Filter(**{field: getattr(request, name) for name, field in _FILTERED.items()})
    query = query_from(call, filters, include_internal=False, tabular=True)
    if "interval" not in request.DESCRIPTOR.fields_by_name:
        return query
    interval: data.CaptureInterval = request.interval  # type: ignore[union-attr]  # checked above
    call.cite(interval_grounds(interval))
    reader: FilterReader = call.cloud.by_policy[FilterReader]
    return replace(query, interval=reader.interval(interval))


#: The fields of a resource's name, and their names in filters.
_FILTERED = MappingProxyType(
    {
        "part_id": "part_id",
        "resource_name": "component_name",
        "resource_subtype": "component_type",
        "method_name": "method",
    }
)


def wanted_parameters(call: Call, request: Any) -> Mapping[str, Any] | None:
    """The parameters that readings must have been captured with; None is any (A34)."""
    if not request.HasField("additional_parameters"):
        return None
    if not request.additional_parameters.fields and call.policy.empty_parameters != "constraint":
        return None
    return mapping_from(request.additional_parameters)


def _matching(
    call: Call, request: ResourceRequest, query: Query, *, descending: bool
) -> Generator[TabularRecord | None, None, None]:
    """The readings that match a request; yields None to let other calls run."""
    parameters = wanted_parameters(call, request)
    fits: dict[Source, bool] = {}

    def is_wanted(record: TabularRecord) -> bool:
        known = fits.get(record.source)
        if known is None:
            known = fits[record.source] = plain_parameters(record.source) == parameters
        return known

    after = None
    while True:
        find = partial(
            call.store.tabular_page, query, after=after, limit=PAGE, descending=descending
        )
        page = yield from turns(call.store, find)
        yield from page.records if parameters is None else filter(is_wanted, page.records)
        if len(page.records) < PAGE:
            return
        after = page.last
        yield None


def note_nothing(call: Call, request: ResourceRequest, query: Query) -> None:
    """Hint in a trailer at the field that is probably wrong, because the reply is empty."""
    for name, field in _NAMES.items():
        requested = getattr(query, field)
        without: dict[str, Any] = {field: ""}
        wider = replace(query, **without)
        page = call.store.tabular_page(wider, after=None, limit=1, descending=True)
        if page.records and (actual := _attribute(page.records[0], field)) != requested:
            call.note = (
                f"no reading has the {name} {requested!r}; one that fits otherwise has {actual!r}"
            )
            return
    if wanted_parameters(call, request) is not None:
        call.note = "no reading of this resource has these additional_parameters [A34]"


def _attribute(record: TabularRecord, field: str) -> str:
    text: str = getattr(record.source, field)
    return text
