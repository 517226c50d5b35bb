"""The filter bar: converts the query parameters of a view to a `Filter` message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fakeviam.model.clock import time_of
from fakeviam.model.errors import UsageError
from fakeviam.web.page.forms import whole
from fakeviam.web.problems import HttpProblem
from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from fakeviam.web.page.visit import Visit
    from fakeviam.wire.well_known import Timestamp

#: The default and the maximum number of records per page.
PAGE: Final = 60
MOST: Final = 500

TEXTS: Final = (
    "component_name",
    "component_type",
    "method",
    "robot_name",
    "robot_id",
    "part_name",
    "part_id",
    "dataset_id",
)
LISTS: Final = ("location_ids", "organization_ids", "mime_type", "bbox_labels")
TIMES: Final = ("start", "end")
#: The query parameters of a page of records.
ASKED: Final = (*TEXTS, *LISTS, *TIMES, "tags", "tagged", "limit", "last")
TAG_RULES: Final = {
    "": data.TAGS_FILTER_TYPE_UNSPECIFIED,
    "or": data.TAGS_FILTER_TYPE_MATCH_BY_OR,
    "tagged": data.TAGS_FILTER_TYPE_TAGGED,
    "untagged": data.TAGS_FILTER_TYPE_UNTAGGED,
}


def filter_of(query: QueryParams) -> data.Filter:
    """The filter in a query; parameters are named like the fields of the message.

    Raises:
        HttpProblem: 422, a value is invalid.
    """
    message = data.Filter()
    for name in TEXTS:
        setattr(message, name, query.get(name, ""))
    for name in LISTS:
        getattr(message, name).extend(_values(query, name))
    tags, rule = _values(query, "tags"), query.get("tagged", "")
    if rule not in TAG_RULES:
        raise HttpProblem(
            422, f"tagged must be one of {', '.join(filter(None, TAG_RULES))}", value=rule
        )
    if tags or rule:
        message.tags_filter.type = TAG_RULES[rule or "or"]
        message.tags_filter.tags.extend(tags)
    for name in TIMES:
        if text := query.get(name, "").strip():
            getattr(message.interval, name).CopyFrom(_time(name, text))
    return message


def page_of(visit: Visit) -> data.DataRequest:
    """The page in a query, with filter, size and token; newest first.

    Raises:
        HttpProblem: 422, a value is invalid.
    """
    query, most = visit.query, visit.handle.policy.max_page
    usual = PAGE if most is None else min(PAGE, most.size)
    limit = whole("limit", query.get("limit", str(usual)))
    if not 0 < limit <= MOST:
        raise HttpProblem(422, f"limit must be 1 to {MOST}", field="limit", value=limit)
    return data.DataRequest(
        filter=filter_of(query),
        limit=limit,
        last=query.get("last", ""),
        sort_order=data.ORDER_DESCENDING,
    )


def next_of(visit: Visit, rpc: str, request: Any, reply: Any) -> str:
    """The address of the next page; empty if there is none.

    The number of records does not decide this, because a policy may have reduced the page.
    """
    if not reply.data:
        return ""
    following = type(request)(data_request=request.data_request)
    following.data_request.last, following.data_request.limit = reply.last, 1
    following.include_internal_data = request.include_internal_data
    return str(reply.last) if visit.ask(rpc, following).data else ""


def asked_of(query: QueryParams) -> dict[str, Any]:
    """The contents of the filter bar: texts, and lists with an additional empty entry."""
    filled = link_of(query)
    return {**filled, **{name: [*filled[name], ""] for name in (*LISTS, "tags")}}


def link_of(query: QueryParams) -> dict[str, Any]:
    """The query parameters of the same filter."""
    texts = {name: query.get(name, "") for name in (*TEXTS, *TIMES, "tagged")}
    return {**texts, **{name: _values(query, name) for name in (*LISTS, "tags")}}


def _values(query: QueryParams, name: str) -> list[str]:
    return [value for value in query.getlist(name) if value]


def _time(name: str, text: str) -> Timestamp:
    try:
        return timestamp_from(time_of(text, name))
    except UsageError as error:
        raise HttpProblem(422, str(error), field=name, value=text) from None
