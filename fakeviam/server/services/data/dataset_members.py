"""Membership of binary data in datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.errors import InvalidArgumentError
from fakeviam.server.services.arguments import id_grounds, records_named
from fakeviam.server.services.datasets import dataset_for_binary
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.policy import Policy
    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.state.call import Call

_Request = data.AddBinaryDataToDatasetByIDsRequest | data.RemoveBinaryDataFromDatasetByIDsRequest


def _member_grounds(request: _Request, policy: Policy) -> Iterator[str]:
    yield from id_grounds(request, policy)
    if policy.dataset_label == "shown":
        yield from ("DM-2", "A10")


@rpc("AddBinaryDataToDatasetByIDs", rests_on=["DM-1", "DM-3", "DM-4"], grounds=_member_grounds)
def add_binary_data_to_dataset_by_ids(
    call: Call, request: data.AddBinaryDataToDatasetByIDsRequest
) -> data.AddBinaryDataToDatasetByIDsResponse:
    """Add records to a dataset (DM-1 … DM-8)."""
    dataset, records = _arguments(call, request)
    if dataset is not None:
        for record in records:
            check_same_organization(dataset, record.source.organization_id)
        if any(dataset.id in record.dataset_ids for record in records):
            call.cite(["DM-6"])
        call.store.add_members(dataset.id, (record.file_id for record in records))
    return data.AddBinaryDataToDatasetByIDsResponse()


@rpc("RemoveBinaryDataFromDatasetByIDs", rests_on=["DM-1", "DM-3", "DM-4"], grounds=_member_grounds)
def remove_binary_data_from_dataset_by_ids(
    call: Call, request: data.RemoveBinaryDataFromDatasetByIDsRequest
) -> data.RemoveBinaryDataFromDatasetByIDsResponse:
    """Remove records from a dataset; the data remains (DM-1 … DM-6)."""
    dataset, records = _arguments(call, request)
    if dataset is not None:
        if not all(dataset.id in record.dataset_ids for record in records):
            call.cite(["DM-6"])
        call.store.remove_members(dataset.id, (record.file_id for record in records))
    return data.RemoveBinaryDataFromDatasetByIDsResponse()


def check_same_organization(dataset: Dataset, organization_id: str) -> None:
    """Refuse data of another organization (DM-7)."""
    if organization_id != dataset.organization_id:
        text = (
            f"dataset {dataset.id!r} belongs to organization {dataset.organization_id!r}, "
            f"the data to {organization_id!r}"
        )
        raise InvalidArgumentError(text, clause="DM-7")


def _arguments(call: Call, request: _Request) -> tuple[Dataset | None, list[BinaryRecord]]:
    dataset = dataset_for_binary(call, request.dataset_id, field="dataset_id", clause="A40")
    records = records_named(call, request.binary_ids, request.binary_data_ids, clause="DM-8")
    return dataset, records
