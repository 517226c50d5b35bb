"""Readings as the documents that queries see."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from fakeviam.model.clock import DAY
from fakeviam.model.filters import Interval, TimeField
from fakeviam.server.instruments.message_json import message_json
from fakeviam.server.services.encoding import fill_capture_metadata
from fakeviam.server.services.filters import query_from
from fakeviam.wire import data
from fakeviam.wire.values import mapping_from, part_from
from fakeviam.wire.well_known import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fakeviam.model.filters import Query
    from fakeviam.model.records import Source, TabularRecord
    from fakeviam.query.pushdown import Plan
    from fakeviam.server.state.call import Call

    Make = Callable[[TabularRecord], Any]

#: The number of readings in memory at a time.
PAGE = 1000
_UTC = timezone.utc


def query_of(call: Call, organization_id: str, planned: Plan) -> Query:
    """The part of a plan that the store executes, as a query of an organization's readings."""
    base = query_from(
        call, data.Filter(organization_ids=[organization_id]), include_internal=False, tabular=True
    )
    location = planned.texts.get("location_id")
    texts: dict[str, Any] = {
        name: value for name, value in planned.texts.items() if name != "location_id"
    }
    return replace(
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


def records_of(call: Call, organization_id: str, planned: Plan) -> Iterable[TabularRecord]:
    """The readings that a plan selects, in its order."""
    query = query_of(call, organization_id, planned)
    if planned.sort_by != "time_received":
        return paged(call, query, descending=planned.descending, limit=planned.limit)
    if planned.limit is not None:
        return call.store.first_received(query, limit=planned.limit, descending=planned.descending)
    records = paged(call, query, descending=False, limit=None)
    return sorted(records, key=attrgetter("time_received"), reverse=planned.descending)


def paged(
    call: Call, query: Query, *, descending: bool, limit: int | None
) -> Iterator[TabularRecord]:
    """The selected readings, at most `limit`, of which one page is in memory at a time."""
    after = None
    size = PAGE if limit is None else min(limit, PAGE)
    while True:
        page = call.store.tabular_page(query, after=after, limit=size, descending=descending)
        yield from page.records
        if len(page.records) < size:
            return
        after = page.last


def documents_of(
    records: Iterable[TabularRecord], tree: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[dict[str, Any]]:
    """Convert readings to documents (MQ-2).

    Args:
        records: The readings.
        tree: The needed fields, as a tree of names; None is all of them.
    """
    makers = {name: make for name, make in _makers().items() if tree is None or name in tree}
    inside = None if tree is None else tree.get("data")
    if inside:
        makers["data"] = lambda record: part_from(Struct.FromString(record.payload), inside)
    names = [name for name in _NAMES if tree is None or name in tree]
    with_parameters = "additional_parameters" in names
    # Keyed by identity, which is faster to compare than equality. Each entry also holds its source,
    # so that the id cannot be reused for another object.
    shared: dict[int, tuple[Source, dict[str, Any]]] = {}
    for record in records:
        source = record.source
        known = shared.get(id(source))
        if known is None:
            if len(shared) == _MOST_SOURCES:
                shared.clear()
            fields = {name: getattr(source, name, None) for name in names}
            if with_parameters:
                fields["additional_parameters"] = plain_parameters(source)
            known = shared[id(source)] = (source, fields)
        document = known[1].copy()
        for name, make in makers.items():
            document[name] = make(record)
        yield document


#: The number of sources whose common fields are cached.
_MOST_SOURCES = 10_000

#: The fields of a document, in order.
_NAMES = (
    "_id",
    "organization_id",
    "location_id",
    "robot_id",
    "part_id",
    "component_type",
    "component_name",
    "method_name",
    "time_requested",
    "time_received",
    "tags",
    "additional_parameters",
    "data",
    "capture_day",
)


def _makers() -> dict[str, Make]:
    """Functions for the fields that differ between readings of one source."""
    from bson import ObjectId  # noqa: PLC0415 - with the first query

    return {
        "_id": lambda record: ObjectId(record.id),
        "time_requested": lambda record: date_of(record.time_requested),
        "time_received": lambda record: date_of(record.time_received),
        "tags": lambda record: list(record.tags),
        "data": lambda record: mapping_from(Struct.FromString(record.payload)),
        "capture_day": lambda record: date_of(record.time_requested // DAY * DAY),
    }


_EPOCH = datetime(1970, 1, 1, tzinfo=_UTC)
#: Seconds in this range have exact milliseconds in a double, so `fromtimestamp` can be used.
_PLAIN = range(2**32)


def date_of(nanos: int) -> datetime:
    """A time truncated to milliseconds, the precision of BSON."""
    millis = nanos // 1_000_000
    if millis // 1000 in _PLAIN:
        return datetime.fromtimestamp(millis / 1000, _UTC)
    return _EPOCH + timedelta(milliseconds=millis)


def plain_parameters(source: Source) -> dict[str, Any]:
    """The parameters of a capture as plain values, without protobuf's wrapper types."""
    message = data.CaptureMetadata()
    fill_capture_metadata(message, source, (), "")
    plain = {
        name: message_json(packed) for name, packed in sorted(message.method_parameters.items())
    }
    return {name: value.get("value", value) for name, value in plain.items()}
