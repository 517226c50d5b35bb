"""Reading back: pages, order, counts, ids. And deleting."""

from __future__ import annotations

import ast
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from grpclib.const import Status
from viam.proto.app.data import BinaryID, Filter, Order
from viam.utils import create_filter

from .official import MORNING, SECOND, Camera, binaries, count, in_form, refused, size_of

if TYPE_CHECKING:
    from pathlib import Path

    from viam.app.data_client import DataClient

    from fakeviam import FakeViam, Part

pytestmark = pytest.mark.asyncio

NO_SUCH_FILE = "x" * 64
ORDERS = [None, Order.ORDER_UNSPECIFIED, Order.ORDER_DESCENDING, Order.ORDER_ASCENDING]


async def numbers(client: DataClient, **more: Any) -> list[float]:
    found, total, _ = await client.tabular_data_by_filter(**more)
    assert total == len(found)
    return [one.data["n"] for one in found]


# Pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
async def test_readings_page_to_the_end_in_order(
    client: DataClient, camera: Camera, order: Any
) -> None:
    """The documented loop: until a page is empty (TD-1, PG-1, PG-3, PG-4, PG-5, PG-6, A1)."""
    await camera.readings(*({"n": n} for n in range(120)))
    seen: list[Any] = []
    pages: list[int] = []
    last = ""
    while True:
        found, total, last = await client.tabular_data_by_filter(sort_order=order, last=last)
        assert total == len(found)
        pages.append(total)
        if not found:
            break
        assert last
        seen += [one.data["n"] for one in found]
    assert last == ""
    assert pages == [50, 50, 20, 0]
    expected = list(range(120))
    assert seen == (expected if order == Order.ORDER_ASCENDING else expected[::-1])


@pytest.mark.parametrize("order", ORDERS)
async def test_files_page_to_the_end_in_order(
    client: DataClient, camera: Camera, order: Any
) -> None:
    """With their bytes, unless told otherwise (BF-1, BF-2, PG-1, PG-3, PG-4, PG-5, PG-6, A1)."""
    await camera.pictures(7)
    seen: list[bytes] = []
    pages: list[int] = []
    last = ""
    while True:
        found, total, last = await client.binary_data_by_filter(
            limit=3, sort_order=order, last=last
        )
        assert total == len(found)
        pages.append(total)
        if not found:
            break
        assert last
        seen += [one.binary for one in found]
    assert pages == [3, 3, 1, 0]
    expected = [b"%d" % n for n in range(7)]
    assert seen == (expected if order == Order.ORDER_ASCENDING else expected[::-1])


async def test_limit_is_the_size_of_the_page(client: DataClient, camera: Camera) -> None:
    """Also above what older clients ask for (PG-1, PG-2, A6)."""
    await camera.readings(*({"n": n} for n in range(130)))
    assert await numbers(client, limit=1) == [129]
    assert len(await numbers(client)) == 50
    assert len(await numbers(client, limit=100)) == 100
    assert len(await numbers(client, limit=1000)) == 130


async def test_count_only_is_the_total_without_data(client: DataClient, camera: Camera) -> None:
    """Whatever the limit is (PG-8, PG-9, A5)."""
    await camera.readings(*({"n": n} for n in range(60)))
    await camera.pictures(3)
    assert await client.tabular_data_by_filter(count_only=True, limit=1) == ([], 60, "")
    assert await client.binary_data_by_filter(count_only=True, limit=1) == ([], 3, "")
    some = Filter(component_name="eye")
    assert await client.tabular_data_by_filter(some, count_only=True) == ([], 0, "")
    assert await client.binary_data_by_filter(some, count_only=True) == ([], 3, "")


async def test_an_empty_cloud_is_empty(client: DataClient) -> None:
    """OK, without data and without last (PG-5, FI-2)."""
    assert await client.tabular_data_by_filter() == ([], 0, "")
    assert await client.binary_data_by_filter() == ([], 0, "")


async def test_bytes_come_only_if_wanted(client: DataClient, camera: Camera) -> None:
    """Metadata always does (BF-2, BI-2)."""
    ids = await camera.pictures(3)
    found, total, _ = await client.binary_data_by_filter(include_binary_data=False)
    assert total == 3
    assert [(one.binary, one.metadata.binary_data_id) for one in found] == [
        (b"", named) for named in reversed(ids)
    ]
    by_ids = await client.binary_data_by_ids(ids, include_binary_data=False)
    assert [(one.binary, size_of(one.metadata)) for one in by_ids] == [(b"", 1)] * 3


