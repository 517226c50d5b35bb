"""What the machines of a home say: the latest reading of each."""

import asyncio

from connection import connected


async def main() -> None:
    async with connected() as client:
        app, data = client.app_client, client.data_client
        for org in await app.list_organizations():
            print(org.name)
            for location in await app.list_locations(org.id):
                print(f"  {location.name}")
                for robot in await app.list_robots(location.id):
                    for part in await app.get_robot_parts(robot.id):
                        latest = await data.get_latest_tabular_data(
                            part.id, "thermometer", "rdk:component:sensor", "Readings"
                        )
                        shown = f"{latest[2]['celsius']:.1f} °C" if latest else "nothing yet"
                        print(f"    {robot.name}: {shown}")


if __name__ == "__main__":
    asyncio.run(main())
