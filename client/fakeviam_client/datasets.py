"""Datasets and the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data as data_wire
from fakeviam.wire import dataset as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message


class DatasetMethods(Service):
    """Datasets, their members, and the federated database."""

    async def create_dataset(
        self, name: str, organization_id: str, *, type: int | None = None
    ) -> str:
        """Create a dataset (DS-1).

        Args:
            name: Unique in the organization (DS-8).
            organization_id: Whose it is.
            type: What it holds, a value of `DatasetType`; by default binary data (DS-9).

        Returns:
            The id of the dataset.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: There is no such type.
            GRPCError: The name is taken, and what else the server refuses.
        """
        request = wire.CreateDatasetRequest(
            name=arguments.text("name", name),
            organization_id=arguments.text("organization_id", organization_id),
            type=arguments.dataset_type("type", type),
        )
        return (await self._call(wire.CreateDatasetResponse, request)).id

    async def list_dataset_by_ids(self, ids: Sequence[str]) -> list[wire.Dataset]:
        """The datasets of these ids; unknown ones are left out (DS-5, DS-6).

        Args:
            ids: Ids of datasets.

        Returns:
            The datasets, in the order of `ids` (A41).

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.ListDatasetsByIDsRequest(ids=arguments.texts("ids", ids))
        return list((await self._call(wire.ListDatasetsByIDsResponse, request)).datasets)

    async def list_datasets_by_organization_id(
        self, organization_id: str, *, dataset_type: int | None = None
    ) -> list[wire.Dataset]:
        """All datasets of an organization (DS-4).

        Args:
            organization_id: Whose datasets.
            dataset_type: Only those of this `DatasetType` (A43); by default all.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: There is no such type.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.ListDatasetsByOrganizationIDRequest(
            organization_id=arguments.text("organization_id", organization_id),
            type=arguments.dataset_type("dataset_type", dataset_type),
        )
        return list((await self._call(wire.ListDatasetsByOrganizationIDResponse, request)).datasets)

    async def rename_dataset(self, id: str, name: str) -> None:
        """Give a dataset another name (DS-3).

        Args:
            id: Which dataset.
            name: The new name, unique in the organization (DS-8).

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: The dataset is unknown, or the name is taken.
        """
        request = wire.RenameDatasetRequest(
            id=arguments.text("id", id), name=arguments.text("name", name)
        )
        await self._call(wire.RenameDatasetResponse, request)

    async def delete_dataset(self, id: str) -> None:
        """Delete a dataset; its data stays (DS-2).

        Args:
            id: Which dataset.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: The dataset is unknown.
        """
        await self._call(
            wire.DeleteDatasetResponse, wire.DeleteDatasetRequest(id=arguments.text("id", id))
        )

    async def add_binary_data_to_dataset_by_ids(
        self, binary_ids: Sequence[Message | str], dataset_id: str
    ) -> None:
        """Make files members of a dataset; they carry `VIAM_DATASET_{id}` then (DM-1, DM-2).

        Args:
            binary_ids: At least one `BinaryID` or string id.
            dataset_id: Which dataset.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: The dataset is unknown, and what else the server refuses.
        """
        ids = arguments.apart(arguments.binary_ids(binary_ids))
        request = data_wire.AddBinaryDataToDatasetByIDsRequest(
            dataset_id=arguments.text("dataset_id", dataset_id), **ids
        )
        await self._call(data_wire.AddBinaryDataToDatasetByIDsResponse, request)

    async def remove_binary_data_from_dataset_by_ids(
        self, binary_ids: Sequence[Message | str], dataset_id: str
    ) -> None:
        """End the membership of files; they lose `VIAM_DATASET_{id}`, the data stays (DM-4).

        Args:
            binary_ids: At least one `BinaryID` or string id.
            dataset_id: Which dataset.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: The dataset is unknown, and what else the server refuses.
        """
        ids = arguments.apart(arguments.binary_ids(binary_ids))
        request = data_wire.RemoveBinaryDataFromDatasetByIDsRequest(
            dataset_id=arguments.text("dataset_id", dataset_id), **ids
        )
        await self._call(data_wire.RemoveBinaryDataFromDatasetByIDsResponse, request)

    async def get_database_connection(self, organization_id: str) -> str:
        """The host of an organization's federated database (DB-1).

        Args:
            organization_id: Whose database.

        Returns:
            The name of the host.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: The organization is unknown.
        """
        request = data_wire.GetDatabaseConnectionRequest(
            organization_id=arguments.text("organization_id", organization_id)
        )
        return (await self._call(data_wire.GetDatabaseConnectionResponse, request)).hostname

    async def configure_database_user(self, organization_id: str, password: str) -> None:
        """Create the user of an organization's database, or reset its password (DB-3).

        Args:
            organization_id: Whose database.
            password: The password; it never shows in an error.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: The organization is unknown, or the password is empty.
        """
        request = data_wire.ConfigureDatabaseUserRequest(
            organization_id=arguments.text("organization_id", organization_id),
            password=arguments.secret("password", password),
        )
        await self._call(data_wire.ConfigureDatabaseUserResponse, request)
