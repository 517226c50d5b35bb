"""Play a dataset as a camera would: picture after picture, in the order they were captured."""

import asyncio
from collections.abc import AsyncIterator

from connection import connected, organization
from viam.app.data_client import DataClient
from viam.proto.app.data import BinaryData, Order
from viam.utils import create_filter


class ReplayCamera:
    """A camera whose pictures are those of a dataset."""

    def __init__(self, data: DataClient, dataset_id: str) -> None:
        """Play this dataset."""
        self._data = data
        self._dataset_id = dataset_id

    async def pictures(self) -> AsyncIterator[BinaryData]:
        """Each picture, with its bytes; the ids of all come first, without bytes."""
        ids: list[str] = []
        last = None
        while True:
            page, _, last = await self._data.binary_data_by_filter(
                create_filter(dataset_id=self._dataset_id),
                limit=2,
                last=last,
                sort_order=Order.ORDER_ASCENDING,
                include_binary_data=False,
            )
            if not page:
                break
            ids += [each.metadata.binary_data_id for each in page]
        for each in ids:
            (picture,) = await self._data.binary_data_by_ids([each])
            yield picture


async def main() -> None:
    async with connected() as client:
        datasets = await client.data_client.list_datasets_by_organization_id(organization())
        dataset = next(each for each in datasets if each.name == "doors")
        async for picture in ReplayCamera(client.data_client, dataset.id).pictures():
            when = picture.metadata.time_requested.ToDatetime()
            print(f"{when:%H:%M} {picture.metadata.file_name}: {len(picture.binary)} bytes")


if __name__ == "__main__":
    asyncio.run(main())