async def test_internal_data_shows_only_on_demand(
    cloud: FakeViam, client: DataClient, camera: Camera
) -> None:
    """A part may hold what Viam itself captured (PG-10)."""
    hidden = Camera(client, cloud.fleet.add_part("slam", internal=True))
    await camera.picture(b"mine")
    await hidden.picture(b"theirs", moment=MORNING + 9 * SECOND)
    await hidden.readings({"n": 1})
    assert await binaries(client) == [b"mine"]
    assert await binaries(client, include_internal_data=True) == [b"theirs", b"mine"]
    assert await numbers(client) == []
    assert await numbers(client, include_internal_data=True) == [1]


async def test_readings_share_metadata_and_keep_their_own(
    client: DataClient, camera: Camera
) -> None:
    """Two sources in one page (TD-2, TD-4)."""
    for n in range(4):
        await camera.readings({"n": n}, component_name=f"sensor-{n % 2}")
    found, _, _ = await client.tabular_data_by_filter()
    assert len(found) == 4
    assert all(one.metadata.component_name == f"sensor-{one.data['n'] % 2:.0f}" for one in found)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # viam-sdk's own, every release
async def test_dest_receives_what_was_read(
    client: DataClient, camera: Camera, tmp_path: Path
) -> None:
    """The client writes texts of the records there (TD-1, BF-1, BI-1)."""
    named = await camera.picture(b"picture")
    await camera.readings({"n": 1})
    readings, files, by_id = (tmp_path / name for name in ("readings", "files", "by-id"))
    await client.tabular_data_by_filter(dest=str(readings))
    await client.binary_data_by_filter(dest=str(files))
    await client.binary_data_by_ids([named], dest=str(by_id))
    (text,) = ast.literal_eval(readings.read_text())
    assert text.startswith("{'n': 1.0}")
    (text,) = ast.literal_eval(files.read_text())
    assert text.startswith('binary: "picture"')
    assert 'binary: "picture"' in by_id.read_text()


# Ids -------------------------------------------------------------------------------------------


@pytest.mark.every_way
async def test_by_ids_answers_in_the_order_of_the_ids(
    client: DataClient, camera: Camera, form: str
) -> None:
    """Each record once (BI-1, BI-3, ID-1, ID-2, A14)."""
    ids = await camera.pictures(4)
    wanted = [in_form(form, ids[n]) for n in (2, 0, 3, 0)]
    found = await client.binary_data_by_ids(wanted)
    assert [one.binary for one in found] == [b"2", b"0", b"3"]
    assert [one.metadata.binary_data_id for one in found] == [ids[2], ids[0], ids[3]]


async def test_by_ids_leaves_unknown_ones_out(
    client: DataClient, camera: Camera, part: Part, form: str
) -> None:
    """Fewer answers, no error (ID-6, A13)."""
    known = await camera.picture(b"known")
    unknown = f"{part.organization_id}/{part.location_id}/{NO_SUCH_FILE}"
    found = await client.binary_data_by_ids([in_form(form, unknown), in_form(form, known)])
    assert [one.binary for one in found] == [b"known"]
    assert await client.binary_data_by_ids([in_form(form, unknown)]) == []


async def test_malformed_string_ids_are_unknown(client: DataClient, camera: Camera) -> None:
    """Not three parts joined by slashes (ID-7, A13)."""
    named = await camera.picture()
    bare = named.rpartition("/")[2]
    assert await client.binary_data_by_ids([bare, "", "a/b/c/d", f"{named}/"]) == []


async def test_binary_id_made_as_the_documentation_says(client: DataClient, camera: Camera) -> None:
    """Of the bare id and the capture metadata (ID-3, A15)."""
    await camera.picture(b"picture")
    ((one,), _, _) = await client.binary_data_by_filter(include_binary_data=False)
    named = BinaryID(
        file_id=one.metadata.id,
        organization_id=one.metadata.capture_metadata.organization_id,
        location_id=one.metadata.capture_metadata.location_id,
    )
    for wanted in (named, BinaryID(file_id=one.metadata.id)):
        (found,) = await client.binary_data_by_ids([wanted])
        assert found.binary == b"picture"


async def test_no_ids_are_an_error(client: DataClient, camera: Camera) -> None:
    """To read and to delete (ID-5, BI-1, DI-1, A12)."""
    await camera.picture()
    with refused(Status.INVALID_ARGUMENT, "[ID-5]"):
        await client.binary_data_by_ids([])
    with refused(Status.INVALID_ARGUMENT, "[ID-5]"):
        await client.delete_binary_data_by_ids([])
    assert await count(client) == 1


# Deleting --------------------------------------------------------------------------------------


