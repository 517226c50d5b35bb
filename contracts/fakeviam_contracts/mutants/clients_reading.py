"""Wrong clients: pages, filters, ids and tags."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

from fakeviam_client import DataClient, Filter
from grpclib.exceptions import GRPCError

from fakeviam.wire import data
from fakeviam_contracts.mutants.clients_base import (
    ClientMutant,
    changing,
    on_call,
    on_filter,
    on_reply,
    on_request,
    setting,
)

if TYPE_CHECKING:
    from fakeviam_contracts.mutants.clients_base import M

FILES = "binary_data_by_filter"

# Pages -------------------------------------------------------------------------------------


class StopsAtShortPage(DataClient):
    """Stops at a page of a single record."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        if kind is data.TabularDataByFilterResponse and getattr(self, "_done", False):
            return kind()
        reply = await super()._call(kind, request, timeout)
        self._done = isinstance(reply, data.TabularDataByFilterResponse) and len(reply.data) < 2
        return reply


class AsksOnceMore(DataClient):
    """Requests another page after the first empty one."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        reply = await super()._call(kind, request, timeout)
        if isinstance(reply, data.TabularDataByFilterResponse) and not reply.data:
            await super()._call(kind, request, timeout)
        return reply


class TrustsTheServer(DataClient):
    """Follows pages like the examples in the documentation."""

    async def tabular_data_by_filter(self, **_: object) -> Any:  # type: ignore[override]
        every = page = await super().tabular_data_by_filter(limit=100)
        while page:
            page = await super().tabular_data_by_filter(limit=100, last=page.last)
            every += page
        return every


class KeepsWhatItHas(DataClient):
    """Treats an error on a later page as the end."""

    async def _call(self, kind: type[M], request: Any, timeout: float | None = None) -> M:
        try:
            return await super()._call(kind, request, timeout)
        except GRPCError:
            if getattr(getattr(request, "data_request", None), "last", ""):
                return kind()
            raise


def _forget_last(request: Any) -> None:
    if hasattr(request, "data_request"):
        request.data_request.last = ""


def _forget_filter(request: Any) -> None:
    if hasattr(request, "data_request") and request.data_request.last:
        request.data_request.filter.component_name = "other"


def _lose_record(_: object, reply: Any) -> None:
    if len(getattr(reply, "data", ())) > 1:
        del reply.data[-1]


PAGES = (
    on_request("forgets last", "pages-continue", _forget_last),
    on_request(
        "asks another question from the second page on",
        "pages-same-question",
        _forget_filter,
    ),
    ClientMutant(
        name="stops at a short page", obligation="pages-complete", client=StopsAtShortPage
    ),
    on_reply("loses the last record of a page", "pages-complete", _lose_record),
    ClientMutant(name="asks on after the end", obligation="pages-end", client=AsksOnceMore),
    ClientMutant(name="loops for ever", obligation="pages-repeated", client=TrustsTheServer),
    ClientMutant(
        name="takes an error for the end", obligation="page-error-raised", client=KeepsWhatItHas
    ),
    on_call(
        "fills in a limit of 0", "limit-left-open", FILES, changing("limit", lambda n: n or 10)
    ),
    on_call("ignores num_files", "num-files-first", FILES, changing("num_files", lambda _: None)),
    # As viam-sdk 0.15.0 does.
    on_call(
        "takes 0 for no num_files",
        "num-files-zero",
        FILES,
        changing("num_files", lambda n: n or None),
    ),
    on_call(
        "fetches 50 by default",
        "num-files-default",
        FILES,
        changing("num_files", lambda n: 50 if n is None else n),
    ),
    on_call(
        "takes a negative num_files for all",
        "num-files-negative",
        FILES,
        changing("num_files", lambda n: max(n or 0, 0)),
    ),
    on_request("always wants the bytes", "bytes-by-default", setting("include_binary", value=True)),
    on_request(
        "always wants internal data",
        "internal-only-on-request",
        setting("include_internal_data", value=True),
    ),
)


# Filters, ids and tags ---------------------------------------------------------------------


def _as_local(args: dict[str, Any]) -> None:
    start = args.get("start_time")
    if start is not None and start.tzinfo is None:
        args["start_time"] = start.replace(tzinfo=timezone(timedelta(hours=5)))


def _close_interval(filter_: Filter) -> None:
    if filter_.HasField("interval") and not filter_.interval.HasField("end"):
        filter_.interval.end.CopyFrom(filter_.interval.start)


def _tagged_as_or(filter_: Filter) -> None:
    if filter_.tags_filter.type == data.TAGS_FILTER_TYPE_TAGGED:
        filter_.tags_filter.type = data.TAGS_FILTER_TYPE_MATCH_BY_OR


def _tags_as_tagged(filter_: Filter) -> None:
    if filter_.tags_filter.tags:
        filter_.tags_filter.type = data.TAGS_FILTER_TYPE_TAGGED


def _both_forms(request: Any) -> None:
    for one in getattr(request, "binary_data_ids", ()):
        parts = [*one.split("/"), "", ""][:3]
        names = ("organization_id", "location_id", "file_id")
        request.binary_ids.add(**dict(zip(names, parts, strict=True)))


def _join(texts: list[str] | None) -> list[str] | None:
    return None if texts is None else [",".join(texts)]


def _count_itself(request: Any, reply: Any) -> None:
    if hasattr(reply, "deleted_count"):
        reply.deleted_count = len(getattr(request, "binary_data_ids", ()))


NAMES = (
    on_filter("takes naive times for local ones", "times-utc", before=_as_local),
    on_filter("closes an open interval", "interval-open-ends", after=_close_interval),
    on_filter("sends TAGGED as MATCH_BY_OR", "filter-tagged", after=_tagged_as_or),
    on_filter("sends tags as TAGGED", "filter-tags", after=_tags_as_tagged),
    on_filter(
        "sends the tags of a filter as one text", "filter-tags", before=changing("tags", _join)
    ),
    on_filter(
        "drops box labels", "filter-fields", after=lambda made: made.ClearField("bbox_labels")
    ),
    on_request("sends both forms of ids", "ids-as-strings", _both_forms),
    on_call(
        "puts tags into lower case",
        "tags-as-given",
        "add_tags_to_binary_data_by_ids",
        changing("tags", lambda tags: [tag.lower() for tag in tags]),
    ),
    on_reply("counts by itself", "counts-returned", _count_itself),
    on_call(
        "takes 0 days for its default",
        "days-passed-on",
        "delete_tabular_data",
        changing("delete_older_than_days", lambda days: days or 30),
    ),
    on_request(
        "never deletes internal data",
        "internal-deletable",
        setting("include_internal_data", value=False),
    ),
    on_request(
        "moves the left edge of boxes", "boxes-as-given", setting("x_min_normalized", value=1.0)
    ),
)
