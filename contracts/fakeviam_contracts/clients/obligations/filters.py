"""Filters and times, as they arrive."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import combinations
from typing import Any

from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from
from fakeviam.wire.values import struct_from
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import Scenario, obligation, same
from fakeviam_contracts.clients.obligations.values import (
    DISTANT,
    MOMENT_NANOS,
    MOMENTS,
    ROWS,
    awkward,
    many,
    nanos_of,
    typed,
)
from fakeviam_contracts.clients.protocol import Asked

NAIVE = datetime(2024, 1, 1)  # noqa: DTZ001 - the point of it
AWARE = datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))  # the same moment

SCALARS = {
    name: awkward(name)
    for name in (
        "component_name",
        "component_type",
        "method",
        "robot_name",
        "robot_id",
        "part_name",
        "part_id",
        "dataset_id",
    )
}
LISTS = {
    name: many(name) for name in ("location_ids", "organization_ids", "mime_type", "bbox_labels")
}
TAGS = many("tag")
COMPONENTS = ("a", awkward("b"))


def _ordered(filter_: data.Filter) -> data.Filter:
    """The same with each list sorted: any of its values may match (FI-5), in whatever order."""
    plain = data.Filter()
    plain.CopyFrom(filter_)
    for values in (*(getattr(plain, name) for name in LISTS), plain.tags_filter.tags):
        values[:] = sorted(set(values))
    return plain


async def _arrived(scenario: Scenario, **args: object) -> data.Filter:
    """The filter that arrives for the arguments of `create_filter`."""
    scenario.server.reset()
    await scenario.do("tags_by_filter", filter=Asked(args))
    filter_: data.Filter = scenario.one("TagsByFilter").filter
    return filter_


def _plain(filter_: data.Filter) -> data.Filter:
    """The filter without a tags filter or an interval that constrains nothing (FI-8, FI-13)."""
    plain = data.Filter()
    plain.CopyFrom(filter_)
    if plain.tags_filter == data.TagsFilter():
        plain.ClearField("tags_filter")
    if plain.interval == data.CaptureInterval():
        plain.ClearField("interval")
    return plain


#: Methods that take a filter: their RPC, and what else they need.
FILTERED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("tabular_data_by_filter", "TabularDataByFilter", {}),
    ("binary_data_by_filter", "BinaryDataByFilter", {}),
    ("tags_by_filter", "TagsByFilter", {}),
    ("bounding_box_labels_by_filter", "BoundingBoxLabelsByFilter", {}),
    ("add_tags_to_binary_data_by_filter", "AddTagsToBinaryDataByFilter", {"tags": ["t"]}),
    ("remove_tags_from_binary_data_by_filter", "RemoveTagsFromBinaryDataByFilter", {"tags": ["t"]}),
    ("delete_binary_data_by_filter", "DeleteBinaryDataByFilter", {}),
)


def _filter_in(scenario: Scenario, rpc: str) -> data.Filter:
    request = scenario.one(rpc)
    filter_: data.Filter = getattr(request, "data_request", request).filter
    return filter_


@obligation("filter-none", "FI-2", "CL-8")
async def filter_none(scenario: Scenario) -> str:
    """Without a filter, or with an empty one, nothing is constrained, and it may be left out."""
    for more in ({}, {"filter": Asked()}):
        scenario.server.reset()
        for method, rpc, args in FILTERED:
            # A client may refuse to delete without a filter.
            if more or not method.startswith("delete"):
                await scenario.do(method, **args, **more)
                same(f"filter of {method}", data.Filter(), _plain(_filter_in(scenario, rpc)))
    present = scenario.one("BinaryDataByFilter").data_request.HasField("filter")
    return "sends an empty filter" if present else "leaves the filter out"


@obligation("filter-fields", "FI-1", "FI-4", "FI-5", "FI-10", "FI-11", "CL-35")
async def filter_fields(scenario: Scenario) -> None:
    """Each argument of `create_filter` arrives in the field of its name, and in no other."""
    plain = {name: (name, name.title()) for name in SCALARS}
    for name, awkward_value in {**SCALARS, **LISTS}.items():
        for value in (awkward_value, *plain.get(name, ())):
            field: Any = {name: value}
            expected = data.Filter(**field)
            filter_ = _ordered(_plain(await _arrived(scenario, **{name: value})))
            same(name, _ordered(expected), filter_)
    everything: Any = {**SCALARS, **LISTS}
    filter_ = _ordered(_plain(await _arrived(scenario, **everything, tags=TAGS)))
    filter_.tags_filter.type = data.TAGS_FILTER_TYPE_UNSPECIFIED  # or MATCH_BY_OR: see filter-tags
    expected = data.Filter(**everything, tags_filter=data.TagsFilter(tags=TAGS))
    same("all fields", _ordered(expected), filter_)


@obligation("filter-everywhere", "FI-1", "DF-1", "TA-1", "TR-1", "TG-1", "BL-1", "CL-35")
async def filter_everywhere(scenario: Scenario) -> None:
    """Whatever takes a filter sends all of it, deletions and changes of tags too."""
    times = {"start_time": MOMENTS[0], "end_time": MOMENTS[1] + timedelta(seconds=1)}
    asked = Asked({**SCALARS, **LISTS, "tags": TAGS, **times})
    expected = _ordered(await _arrived(scenario, **asked))
    same("ends", True, expected.interval.HasField("start") and expected.interval.HasField("end"))  # noqa: FBT003
    for method, rpc, args in FILTERED:
        scenario.server.reset()
        await scenario.do(method, filter=asked, **args)
        same(f"filter of {method}", expected, _ordered(_filter_in(scenario, rpc)))


@obligation("filter-tags", "FI-6", "CL-35")
async def filter_tags(scenario: Scenario) -> None:
    """Tags ask for any one of them: the list, with MATCH_BY_OR or without a type."""
    tags_filter = (await _arrived(scenario, tags=TAGS)).tags_filter
    same("tags", sorted(TAGS), sorted(set(tags_filter.tags)))
    # Without a type it means the same.
    either = tags_filter.type in (
        data.TAGS_FILTER_TYPE_UNSPECIFIED,
        data.TAGS_FILTER_TYPE_MATCH_BY_OR,
    )
    same("type is UNSPECIFIED or MATCH_BY_OR", True, either)  # noqa: FBT003 - a comparison


@obligation("filter-tagged", "FI-7")
async def filter_tagged(scenario: Scenario) -> None:
    """A filter for records with any tag is TAGGED, for those without one UNTAGGED."""
    tagged = (await _arrived(scenario, tagged=True)).tags_filter
    same("tagged=True", data.TagsFilter(type=data.TAGS_FILTER_TYPE_TAGGED), tagged)
    untagged = (await _arrived(scenario, tagged=False)).tags_filter
    same("tagged=False", data.TagsFilter(type=data.TAGS_FILTER_TYPE_UNTAGGED), untagged)


@obligation("filter-empty-values", "FI-3", "FI-8")
async def filter_empty_values(scenario: Scenario) -> None:
    """Empty strings and lists constrain nothing."""
    empty: dict[str, object] = {"tags": []}
    empty.update(dict.fromkeys(SCALARS, ""), **{name: [] for name in LISTS})
    same("filter", data.Filter(), _plain(await _arrived(scenario, **empty)))


@obligation("interval-open-ends", "FI-13", "CL-35")
async def interval_open_ends(scenario: Scenario) -> None:
    """An interval holds only the ends that were given."""
    moment = timestamp_from(MOMENT_NANOS)
    for time in MOMENTS:
        start = (await _arrived(scenario, start_time=time)).interval
        same(f"start alone, {time}", data.CaptureInterval(start=moment), start)
        end = (await _arrived(scenario, end_time=time)).interval
        same(f"end alone, {time}", data.CaptureInterval(end=moment), end)
    for time in DISTANT:
        start = (await _arrived(scenario, start_time=time)).interval
        expected = data.CaptureInterval(start=timestamp_from(nanos_of(time)))
        same(f"start alone, {time}", expected, start)
    for first, second in combinations(sorted([*DISTANT, MOMENTS[1]]), 2):
        both = (await _arrived(scenario, start_time=first, end_time=second)).interval
        ends = {"start": first, "end": second}
        stamps = {name: timestamp_from(nanos_of(time)) for name, time in ends.items()}
        same(f"from {first} to {second}", data.CaptureInterval(**stamps), both)
    one = (await _arrived(scenario, start_time=MOMENTS[0], end_time=MOMENTS[0])).interval
    same("one moment", data.CaptureInterval(start=moment, end=moment), one)
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    since = (await _arrived(scenario, start_time=epoch)).interval
    same("since 1970", data.CaptureInterval(start=timestamp_from(0)), since)
    until = (await _arrived(scenario, end_time=epoch - timedelta(microseconds=1))).interval
    same("before 1970", data.CaptureInterval(end=timestamp_from(-1000)), until)
    filter_ = await _arrived(scenario, component_name="cam")
    same("no interval", data.CaptureInterval(), filter_.interval)


@obligation("times-utc", "TM-1", "CL-39")
async def times_utc(scenario: Scenario) -> None:
    """Times without a zone are UTC, others are converted."""
    expected = timestamp_from(replies.BASE)
    naive = await _arrived(scenario, start_time=NAIVE)
    same("2024-01-01T00:00:00", expected, naive.interval.start)
    same(
        "2024-01-01T00:00:00 as the end",
        expected,
        (await _arrived(scenario, end_time=NAIVE)).interval.end,
    )
    aware = await _arrived(scenario, start_time=AWARE)
    same("2024-01-01T02:00:00+02:00", expected, aware.interval.start)


@obligation("times-back", "TM-1", "TD-3", "CL-4", "CL-39")
async def times_back(scenario: Scenario) -> str:
    """Times of readings come back as UTC, to the microsecond."""
    scenario.server.script("TabularDataByFilter", replies.readings(1, last="a"), replies.readings())
    result = await scenario.do("tabular_data_by_filter")
    record = result["records"][0]
    requested, received = record["time_requested"], record["time_received"]
    expected = datetime(2024, 1, 1, 0, 0, 0, 123_456, tzinfo=timezone.utc)
    same("time requested", expected, _in_utc(requested))
    same("time received", expected + timedelta(milliseconds=1), _in_utc(received))
    return "naive" if requested.tzinfo is None else "aware"


#: Adapters may lose the mark themselves in what they are sent, but not in what they send.
_BACK: list[dict[str, object]] = [*ROWS, {"text": "\ufeffmark"}]


async def _readings(scenario: Scenario) -> list[dict[str, Any]]:
    """What comes of a page of readings with two kinds of metadata, and times of their own."""
    page = data.TabularDataByFilterResponse(
        metadata=[data.CaptureMetadata(component_name=name) for name in COMPONENTS],
        data=[
            data.TabularData(
                data=struct_from(row),
                metadata_index=(at + 1) % 2,
                time_requested=timestamp_from(replies.BASE + _second(at) * 10**9),
                time_received=timestamp_from(replies.BASE + (100 - at) * 10**9),
            )
            for at, row in enumerate(_BACK)
        ],
        count=len(_BACK),
        last="z",
    )
    scenario.server.script("TabularDataByFilter", page, replies.readings())
    records: list[dict[str, Any]] = (await scenario.do("tabular_data_by_filter"))["records"]
    same("number of readings", len(_BACK), len(records))
    return records


def _second(at: int) -> int:
    """Neither rising nor falling, once before 1970 and once far ahead: the order counts."""
    return {3: -2 * 10**9, 5: 9 * 10**9}.get(at, at * 7 % 11)


@obligation("readings-back", "TD-3", "CL-4")
async def readings_back(scenario: Scenario) -> None:
    """Readings come back with their values: null, 0, false and what is empty stay what they are."""
    for row, record in zip(_BACK, await _readings(scenario), strict=True):
        for key in {**row, **record["data"]}:
            value = record["data"].get(key, "nothing at all")
            same(f"value of {key!r}", typed(row.get(key, "nothing at all")), typed(value))


@obligation("readings-own", "TD-2", "TD-3", "CL-4")
async def readings_own(scenario: Scenario) -> None:
    """Each reading comes back with its own metadata and its own two times."""
    first = datetime(2024, 1, 1, tzinfo=timezone.utc)
    for at, record in enumerate(await _readings(scenario)):
        name = COMPONENTS[(at + 1) % 2]
        same(f"component of reading {at}", name, record["component_name"])
        times = first + timedelta(seconds=_second(at)), first + timedelta(seconds=100 - at)
        got = _in_utc(record["time_requested"]), _in_utc(record["time_received"])
        same(f"times of reading {at}", times, got)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


OBLIGATIONS = (
    filter_none,
    filter_fields,
    filter_everywhere,
    filter_tags,
    filter_tagged,
    filter_empty_values,
    interval_open_ends,
    times_utc,
    times_back,
    readings_back,
    readings_own,
)
