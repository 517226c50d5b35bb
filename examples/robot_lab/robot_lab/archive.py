"""What the laboratory does with its recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viam.utils import create_filter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from viam.app.data_client import DataClient
    from viam.proto.app.data import BinaryMetadata, Filter

PAGE = 50


async def images(data: DataClient, chosen: Filter | None = None) -> AsyncIterator[BinaryMetadata]:
    """All images that match, newest first, without their bytes."""
    last = ""
    while True:
        page, _, last = await data.binary_data_by_filter(
            chosen, limit=PAGE, last=last, include_binary_data=False
        )
        for image in page:
            yield image.metadata
        if len(page) < PAGE:
            return


async def temperatures(data: DataClient, start: datetime, end: datetime) -> dict[datetime, float]:
    """The readings of that time, oldest first."""
    chosen = create_filter(component_name="thermometer", start_time=start, end_time=end)
    readings: dict[datetime, float] = {}
    last = ""
    while True:
        page, _, last = await data.tabular_data_by_filter(chosen, limit=PAGE, last=last)
        readings.update({row.time_requested: row.data["celsius"] for row in page})
        if len(page) < PAGE:
            return dict(sorted(readings.items()))


async def build_dataset(data: DataClient, organization_id: str, name: str, label: str) -> int:
    """Collect the images in which something of that label was found; how many there are."""
    chosen = create_filter(bbox_labels=[label])
    ids = [image.binary_data_id async for image in images(data, chosen)]
    dataset_id = await data.create_dataset(name, organization_id)
    if ids:
        await data.add_binary_data_to_dataset_by_ids(ids, dataset_id)
    return len(ids)


async def forget_readings(data: DataClient, organization_id: str, days: int) -> int:
    """Delete the readings that are older than that; how many there were."""
    return await data.delete_tabular_data(organization_id, delete_older_than_days=days)
