from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from robot_lab.archive import PAGE, build_dataset, images, temperatures
from robot_lab.station import REVIEW, Detection, Station
from viam.utils import create_filter

if TYPE_CHECKING:
    from viam.app.data_client import DataClient

    from fakeviam import Part

pytestmark = pytest.mark.asyncio

NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
BOX = (0.1, 0.2, 0.3, 0.4)


@pytest.mark.parametrize("number", [0, 1, PAGE, PAGE + 1, 2 * PAGE])
async def test_all_images_are_found_page_by_page(
    station: Station, viam_data_client: DataClient, number: int
) -> None:
    recorded = [
        await station.record_image(b"", NOON + timedelta(seconds=second))
        for second in range(number)
    ]
    found = [image.binary_data_id async for image in images(viam_data_client)]
    assert found == recorded[::-1]


async def test_images_are_found_by_tag(station: Station, viam_data_client: DataClient) -> None:
    await station.record_image(b"", NOON, [Detection("nut", 0.9, BOX)])
    unsure = await station.record_image(b"", NOON, [Detection("nut", 0.3, BOX)])
    chosen = create_filter(tags=[REVIEW])
    assert [image.binary_data_id async for image in images(viam_data_client, chosen)] == [unsure]


async def test_readings_come_back_in_order(station: Station, viam_data_client: DataClient) -> None:
    minutes = [NOON + timedelta(minutes=minute) for minute in range(2 * PAGE)]
    await station.record_temperatures({moment: 20 + moment.minute / 8 for moment in minutes})
    found = await temperatures(viam_data_client, minutes[10], minutes[70])
    assert list(found) == [moment.replace(tzinfo=None) for moment in minutes[10:71]]
    assert list(found.values())[:2] == [21.25, 21.375]


async def test_a_dataset_holds_what_has_the_label(
    station: Station, viam_data_client: DataClient, part: Part
) -> None:
    await station.record_image(b"", NOON, [Detection("nut", 0.9, BOX)])
    screw = await station.record_image(b"", NOON, [Detection("screw", 0.9, BOX)])
    assert await build_dataset(viam_data_client, part.organization_id, "screws", "screw") == 1
    (dataset,) = await viam_data_client.list_datasets_by_organization_id(part.organization_id)
    assert dataset.name == "screws"
    members = create_filter(dataset_id=dataset.id)
    assert [image.binary_data_id async for image in images(viam_data_client, members)] == [screw]


async def test_a_dataset_may_be_empty(viam_data_client: DataClient, part: Part) -> None:
    assert await build_dataset(viam_data_client, part.organization_id, "none", "unicorn") == 0
