"""Fit a line to a sensor's readings, as a training job does with its data."""

import asyncio
from statistics import linear_regression

from connection import connected, part
from viam.utils import create_filter


async def main() -> None:
    async with connected() as client:
        xs: list[float] = []
        ys: list[float] = []
        last = None
        while True:
            page, _, last = await client.data_client.tabular_data_by_filter(
                create_filter(part_id=part(), component_name="thermometer"),
                limit=7,
                last=last,
            )
            if not page:
                break
            xs += [each.time_requested.timestamp() / 3600 for each in page]
            ys += [each.data["celsius"] for each in page]
        slope, _ = linear_regression(xs, ys)
        print(f"{len(xs)} readings; {slope:+.2f} °C an hour")


if __name__ == "__main__":
    asyncio.run(main())
