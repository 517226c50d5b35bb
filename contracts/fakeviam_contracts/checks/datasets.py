"""Datasets and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import check, small_world
from fakeviam_contracts.descriptions import LABEL
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.session import permission

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session


@check("DS-1", "DS-4", "DS-5", "DS-6", "DS-7", "DS-8", "A39", "A41")
def datasets_are_created(session: Session) -> None:
    """Names are unique, case-sensitive and not blank; lists have the order of the request."""
    for name in ("pets", "Pets", "pets", "cars", "", " "):
        writes.create_dataset(session, name)
        writes.check_datasets(session)


@check("DS-1", "DS-6", "DS-9", "TM-2", "A41", "A13")
def what_datasets_say(session: Session) -> None:
    """Datasets show their organization and type, also when renamed; unknown ids are omitted."""
    writes.create_dataset(session, "pets")
    writes.rename_dataset(session, 0, "cars")
    ids = [raw.NOBODY, *session.handles.datasets]
    request = dataset.ListDatasetsByIDsRequest(ids=ids)
    datasets = raw.call(session, "DS-6", "ListDatasetsByIDs", request).datasets
    session.expect("DS-6", "datasets that are known", ids[1:2], [d.id for d in datasets])
    strange = dataset.ListDatasetsByIDsRequest(ids=["no id", *ids[1:2]])
    answer = session.wire.call("ListDatasetsByIDs", strange)
    reply = session.outcome("DS-6", "ListDatasetsByIDs", answer, [permission("A13")])
    if reply is not None:
        session.expect("DS-6", "datasets beside no id", ids[1:2], [d.id for d in reply.datasets])
    twice = dataset.ListDatasetsByIDsRequest(ids=ids[1:2] * 2)
    named = raw.call(session, "DS-5", "ListDatasetsByIDs", twice).datasets
    session.expect("A41", "datasets of an id that is there twice", 1, len(named))
    organization_id = session.place.organization_id
    listing = dataset.ListDatasetsByOrganizationIDRequest(organization_id=organization_id)
    writes.merge_datasets(session, [0], "merged")
    listed = raw.call(session, "DS-4", "ListDatasetsByOrganizationID", listing).datasets
    for said in (*datasets, *(d for d in listed if d.id in session.handles.datasets)):
        session.expect("DS-1", "its organization", organization_id, said.organization_id)
        session.expect("DS-9", "its type", dataset.DATASET_TYPE_BINARY_DATA, said.type)
        is_set = said.time_created.seconds > 0
        session.expect("TM-2", "it says when it was made", expected=True, observed=is_set)


@check("DS-9", "DM-5", "DM-9", "A42", "A43", "DS-13")
def datasets_of_sequences(session: Session) -> None:
    """Datasets of sequences show their type, accept no files, and cannot be merged with others."""
    place = session.place
    writes.create_dataset(session, "pets")
    writes.create_dataset(session, "cars")
    writes.upload(session, way="FileUpload", part=0, chunks=[b"x"])
    ids: dict[int, str] = {0: session.handles.datasets[0]}
    for kind in (1, 7):
        request = dataset.CreateDatasetRequest(
            name=f"{place.component}{kind}", organization_id=place.organization_id
        )
        request.type = kind  # type: ignore[assignment]  # an enum is open on the wire
        if kind == 7:
            raw.refuse(session, "DS-13", "INVALID_ARGUMENT", "CreateDataset", request)
        else:
            ids[kind] = raw.call(session, "DS-9", "CreateDataset", request).id
            renaming = dataset.RenameDatasetRequest(id=ids[kind], name=f"{request.name}-again")
            raw.call(session, "DS-3", "RenameDataset", renaming)
            by_id = dataset.ListDatasetsByIDsRequest(ids=[ids[kind]])
            (dataset_,) = raw.call(session, "DS-5", "ListDatasetsByIDs", by_id).datasets
            session.expect("DS-9", "its type", kind, dataset_.type)
    for kind, dataset_id in ids.items():
        listing = dataset.ListDatasetsByOrganizationIDRequest(organization_id=place.organization_id)
        listing.type = kind  # type: ignore[assignment]
        listed = raw.call(session, "A43", "ListDatasetsByOrganizationID", listing).datasets
        wanted = {dataset_id} if kind else set(session.handles.datasets)
        ours = {d.id for d in listed if d.id in (*ids.values(), *session.handles.datasets)}
        session.expect("A43", "datasets of a type", wanted, ours)
        types = [d.type for d in listed if d.id == dataset_id]
        session.expect("DS-9", "its type in a list", [kind], types)
    joining = data.AddBinaryDataToDatasetByIDsRequest(
        dataset_id=ids[1], binary_data_ids=session.handles.files
    )
    raw.refuse(session, "DM-5", "FAILED_PRECONDITION", "AddBinaryDataToDatasetByIDs", joining)
    upload = raw.metadata(session, raw.BINARY, dataset_ids=[ids[1]])
    content = datasync.SensorData(binary=b"x")
    capture = raw.capture(upload, content)
    raw.refuse(session, "DM-9", "FAILED_PRECONDITION", "DataCaptureUpload", capture)
    merging = dataset.MergeDatasetsRequest(
        dataset_ids=ids.values(), name="both", organization_id=place.organization_id
    )
    raw.refuse(session, "A42", "INVALID_ARGUMENT", "MergeDatasets", merging)


@check("DS-11", "DS-12", "A48")
def datasets_of_nobody(session: Session) -> None:
    """An organization must be named and exist; a merge needs sources."""
    name = f"{session.place.component}pets"
    create = dataset.CreateDatasetRequest(name=name)
    refused = [raw.refuse(session, "A48", "INVALID_ARGUMENT", "CreateDataset", create)]
    create.organization_id = "no such organization"
    refused.append(raw.refuse(session, "DS-11", "NOT_FOUND", "CreateDataset", create))
    merge = dataset.MergeDatasetsRequest(name=name, organization_id=session.place.organization_id)
    refused.append(raw.refuse(session, "DS-12", "INVALID_ARGUMENT", "MergeDatasets", merge))
    if all(refused):
        writes.check_datasets(session)


@check("DS-3", "DS-8", "DS-14", "A40")
def datasets_are_renamed(session: Session) -> None:
    """Datasets can be renamed to a free name or their own; unknown ids are NOT_FOUND."""
    writes.create_dataset(session, "pets")
    writes.create_dataset(session, "cars")
    for name in ("dogs", "dogs", "cars", " "):
        writes.rename_dataset(session, 0, name)
    writes.create_dataset(session, "pets")
    writes.delete_dataset(session, 0)
    writes.rename_dataset(session, 0, "again")


@check("DM-1", "DM-3", "DM-4", "DM-6", "FI-11", "DS-3")
def members_come_and_go(session: Session) -> None:
    """Adding twice has no further effect; removing non-members is allowed; the data remains."""
    small_world(session)
    writes.create_dataset(session, "pets")
    writes.create_dataset(session, "cars")
    for form in ("string", "message", "both"):
        writes.change_members(session, 0, [0, 1, 1], form=form)
        writes.change_members(session, 1, [1, 4], form=form)
        writes.change_members(session, 0, [1, 2], form=form, remove=True)
    writes.change_members(session, 0, [3, 5])
    writes.rename_dataset(session, 0, "dogs")
    for spec in (FilterSpec(dataset=0), FilterSpec(dataset=1), FilterSpec()):
        reads.check_files(session, spec, descending=False)
        reads.check_rows(session, spec, descending=False)
        reads.check_counts(session, spec)


@check("DM-2", "A10", "FI-7", "FI-12")
def the_label(session: Session) -> None:
    """The label appears among the tags and can be filtered by, but is not counted as a tag."""
    small_world(session)
    writes.create_dataset(session, "pets")
    writes.change_members(session, 0, [0, 4])
    for spec in (
        FilterSpec(label_of=(0,)),
        FilterSpec(label_of=(0,), tags=("bird",)),
        FilterSpec(dataset=0, tag_rule="untagged"),
        FilterSpec(dataset=0, tag_rule="tagged"),
        FilterSpec(tag_rule="untagged"),
    ):
        reads.check_files(session, spec, descending=False)
        reads.check_tags(session, spec)
    writes.change_members(session, 0, [4], remove=True)
    reads.check_files(session, FilterSpec(label_of=(0,)), descending=False)
    writes.delete_dataset(session, 0)
    reads.check_files(session, FilterSpec(), descending=False)
    reads.check_tags(session, FilterSpec())


@check("A11")
def a_tag_like_a_label(session: Session) -> None:
    """A tag that looks like a label is an ordinary tag, and creates no membership."""
    small_world(session, rows=0)
    rpc, tag = "AddTagsToBinaryDataByIDs", f"{LABEL}x"
    request = data.AddTagsToBinaryDataByIDsRequest(
        binary_data_ids=session.handles.files[5:6], tags=[tag]
    )
    reply = session.outcome("TA-1", rpc, session.wire.call(rpc, request), [permission("A11")])
    if reply is None:
        return
    (file,) = raw.files(session, *session.handles.files[5:6])
    session.expect("A11", "tags of the file", [tag], list(file.capture_metadata.tags))
    filter_ = raw.mine(session, tags_filter=data.TagsFilter(tags=[tag]))
    page = raw.page(session, "BF-1", "BinaryDataByFilter", filter_)
    session.expect("A11", "files with that tag", 1, len(page.data))


@check("DS-2", "DM-4", "A40")
def datasets_are_deleted(session: Session) -> None:
    """The data remains; deleting again and adding members are NOT_FOUND."""
    small_world(session)
    writes.create_dataset(session, "pets")
    writes.change_members(session, 0, [0, 1])
    writes.delete_dataset(session, 0)
    reads.check_files(session, FilterSpec(), descending=False, with_bytes=True)
    writes.delete_dataset(session, 0)
    writes.change_members(session, 0, [2])
    writes.change_members(session, 0, [0], remove=True)
    reads.check_files(session, FilterSpec(), descending=False)


@check("DS-10", "DS-15", "A42")
def datasets_are_merged(session: Session) -> None:
    """A merge has the members of all sources, which remain; unknown sources are NOT_FOUND."""
    small_world(session)
    for name in ("pets", "cars", "trees"):
        writes.create_dataset(session, name)
    writes.change_members(session, 0, [0, 1])
    writes.change_members(session, 1, [1, 2])
    writes.change_members(session, 2, [3])
    writes.merge_datasets(session, [0, 1, 2], "All of Them")
    writes.merge_datasets(session, [0, 1], "both")
    writes.merge_datasets(session, [0], "one")
    writes.merge_datasets(session, [0, 1], "both")
    writes.change_members(session, 0, [4])
    writes.delete_dataset(session, 0)
    writes.merge_datasets(session, [0, 1], "none")
    for handle in range(1, len(session.handles.datasets)):
        reads.check_files(session, FilterSpec(dataset=handle), descending=False)
    writes.check_datasets(session)


CHECKS = (
    datasets_are_created,
    what_datasets_say,
    datasets_of_sequences,
    datasets_of_nobody,
    datasets_are_renamed,
    members_come_and_go,
    the_label,
    a_tag_like_a_label,
    datasets_are_deleted,
    datasets_are_merged,
)
