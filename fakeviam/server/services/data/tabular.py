"""Reading and deleting tabular data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.clock import DAY
from fakeviam.model.errors import InvalidArgumentError
from fakeviam.model.filters import EVERYTHING, Interval, Query
from fakeviam.server.services.encoding import encode_readings
from fakeviam.server.services.filters import copied_fields, query_from, tag_rule
from fakeviam.server.services.handlers import rpc
from fakeviam.server.services.paging import page_footer, page_request
from fakeviam.server.state.retention import older_than
from fakeviam.wire import data
from fakeviam.wire.encoded import Encoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.model.policy import Policy
    from fakeviam.server.state.call import Call


def _page_grounds(request: data.TabularDataByFilterRequest, _policy: Policy) -> tuple[str, ...]:
    return ("PG-8", "PG-9", "A5") if request.count_only else ("TD-1", "TD-2", "TD-3", "PG-9")


@rpc("TabularDataByFilter", grounds=_page_grounds)
def tabular_data_by_filter(
    call: Call, request: data.TabularDataByFilterRequest
) -> Encoded | data.TabularDataByFilterResponse:
    """One page of readings, or their totals (TD-1 … TD-4)."""
    data_request = request.data_request
    query = query_from(
        call, data_request.filter, include_internal=request.include_internal_data, tabular=True
    )
    if request.count_only:
        totals = call.store.tabular_totals(query)
        return data.TabularDataByFilterResponse(count=totals.records, total_size_bytes=totals.size)
    wanted = page_request(call, data_request, of="readings")
    page = call.store.tabular_page(
        query, after=wanted.after, limit=wanted.limit, descending=wanted.descending
    )
    # It is documented that the readings of one upload share their metadata (CU-2).
    if len({record.file_id for record in page.records}) > 1:
        call.cite(["TD-4"])
    count, size, last = page_footer(call, data_request, wanted, page, "readings")
    if call.policy.count == "total":
        count, size = call.store.tabular_totals(query)
    tail = data.TabularDataByFilterResponse(count=count, total_size_bytes=size, last=last)
    return Encoded((encode_readings(page.records) + tail.SerializeToString(),))


def _delete_grounds(request: data.DeleteTabularDataRequest, _policy: Policy) -> Iterator[str]:
    yield from ("DT-1", "DT-4")
    if request.delete_older_than_days:
        yield "DT-2"
    if request.HasField("filter"):
        yield "DT-3"


@rpc("DeleteTabularData", grounds=_delete_grounds)
def delete_tabular_data(
    call: Call, request: data.DeleteTabularDataRequest
) -> data.DeleteTabularDataResponse:
    """Delete an organization's readings older than some UTC days (DT-1 … DT-4)."""
    query = query_of_delete(call, request)
    return data.DeleteTabularDataResponse(deleted_count=call.store.delete_tabular_matching(query))


def query_of_delete(call: Call, request: data.DeleteTabularDataRequest) -> Query:
    """The query for the readings to delete.

    Raises:
        Refusal: The organization is missing, or not visible to the caller.
    """
    organization_id = request.organization_id
    if not organization_id:
        raise InvalidArgumentError("organization_id must not be empty", clause="A48")
    call.principal.check_named([organization_id])
    narrow = request.filter
    rule, tags, clauses = tag_rule(narrow.tags_filter)
    call.cite(clauses)
    return Query(
        organization_ids=frozenset({organization_id}),
        **copied_fields(narrow),
        tag_rule=rule,
        tags=tags,
        interval=_older_than(call.cloud.clock.now(), request.delete_older_than_days),
        include_internal=True,
        scope=call.principal.scope,
    )


def _older_than(now: int, days: int) -> Interval:
    if days == 0:
        return EVERYTHING
    return Interval(end=older_than(now // DAY, days), end_inside=False)
