"""DatasetService."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.model.datasets import Dataset, DatasetType, check_dataset_name
from fakeviam.model.entities import Sequence
from fakeviam.model.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    Refusal,
    UnknownStatusError,
)
from fakeviam.server.services.encoding import set_time
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import dataset as wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.model.policy import Policy
    from fakeviam.server.state.call import Call

_TAKEN: MappingProxyType[str, type[Refusal]] = MappingProxyType(
    {
        "ALREADY_EXISTS": AlreadyExistsError,
        "INVALID_ARGUMENT": InvalidArgumentError,
        "UNKNOWN": UnknownStatusError,
    }
)


@rpc("CreateDataset", rests_on=["DS-1", "DS-8", "DS-9"])
def create_dataset(call: Call, request: wire.CreateDatasetRequest) -> wire.CreateDatasetResponse:
    """Create a dataset (DS-1, DS-7 … DS-9)."""
    dataset = _new_dataset(call, request.name, request.organization_id, _type(request.type))
    if not call.store.add_dataset(dataset):
        raise _name_taken(call, request.name)
    return wire.CreateDatasetResponse(id=dataset.id)


@rpc("RenameDataset", rests_on=["DS-3", "DS-8"])
def rename_dataset(call: Call, request: wire.RenameDatasetRequest) -> wire.RenameDatasetResponse:
    """Rename a dataset; keeping the name is allowed (DS-3, DS-14)."""
    name = check_dataset_name(request.name)
    dataset = _required_dataset(call, request.id)
    if dataset.name == name:
        call.cite(["DS-14"])
    if not call.store.rename_dataset(dataset.id, name):
        raise _name_taken(call, name)
    return wire.RenameDatasetResponse()


@rpc("DeleteDataset", rests_on=["DS-2"])
def delete_dataset(call: Call, request: wire.DeleteDatasetRequest) -> wire.DeleteDatasetResponse:
    """Delete a dataset and its memberships; the data remains (DS-2)."""
    call.store.delete_dataset(_required_dataset(call, request.id).id)
    return wire.DeleteDatasetResponse()


def _listing_grounds(
    request: wire.ListDatasetsByOrganizationIDRequest, _policy: Policy
) -> tuple[str, ...]:
    return ("A43",) if request.HasField("type") else ()


@rpc("ListDatasetsByOrganizationID", rests_on=["DS-4"], grounds=_listing_grounds)
def list_datasets_by_organization_id(
    call: Call, request: wire.ListDatasetsByOrganizationIDRequest
) -> wire.ListDatasetsByOrganizationIDResponse:
    """The datasets of an organization, optionally of one type (DS-4, A43)."""
    call.principal.check_named([request.organization_id] if request.organization_id else [])
    datasets: Iterable[Dataset] = call.store.datasets(request.organization_id)
    if request.HasField("type"):
        type_ = _type(request.type)
        datasets = [dataset for dataset in datasets if dataset.type == type_]
    return wire.ListDatasetsByOrganizationIDResponse(datasets=map(_message, datasets))


def _ids_grounds(request: wire.ListDatasetsByIDsRequest, _policy: Policy) -> tuple[str, ...]:
    return ("A41",) if len(request.ids) > 1 else ()


@rpc("ListDatasetsByIDs", rests_on=["DS-5"], grounds=_ids_grounds)
def list_datasets_by_ids(
    call: Call, request: wire.ListDatasetsByIDsRequest
) -> wire.ListDatasetsByIDsResponse:
    """The datasets with these ids, in the order of the ids (DS-5, DS-6, A41)."""
    datasets = [visible_dataset(call, dataset_id) for dataset_id in dict.fromkeys(request.ids)]
    if None in datasets:
        call.cite(["DS-6"])
    return wire.ListDatasetsByIDsResponse(datasets=(_message(d) for d in datasets if d is not None))


@rpc("MergeDatasets", rests_on=["DS-10", "DS-8", "A42"])
def merge_datasets(call: Call, request: wire.MergeDatasetsRequest) -> wire.MergeDatasetsResponse:
    """Create a dataset with the members of other datasets (DS-10, DS-12, DS-15, A42)."""
    if not request.dataset_ids:
        raise InvalidArgumentError("dataset_ids must not be empty", clause="DS-12")
    check_organization(call, request.organization_id)
    sources = [
        _required_dataset(call, dataset_id) for dataset_id in dict.fromkeys(request.dataset_ids)
    ]
    for source in sources:
        if source.organization_id != request.organization_id:
            raise _unknown(source.id)
    if len(sources) == 1:
        call.cite(["DS-15"])
    types = {source.type for source in sources}
    if len(types) > 1:
        text = "dataset_ids must all be of one type, got binary data and sequences"
        raise InvalidArgumentError(text, clause="A42")
    merged = _new_dataset(call, request.name, request.organization_id, types.pop())
    ids = [source.id for source in sources]
    with call.cloud.as_one_step():
        if merged.type is DatasetType.SEQUENCE_DATA:
            _unite_sequences(call, merged, ids)
        if not call.store.add_dataset(merged, members_of=ids):
            raise _name_taken(call, request.name)
    return wire.MergeDatasetsResponse(dataset_id=merged.id)


def _unite_sequences(call: Call, merged: Dataset, dataset_ids: Iterable[str]) -> None:
    """Copy the sequences of datasets to another one, which is about to be created (SQ-17)."""
    if any(each.name == merged.name for each in call.store.datasets(merged.organization_id)):
        return  # the dataset will not be created
    call.cite(["SQ-17"])
    members = [
        sequence
        for sequence in call.store.entities(Sequence, merged.organization_id)
        if not set(dataset_ids).isdisjoint(sequence.dataset_ids)
    ]
    call.store.change_entities(members, lambda each: each.inside(merged.id))


def visible_dataset(call: Call, dataset_id: str) -> Dataset | None:
    """The dataset with this id, if it is visible to the caller.

    A dataset id does not name its organization, so another organization's dataset is reported
    like one that does not exist: nothing leaks (A51).
    """
    dataset = call.store.dataset(dataset_id)
    return dataset if dataset and call.principal.sees(dataset.organization_id) else None


def dataset_for_binary(call: Call, dataset_id: str, *, field: str, clause: str) -> Dataset | None:
    """The dataset to add binary data to; None if it is unknown and the policy accepts that.

    Raises:
        InvalidArgumentError: The id is empty.
        NotFoundError: It is unknown (A27, A40).
        FailedPreconditionError: It holds sequences (DM-5, DM-9).
    """
    if not dataset_id:
        raise InvalidArgumentError(f"{field} must not be empty", clause=clause)
    dataset = visible_dataset(call, dataset_id)
    if dataset is None:
        if call.policy.unknown_dataset == "refuse":
            raise _unknown(dataset_id, clause=clause)
        call.cite([clause])
        return None
    if dataset.type is DatasetType.SEQUENCE_DATA:
        text = f"{field} {dataset_id!r} is a dataset of sequences; it does not accept binary data"
        # The documentation does not mention this for uploads.
        raise FailedPreconditionError(text, clause="DM-9" if clause == "A27" else "DM-5")
    return dataset


def _new_dataset(call: Call, name: str, organization_id: str, kind: DatasetType) -> Dataset:
    check_dataset_name(name)
    check_organization(call, organization_id)
    return Dataset(
        id=call.cloud.ids.object_id(),
        name=name,
        organization_id=organization_id,
        time_created=call.cloud.clock.now(),
        type=kind,
    )


def check_organization(call: Call, organization_id: str) -> None:
    """Check the organization of a request.

    Raises:
        Refusal: It is missing, not visible to the caller, or unknown (A48, A51, DS-11).
    """
    if not organization_id:
        raise InvalidArgumentError("organization_id must not be empty", clause="A48")
    call.principal.check_named([organization_id])
    if not call.cloud.fleet.has_organization(organization_id):
        raise NotFoundError(f"no organization {organization_id!r}", clause="DS-11")


def _type(number: int) -> DatasetType:
    try:
        return DatasetType(number)
    except ValueError as error:
        raise InvalidArgumentError(f"type must be 0 or 1, got {number}", clause="DS-13") from error


def _required_dataset(call: Call, dataset_id: str) -> Dataset:
    dataset = visible_dataset(call, dataset_id)
    if dataset is None:
        raise _unknown(dataset_id)
    return dataset


def _unknown(dataset_id: str, *, clause: str = "A40") -> NotFoundError:
    return NotFoundError(f"no dataset {dataset_id!r}", clause=clause)


def _name_taken(call: Call, name: str) -> Refusal:
    refusal = _TAKEN[call.policy.duplicate_dataset_name]
    return refusal(f"the organization already has a dataset named {name!r}", clause="A39")


def _message(dataset: Dataset) -> wire.Dataset:
    message = wire.Dataset(
        id=dataset.id,
        name=dataset.name,
        organization_id=dataset.organization_id,
        type=wire.DatasetType.Value(f"DATASET_TYPE_{dataset.type.name}"),
    )
    set_time(message.time_created, dataset.time_created)
    return message
