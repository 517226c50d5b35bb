"""Datasets and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data, dataset
from fakeviam_contracts.model import Dataset as ModelDataset
from fakeviam_contracts.operations import operation
from fakeviam_contracts.reads import check_by_ids, wrong_ids
from fakeviam_contracts.session import Wrong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session


@operation
def create_dataset(session: Session, name: str) -> None:
    """Create a dataset (DS-1, DS-7, DS-8)."""
    organization_id = session.place.organization_id
    answer = session.wire.call(
        "CreateDataset", dataset.CreateDatasetRequest(name=name, organization_id=organization_id)
    )
    if session.refused("CreateDataset", answer, _wrong_name(session, name)):
        return
    reply = session.answered(("DS-1",), "CreateDataset", answer)
    _new_dataset(session, name, reply.id)


@operation
def rename_dataset(session: Session, handle: int, name: str) -> None:
    """Rename a dataset (DS-3, A40)."""
    request = dataset.RenameDatasetRequest(id=session.handles.datasets[handle], name=name)
    answer = session.wire.call("RenameDataset", request)
    known = session.model.dataset(handle)
    wrongs = _wrong_name(session, name, but=handle) + _gone(session, [handle])
    if not session.refused("RenameDataset", answer, wrongs) and known:
        session.answered(("DS-3",), "RenameDataset", answer)
        known.name = name
    check_datasets(session)


@operation
def delete_dataset(session: Session, handle: int) -> None:
    """Delete a dataset; its data stays (DS-2, A40)."""
    request = dataset.DeleteDatasetRequest(id=session.handles.datasets[handle])
    answer = session.wire.call("DeleteDataset", request)
    if session.refused("DeleteDataset", answer, _gone(session, [handle])):
        return
    members = [file.handle for file in session.model.members(handle)]
    session.answered(("DS-2",), "DeleteDataset", answer)
    session.model.delete_dataset(handle)
    check_datasets(session)
    if members:
        check_by_ids(session, members, with_bytes=False)


@operation
def change_members(
    session: Session, handle: int, files: Sequence[int], *, form: str = "string",
    remove: bool = False,
) -> None:  # fmt: skip
    """Add files to a dataset, or take them out (DM-1 … DM-6, A40)."""
    verb = "RemoveBinaryDataFromDatasetByIDs" if remove else "AddBinaryDataToDatasetByIDs"
    request = getattr(data, f"{verb}Request")(
        dataset_id=session.handles.datasets[handle], **session.names(files, form)
    )
    answer = session.wire.call(verb, request)
    wrongs = _gone(session, [handle]) + wrong_ids(session, files, form)
    if session.refused(verb, answer, wrongs):
        return
    session.answered(("DM-1",), verb, answer)
    known = [f for f in map(session.model.file, dict.fromkeys(files)) if f is not None]
    if remove:
        session.model.remove_members(handle, known)
    else:
        session.model.add_members(handle, known)
    if known:
        check_by_ids(session, [file.handle for file in known], with_bytes=False)


@operation
def merge_datasets(session: Session, handles: Sequence[int], name: str) -> None:
    """Make a dataset of the members of others (DS-10, A42)."""
    request = dataset.MergeDatasetsRequest(
        dataset_ids=[session.handles.datasets[handle] for handle in handles],
        name=name,
        organization_id=session.place.organization_id,
    )
    answer = session.wire.call("MergeDatasets", request)
    wrongs = _gone(session, handles) + _wrong_name(session, name)
    if session.refused("MergeDatasets", answer, wrongs):
        return
    reply = session.answered(("DS-10",), "MergeDatasets", answer)
    merged = _new_dataset(session, name, reply.dataset_id)
    members = {f.handle: f for handle in handles for f in session.model.members(handle)}
    session.model.add_members(merged, members.values())
    if members:
        check_by_ids(session, list(members), with_bytes=False)


@operation
def check_datasets(session: Session) -> None:
    """The datasets of the organization, and those of their ids (DS-4, DS-5, DS-6, A41)."""
    ids = list(reversed(session.handles.datasets))
    by_ids = session.answered(
        ("DS-5",),
        "ListDatasetsByIDs",
        session.wire.call("ListDatasetsByIDs", dataset.ListDatasetsByIDsRequest(ids=ids)),
    )
    wanted = [(d.handle, d.name) for d in reversed(session.model.datasets)]
    got = [(session.handles.dataset(d.id), d.name) for d in by_ids.datasets]
    session.expect(
        ("DS-5", "DS-6", "DS-3"), "datasets by ids", sorted(wanted, key=str), sorted(got, key=str)
    )
    session.expect(("A41",), "their order", wanted, got)
    rpc = "ListDatasetsByOrganizationID"
    request = dataset.ListDatasetsByOrganizationIDRequest(
        organization_id=session.place.organization_id
    )
    listed = session.answered(("DS-4",), rpc, session.wire.call(rpc, request)).datasets
    ours = {
        session.handles.dataset(d.id): d.name
        for d in listed
        if session.place.exclusive or d.id in session.handles.datasets
    }
    session.expect(("DS-4",), "datasets of the organization", dict(wanted), ours)


def _wrong_name(session: Session, name: str, *, but: int | None = None) -> list[Wrong]:
    if not name.strip():
        return [Wrong("INVALID_ARGUMENT", ("DS-7",))]
    if session.model.name_is_taken(name, session.place.organization_id, but=but):
        return [Wrong("ALREADY_EXISTS", ("DS-8", "A39"))]
    return []


def _gone(session: Session, handles: Sequence[int]) -> list[Wrong]:
    if any(session.model.dataset(handle) is None for handle in handles):
        return [Wrong("NOT_FOUND", ("A40", "A42"))]
    return []


def _new_dataset(session: Session, name: str, dataset_id: str) -> int:
    handle = len(session.handles.datasets)
    session.handles.datasets.append(dataset_id)
    session.model.datasets.append(
        ModelDataset(handle=handle, name=name, organization_id=session.place.organization_id)
    )
    return handle
