"""What a filter means under a policy, and the clauses that this rests on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.model.filters import EVERYTHING, Interval, TimeField
from fakeviam.model.policy import Policy
from fakeviam.server.services.filters import FilterReader
from fakeviam.wire import data
from fakeviam.wire.well_known import Timestamp

from .driver import ORGANIZATION, Viam, at, interval, tagged

if TYPE_CHECKING:
    from .conftest import Start

TAGGED, UNTAGGED = data.TAGS_FILTER_TYPE_TAGGED, data.TAGS_FILTER_TYPE_UNTAGGED
OR = data.TAGS_FILTER_TYPE_MATCH_BY_OR
DATASET = "65f0c2d1e4b0a1b2c3d4e5f6"
LABEL = f"VIAM_DATASET_{DATASET}"
_TIMES = {"start": Timestamp(seconds=1), "end": Timestamp(seconds=2)}


def clauses(message: data.Filter, *, tabular: bool = False) -> list[str]:
    reader = FilterReader(Policy())
    return list(reader.read(message, include_internal=False, tabular=tabular)[1])


def unknown_field() -> data.Filter:
    """A filter from a later protocol."""
    message = data.Filter()
    message.MergeFromString(b"\xfa\x07\x01x")
    return message


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (data.Filter(), ["FI-2", "FI-8"]),
        (unknown_field(), ["FI-1", "FI-8"]),
        (data.Filter(component_name="a"), ["FI-1", "FI-4", "FI-8"]),
        (data.Filter(part_name="a"), ["FI-1", "FI-4", "UP-10", "FI-8"]),
        (data.Filter(location_ids=["a"]), ["FI-1", "FI-8"]),
        (data.Filter(location_ids=["a", "b"]), ["FI-1", "FI-5", "FI-8"]),
        (data.Filter(organization_ids=["a", "b", "c"]), ["FI-1", "FI-5", "FI-8"]),
        (data.Filter(mime_type=["a", "b"]), ["FI-1", "FI-5", "FI-8"]),
        (data.Filter(bbox_labels=["a", "b"]), ["FI-1", "FI-10", "FI-8"]),
        (data.Filter(dataset_id=DATASET), ["FI-1", "FI-11", "DM-3", "FI-8"]),
        (tagged(), ["FI-1", "FI-8"]),
        (tagged(kind=OR), ["FI-1", "FI-9", "A17"]),
        (tagged("a"), ["FI-1", "FI-6"]),
        (tagged("a", kind=OR), ["FI-1", "FI-6"]),
        (tagged(LABEL), ["FI-1", "FI-6", "A10"]),
        (tagged(kind=TAGGED), ["FI-1", "FI-7"]),
        (tagged(kind=UNTAGGED), ["FI-1", "FI-7"]),
        (
            data.Filter(dataset_id=DATASET, tags_filter=data.TagsFilter(type=UNTAGGED)),
            ["FI-1", "FI-11", "DM-3", "FI-7", "FI-12"],
        ),
        (
            data.Filter(dataset_id=DATASET, tags_filter=data.TagsFilter(type=TAGGED)),
            ["FI-1", "FI-11", "DM-3", "FI-7"],
        ),
        (data.Filter(interval=interval()), ["FI-1", "FI-8"]),
        (
            data.Filter(interval=data.CaptureInterval(start=_TIMES["start"])),
            ["FI-1", "FI-8", "FI-14", "A3", "FI-13"],
        ),
        (
            data.Filter(interval=data.CaptureInterval(end=_TIMES["end"])),
            ["FI-1", "FI-8", "FI-14", "A3", "FI-13", "A2"],
        ),
        (
            data.Filter(interval=data.CaptureInterval(**_TIMES)),
            ["FI-1", "FI-8", "FI-14", "A3", "A2"],
        ),
    ],
    ids=range(23),
)
def test_the_clauses_of_a_filter(message: data.Filter, expected: list[str]) -> None:
    """Those of its fields and of nothing else; PG-10 stands for the internal data (FI-1)."""
    assert clauses(message) == ["PG-10", *expected]


def test_readings_rest_on_what_they_lack() -> None:
    """Only where the filter asks for it (FI-16, A18)."""
    assert clauses(data.Filter(part_id="a"), tabular=True) == ["PG-10", "FI-1", "FI-4", "FI-8"]
    for message in (
        data.Filter(bbox_labels=["a"]),
        data.Filter(dataset_id="a"),
        data.Filter(mime_type=["a"]),
    ):
        assert clauses(message, tabular=True)[-3:] == ["FI-16", "A18", "FI-8"]


def test_an_interval_is_read_as_the_policy_says() -> None:
    """Its ends, whether the end is inside, and the time it looks at (A2, A3, FI-13)."""
    open_start, open_end = (
        data.CaptureInterval(**{name: _TIMES[name]}) for name in ("end", "start")
    )
    documented = FilterReader(Policy())
    assert documented.interval(data.CaptureInterval()) == EVERYTHING
    assert documented.interval(open_start) == Interval(end=2 * 10**9)
    assert documented.interval(open_end) == Interval(start=10**9)
    other = FilterReader(Policy(interval_bounds="half-open", interval_clock="time_received"))
    assert other.interval(data.CaptureInterval(**_TIMES)) == Interval(
        start=10**9, end=2 * 10**9, end_inside=False, clock=TimeField.RECEIVED
    )


@pytest.mark.parametrize("end", ["start", "end"])
def test_an_end_that_is_no_time_is_named(end: str) -> None:
    """By its place in the filter (TM-2)."""
    message = data.CaptureInterval(**{end: Timestamp(nanos=-1)})
    with pytest.raises(InvalidArgumentError, match=rf"^interval\.{end}\b"):
        FilterReader(Policy()).interval(message)


@pytest.mark.parametrize(("shown", "expected"), [("shown", {DATASET}), ("hidden", set())])
def test_labels_are_tags_where_they_are_shown(shown: str, expected: set[str]) -> None:
    """VIAM_DATASET_{id} selects the members of the dataset (A10)."""
    reader = FilterReader(Policy(dataset_label=shown))  # type: ignore[arg-type]
    query, _ = reader.read(tagged(LABEL, "a"), include_internal=False, tabular=False)
    assert query.tags == {LABEL, "a"}
    assert query.label_dataset_ids == expected


def test_filters_are_read_once() -> None:
    """A client that pages sends the same one with every page; only so many are remembered."""

    def query(number: int) -> object:
        message = data.Filter(component_name=str(number))
        return reader.read(message, include_internal=False, tabular=False)[0]

    reader = FilterReader(Policy())
    first = query(0)
    for number in range(1, 256):
        query(number)
    assert query(0) is first
    query(256)
    assert query(0) is not first
    assert query(0) == first


@pytest.mark.asyncio
async def test_files_do_not_rest_on_what_readings_lack(viam: Viam) -> None:
    """BinaryDataByFilter looks at datasets (FI-11)."""
    created = await viam.create_dataset("dogs")
    await viam.names(data.Filter(dataset_id=created))
    assert not {"FI-16", "A18"} & set(viam.cited())


@pytest.mark.asyncio
@pytest.mark.parametrize("lag", [0, 5])
async def test_who_may_see_everything_does_not_see_it_at_once(start: Start, lag: int) -> None:
    """An upload is found after the visibility lag, for every caller (A55)."""
    viam = await start(policy=Policy(visibility_lag=timedelta(seconds=lag)))
    await viam.upload("new", requested=at())
    assert await viam.names() == ([] if lag else ["new"])
    viam.cloud.clock.advance(seconds=lag)
    assert await viam.names(data.Filter(organization_ids=[ORGANIZATION])) == ["new"]
