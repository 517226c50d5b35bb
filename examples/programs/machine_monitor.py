"""The last day of every part of the fleet; a part that does not answer stops no other."""

import asyncio
from datetime import datetime, timedelta, timezone

from connection import connected
from grpclib import GRPCError
from viam.app.app_client import RobotPart
from viam.app.data_client import DataClient

RESOURCE = ("thermometer", "rdk:component:sensor", "Readings")
END = datetime(2026, 3, 11, tzinfo=timezone.utc)


async def main() -> None:
    async with connected() as client:
        for org in await client.app_client.list_organizations():
            for location in await client.app_client.list_locations(org.id):
                for robot in await client.app_client.list_robots(location.id):
                    for part in await client.app_client.get_robot_parts(robot.id):
                        await report(client.data_client, part)


async def report(data: DataClient, part: RobotPart) -> None:
    """One line about a part."""
    try:
        points = await data.export_tabular_data(
            part.id, *RESOURCE, start_time=END - timedelta(days=1), end_time=END
        )
    except GRPCError as error:
        print(f"{part.name}: {error.status.name} {error.message}")
        return
    values = [float(str(point.payload["celsius"])) for point in points]
    told = (
        f"{len(values)} readings, mean {sum(values) / len(values):.1f} °C" if values else "silent"
    )
    print(f"{part.name}: {told}")


if __name__ == "__main__":
    asyncio.run(main())
