"""Events of a machine with their pictures; the pictures of events before noon are deleted."""

import asyncio
from datetime import datetime, timezone
from typing import Any

from connection import connected, organization
from viam.proto.app.data import Order
from viam.utils import create_filter

NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)


async def main() -> None:
    async with connected() as client:
        data = client.data_client
        events: list[dict[str, Any]] = await data.tabular_data_by_mql(
            organization(),
            [
                {"$match": {"component_name": "door", "data.event": {"$exists": True}}},
                {"$sort": {"time_received": -1}},
                {"$limit": 100},
            ],
        )
        chosen = create_filter(component_name="door-camera")
        pictures, _, _ = await data.binary_data_by_filter(
            chosen, limit=100, sort_order=Order.ORDER_DESCENDING, include_binary_data=False
        )
        by_name = {each.metadata.file_name: each.metadata for each in pictures}
        old = []
        for event in events:
            picture = by_name.get(event["data"]["picture"])
            shown = picture.file_name if picture else "no picture"
            print(f"{event['time_received']:%H:%M} {event['data']['event']}: {shown}")
            if picture and picture.time_requested.ToDatetime(timezone.utc) < NOON:
                old.append(picture.binary_data_id)
        print(f"{await data.delete_binary_data_by_ids(old)} old pictures deleted")


if __name__ == "__main__":
    asyncio.run(main())
