"""Filters and times, as they arrive."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from
from fakeviam_contracts.clients.obligations import replies
from fakeviam_contracts.clients.obligations.base import Scenario, obligation, same
from fakeviam_contracts.clients.protocol import Asked

NAIVE = datetime(2024, 1, 1)  # noqa: DTZ001 - the point of it
AWARE = datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))  # the same moment
LATER = datetime(2024, 1, 1, 0, 0, 1, 123_456, tzinfo=timezone.utc)

#: Values that a client must not change: other case, blanks at the ends, escapes, forms of Unicode.
SCALARS = {
    "component_name": "Cam 1 ",
    "component_type": "rdk:component:Camera",
    "method": " ReadImage",
    "robot_name": "Rover%201",
    "robot_id": "R1 ",
    "part_name": "cafe\u0301 Main",
    "part_id": "P1 ",
    "dataset_id": "D1 ",
}
LISTS = {
    "location_ids": ["L1 ", "l2"],
    "organization_ids": ["O1 "],
    "mime_type": ["image/PNG", " image/jpeg"],
    "bbox_labels": ["dog", "Dog", "Dog ", "\ufb01sh"],
}
TAGS = ["dog", "Dog ", " black cat", "a%20b"]


async def _arrived(scenario: Scenario, **args: Any) -> data.Filter:
    """The filter that arrives for the arguments of `create_filter`."""
    scenario.server.reset()
    await scenario.do("tags_by_filter", filter=Asked(args))
    filter_: data.Filter = scenario.one("TagsByFilter").filter
    return filter_


def _without_tags(filter_: data.Filter) -> data.Filter:
    """The filter without a tags filter that constrains nothing (FI-8)."""
    plain = data.Filter()
    plain.CopyFrom(filter_)
    if plain.tags_filter == data.TagsFilter():
        plain.ClearField("tags_filter")
    return plain


@obligation("filter-none", "FI-2", "CL-8")
async def filter_none(scenario: Scenario) -> str:
    """Without a filter nothing is constrained."""
    await scenario.do("tabular_data_by_filter")
    await scenario.do("binary_data_by_filter")
    await scenario.do("tags_by_filter")
    filters = [
        scenario.one("TabularDataByFilter").data_request.filter,
        scenario.one("BinaryDataByFilter").data_request.filter,
        scenario.one("TagsByFilter").filter,
    ]
    same("filters", [data.Filter()] * 3, [_without_tags(one) for one in filters])
    present = scenario.one("BinaryDataByFilter").data_request.HasField("filter")
    return "sends an empty filter" if present else "leaves the filter out"


@obligation("filter-fields", "FI-1", "FI-4", "FI-5", "FI-10", "FI-11", "CL-35")
async def filter_fields(scenario: Scenario) -> None:
    """Each argument of `create_filter` arrives in the field of its name, and in no other."""
    for name, value in {**SCALARS, **LISTS}.items():
        expected = data.Filter(**{name: value})  # type: ignore[arg-type]  # each fits its field
        same(name, expected, _without_tags(await _arrived(scenario, **{name: value})))
    everything: Any = {**SCALARS, **LISTS}
    filter_ = await _arrived(scenario, **everything)
    same("all fields", data.Filter(**everything), _without_tags(filter_))


@obligation("filter-tags", "FI-6", "CL-35")
async def filter_tags(scenario: Scenario) -> None:
    """Tags ask for any one of them: the list, with MATCH_BY_OR or without a type."""
    tags_filter = (await _arrived(scenario, tags=TAGS)).tags_filter
    same("tags", TAGS, list(tags_filter.tags))
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
    same("filter", data.Filter(), _without_tags(await _arrived(scenario, **empty)))


@obligation("interval-open-ends", "FI-13", "CL-35")
async def interval_open_ends(scenario: Scenario) -> None:
    """An interval holds only the ends that were given."""
    start = data.CaptureInterval(start=timestamp_from(replies.BASE))
    same("start alone", start, (await _arrived(scenario, start_time=AWARE)).interval)
    end = data.CaptureInterval(end=timestamp_from(replies.BASE + 1_123_456_000))
    same("end alone", end, (await _arrived(scenario, end_time=LATER)).interval)
    filter_ = await _arrived(scenario, component_name="cam")
    same("no interval", data.CaptureInterval(), filter_.interval)


@obligation("times-utc", "TM-1", "CL-39")
async def times_utc(scenario: Scenario) -> None:
    """Times without a zone are UTC, others are converted."""
    expected = timestamp_from(replies.BASE)
    naive = await _arrived(scenario, start_time=NAIVE)
    same("2024-01-01T00:00:00", expected, naive.interval.start)
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


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


OBLIGATIONS = (
    filter_none,
    filter_fields,
    filter_tags,
    filter_tagged,
    filter_empty_values,
    interval_open_ends,
    times_utc,
    times_back,
)