@pytest.mark.every_way
async def test_delete_by_ids_counts_what_went(
    client: DataClient, camera: Camera, part: Part, form: str
) -> None:
    """Unknown ids do not count; a second time nothing is left (DI-1, A13, ID-6)."""
    ids = await camera.pictures(4)
    unknown = f"{part.organization_id}/{part.location_id}/{NO_SUCH_FILE}"
    gone = [in_form(form, named) for named in (ids[0], ids[2], unknown, ids[0])]
    assert await client.delete_binary_data_by_ids(gone) == 2
    assert await binaries(client) == [b"3", b"1"]
    assert await client.delete_binary_data_by_ids(gone) == 0
    assert await client.binary_data_by_ids(gone) == []


@pytest.mark.every_way
async def test_delete_by_filter_deletes_what_matches(client: DataClient, camera: Camera) -> None:
    """And counts it (DF-1, DF-4, FI-6)."""
    await camera.pictures(3, tags=["old"])
    await camera.picture(b"new")
    tagged = create_filter(tags=["old"])
    assert await client.delete_binary_data_by_filter(tagged) == 3
    assert await client.delete_binary_data_by_filter(tagged) == 0
    assert await binaries(client) == [b"new"]


@pytest.mark.parametrize("wanted", [None, Filter()], ids=["none", "empty"])
async def test_delete_by_empty_filter_deletes_everything(
    cloud: FakeViam, client: DataClient, camera: Camera, wanted: Filter | None
) -> None:
    """Of every organization, but no readings and nothing internal (DF-1, DF-3, DF-4, A16)."""
    await camera.pictures(2)
    await camera.readings({"n": 1})
    await Camera(client, cloud.fleet.add_part("p", organization="another")).picture()
    await Camera(client, cloud.fleet.add_part("slam", internal=True)).picture(b"internal")
    assert await client.delete_binary_data_by_filter(wanted) == 3
    assert await binaries(client, include_internal_data=True) == [b"internal"]
    assert await numbers(client) == [1]


@pytest.mark.every_way
async def test_delete_tabular_data_zero_days_deletes_all_of_the_organization(
    cloud: FakeViam, client: DataClient, camera: Camera, part: Part
) -> None:
    """And of no other; files stay (DT-1, DT-4)."""
    now = cloud.clock.moment().replace(tzinfo=None)
    await camera.readings({"n": 1}, {"n": 2}, moment=now + timedelta(days=1))
    await Camera(client, cloud.fleet.add_part("p", organization="another")).readings({"n": 3})
    await camera.picture()
    assert await client.delete_tabular_data(part.organization_id, 0) == 2
    assert await numbers(client) == [3]
    assert await count(client) == 1
    assert await client.delete_tabular_data(part.organization_id, 0) == 0


@pytest.mark.parametrize(
    ("days", "kept"), [(1, [4, 3]), (2, [4, 3, 2]), (3, [4, 3, 2, 1]), (9, [4, 3, 2, 1, 0])]
)
async def test_delete_tabular_data_counts_utc_days(
    client: DataClient, camera: Camera, part: Part, days: int, kept: list[int]
) -> None:
    """1 deletes up to the end of yesterday; the fake's clock says 6 May 2024 (DT-1, DT-2, DT-4)."""
    moments = [
        datetime(2024, 5, 3, 23, 59, 59),  # noqa: DTZ001 - naive UTC
        datetime(2024, 5, 4),  # noqa: DTZ001
        datetime(2024, 5, 5, 23, 59, 59, 999_999),  # noqa: DTZ001
        datetime(2024, 5, 6),  # noqa: DTZ001
        datetime(2024, 5, 6, 7),  # noqa: DTZ001
    ]
    for n, moment in enumerate(moments):
        await camera.readings({"n": n}, moment=moment)
    assert await client.delete_tabular_data(part.organization_id, days) == 5 - len(kept)
    assert await numbers(client) == kept


async def test_delete_tabular_data_needs_an_organization(
    client: DataClient, camera: Camera
) -> None:
    """Without one it would be anybody's data (A48)."""
    await camera.readings({"n": 1})
    with refused(Status.INVALID_ARGUMENT, "organization_id must not be empty [A48]"):
        await client.delete_tabular_data("", 0)
    assert await numbers(client) == [1]


@pytest.mark.every_way
async def test_delete_tabular_data_by_filter_is_gone(client: DataClient, camera: Camera) -> None:
    """The client does not even call; the documentation says to use delete_tabular_data (DT-1)."""
    await camera.readings({"n": 1})
    with pytest.raises(NotImplementedError):
        await client.delete_tabular_data_by_filter(Filter())
    assert await numbers(client) == [1]
