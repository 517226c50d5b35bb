"""Reading and deleting, against a running fake."""

# ruff: noqa: DTZ001 - what naive times mean is tested here

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from fakeviam_client import (
    ORDER_ASCENDING,
    ORDER_DESCENDING,
    BinaryData,
    BinaryID,
    DataClient,
    DeleteTabularFilter,
    Filter,
    Records,
    TabularData,
    connect,
)
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from fakeviam import Clock, FakeViam
from fakeviam.wire import data

from .servers import scripted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

pytestmark = pytest.mark.asyncio

NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
ORGANIZATION = FakeViam.default_part.organization_id
PART = FakeViam.default_part.id


async def add_files(client: DataClient, number: int, **more: Any) -> list[str]:
    """Upload files `0`, `1`, …, each a minute after the one before it; their binary data ids."""
    for at in range(number):
        moment = NOON + at * MINUTE
        await client.binary_data_capture_upload(
            b"x" * at,
            PART,
            more.get("component_type", "camera"),
            more.get("component_name", "eye"),
            "GetImages",
            more.get("file_extension", ".jpg"),
            tags=more.get("tags"),
            data_request_times=(moment, moment + timedelta(seconds=1)),
        )
    known = await client.binary_data_by_filter(
        num_files=0, include_file_data=False, sort_order=ORDER_ASCENDING
    )
    return ids(known)[-number:]


async def add_readings(client: DataClient, number: int, **more: Any) -> None:
    times = [(NOON + at * MINUTE, NOON + at * MINUTE) for at in range(number)]
    await client.tabular_data_capture_upload(
        [{"n": at} for at in range(number)],
        more.get("part_id", PART),
        "sensor",
        more.get("component_name", "thermometer"),
        "Readings",
        tags=more.get("tags"),
        data_request_times=times,
    )


def ids(files: Iterable[BinaryData]) -> list[str]:
    return [file.metadata.binary_data_id for file in files]


def sizes(files: Iterable[BinaryData]) -> list[int]:
    return [len(file.data) for file in files]


def numbers(readings: Iterable[TabularData]) -> list[float]:
    return [reading.data["n"] for reading in readings]


def message_of(binary_data_id: str) -> BinaryID:
    organization_id, location_id, file_id = binary_data_id.split("/")
    return BinaryID(file_id=file_id, organization_id=organization_id, location_id=location_id)


class Steps(list[tuple[int, "int | None"]]):
    """What a progress callback was told."""

    def __call__(self, done: int, total: int | None) -> None:
        self.append((done, total))


@pytest_asyncio.fixture
async def few(client: DataClient) -> list[str]:
    return await add_files(client, 3)


# Tabular data -----------------------------------------------------------------------------


async def test_readings_come_back_as_they_were(client: DataClient) -> None:
    """With data, times and source (TD-1, TD-3, CU-2, UP-1)."""
    naive = datetime(2026, 3, 10, 12, 0, 0, 7)
    eastern = timezone(timedelta(hours=-5))
    aware = datetime(2026, 3, 10, 7, 0, 1, tzinfo=eastern)
    await client.tabular_data_capture_upload(
        [{"celsius": 21.5, "ok": True, "tree": {"a": [1, None, "é"]}}],
        PART,
        "sensor",
        "thermometer",
        "Readings",
        tags=["lab"],
        data_request_times=[(naive, aware)],
    )
    readings = await client.tabular_data_by_filter()
    assert type(readings) is Records
    (reading,) = readings
    assert isinstance(reading, TabularData)
    assert reading.data == {"celsius": 21.5, "ok": True, "tree": {"a": [1, None, "é"]}}
    assert reading.time_requested == naive.replace(tzinfo=timezone.utc)
    assert reading.time_received == aware
    assert reading.time_requested.tzinfo is reading.time_received.tzinfo is timezone.utc
    known = reading.metadata
    assert (known.component_type, known.component_name) == ("sensor", "thermometer")
    assert (known.method_name, list(known.tags)) == ("Readings", ["lab"])
    assert (known.part_id, known.organization_id) == (PART, ORGANIZATION)


