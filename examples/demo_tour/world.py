"""Where the tour goes: one cloud, one client, two robots and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .material import photographs, san_francisco_temperatures, seattle_weather

if TYPE_CHECKING:
    from viam.app.data_client import DataClient
    from viam.proto.app.data import Filter

    from fakeviam import FakeViam

    from .material import Photograph


class World:
    """What there is on both ends of the connection.

    Attributes:
        client: The official client.
        rover: A part of the default organization.
        station: A part of another robot, in another location and organization.
        photographs: The files to upload; later also what the cloud should know of them.
        series: The same for readings.
    """

    def __init__(self, cloud: FakeViam, client: DataClient) -> None:
        """Read the files; nothing is uploaded yet."""
        self.client = client
        self.rover = cloud.default_part
        self.station = cloud.fleet.add_part(
            "station-main", robot="station", location="harbour", organization="weather office"
        )
        self.photographs = photographs(self.rover, self.station)
        self.series = [seattle_weather(self.station), san_francisco_temperatures(self.rover)]

    def photograph(self, name: str) -> Photograph:
        """The photograph in the file of that name."""
        return next(one for one in self.photographs if one.path.name == name)

    def ids(self, *names: str) -> list[Any]:
        """The ids of these photographs."""
        return [self.photograph(name).id for name in names]

    async def names(self, wanted: Filter | None = None) -> list[str]:
        """The photographs that a filter selects, newest first."""
        found, _, _ = await self.client.binary_data_by_filter(wanted, include_binary_data=False)
        known = {one.id: one.path.name for one in self.photographs}
        return [known[one.metadata.binary_data_id] for one in found]

    async def tags(self, name: str) -> list[str]:
        """The tags that the cloud shows on a photograph."""
        (found,) = await self.client.binary_data_by_ids(self.ids(name), include_binary_data=False)
        return list(found.metadata.capture_metadata.tags)

    async def counts(self, wanted: Filter | None = None) -> tuple[int, int]:
        """How many photographs and readings a filter selects."""
        _, files, _ = await self.client.binary_data_by_filter(wanted, count_only=True)
        _, readings, _ = await self.client.tabular_data_by_filter(wanted, count_only=True)
        return files, readings
