"""Reading and deleting tabular data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status

from fakeviam import Clock
from fakeviam.wire import data, datasync
from fakeviam.wire.values import mapping_from
from fakeviam.wire.well_known import Struct, Value

from .driver import DAY, DEFAULT_PART, NOW, ORGANIZATION, SECOND, Viam, at, reading, tagged

if TYPE_CHECKING:
    from .conftest import Start

pytestmark = pytest.mark.asyncio

NESTED = {
    "text": "grüße \x00 \U0001f600",
    "number": 0.1,
    "negative zero": -0.0,
    "huge": 1e308,
    "yes": True,
    "nothing": None,
    "list": [1.0, "two", [], {}, None],
    "deep": {"a": {"b": {"c": [{"d": 1.0}]}}},
    "": "empty key",
}


# TabularDataByFilter ---------------------------------------------------------------------


async def test_a_reading_comes_back_as_it_was_uploaded(viam: Viam) -> None:
    """With its data, its time requested and its time received (TD-1, TD-3)."""
    await viam.upload_readings(reading(NESTED, at(1), at(2, 3)))
    (entry,) = (await viam.tabular()).data
    assert mapping_from(entry.data) == NESTED
    assert (entry.time_requested, entry.time_received) == (at(1), at(2, 3))
    assert {"TD-1", "TD-3"} <= viam.cited()


async def test_an_empty_reading_is_a_reading(viam: Viam) -> None:
    """A Struct without keys is data too (TD-3, CU-8)."""
    await viam.upload_readings(reading({}, at()))
    (entry,) = (await viam.tabular()).data
    assert entry.HasField("data")
    assert not entry.data.fields


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
async def test_numbers_that_json_lacks_come_back(viam: Viam, number: float) -> None:
    """No document forbids NaN and infinities in a Struct; what was uploaded comes back (TD-3)."""
    strange = Struct(fields={"n": Value(number_value=number)})
    await viam.upload_readings(datasync.SensorData(struct=strange))
    (entry,) = (await viam.tabular()).data
    assert repr(entry.data.fields["n"].number_value) == repr(number)


async def test_every_index_points_into_the_metadata_of_its_reply(viam: Viam) -> None:
    """Each reading finds its source, on each page anew (TD-2, TD-4)."""
    for number in range(9):
        await viam.upload_readings(
            reading({"n": number}, at(number)), component_name=f"c{number % 3}"
        )
    last = ""
    for _ in range(5):
        page = await viam.tabular(limit=2, last=last, sort_order=data.ORDER_ASCENDING)
        for entry in page.data:
            source = page.metadata[entry.metadata_index]
            number = int(entry.data.fields["n"].number_value)
            assert source.component_name == f"c{number % 3}"
        assert len(page.metadata) == len({m.SerializeToString() for m in page.metadata})
        assert len(page.metadata) == len(page.data)
        last = page.last
    assert {"TD-2", "TD-4"} <= viam.cited()


async def test_readings_of_one_source_share_their_metadata(viam: Viam) -> None:
    """One entry for all that captured alike, over any number of uploads (TD-4)."""
    for number in range(3):
        await viam.upload_readings(
            reading({"n": number}), reading({"n": -number}), component_name="c", tags=["x"]
        )
    page = await viam.tabular()
    assert len(page.data) == 6
    assert len(page.metadata) == 1
    assert {entry.metadata_index for entry in page.data} == {0}


@pytest.mark.parametrize(
    "difference",
    [
        {"component_name": "x"},
        {"component_type": "x"},
        {"method_name": "x"},
        {"tags": ["x"]},
        {"mime_type": "x/x"},
    ],
)
async def test_readings_that_differ_do_not_share(viam: Viam, difference: dict[str, Any]) -> None:
    """Any difference of capture metadata makes another entry (TD-4)."""
    await viam.upload_readings(reading({"n": 1}, at(1)))
    await viam.upload_readings(reading({"n": 2}, at(2)), **difference)
    page = await viam.tabular(sort_order=data.ORDER_ASCENDING)
    assert [entry.metadata_index for entry in page.data] == [0, 1]
    ((field, value),) = difference.items()
    assert getattr(page.metadata[1], field) == value


async def test_metadata_tells_the_source_in_full(viam: Viam) -> None:
    """All that clients read is filled (TD-4, UP-1)."""
    await viam.upload_readings(
        reading({"n": 1}),
        component_type="rdk:component:sensor",
        component_name="s",
        method_name="Readings",
        tags=["b", "a"],
    )
    (metadata,) = (await viam.tabular()).metadata
    assert metadata == data.CaptureMetadata(
        organization_id=ORGANIZATION,
        location_id=DEFAULT_PART.location_id,
        robot_id=DEFAULT_PART.robot_id,
        robot_name="fake-robot",
        part_id=DEFAULT_PART.id,
        part_name="fake-robot-main",
        component_type="rdk:component:sensor",
        component_name="s",
        method_name="Readings",
        tags=["b", "a"],
        mime_type=metadata.mime_type,
    )


# DeleteTabularData -----------------------------------------------------------------------


async def delete(viam: Viam, days: int = 0, **fields: Any) -> int:
    known = {"organization_id": ORGANIZATION, "delete_older_than_days": days, **fields}
    reply = await viam.rpc("DeleteTabularData", data.DeleteTabularDataRequest(**known))
    count: int = reply.deleted_count
    return count


async def test_no_days_delete_everything(viam: Viam) -> None:
    """0, which is also "not sent", deletes all, the future too; the count tells (DT-1, DT-4)."""
    await viam.upload_readings(*(reading({"n": n}, at(n * 86400.0)) for n in (-500, 0, 500)))
    assert await delete(viam) == 3
    assert await viam.numbers() == []
    assert await delete(viam) == 0
    assert "DT-2" not in viam.cited()


@pytest.mark.parametrize("hour", [0, 5, 12, 23])
async def test_days_are_utc_calendar_days(start: Start, hour: int) -> None:
    """1 deletes up to the end of yesterday, whatever the hour; N, of N-1 days before (DT-2)."""
    midnight = NOW - NOW % DAY
    clock = Clock(lambda: midnight + hour * 3600 * SECOND)
    viam = await start(clock=clock)
    offset = (midnight - NOW) / SECOND
    edges = {0: at(offset), 1: at(offset, -1), 2: at(offset - 86400), 3: at(offset - 86400, -1)}
    await viam.upload_readings(*(reading({"n": n}, time) for n, time in edges.items()))
    assert await delete(viam, 3) == 0
    assert await delete(viam, 2) == 1
    assert await viam.numbers() == [2, 1, 0]
    assert await delete(viam, 1) == 2
    assert await viam.numbers() == [0]
    assert {"DT-1", "DT-2"} <= viam.cited()


async def test_the_fakes_clock_decides_what_today_is(viam: Viam) -> None:
    """Not the real one, and it can be moved (DT-2)."""
    await viam.upload_readings(reading({"n": 1}, at()))
    assert await delete(viam, 1) == 0
    viam.cloud.clock.advance(hours=12)
    assert await delete(viam, 2) == 0
    assert await delete(viam, 1) == 1


async def test_the_time_received_does_not_matter(viam: Viam) -> None:
    """Age is that of the time requested (DT-2)."""
    await viam.upload_readings(reading({"n": 1}, at(), at(-99 * 86400)))
    assert await delete(viam, 1) == 0


@pytest.mark.parametrize("days", [2**31, 2**32 - 1])
async def test_any_number_of_days_is_served(viam: Viam, days: int) -> None:
    """Further back than there is time: nothing is older (DT-1)."""
    await viam.upload_readings(reading({"n": 1}, at(-2000 * 365 * 86400)))
    assert await delete(viam, days) == 0


@pytest.mark.parametrize(
    "narrow",
    [
        {"location_ids": ["fakelab001"]},
        {"location_ids": ["no", "fakelab001"]},
        {"robot_id": DEFAULT_PART.robot_id},
        {"part_id": DEFAULT_PART.id},
        {"component_type": "t"},
        {"component_name": "c"},
        {"method": "m"},
        {"tags_filter": data.TagsFilter(tags=["x", "y"])},
        {"tags_filter": data.TagsFilter(type=data.TAGS_FILTER_TYPE_TAGGED)},
    ],
)
async def test_a_delete_filter_narrows(viam: Viam, narrow: dict[str, Any]) -> None:
    """Every field of it; what does not match stays (DT-3)."""
    other = viam.cloud.fleet.add_part("p", robot="r", location="l")
    source = {"component_type": "t", "component_name": "c", "method_name": "m"}
    await viam.upload_readings(reading({"n": 1}, at(1)), tags=["x"], **source)
    await viam.upload_readings(reading({"n": 2}, at(2)), part_id=other.id)
    assert await delete(viam, filter=data.DeleteTabularFilter(**narrow)) == 1
    assert await viam.numbers() == [2]
    assert "DT-3" in viam.cited()


async def test_a_delete_filter_narrows_by_everything_at_once(viam: Viam) -> None:
    """Its fields and the days combine with AND (DT-3, FI-1)."""
    yesterday = at(-86400)
    await viam.upload_readings(reading({"n": 1}, yesterday), component_name="c")
    await viam.upload_readings(reading({"n": 2}, at()), component_name="c")
    await viam.upload_readings(reading({"n": 3}, yesterday), component_name="d")
    narrow = data.DeleteTabularFilter(component_name="c", part_id=DEFAULT_PART.id)
    assert await delete(viam, 1, filter=narrow) == 1
    assert sorted(await viam.numbers()) == [2, 3]


@pytest.mark.parametrize(
    "narrow",
    [
        None,
        data.DeleteTabularFilter(),
        data.DeleteTabularFilter(tags_filter=data.TagsFilter()),
        data.DeleteTabularFilter(component_name="", location_ids=[]),
    ],
)
async def test_a_delete_filter_without_constraint_narrows_nothing(
    viam: Viam, narrow: data.DeleteTabularFilter | None
) -> None:
    """Without it, and without its fields, the organization decides (DT-3)."""
    await viam.upload_readings(reading({"n": 1}), tags=["x"])
    await viam.upload_readings(reading({"n": 2}))
    assert await delete(viam, filter=narrow) == 2


async def test_only_the_organization_that_is_named(viam: Viam) -> None:
    """Others keep their readings, and binary data stays (DT-1)."""
    other = viam.cloud.fleet.add_part("p", organization="o")
    await viam.upload_readings(reading({"n": 1}))
    await viam.upload_readings(reading({"n": 2}), part_id=other.id)
    await viam.upload("file")
    assert await delete(viam, organization_id=other.organization_id) == 1
    assert await viam.numbers() == [1]
    assert await viam.names() == ["file"]
    assert await delete(viam, organization_id="no such organization") == 0


async def test_internal_readings_are_deleted_too(viam: Viam) -> None:
    """The request cannot leave them out (DT-1, PG-10)."""
    part = viam.cloud.fleet.add_part("slam", internal=True)
    await viam.upload_readings(reading({"n": 1}), part_id=part.id)
    assert await delete(viam) == 1


async def test_a_delete_needs_an_organization(viam: Viam) -> None:
    """An empty organization_id is INVALID_ARGUMENT (A48)."""
    await viam.upload_readings(reading({"n": 1}))
    with viam.refuses(Status.INVALID_ARGUMENT, "A48", "organization_id must not be empty"):
        await delete(viam, organization_id="")


async def test_a_delete_with_an_unknown_tags_filter_type_is_refused(viam: Viam) -> None:
    """As in any filter (FI-17)."""
    await viam.upload_readings(reading({"n": 1}))
    narrow = data.DeleteTabularFilter(tags_filter=tagged(kind=9).tags_filter)  # type: ignore[arg-type]
    with viam.refuses(Status.INVALID_ARGUMENT, "FI-17", "tags_filter.type"):
        await delete(viam, filter=narrow)