async def test_all_readings_come_however_many(client: DataClient) -> None:
    """In pages of 100, a new one after the last (PG-2, PG-3)."""
    await add_readings(client, 250)
    readings = await client.tabular_data_by_filter(sort_order=ORDER_ASCENDING)
    assert numbers(readings) == list(range(250))
    assert readings.total == 250
    streamed = client.iter_tabular_data_by_filter(sort_order=ORDER_DESCENDING)
    assert numbers([reading async for reading in streamed]) == list(reversed(range(250)))


async def test_readings_page_by_page(client: DataClient) -> None:
    """`limit` and `last`, as newer SDKs page (PG-1, PG-3, PG-5)."""
    await add_readings(client, 5)
    last, pages = "", []
    while page := await client.tabular_data_by_filter(
        limit=2, last=last, sort_order=ORDER_ASCENDING
    ):
        pages.append(numbers(page))
        last = page.last
    assert pages == [[0, 1], [2, 3], [4]]
    rest = client.iter_tabular_data_by_filter(last=last, sort_order=ORDER_ASCENDING)
    assert [reading async for reading in rest] == []


async def test_readings_by_filter(client: DataClient) -> None:
    """Every field narrows (FI-1), no filter selects all (FI-2)."""
    await add_readings(client, 2)
    await add_readings(client, 1, component_name="scale", tags=["lab"])
    for wanted, number in (
        (None, 3),
        (client.create_filter(), 3),
        (client.create_filter(component_name="scale"), 1),
        (client.create_filter(start_time=NOON + MINUTE), 1),
        (client.create_filter(end_time=NOON), 2),
        (client.create_filter(tagged=True), 1),
        (client.create_filter(tagged=False), 2),
        (client.create_filter(tags=["lab", "other"]), 1),
        (client.create_filter(component_name="scale", end_time=NOON - MINUTE), 0),
    ):
        assert len(await client.tabular_data_by_filter(wanted)) == number
        streamed = client.iter_tabular_data_by_filter(wanted)
        assert len([reading async for reading in streamed]) == number


async def test_how_many_readings_there_are(client: DataClient) -> None:
    """The count alone (PG-8, A5); its bytes are those that are fetched."""
    await add_readings(client, 120)
    counted = await client.tabular_data_by_filter(count_only=True)
    readings = await client.tabular_data_by_filter()
    assert counted == []
    assert counted.total == readings.total == 120
    assert counted.total_size_bytes == readings.total_size_bytes > 0


async def test_internal_readings_show_on_demand(cloud: FakeViam, client: DataClient) -> None:
    """Viam's own data, only where it is asked for (PG-10, DF-3)."""
    internal = cloud.fleet.add_part("slam", internal=True)
    await add_readings(client, 2, part_id=internal.id)
    await client.file_upload(internal.id, b"map")
    assert await client.tabular_data_by_filter() == []
    assert len(await client.tabular_data_by_filter(include_internal_data=True)) == 2
    streamed = client.iter_tabular_data_by_filter(include_internal_data=True)
    assert len([reading async for reading in streamed]) == 2
    assert await client.binary_data_by_filter() == []
    assert sizes(await client.binary_data_by_filter(include_internal_data=True)) == [3]
    files = client.iter_binary_data_by_filter(include_internal_data=True)
    assert sizes([file async for file in files]) == [3]
    assert await client.delete_binary_data_by_filter(None) == 0
    assert await client.delete_binary_data_by_filter(None, include_internal_data=True) == 1


async def test_progress_of_readings(client: DataClient) -> None:
    await add_readings(client, 250)
    steps = Steps()
    readings = await client.tabular_data_by_filter(progress=steps)
    done = [step for step, _ in steps]
    assert len(steps) == 3
    assert done == sorted(done)
    assert {total for _, total in steps} == {readings.total_size_bytes}
    assert steps[-1] == (readings.total_size_bytes, readings.total_size_bytes)
    page = Steps()
    some = await client.tabular_data_by_filter(limit=10, progress=page)
    assert page == [(some.total_size_bytes, None), (some.total_size_bytes, some.total_size_bytes)]
    rest = Steps()
    await client.tabular_data_by_filter(last=some.last, progress=rest)
    assert rest[0][1] is None
    assert rest[-1][0] == rest[-1][1]


