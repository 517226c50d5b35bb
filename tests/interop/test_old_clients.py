"""The page loops and the login of releases that cannot be installed any more.

viam-sdk to 0.18.0 pages by itself: readings and metadata by the hundred, bytes one file
a call, on and on until a page is empty.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import pytest
from grpclib.client import Channel
from grpclib.const import Status

from fakeviam import FakeViam
from fakeviam.wire import auth, data, dataset
from fakeviam.wire.times import timestamp_from

from .old_client import OldClient, Raw, refused, store_file, store_readings

if TYPE_CHECKING:
    from google.protobuf.message import Message

pytestmark = pytest.mark.asyncio

SECOND = 1_000_000_000
NOON = 1_714_996_800 * SECOND  # 2024-05-06T12:00:00Z


async def store_series(cloud: FakeViam, raw: Raw, count: int, *, step: int = SECOND) -> None:
    part = cloud.default_part
    series = [({"number": n}, NOON + n * step) for n in range(count)]
    if series:
        await store_readings(raw, part, series)


async def store_files(cloud: FakeViam, raw: Raw, count: int, *, step: int = SECOND) -> list[str]:
    part = cloud.default_part
    replies = [
        await store_file(raw, part, b"picture %d" % n, NOON + n * step) for n in range(count)
    ]
    return [reply.file_id for reply in replies]


# Readings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "pages"),
    [(0, [0]), (1, [1, 0]), (99, [99, 0]), (100, [100, 0]), (250, [100, 100, 50, 0])],
)
async def test_tabular_loop_of_0_15_reads_everything_once(
    cloud: FakeViam, raw: Raw, client: OldClient, count: int, pages: list[int]
) -> None:
    """One empty page ends the loop, and nothing else does (TD-1, TD-3, PG-2, PG-3, PG-5)."""
    await store_series(cloud, raw, count)
    readings = await client.tabular_data_by_filter()
    assert client.pages == pages
    assert [reading.values for reading in readings] == [{"number": n} for n in range(count)][::-1]
    assert [reading.time_requested for reading in readings] == [
        NOON + n * SECOND for n in range(count)
    ][::-1]
    assert all(r.time_received == r.time_requested + 1_000_000 for r in readings)


async def test_last_is_never_empty_on_a_page_with_data(
    cloud: FakeViam, raw: Raw, client: OldClient
) -> None:
    """The loop copies `last` without looking; an empty one would start it over (PG-4, PG-5)."""
    await store_series(cloud, raw, 250)
    await client.tabular_data_by_filter()
    assert all(client.lasts[:3])
    assert len(set(client.lasts)) == 4
    assert client.lasts[3] == ""


async def test_requests_of_the_loop_are_those_of_0_15(
    cloud: FakeViam, raw: Raw, client: OldClient
) -> None:
    """The replay itself: a present, empty filter, limit 100, no other field (FI-2, PG-2)."""
    await store_series(cloud, raw, 1)
    await client.tabular_data_by_filter()
    first, second = client.requests
    assert first.SerializeToString() == b"\x0a\x04\x0a\x00\x10\x64"
    assert second == data.TabularDataByFilterRequest(
        data_request=data.DataRequest(filter=data.Filter(), limit=100, last=client.lasts[0])
    )


async def test_readings_of_one_moment_are_paged_without_loss(
    cloud: FakeViam, raw: Raw, client: OldClient
) -> None:
    """Equal times still have one order, over page ends too (PG-6, PG-11)."""
    await store_series(cloud, raw, 250, step=0)
    readings = await client.tabular_data_by_filter()
    assert client.pages == [100, 100, 50, 0]
    numbers = [reading.values["number"] for reading in readings]
    assert numbers in (list(range(250)), list(range(250))[::-1])


async def test_every_reading_finds_its_metadata_in_its_own_page(
    cloud: FakeViam, raw: Raw, client: OldClient
) -> None:
    """metadata_index never leads out of the page's list (TD-2, TD-4)."""
    for n in range(150):
        name = f"sensor-{n % 3}"
        reading = {"name": name, "number": n}
        await store_readings(
            raw, cloud.default_part, [(reading, NOON + n * SECOND)], component_name=name
        )
    readings = await client.tabular_data_by_filter()
    assert client.pages == [100, 50, 0]
    assert all(r.metadata.component_name == r.values["name"] for r in readings)
    reply = await raw(client.requests[0], data.TabularDataByFilterResponse)
    assert len(reply.metadata) == 3


async def test_past_the_end_has_no_metadata_either(
    cloud: FakeViam, raw: Raw, client: OldClient
) -> None:
    """An older loop of the `viam` CLI stops on the list of metadata (PG-5)."""
    await store_series(cloud, raw, 3)
    await client.tabular_data_by_filter()
    reply = await raw(client.requests[-1], data.TabularDataByFilterResponse)
    assert reply == data.TabularDataByFilterResponse()


