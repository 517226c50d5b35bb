"""Wrong clients: results."""

from __future__ import annotations

import functools
from typing import Any

from fakeviam_client import DataClient

from fakeviam.wire import data
from fakeviam_contracts.mutants.clients_base import ClientMutant, on_reply


class CountsWhatItTagged(DataClient):
    """Returns a count where nothing is promised."""

    @functools.wraps(DataClient.add_tags_to_binary_data_by_filter)
    async def add_tags_to_binary_data_by_filter(self, *args: Any, **options: Any) -> int:  # type: ignore[override]
        await super().add_tags_to_binary_data_by_filter(*args, **options)
        return 1


class GivesAddresses(DataClient):
    """Returns the address of the database instead of its host."""

    async def get_database_connection(self, organization_id: str) -> str:
        host = await super().get_database_connection(organization_id)
        return f"mongodb://{host}"


class ForgetsPasswords(DataClient):
    """Does not send the password of the database."""

    async def configure_database_user(self, organization_id: str, password: str) -> None:
        """Do nothing."""


class JoinsNames(DataClient):
    """Returns tags as one text."""

    @functools.wraps(DataClient.tags_by_filter)
    async def tags_by_filter(self, *args: Any, **options: Any) -> str:  # type: ignore[override]
        return ", ".join(await super().tags_by_filter(*args, **options))


def _names_of_the_first(_: object, reply: object) -> None:
    if isinstance(reply, data.BinaryDataByFilterResponse):
        for file in reply.data[1:]:
            file.metadata.file_name = reply.data[0].metadata.file_name


ANSWERS = (
    on_reply("names all files after the first", "files-whole", _names_of_the_first),
    ClientMutant(name="joins names", obligation="names-as-lists", client=JoinsNames),
    ClientMutant(
        name="answers without being asked",
        obligation="nothing-for-nothing",
        client=CountsWhatItTagged,
    ),
    ClientMutant(
        name="gives the address of the database", obligation="hostname", client=GivesAddresses
    ),
    ClientMutant(name="forgets passwords", obligation="database-user", client=ForgetsPasswords),
)