async def test_deleting_readings_by_age() -> None:
    """In UTC days; 0 deletes all; counted (DT-1, DT-2, DT-4)."""
    clock = Clock.frozen("2026-03-10T12:00:00Z")
    async with FakeViam(clock=clock) as cloud, connect(cloud.target) as client:
        await add_readings(client, 2)
        clock.advance(days=1)
        assert await client.delete_tabular_data(ORGANIZATION, 2) == 0
        assert await client.delete_tabular_data(ORGANIZATION, 1) == 2
        await add_readings(client, 3)
        assert await client.delete_tabular_data(ORGANIZATION, 0) == 3
        assert await client.tabular_data_by_filter() == []


async def test_deleting_some_readings(client: DataClient) -> None:
    """A delete filter narrows further (DT-3)."""
    await add_readings(client, 2)
    await add_readings(client, 1, component_name="scale")
    some = DeleteTabularFilter(component_name="scale")
    assert await client.delete_tabular_data(ORGANIZATION, 0, filter=some) == 1
    assert len(await client.tabular_data_by_filter()) == 2
    with pytest.raises(GRPCError) as caught:
        await client.delete_tabular_data("", 0)
    assert caught.value.status is Status.INVALID_ARGUMENT


# Binary data ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num_files", "with_bytes", "without"),
    [(None, 10, 100), (0, 103, 103), (1, 1, 1), (12, 12, 12)],
)
async def test_num_files(
    num_files: int | None, with_bytes: int, without: int, client: DataClient
) -> None:
    """By default 10, or 100 without bytes; 0 is all of them (BF-1, BF-2)."""
    await add_files(client, 103)
    files = await client.binary_data_by_filter(num_files=num_files)
    assert len(files) == files.total == with_bytes
    assert type(files) is Records
    assert any(file.data for file in files)
    bare = await client.binary_data_by_filter(num_files=num_files, include_file_data=False)
    assert len(bare) == bare.total == without
    assert not any(file.data for file in bare)
    assert bare.total_size_bytes == sum(file.metadata.file_size_bytes for file in bare)
    assert files[:1][0].metadata == bare[0].metadata


async def test_files_come_newest_first_or_oldest_first(client: DataClient, few: list[str]) -> None:
    """Either way of sorting, from any place on (PG-3, PG-6)."""
    up, down = ORDER_ASCENDING, ORDER_DESCENDING
    assert sizes(await client.binary_data_by_filter(sort_order=up)) == [0, 1, 2]
    assert sizes(await client.binary_data_by_filter(sort_order=down)) == [2, 1, 0]
    first = await client.binary_data_by_filter(sort_order=up, num_files=1)
    assert ids(first) == few[:1]
    rest = await client.binary_data_by_filter(sort_order=up, last=first.last)
    assert ids(rest) == few[1:]
    streamed = client.iter_binary_data_by_filter(sort_order=up, last=first.last)
    assert ids([file async for file in streamed]) == few[1:]
    page = await client.binary_data_by_filter(sort_order=up, limit=2)
    assert ids(page) == few[:2]


async def test_a_file_and_what_is_known_about_it(client: DataClient) -> None:
    """Ids in all forms, times, source (ID-3, TM-1)."""
    await add_files(client, 2, tags=["dog"])
    newest, _ = await client.binary_data_by_filter(client.create_filter(tags=["dog"]))
    assert isinstance(newest, BinaryData)
    assert newest.data == b"x"
    known = newest.metadata
    assert known.binary_data_id == f"{ORGANIZATION}/fakelab001/{known.id}"
    assert known.time_requested.ToDatetime(timezone.utc) == NOON + MINUTE
    assert known.capture_metadata.mime_type == "image/jpeg"
    assert list(known.capture_metadata.tags) == ["dog"]


async def test_how_many_files_there_are(client: DataClient) -> None:
    """The count alone (PG-8, A5)."""
    await add_files(client, 12)
    counted = await client.binary_data_by_filter(count_only=True)
    assert counted == []
    assert (counted.total, counted.total_size_bytes) == (12, sum(range(12)))