# Files -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "num_files", "got", "pages"),
    [
        (12, None, 10, [1] * 10),
        (12, 0, 10, [1] * 10),
        (12, 5, 5, [1] * 5),
        (12, 20, 12, [1] * 12 + [0]),
        (10, None, 10, [1] * 10),
        (0, None, 0, [0]),
    ],
)
async def test_binary_loop_with_bytes_takes_one_file_a_call(
    cloud: FakeViam,
    raw: Raw,
    client: OldClient,
    stored: int,
    num_files: int | None,
    got: int,
    pages: list[int],
) -> None:
    """limit=1 with include_binary, a call per file (BF-1, BF-2, BF-4, PG-3, PG-4)."""
    await store_files(cloud, raw, stored)
    files = await client.binary_data_by_filter(num_files=num_files)
    assert client.pages == pages
    assert [file.binary for file in files] == [
        b"picture %d" % n for n in reversed(range(stored - got, stored))
    ]


@pytest.mark.parametrize(
    ("num_files", "got", "pages"),
    [
        (None, 100, [100]),
        (0, 100, [100]),
        (5, 5, [100]),  # asks for a hundred and cuts by itself
        (130, 130, [100, 30]),
        (200, 130, [100, 30, 0]),
    ],
)
@pytest.mark.thinned(3)
async def test_binary_loop_without_bytes_takes_a_hundred_a_call(
    cloud: FakeViam,
    raw: Raw,
    client: OldClient,
    num_files: int | None,
    got: int,
    pages: list[int],
) -> None:
    """include_binary is not on the wire at all then (BF-1, BF-2, PG-2, PG-3)."""
    ids = await store_files(cloud, raw, 130)
    files = await client.binary_data_by_filter(include_file_data=False, num_files=num_files)
    assert client.pages == pages
    assert client.requests[0].SerializeToString() == b"\x0a\x04\x0a\x00\x10\x64"
    assert [file.metadata.id for file in files] == ids[::-1][:got]
    assert not any(file.binary for file in files)


async def test_files_of_one_moment_are_paged_one_by_one_without_loss(
    cloud: FakeViam, raw: Raw, client: OldClient
) -> None:
    """Pages of one in the middle of equal times (PG-11, BF-4)."""
    ids = await store_files(cloud, raw, 9, step=0)
    files = await client.binary_data_by_filter(num_files=20)
    assert sorted(file.metadata.id for file in files) == sorted(ids)
    assert client.pages == [1] * 9 + [0]


async def test_metadata_holds_all_that_an_old_client_needs_to_name_the_file(
    cloud: FakeViam, raw: Raw, client: OldClient
) -> None:
    """BinaryID is made of the bare id and the capture metadata (ID-3, ID-1, BI-1)."""
    part = cloud.default_part
    await store_files(cloud, raw, 2)
    for file in await client.binary_data_by_filter():
        metadata = file.metadata
        named = data.BinaryID(
            file_id=metadata.id,
            organization_id=metadata.capture_metadata.organization_id,
            location_id=metadata.capture_metadata.location_id,
        )
        assert named == data.BinaryID(
            file_id=metadata.id,
            organization_id=part.organization_id,
            location_id=part.location_id,
        )
        assert metadata.binary_data_id == f"{part.organization_id}/{part.location_id}/{metadata.id}"
        reply = await raw(
            data.BinaryDataByIDsRequest(binary_ids=[named], include_binary=True),
            data.BinaryDataByIDsResponse,
        )
        assert [found.binary for found in reply.data] == [file.binary]


# Newer and other loops -----------------------------------------------------------------------


async def test_from_0_19_on_the_server_decides_the_page(cloud: FakeViam, raw: Raw) -> None:
    """No limit on the wire is 50; the filter may be absent, the request too (PG-1, FI-2)."""
    await store_series(cloud, raw, 120)
    await store_files(cloud, raw, 60)
    tabular = await raw(data.TabularDataByFilterRequest(), data.TabularDataByFilterResponse)
    assert len(tabular.data) == tabular.count == 50
    pages: list[int] = []
    last = ""
    while not pages or pages[-1]:
        asked = data.DataRequest(last=last)
        request = data.BinaryDataByFilterRequest(data_request=asked)
        assert not request.data_request.HasField("filter")
        reply = await raw(request, data.BinaryDataByFilterResponse)
        assert reply.count == len(reply.data)
        pages.append(len(reply.data))
        last = reply.last
    assert pages == [50, 10, 0]


