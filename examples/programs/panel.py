"""Means by hour for a dashboard, from the federated database."""

import asyncio
import os
from urllib.parse import quote_plus

from connection import connected, organization
from pymongo import MongoClient

PASSWORD = os.environ.get("DATABASE_PASSWORD", "workshop")

BY_HOUR = [
    {"$match": {"component_name": "thermometer"}},
    {
        "$group": {
            "_id": {"$dateTrunc": {"date": "$time_received", "unit": "hour"}},
            "celsius": {"$avg": "$data.celsius"},
        }
    },
    {"$sort": {"_id": 1}},
]


async def database_uri() -> str:
    """The URI of the organization's database, with its password set."""
    async with connected() as client:
        await client.data_client.configure_database_user(organization(), PASSWORD)
        host = await client.data_client.get_database_connection(organization())
    user = f"db-user-{organization()}"
    tls = "false" if "FAKEVIAM_UNIX_SOCKET" in os.environ else "true"
    return (
        f"mongodb://{user}:{quote_plus(PASSWORD)}@{host}/sensorData"
        f"?directConnection=true&authSource=admin&tls={tls}"
    )


async def main() -> None:
    with MongoClient(await database_uri()) as client:
        for row in client.sensorData.readings.aggregate(BY_HOUR):
            print(f"{row['_id']:%H}:00 {row['celsius']:.2f} °C")


if __name__ == "__main__":
    asyncio.run(main())