async def test_progress_of_files(client: DataClient) -> None:
    await add_files(client, 12)
    size = sum(range(12))
    everything, ten, bare, page = Steps(), Steps(), Steps(), Steps()
    await client.binary_data_by_filter(num_files=0, progress=everything)
    # The newest, which is the largest, comes first; the last one is empty.
    assert [done for done, _ in everything] == [sum(range(12 - at, 12)) for at in range(1, 12)]
    assert {total for _, total in everything} == {size}
    assert everything[-1] == (size, size)
    await client.binary_data_by_filter(progress=ten)
    assert {total for _, total in ten[:-1]} == {None}
    assert ten[-1] == (size - 1, size - 1)
    await client.binary_data_by_filter(include_file_data=False, progress=bare)
    assert bare == [(0, 0)]
    await client.binary_data_by_filter(limit=3, progress=page)
    assert page == [(30, None), (30, 30)]


async def test_files_by_ids(client: DataClient, few: list[str]) -> None:
    """In the order of the ids, in either form (BI-1, BI-2, BI-3, ID-1, ID-4)."""
    first, second, third = few
    mixed: list[Message | str] = [third, message_of(first), second]
    files = await client.binary_data_by_ids(mixed)
    assert type(files) is list
    assert ids(files) == [third, first, second]
    assert sizes(files) == [2, 0, 1]
    bare = await client.binary_data_by_ids(mixed, include_file_data=False)
    assert ids(bare) == [third, first, second]
    assert sizes(bare) == [0, 0, 0]


async def test_each_file_comes_once(client: DataClient, few: list[str]) -> None:
    """Also where it is named twice, in two forms (A14); unknown ids are left out (ID-6)."""
    first, second, _ = few
    named: list[Message | str] = [
        second,
        first,
        message_of(second),
        first,
        f"{ORGANIZATION}/fakelab001/unknown",
    ]
    for with_bytes in (True, False):
        files = await client.binary_data_by_ids(named, include_file_data=with_bytes)
        assert ids(files) == [second, first]


async def test_ids_of_older_servers_are_enough() -> None:
    """Without string ids the bare ones tell files apart, and without any all are kept."""

    def answer(messages: list[Any]) -> Any:
        (file_id,) = [one.file_id for one in messages[0].binary_ids]
        reply = data.BinaryDataByIDsResponse()
        reply.data.add().metadata.id = file_id.removeprefix("?")
        if file_id.startswith("?"):
            reply.data[0].metadata.id = ""
        return reply

    async with scripted(BinaryDataByIDs=answer) as (client, _):
        wanted = [BinaryID(file_id=name) for name in ("a", "b", "a", "?", "?")]
        files = await client.binary_data_by_ids(wanted)
        assert [file.metadata.id for file in files] == ["a", "b", "", ""]


async def test_no_ids_are_refused_by_the_server(client: DataClient) -> None:
    """For every method that takes them (ID-5, TA-2, TR-1, DM-8)."""
    for call in (
        client.binary_data_by_ids([]),
        client.binary_data_by_ids([], include_file_data=False),
        client.delete_binary_data_by_ids([]),
        client.add_tags_to_binary_data_by_ids(["t"], []),
        client.remove_tags_from_binary_data_by_ids(["t"], []),
    ):
        with pytest.raises(GRPCError) as caught:
            await call
        assert caught.value.status is Status.INVALID_ARGUMENT


async def test_files_too_large_for_one_reply_come_all_the_same() -> None:
    """A server may refuse replies with too many bytes (BI-6, A53); one file fits."""
    async with FakeViam(policy="observed") as cloud, connect(cloud.target) as client:
        for _ in range(3):
            await client.file_upload(PART, bytes(3_000_000))
        files = await client.binary_data_by_filter(num_files=0)
        assert sizes(files) == [3_000_000] * 3
        assert sizes(await client.binary_data_by_ids(ids(files))) == [3_000_000] * 3


async def test_deleting_files(client: DataClient, few: list[str]) -> None:
    """Counted; an empty filter deletes everything (DI-1, DF-1, DF-4)."""
    first, second, _ = few
    assert await client.delete_binary_data_by_ids([first, message_of(second)]) == 2
    assert await client.delete_binary_data_by_ids([first]) == 0
    nothing = client.create_filter(component_name="other")
    assert await client.delete_binary_data_by_filter(nothing) == 0
    assert await client.delete_binary_data_by_filter(Filter()) == 1
    await add_files(client, 2)
    assert await client.delete_binary_data_by_filter(None) == 2


