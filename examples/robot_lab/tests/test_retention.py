from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from robot_lab.archive import forget_readings

if TYPE_CHECKING:
    from robot_lab.station import Station
    from viam.app.data_client import DataClient

    from fakeviam import FakeViam, Part

pytestmark = pytest.mark.asyncio


async def test_readings_are_forgotten_after_a_month(
    fakeviam: FakeViam, station: Station, viam_data_client: DataClient, part: Part
) -> None:
    for _ in range(3):
        await station.record_temperatures({fakeviam.clock.moment(): 20.5})
        fakeviam.clock.advance(days=20)
    # Recorded 60, 40 and 20 days ago.
    assert await forget_readings(viam_data_client, part.organization_id, days=30) == 2
    _, left, _ = await viam_data_client.tabular_data_by_filter()
    assert left == 1
    assert await forget_readings(viam_data_client, part.organization_id, days=30) == 0


async def test_the_cloud_tells_when_it_received_an_image(
    fakeviam: FakeViam, station: Station, viam_data_client: DataClient
) -> None:
    taken = fakeviam.clock.moment()
    fakeviam.clock.advance(hours=8)  # there was no network in the night
    image_id = await station.record_image(b"", taken)
    (image,) = await viam_data_client.binary_data_by_ids([image_id])
    assert image.metadata.time_requested.ToDatetime(taken.tzinfo) == taken