@pytest.mark.parametrize(
    "order", [data.ORDER_UNSPECIFIED, data.ORDER_DESCENDING, data.ORDER_ASCENDING]
)
async def test_each_order_is_kept_over_pages(
    cloud: FakeViam, raw: Raw, order: data.OrderValue
) -> None:
    """Unspecified is newest first (PG-6, A1)."""
    await store_series(cloud, raw, 25)
    numbers: list[object] = []
    last = ""
    while True:
        asked = data.DataRequest(limit=10, last=last, sort_order=order)
        reply = await raw(
            data.TabularDataByFilterRequest(data_request=asked), data.TabularDataByFilterResponse
        )
        if not reply.data:
            break
        numbers += [entry.data["number"] for entry in reply.data]
        last = reply.last
    expected = list(range(25))
    assert numbers == (expected if order == data.ORDER_ASCENDING else expected[::-1])


async def test_cli_empties_a_dataset_while_paging_over_it(cloud: FakeViam, raw: Raw) -> None:
    """The members of each page leave before the next is asked for (PG-7, DM-3, DM-4)."""
    part = cloud.default_part
    await store_files(cloud, raw, 130)
    made = await raw(
        dataset.CreateDatasetRequest(name="set", organization_id=part.organization_id),
        dataset.CreateDatasetResponse,
    )
    everything = data.DataRequest(limit=100)
    while True:
        page = await raw(
            data.BinaryDataByFilterRequest(data_request=everything),
            data.BinaryDataByFilterResponse,
        )
        if not page.data:
            break
        ids = [file.metadata.binary_data_id for file in page.data]
        await raw(
            data.AddBinaryDataToDatasetByIDsRequest(binary_data_ids=ids, dataset_id=made.id),
            data.AddBinaryDataToDatasetByIDsResponse,
        )
        everything.last = page.last
    removed: list[str] = []
    members = data.DataRequest(limit=100, filter=data.Filter(dataset_id=made.id))
    while True:
        page = await raw(
            data.BinaryDataByFilterRequest(data_request=members), data.BinaryDataByFilterResponse
        )
        if not page.data:
            break
        ids = [file.metadata.binary_data_id for file in page.data]
        await raw(
            data.RemoveBinaryDataFromDatasetByIDsRequest(binary_data_ids=ids, dataset_id=made.id),
            data.RemoveBinaryDataFromDatasetByIDsResponse,
        )
        removed += ids
        members.last = page.last
    assert len(removed) == len(set(removed)) == 130
    kept = await raw(
        data.BinaryDataByFilterRequest(count_only=True), data.BinaryDataByFilterResponse
    )
    assert kept.count == 130


async def test_deleting_the_row_that_last_names_loses_nothing(cloud: FakeViam, raw: Raw) -> None:
    """A cursor outlives the record it points at (PG-7, DI-1)."""
    ids = await store_files(cloud, raw, 5)
    first = await raw(
        data.BinaryDataByFilterRequest(data_request=data.DataRequest(limit=2)),
        data.BinaryDataByFilterResponse,
    )
    named = [file.metadata.binary_data_id for file in first.data]
    deleted = await raw(
        data.DeleteBinaryDataByIDsRequest(binary_data_ids=named),
        data.DeleteBinaryDataByIDsResponse,
    )
    assert deleted.deleted_count == 2
    rest = await raw(
        data.BinaryDataByFilterRequest(data_request=data.DataRequest(last=first.last)),
        data.BinaryDataByFilterResponse,
    )
    assert [file.metadata.id for file in rest.data] == ids[2::-1]


async def test_count_only_is_the_total_and_nothing_else(cloud: FakeViam, raw: Raw) -> None:
    """Neither data nor last, and limit is not looked at (PG-8, PG-9, A5)."""
    await store_series(cloud, raw, 150)
    ids = await store_files(cloud, raw, 120)
    tabular = await raw(
        data.TabularDataByFilterRequest(data_request=data.DataRequest(limit=1), count_only=True),
        data.TabularDataByFilterResponse,
    )
    assert (tabular.count, len(tabular.data), len(tabular.metadata)) == (150, 0, 0)
    assert tabular.last == ""
    assert tabular.total_size_bytes > 0
    binary = await raw(
        data.BinaryDataByFilterRequest(
            data_request=data.DataRequest(limit=1), count_only=True, include_binary=True
        ),
        data.BinaryDataByFilterResponse,
    )
    assert binary == data.BinaryDataByFilterResponse(
        count=120, total_size_bytes=sum(len(b"picture %d" % n) for n in range(len(ids)))
    )


async def test_count_only_counts_what_the_filter_selects(cloud: FakeViam, raw: Raw) -> None:
    """The total is that of the filter (PG-8, FI-13)."""
    await store_series(cloud, raw, 20)
    late = data.Filter(interval=data.CaptureInterval(start=timestamp_from(NOON + 15 * SECOND)))
    reply = await raw(
        data.TabularDataByFilterRequest(
            data_request=data.DataRequest(filter=late), count_only=True
        ),
        data.TabularDataByFilterResponse,
    )
    assert reply.count == 5


