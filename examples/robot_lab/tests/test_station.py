from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from grpclib import GRPCError
from robot_lab.station import REVIEW, Detection, Station

if TYPE_CHECKING:
    from viam.app.data_client import DataClient

    from fakeviam import FakeViam, Part

pytestmark = pytest.mark.asyncio

NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
JPEG = b"\xff\xd8\xff\xe0 a photograph \xff\xd9"


async def test_an_image_arrives_whole(
    station: Station, viam_data_client: DataClient, part: Part
) -> None:
    image_id = await station.record_image(JPEG, NOON)
    (image,) = await viam_data_client.binary_data_by_ids([image_id])
    assert image.binary == JPEG
    assert image.metadata.capture_metadata.part_id == part.id
    assert image.metadata.capture_metadata.robot_name == "bench"
    assert image.metadata.time_requested.ToDatetime(timezone.utc) == NOON


@pytest.mark.parametrize(("confidence", "tags"), [(0.95, []), (0.6, []), (0.59, [REVIEW])])
async def test_unsure_detections_ask_for_a_review(
    station: Station, viam_data_client: DataClient, confidence: float, tags: list[str]
) -> None:
    image_id = await station.record_image(
        JPEG, NOON, [Detection("screw", confidence, (0.1, 0.2, 0.3, 0.4))]
    )
    (image,) = await viam_data_client.binary_data_by_ids([image_id])
    assert image.metadata.capture_metadata.tags == tags
    (box,) = image.metadata.annotations.bboxes
    assert (box.label, box.confidence) == ("screw", confidence)


async def test_a_box_outside_the_image_is_refused(
    station: Station, viam_data_client: DataClient
) -> None:
    with pytest.raises(GRPCError, match="INVALID_ARGUMENT"):
        await station.record_image(JPEG, NOON, [Detection("screw", 0.9, (0.1, 0.2, 1.3, 0.4))])
    _, count, _ = await viam_data_client.binary_data_by_filter()
    assert count == 1  # the image was there before its box


async def test_a_station_that_the_cloud_does_not_know_is_refused(
    viam_data_client: DataClient, fakeviam: FakeViam
) -> None:
    stranger = Station(viam_data_client, "f4ce0000-0000-4000-8000-00000000dead")
    with pytest.raises(GRPCError):
        await stranger.record_image(JPEG, NOON)
    assert fakeviam.crashes == ()
