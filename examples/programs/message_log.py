"""Log messages as a webhook does, with the machine's naive local times, and read them back."""

import asyncio
import time
from datetime import datetime, timedelta, timezone

from connection import connected, organization, part

MESSAGES = [("+15550100", "is the door open?"), ("+15550101", "close it")]
BEGIN = datetime(2026, 3, 10, 18)  # noqa: DTZ001 - that it is naive is the point


async def main() -> None:
    async with connected() as client:
        data = client.data_client
        for number, (sender, text) in enumerate(MESSAGES):
            at = BEGIN + timedelta(minutes=number)
            await data.tabular_data_capture_upload(
                [{"from": sender, "body": text}],
                part(),
                component_type="rdk:component:generic",
                component_name="messages",
                method_name="DoCommand",
                data_request_times=[(at, at)],
            )
        begin = BEGIN.astimezone(timezone.utc)
        rows = await data.tabular_data_by_mql(
            organization(),
            [
                {
                    "$match": {
                        "component_name": "messages",
                        "time_received": {"$gte": begin, "$lt": begin + timedelta(hours=1)},
                    }
                },
                {"$sort": {"time_received": 1}},
                {"$project": {"_id": 0, "from": "$data.from", "body": "$data.body"}},
            ],
        )
        for row in rows:
            print(f"{row['from']}: {row['body']}")
        print(f"in the time zone {time.tzname[0]}")


if __name__ == "__main__":
    asyncio.run(main())
