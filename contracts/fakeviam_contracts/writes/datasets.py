"""Datasets and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data, dataset
from fakeviam_contracts import pages
from fakeviam_contracts.model import Dataset as ModelDataset
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.operations import operation
from fakeviam_contracts.reads import check_by_ids, id_grounds
from fakeviam_contracts.session import Ground, permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session


@operation
def create_dataset(session: Session, name: str) -> None:
    """Create a dataset (DS-1, DS-7, DS-8)."""
    rpc, organization_id = "CreateDataset", session.place.organization_id
    request = dataset.CreateDatasetRequest(name=name, organization_id=organization_id)
    answer = session.wire.call(rpc, request)
    grounds = _name_grounds(session, name)
    reply = session.outcome("DS-1", rpc, answer, grounds)
    if reply is not None:
        name = _stored_name(session, reply.id, name, grounds)
        _new_dataset(session, name, reply.id, "DS-1")


@operation
def rename_dataset(session: Session, handle: int, name: str) -> None:
    """Rename a dataset, perhaps to the name it has (DS-3, DS-14, A40)."""
    rpc, existing = "RenameDataset", session.model.dataset(handle)
    request = dataset.RenameDatasetRequest(id=session.handles.datasets[handle], name=name)
    grounds = _name_grounds(session, name, but=handle) + _unknown_dataset(session, [handle])
    if existing is not None and existing.name == name:
        grounds.append(permission("DS-14"))
    reply = session.outcome("DS-3", rpc, session.wire.call(rpc, request), grounds)
    if reply is not None and existing is not None:
        existing.name = _stored_name(session, request.id, name, grounds)
        if session.model.members(handle):
            _check_members(session, handle, "DS-3")
    check_datasets(session)


@operation
def delete_dataset(session: Session, handle: int) -> None:
    """Delete a dataset; its data stays (DS-2, A40)."""
    rpc, members = "DeleteDataset", [file.handle for file in session.model.members(handle)]
    request = dataset.DeleteDatasetRequest(id=session.handles.datasets[handle])
    answer = session.wire.call(rpc, request)
    reply = session.outcome("DS-2", rpc, answer, _unknown_dataset(session, [handle]))
    if reply is None or session.model.dataset(handle) is None:
        return
    session.model.delete_dataset(handle)
    check_datasets(session, clause="DS-2")
    if members:
        check_by_ids(session, members, with_bytes=False, clause="DS-2")


@operation
def change_members(
    session: Session, handle: int, files: Sequence[int], *, form: str = "string",
    remove: bool = False,
) -> None:  # fmt: skip
    """Add files to a dataset, or take them out (DM-1 … DM-8, A40)."""
    rpc = "RemoveBinaryDataFromDatasetByIDs" if remove else "AddBinaryDataToDatasetByIDs"
    request = getattr(data, f"{rpc}Request")(
        dataset_id=session.handles.datasets[handle], **session.names(files, form)
    )
    grounds = _unknown_dataset(session, [handle], point="unknown_members")
    grounds += id_grounds(session, files, form, "DM-8")
    existing = [f for f in map(session.model.file, dict.fromkeys(files)) if f is not None]
    if not grounds and any((handle in file.datasets) != remove for file in existing):
        grounds = [permission("DM-6")]
    answer = session.wire.call(rpc, request)
    if session.outcome("DM-1", rpc, answer, grounds) is None:
        return
    if session.model.dataset(handle) is None:
        return
    if remove:
        session.model.remove_members(handle, existing)
    else:
        session.model.add_members(handle, existing)
    again = any(ground.clause == "DM-6" for ground in grounds)
    _check_members(session, handle, "DM-6" if again else "DM-1")
    if existing:
        clause = "DM-4" if remove else "DM-1"
        check_by_ids(session, [file.handle for file in existing], with_bytes=False, clause=clause)


@operation
def merge_datasets(session: Session, handles: Sequence[int], name: str) -> None:
    """Make a dataset of the members of others (DS-10, DS-15, A42)."""
    rpc = "MergeDatasets"
    request = dataset.MergeDatasetsRequest(
        dataset_ids=[session.handles.datasets[handle] for handle in handles],
        name=name,
        organization_id=session.place.organization_id,
    )
    grounds = _unknown_dataset(session, handles, "A42") + _name_grounds(session, name)
    if len(set(handles)) == 1:
        grounds.append(permission("DS-15"))
    reply = session.outcome("DS-10", rpc, session.wire.call(rpc, request), grounds)
    if reply is None:
        return
    merged = _new_dataset(session, name, reply.dataset_id, "DS-10")
    members = {f.handle: f for handle in handles for f in session.model.members(handle)}
    session.model.add_members(merged, members.values())
    for handle in (merged, *handles):
        _check_members(session, handle, "A42")
    if members:
        check_by_ids(session, list(members), with_bytes=False)


def _check_members(session: Session, handle: int, clause: str) -> None:
    """What a filter by the dataset finds; the model follows where the clause does not bind."""
    spec = session.within(FilterSpec(dataset=handle))
    entries = pages.all_entries(session, "BinaryDataByFilter", spec)
    handles = {session.handles.file(entry.metadata.binary_data_id) for entry in entries}
    expected = {file.handle for file in session.model.members(handle)}
    if handles != expected and handles == {file.handle for file in session.model.files}:
        # The filter is ignored, which says nothing about members.
        session.expect("FI-11", "members of the dataset", expected, handles, cause="dataset")
    elif not session.expect(clause, "members of the dataset", expected, handles):
        files = {file.handle: file for file in session.model.files}
        session.model.remove_members(handle, files.values())
        session.model.add_members(handle, [files[h] for h in handles if h in files])


@operation
def check_datasets(session: Session, *, clause: str = "DS-5") -> None:
    """The datasets of the organization, and those of their ids (DS-4, DS-5, DS-6, A41)."""
    ids = list(reversed(session.handles.datasets))
    rpc = "ListDatasetsByIDs"
    by_ids = dataset.ListDatasetsByIDsResponse()
    if ids:  # without ids a server may as well refuse
        by_ids_of = dataset.ListDatasetsByIDsRequest(ids=ids)
        by_ids = session.answered("DS-5", rpc, session.wire.call(rpc, by_ids_of))
    expected = [(d.handle, d.name) for d in reversed(session.model.datasets)]
    got = [(session.handles.dataset(d.id), d.name) for d in by_ids.datasets]
    has_deleted = len(expected) < len(ids)
    handles = sorted(str(handle) for handle, _ in expected)
    clause = "DS-6" if has_deleted and clause == "DS-5" else clause
    session.require(clause, "datasets by ids", handles, sorted(str(handle) for handle, _ in got))
    session.expect("DS-3", "names of datasets by ids", dict(expected), dict(got))
    session.expect("A41", "order of datasets by ids", expected, got)
    rpc = "ListDatasetsByOrganizationID"
    request = dataset.ListDatasetsByOrganizationIDRequest(
        organization_id=session.place.organization_id
    )
    listed = session.answered("DS-4", rpc, session.wire.call(rpc, request)).datasets
    ours = {
        session.handles.dataset(d.id): d.name
        for d in listed
        if session.place.exclusive or d.id in session.handles.datasets
    }
    session.expect("DS-4", "datasets of the organization", dict(expected), ours)


def _name_grounds(session: Session, name: str, *, but: int | None = None) -> list[Ground]:
    if not name.strip():
        return [Ground("DS-7")]
    if session.model.name_is_taken(name, session.place.organization_id, but=but):
        return [Ground("DS-8", "ALREADY_EXISTS", names_status="A39")]
    return []


def _stored_name(session: Session, dataset_id: str, name: str, grounds: Sequence[Ground]) -> str:
    """The name of a dataset; one that we would have refused may have become another."""
    doubt = next((ground.clause for ground in grounds if ground.refusing), "")
    if not doubt:
        return name
    rpc, request = "ListDatasetsByIDs", dataset.ListDatasetsByIDsRequest(ids=[dataset_id])
    listed = session.answered("DS-5", rpc, session.wire.call(rpc, request)).datasets
    stored = listed[0].name if listed else name
    session.expect(doubt, "a name that was taken", name, stored)
    return stored


def _unknown_dataset(
    session: Session, handles: Sequence[int], clause: str = "A40", *, point: str = ""
) -> list[Ground]:
    if any(session.model.dataset(handle) is None for handle in handles):
        return [Ground(clause, "NOT_FOUND", point=point, accepting=point and "skip")]
    return []


def _new_dataset(session: Session, name: str, dataset_id: str, clause: str) -> int:
    is_new = dataset_id not in ("", *session.handles.datasets)
    session.require(clause, "the dataset has a new id", expected=True, observed=is_new)
    handle = len(session.handles.datasets)
    session.handles.datasets.append(dataset_id)
    session.model.datasets.append(
        ModelDataset(handle=handle, name=name, organization_id=session.place.organization_id)
    )
    return handle
