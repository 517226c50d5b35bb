"""The datasets of all organizations that the caller sees, for commands that use names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grpclib.exceptions import GRPCError

from fakeviam.program import find
from fakeviam.wire import app

if TYPE_CHECKING:
    from fakeviam.wire.dataset import Dataset
    from fakeviam_client.client import DataClient


class OwnedDataset(NamedTuple):
    """A dataset and the name of its organization."""

    dataset: Dataset
    organization: str


async def all_datasets(data: DataClient) -> list[OwnedDataset]:
    """The datasets, by organization."""
    request = app.ListOrganizationsRequest()
    reply = await data._call(app.ListOrganizationsResponse, request)  # noqa: SLF001 - its own
    return [
        OwnedDataset(dataset, organization.name)
        for organization in reply.organizations
        for dataset in await data.list_datasets_by_organization_id(organization.id)
    ]


async def dataset_id(data: DataClient, key: str) -> str:
    """The id of the dataset with this name or id.

    API keys that cannot list organizations require ids.

    Raises:
        CommandError: There is none, or the name is ambiguous.
    """
    try:
        known = await all_datasets(data)
    except GRPCError:
        return key
    return find("dataset", key, [(each.dataset.id, each.dataset.name) for each in known])
