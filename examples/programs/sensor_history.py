"""Print what a sensor has measured, from the first reading to the last."""

import asyncio

from connection import connected
from viam.app.data_client import DataClient
from viam.utils import create_filter


async def history(data: DataClient, component: str, size: int) -> list[DataClient.TabularData]:
    """All readings of a component, a page of `size` at a time, until `last` is empty."""
    found: list[DataClient.TabularData] = []
    last = None
    while True:
        page, _, last = await data.tabular_data_by_filter(
            create_filter(component_name=component), limit=size, last=last
        )
        found += page
        if not page or not last:
            return found


async def main() -> None:
    async with connected() as client:
        readings = await history(client.data_client, "thermometer", 10)
        celsius = [each.data["celsius"] for each in readings]
        print(f"{len(celsius)} readings, {min(celsius):.1f} to {max(celsius):.1f} °C")


if __name__ == "__main__":
    asyncio.run(main())