# Filters ----------------------------------------------------------------------------------


async def test_every_field_of_a_filter_selects(cloud: FakeViam, client: DataClient) -> None:
    """All fields of the documentation, and any tag or none (FI-1, FI-5, FI-6, FI-7, FI-11)."""
    part = cloud.fleet.add_part("arm-main", robot="arm", location="lab", organization="acme")
    await client.binary_data_capture_upload(
        b"x", part.id, "camera", "wrist", "GetImages", ".png", tags=["t"],
        data_request_times=(NOON, NOON),
    )  # fmt: skip
    await client.file_upload(PART, b"other")
    wrist = client.create_filter(component_name="wrist")
    (binary_id,) = ids(await client.binary_data_by_filter(wrist))
    await client.add_bounding_box_to_image_by_id(binary_id, "dog", 0, 0, 0.5, 0.5)
    dataset = await client.create_dataset("set", part.organization_id)
    await client.add_binary_data_to_dataset_by_ids([binary_id], dataset)
    (wanted,) = await client.binary_data_by_filter(wrist)
    fields: dict[str, tuple[Any, Any]] = {
        "component_name": ("wrist", "eye"),
        "component_type": ("camera", "arm"),
        "method": ("GetImages", "Readings"),
        "robot_name": ("arm", "leg"),
        "robot_id": (part.robot_id, "r"),
        "part_name": ("arm-main", "leg-main"),
        "part_id": (part.id, "p"),
        "location_ids": (["x", part.location_id], ["x"]),
        "organization_ids": (["x", part.organization_id], ["x"]),
        "mime_type": (["image/png", "x"], ["image/jpeg"]),
        "start_time": (NOON, NOON + 1000 * MINUTE),
        "end_time": (NOON, NOON - MINUTE),
        "tags": (["t", "u"], ["u"]),
        "bbox_labels": (["cat", "dog"], ["cat"]),
        "dataset_id": (dataset, "0" * 24),
    }
    everything = {name: hit for name, (hit, _) in fields.items()}
    assert len(await client.binary_data_by_filter(client.create_filter(**everything))) == 1
    for name, (hit, miss) in fields.items():
        found = await client.binary_data_by_filter(client.create_filter(**{name: hit}))
        assert wanted in found, name
        narrowed = client.create_filter(**{**everything, name: miss})
        assert await client.binary_data_by_filter(narrowed) == [], name
    positional = client.create_filter(*everything.values())
    assert positional == client.create_filter(**everything)
    assert await client.binary_data_by_filter(client.create_filter(tagged=True)) == [wanted]
    untagged = await client.binary_data_by_filter(client.create_filter(tagged=False))
    assert [file.data for file in untagged] == [b"other"]


async def test_times_of_a_filter() -> None:
    """Naive is UTC, aware is converted, each end alone is open (FI-13, TM-1)."""
    naive = DataClient.create_filter(start_time=datetime(2026, 3, 10, 12))
    aware = DataClient.create_filter(
        start_time=datetime(2026, 3, 10, 13, tzinfo=timezone(timedelta(hours=1)))
    )
    assert naive == aware
    assert naive.interval.start.ToDatetime() == datetime(2026, 3, 10, 12)
    assert not naive.interval.HasField("end")
    old = DataClient.create_filter(end_time=datetime(1969, 12, 31, 23, 59, 59, 999_999))
    assert (old.interval.end.seconds, old.interval.end.nanos) == (-1, 999_999_000)
    epoch = DataClient.create_filter(start_time=datetime(1970, 1, 1))
    assert epoch.interval.HasField("start")
    assert not DataClient.create_filter().HasField("interval")


async def test_nothing_given_narrows_nothing() -> None:
    """A tags filter is always there, as the official SDK sends it (FI-3, FI-8)."""
    assert DataClient.create_filter() == Filter(tags_filter=data.TagsFilter())
    empty = DataClient.create_filter("", "", tags=[], bbox_labels=(), location_ids=None)
    assert empty == DataClient.create_filter()