async def test_zero_days_is_a_field_that_is_not_sent(cloud: FakeViam, raw: Raw) -> None:
    """`delete_tabular_data(org, 0)` deletes everything of that organization (DT-1, DT-4)."""
    await store_series(cloud, raw, 120)
    other = cloud.fleet.add_part("elsewhere", organization="another")
    await store_readings(raw, other, [({"number": 1}, NOON)])
    request = data.DeleteTabularDataRequest(
        organization_id=cloud.default_part.organization_id, delete_older_than_days=0
    )
    assert len(request.SerializeToString()) == 2 + len(request.organization_id)
    reply = await raw(request, data.DeleteTabularDataResponse)
    assert reply.deleted_count == 120
    assert len(await OldClient(raw).tabular_data_by_filter()) == 1


# Logging in ----------------------------------------------------------------------------------


def login(cloud: FakeViam) -> auth.AuthenticateRequest:
    return auth.AuthenticateRequest(
        entity=cloud.api_key_id,
        credentials=auth.Credentials(type="api-key", payload=cloud.api_key),
    )


async def test_authenticate_without_headers_then_bearer() -> None:
    """Every release logs in before its first call (AU-1, AU-2, AU-4)."""
    async with FakeViam(auth="keys") as cloud, Channel(cloud.host, cloud.port) as channel:
        anonymous = Raw(channel)
        reply = await anonymous(login(cloud), auth.AuthenticateResponse)
        assert reply.access_token
        known = anonymous.bearing(reply.access_token)
        assert await known(data.TagsByFilterRequest(), data.TagsByFilterResponse) == (
            data.TagsByFilterResponse()
        )
        with refused(Status.UNAUTHENTICATED, "Authenticate"):
            await anonymous(data.TagsByFilterRequest(), data.TagsByFilterResponse)


@pytest.mark.parametrize("mode", ["any", "keys"])
async def test_0_77_authenticates_twice_the_second_time_with_its_token(
    mode: Literal["any", "keys"],
) -> None:
    """Both tokens work afterwards (AU-1, AU-2, AU-3)."""
    async with FakeViam(auth=mode) as cloud, Channel(path=cloud.unix_socket) as channel:
        anonymous = Raw(channel)
        first = (await anonymous(login(cloud), auth.AuthenticateResponse)).access_token
        known = anonymous.bearing(first)
        second = (await known(login(cloud), auth.AuthenticateResponse)).access_token
        assert first
        assert second
        for token in (first, second):
            await anonymous.bearing(token)(data.TagsByFilterRequest(), data.TagsByFilterResponse)


async def test_second_login_with_a_stale_token_is_still_a_login() -> None:
    """A new login is how a client gets out of an expired token (AU-3, AU-4)."""
    lifetime = timedelta(minutes=5)
    async with (
        FakeViam(auth="keys", token_lifetime=lifetime) as cloud,
        Channel(cloud.host, cloud.port) as channel,
    ):
        anonymous = Raw(channel)
        first = (await anonymous(login(cloud), auth.AuthenticateResponse)).access_token
        cloud.clock.advance(minutes=6)
        stale = anonymous.bearing(first)
        with refused(Status.UNAUTHENTICATED, "expired"):
            await stale(data.TagsByFilterRequest(), data.TagsByFilterResponse)
        second = (await stale(login(cloud), auth.AuthenticateResponse)).access_token
        await anonymous.bearing(second)(data.TagsByFilterRequest(), data.TagsByFilterResponse)


@pytest.mark.parametrize("wrong", ["entity", "payload", "type"])
async def test_wrong_credentials_are_refused_with_keys_and_taken_without(wrong: str) -> None:
    """auth="any" serves everyone (AU-1, AU-4)."""

    def spoiled(cloud: FakeViam) -> Message:
        request = login(cloud)
        if wrong == "entity":
            request.entity = "f4ce0000-0000-4000-8000-00000000ffff"
        elif wrong == "payload":
            request.credentials.payload = "guess"
        else:
            request.credentials.type = "robot-secret"
        return request

    async with FakeViam(auth="keys") as cloud, Channel(cloud.host, cloud.port) as channel:
        with refused(Status.UNAUTHENTICATED, "[AU-4]"):
            await Raw(channel)(spoiled(cloud), auth.AuthenticateResponse)
    async with FakeViam() as cloud, Channel(cloud.host, cloud.port) as channel:
        reply = await Raw(channel)(spoiled(cloud), auth.AuthenticateResponse)
        assert reply.access_token
