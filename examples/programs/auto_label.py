"""Upload a picture with the boxes that a detector found, and collect it in a dataset."""

import asyncio
import base64
from dataclasses import dataclass

from connection import connected, organization, part
from viam.app.data_client import DataClient
from viam.utils import create_filter

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Detection:
    """What a detector found: a label, and corners as fractions of the picture."""

    label: str
    corners: tuple[float, float, float, float]
    confidence: float


DETECTIONS = [
    Detection("door", (0.1, 0.1, 0.4, 0.9), 0.97),
    Detection("handle", (0.3, 0.45, 0.36, 0.5), 0.81),
    Detection("door", (0.6, 0.1, 0.9, 0.9), 0.42),
]


async def dataset_named(data: DataClient, name: str) -> str:
    """The id of a dataset, which is created if it does not exist."""
    for each in await data.list_datasets_by_organization_id(organization()):
        if each.name == name:
            return each.id
    return await data.create_dataset(name, organization())


async def main() -> None:
    async with connected() as client:
        data = client.data_client
        dataset_id = await dataset_named(data, "labelled")
        picture = await data.file_upload(
            part(), PICTURE, component_name="door-camera", file_name="new", file_extension=".png"
        )
        for each in DETECTIONS:
            if each.confidence > 0.5:
                await data.add_bounding_box_to_image_by_id(
                    picture, each.label, *each.corners, confidence_score=each.confidence
                )
        await data.add_binary_data_to_dataset_by_ids([picture], dataset_id)
        chosen = create_filter(dataset_id=dataset_id)
        labels = await data.bounding_box_labels_by_filter(chosen)
        print(f"labelled: {', '.join(sorted(labels))}")


if __name__ == "__main__":
    asyncio.run(main())
