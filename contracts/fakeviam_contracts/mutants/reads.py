"""Wrong servers: filters, pages, reads."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts.mutants.base import (
    PAGES,
    Mutant,
    filter_of,
    metadata_edit,
    on_exchange,
    on_reply,
    on_request,
    with_policy,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.mutants.base import (
        IdsRequest,
        Memory,
        PageReply,
        PageRequest,
        ReplyEdit,
        RequestEdit,
    )


BINARY, TABULAR = PAGES
IDS = "BinaryDataByIDs"


def _without(*fields: str) -> RequestEdit:
    def edit(message: object, _: Memory) -> None:
        filter_ = filter_of(message)
        if filter_ is not None:
            for field in fields:
                if field in filter_.DESCRIPTOR.fields_by_name:
                    filter_.ClearField(field)

    return edit


def _interval(bound: str, shift: int) -> RequestEdit:
    """Shifts a bound by nanoseconds; None removes it."""

    def edit(message: object, _: Memory) -> None:
        filter_ = filter_of(message)
        if filter_ is None or "interval" not in filter_.DESCRIPTOR.fields_by_name:
            return
        if not filter_.interval.HasField(bound):
            return
        if not shift:
            filter_.interval.ClearField(bound)
            return
        stamp = getattr(filter_.interval, bound)
        nanos = stamp.seconds * 10**9 + stamp.nanos + shift
        stamp.seconds, stamp.nanos = divmod(nanos, 10**9)

    return edit


def _tag_rule(edit_rule: Callable[[data.Filter], None]) -> RequestEdit:
    def edit(message: object, _: Memory) -> None:
        filter_ = filter_of(message)
        if filter_ is not None and filter_.HasField("tags_filter"):
            edit_rule(filter_)

    return edit


def _swap_tagged(filter_: data.Filter) -> None:
    tagged, untagged = data.TAGS_FILTER_TYPE_TAGGED, data.TAGS_FILTER_TYPE_UNTAGGED
    filter_.tags_filter.type = {tagged: untagged, untagged: tagged}.get(
        filter_.tags_filter.type, filter_.tags_filter.type
    )


def _consult_list(filter_: data.Filter) -> None:
    if filter_.tags_filter.type == data.TAGS_FILTER_TYPE_TAGGED and filter_.tags_filter.tags:
        filter_.tags_filter.type = data.TAGS_FILTER_TYPE_MATCH_BY_OR


def _labels_are_tags(filter_: Any) -> None:
    members_only = getattr(filter_, "dataset_id", "")  # deletes by days have none
    if filter_.tags_filter.type == data.TAGS_FILTER_TYPE_UNTAGGED and members_only:
        filter_.tags_filter.type = data.TAGS_FILTER_TYPE_MATCH_BY_OR
        filter_.tags_filter.tags[:] = ["\0"]


def _empty_or_hides_all(filter_: data.Filter) -> None:
    rule = filter_.tags_filter.type
    if rule == data.TAGS_FILTER_TYPE_MATCH_BY_OR and not filter_.tags_filter.tags:
        filter_.tags_filter.tags[:] = ["\0"]


def _unspecified_hides_all(filter_: data.Filter) -> None:
    rule = filter_.tags_filter.type
    if rule == data.TAGS_FILTER_TYPE_UNSPECIFIED and not filter_.tags_filter.tags:
        filter_.tags_filter.tags[:] = ["\0"]


def _last_tag_counts(filter_: data.Filter) -> None:
    del filter_.tags_filter.tags[:-1]


def _last_of(field: str) -> RequestEdit:
    def edit(message: object, _: Memory) -> None:
        filter_ = filter_of(message)
        if filter_ is not None and field in filter_.DESCRIPTOR.fields_by_name:
            del getattr(filter_, field)[:-1]

    return edit


def _first_field_only(message: object, _: Memory) -> None:
    filter_ = filter_of(message)
    if filter_ is not None:
        for field, _value in filter_.ListFields()[1:]:
            filter_.ClearField(field.name)


FILTERS: tuple[Mutant, ...] = (
    *(
        on_request(f"ignores {field} in filters", clause, _without(field))
        for field, clause in (
            ("component_name", "FI-1"),
            ("component_type", "FI-1"),
            ("method", "FI-1"),
            ("robot_name", "FI-1"),
            ("robot_id", "FI-1"),
            ("part_name", "FI-1"),
            ("part_id", "FI-1"),
            ("organization_ids", "FI-1"),
            ("mime_type", "FI-1"),
            ("tags_filter", "FI-6"),
            ("bbox_labels", "FI-10"),
            ("dataset_id", "FI-11"),
        )
    ),
    on_request("ignores the location", "FI-1", _without("location_ids")),
    on_request("ignores the start of an interval", "FI-13", _interval("start", 0)),
    on_request("ignores the end of an interval", "FI-13", _interval("end", 0)),
    on_request("leaves the start out of an interval", "A2", _interval("start", 1)),
    with_policy("leaves the end out of an interval", "A2", interval_bounds="half-open"),
    with_policy("compares the time received", "A3", interval_clock="time_received"),
    on_request("takes the first field and forgets the others", "FI-1", _first_field_only),
    on_request("takes only the last of several tags", "FI-6", _tag_rule(_last_tag_counts)),
    on_request("takes only the last of several labels", "FI-10", _last_of("bbox_labels")),
    on_request("takes only the last of several MIME types", "FI-5", _last_of("mime_type")),
    on_request("confuses TAGGED and UNTAGGED", "FI-7", _tag_rule(_swap_tagged)),
    on_request("consults the list for TAGGED", "FI-7", _tag_rule(_consult_list)),
    on_request("counts labels of datasets as tags", "FI-12", _tag_rule(_labels_are_tags)),
    on_request("finds nothing for an empty OR", "A17", _tag_rule(_empty_or_hides_all)),
    on_request("finds nothing for an unspecified rule", "FI-8", _tag_rule(_unspecified_hides_all)),
    with_policy("looks for tags in files only", "A47", tags_by_filter_scope="binary"),
)


def _limit(change: Callable[[int], int]) -> RequestEdit:
    def edit(message: PageRequest, _: Memory) -> None:
        message.data_request.limit = change(message.data_request.limit)

    return edit


def _order(change: Any) -> RequestEdit:
    def edit(message: PageRequest, _: Memory) -> None:
        message.data_request.sort_order = change(message.data_request.sort_order)

    return edit


def _reply(change: Callable[[Any, Any], object]) -> ReplyEdit:
    def edit(request: PageRequest, reply: PageReply, _: Memory) -> None:
        if not request.count_only:
            change(request, reply)

    return edit


def _no_last_on_short_pages(request: PageRequest, reply: PageReply) -> None:
    if len(reply.data) < (request.data_request.limit or 50):
        reply.last = ""


def _last_past_the_end(request: PageRequest, reply: PageReply) -> None:
    if not reply.data:
        reply.last = request.data_request.last or "end"


def _swap_ties(_: object, reply: data.BinaryDataByFilterResponse) -> None:
    entries = list(reply.data)
    for one, other in pairwise(entries):
        if one.metadata.time_requested == other.metadata.time_requested:
            copy = type(one)()
            copy.CopyFrom(one)
            one.CopyFrom(other)
            other.CopyFrom(copy)
            return


def _drop_one_of_ties(_: object, reply: data.BinaryDataByFilterResponse) -> None:
    times = [
        (e.metadata.time_requested.seconds, e.metadata.time_requested.nanos) for e in reply.data
    ]
    for at in range(len(times) - 1):
        if times[at] == times[at + 1]:
            del reply.data[at + 1]
            reply.count = len(reply.data)
            return


def _count_only_unfiltered(message: PageRequest, _: Memory) -> None:
    if message.count_only:
        message.data_request.ClearField("filter")


def _forgets_count_only(message: Any, _: Memory) -> None:
    message.count_only = False


def _remember_rows(request: Any, reply: data.BinaryDataByFilterResponse, memory: Memory) -> None:
    if reply.data and not request.count_only:
        memory[reply.last] = reply.data[-1].metadata.binary_data_id


def _forget_deleted_rows(message: IdsRequest, memory: Memory) -> None:
    memory.setdefault("gone", set()).update(message.binary_data_ids)


def _lose_cursor(message: PageRequest, memory: Memory) -> None:
    if memory.get(message.data_request.last) in memory.get("gone", ()):
        message.data_request.last = ""


PAGING: tuple[Mutant, ...] = (
    on_request("gives one more than asked", "PG-1", _limit(lambda n: n + 1 if n else 0), *PAGES),
    on_request("gives 100 by default", "PG-1", _limit(lambda n: n or 100), *PAGES),
    on_request("gives 99 at the most", "PG-2", _limit(lambda n: min(n or 50, 3)), *PAGES),
    on_reply("has no last on short pages", "PG-4", _reply(_no_last_on_short_pages), *PAGES),
    on_reply("never has a last", "PG-4", _reply(lambda _, reply: reply.ClearField("last")), *PAGES),
    on_reply("has a last past the end", "PG-5", _reply(_last_past_the_end), *PAGES),
    on_reply(
        "counts one too many in a page",
        "PG-9",
        _reply(lambda _, reply: setattr(reply, "count", reply.count + 1)),
        *PAGES,
    ),
    with_policy("counts the total in a page", "A4", count="total"),
    with_policy("starts with the oldest", "A1", default_order="ascending"),
    on_request("always starts with the newest", "PG-6", _order(lambda _: 1), *PAGES),
    on_request("turns orders round", "PG-6", _order(lambda o: {1: 2, 2: 1}.get(o, o)), *PAGES),
    on_reply("swaps ties", "PG-11", _reply(_swap_ties), BINARY),
    on_reply("loses one of a tie", "BF-1", _reply(_drop_one_of_ties), BINARY),
    on_exchange(
        "starts over when the row of a token is gone",
        "PG-7",
        {BINARY: _lose_cursor, "DeleteBinaryDataByIDs": _forget_deleted_rows},
        {BINARY: _remember_rows},
    ),
    on_request("counts without the filter", "PG-8", _count_only_unfiltered, *PAGES),
    on_request("sends data with count_only", "A5", _forgets_count_only, *PAGES),
    on_reply(
        "counts bytes of records as one",
        "A5",
        lambda _, reply, __: setattr(reply, "total_size_bytes", 1),
        BINARY,
    ),
)


def _indexes_zero(_: object, reply: data.TabularDataByFilterResponse) -> None:
    for entry in reply.data:
        entry.metadata_index = 0


def _reversed(_: object, reply: Any, __: Memory) -> None:
    entries = [type(e).FromString(e.SerializeToString()) for e in reversed(reply.data)]
    del reply.data[:]
    reply.data.extend(entries)


def _loses_empty_readings(_: object, reply: data.TabularDataByFilterResponse) -> None:
    entries = [entry for entry in reply.data if entry.data.fields]
    copies = [type(entry).FromString(entry.SerializeToString()) for entry in entries]
    del reply.data[:]
    reply.data.extend(copies)
    reply.count = len(copies)


def _rounds_numbers(_: object, reply: data.TabularDataByFilterResponse) -> None:
    for entry in reply.data:
        for value in entry.data.fields.values():
            for inner in value.struct_value.fields.values():
                if inner.HasField("number_value"):
                    inner.number_value = round(inner.number_value)


def _all_or_none(request: IdsRequest, reply: data.BinaryDataByIDsResponse, _: Memory) -> None:
    if len(reply.data) < len(set(request.binary_data_ids)):
        del reply.data[:]
        reply.count = 0


READS: tuple[Mutant, ...] = (
    on_reply("leaves readings without data out", "TD-1", _reply(_loses_empty_readings), TABULAR),
    on_reply("rounds the numbers of readings", "TD-3", _reply(_rounds_numbers), TABULAR),
    on_reply("gives no file where an id is unknown", "ID-6", _all_or_none, IDS),
    on_reply("points all readings to the first metadata", "TD-2", _reply(_indexes_zero), TABULAR),
    on_reply(
        "says that readings were received when asked for",
        "A32",
        _reply(lambda _, r: [e.time_received.CopyFrom(e.time_requested) for e in r.data]),
        TABULAR,
    ),
    on_request(
        "never sends bytes", "BF-2", lambda m, _: setattr(m, "include_binary", False), BINARY
    ),
    on_request(
        "always sends bytes", "BF-2", lambda m, _: setattr(m, "include_binary", True), BINARY
    ),
    on_reply("turns the order of ids round", "BI-3", _reversed, IDS),
    with_policy("refuses unknown ids", "A13", unknown_ids="refuse"),
    on_reply("does not count files by ids", "BI-4", lambda _, r, __: r.ClearField("count"), IDS),
    on_reply(
        "leaves the whole id out",
        "ID-3",
        metadata_edit(lambda m: m.ClearField("binary_data_id")),
        IDS,
    ),
    on_reply(
        "leaves the location out",
        "ID-3",
        metadata_edit(lambda m: m.capture_metadata.ClearField("location_id")),
        IDS,
    ),
    on_reply(
        "confuses robot and part",
        "UP-1",
        metadata_edit(
            lambda m: setattr(m.capture_metadata, "robot_name", m.capture_metadata.part_name)
        ),
        IDS,
    ),
    on_reply(
        "gives tags in order of the alphabet",
        "TA-6",
        metadata_edit(lambda m: m.capture_metadata.tags.sort()),
        IDS,
    ),
    on_reply(
        "gives some tags twice", "TG-1", lambda _, r, __: r.tags.extend(r.tags[:1]), "TagsByFilter"
    ),
    on_reply("gives tags unsorted", "A47", lambda _, r, __: r.tags.reverse(), "TagsByFilter"),
    on_reply(
        "gives some labels twice",
        "BL-1",
        lambda _, r, __: r.labels.extend(r.labels[:1]),
        "BoundingBoxLabelsByFilter",
    ),
)

MUTANTS = (*FILTERS, *PAGING, *READS)
