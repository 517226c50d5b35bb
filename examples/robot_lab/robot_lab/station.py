"""A station in the laboratory: it records what it sees and measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from viam.app.data_client import DataClient

REVIEW = "needs-review"
UNSURE = 0.6


@dataclass(frozen=True)
class Detection:
    """Something that the detector found in an image."""

    label: str
    confidence: float
    box: tuple[float, float, float, float]  # left, top, right, bottom, as parts of the image


class Station:
    """One machine with a camera and a thermometer."""

    def __init__(self, data: DataClient, part_id: str) -> None:
        self._data = data
        self._part_id = part_id

    async def record_image(
        self, image: bytes, taken: datetime, detections: Sequence[Detection] = ()
    ) -> str:
        """Upload an image with its detections; a person should look at it if one is unsure."""
        image_id = await self._data.binary_data_capture_upload(
            binary_data=image,
            part_id=self._part_id,
            component_type="camera",
            component_name="overhead",
            method_name="GetImages",
            file_extension=".jpg",
            data_request_times=(taken, taken),
        )
        for found in detections:
            await self._data.add_bounding_box_to_image_by_id(
                image_id, found.label, *found.box, confidence_score=found.confidence
            )
        if any(found.confidence < UNSURE for found in detections):
            await self._data.add_tags_to_binary_data_by_ids([REVIEW], [image_id])
        return image_id

    async def record_temperatures(self, celsius: Mapping[datetime, float]) -> None:
        """Upload a series of readings."""
        await self._data.tabular_data_capture_upload(
            tabular_data=[{"celsius": value} for value in celsius.values()],
            part_id=self._part_id,
            component_type="sensor",
            component_name="thermometer",
            method_name="Readings",
            data_request_times=[(moment, moment) for moment in celsius],
        )
