"""Datasets of sequences: membership and merges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data, dataset
from fakeviam.wire.times import nanos_from
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import check
from fakeviam_contracts.checks.sequences import (
    DELETE,
    UPDATE,
    create,
    kept,
    listed,
    pages_of,
)
from fakeviam_contracts.descriptions import sequence_seen

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

MEMBERS = "SequencesByDatasetID"
ADD, REMOVE = "AddSequencesToDataset", "RemoveSequencesFromDataset"


def new_dataset(session: Session, name: str, kind: int = 1) -> str:
    """Create a dataset, by default of sequences; returns its id."""
    request = dataset.CreateDatasetRequest(name=name, organization_id=session.place.organization_id)
    request.type = kind  # type: ignore[assignment]  # an enum is open on the wire
    return str(raw.call(session, "DS-9", "CreateDataset", request).id)


def join(session: Session, dataset_id: str, *ids: str, leave: bool = False) -> None:
    """Add sequences to a dataset, or remove them."""
    kind = data.RemoveSequencesFromDatasetRequest if leave else data.AddSequencesToDatasetRequest
    request = kind(dataset_id=dataset_id, sequence_ids=ids)
    raw.call(session, "SQ-9", REMOVE if leave else ADD, request)


def _unchanging(sequence: data.Sequence) -> dict[str, Any]:
    """What a membership leaves as it is."""
    return {**sequence_seen(sequence), "created": nanos_from(sequence.created_at)}


def _members(session: Session, dataset_id: str) -> list[str]:
    request = data.SequencesByDatasetIDRequest(dataset_id=dataset_id, page_size=100)
    pages = pages_of(session, MEMBERS, request)
    return [sequence.id for page in pages for sequence in page.sequences]


def _expect_members(
    session: Session, clause: str, dataset_id: str, expected: list[str], after: str
) -> None:
    found = sorted(_members(session, dataset_id))
    session.expect(clause, f"sequences of a dataset after {after}", sorted(expected), found)


@check("SQ-1", "SQ-6", "SQ-9")
def sequences_join_datasets(session: Session) -> None:
    """Several sequences are added, without duplicates, to several datasets."""
    made = [create(session) for _ in range(2)]
    ours, other = new_dataset(session, "drives"), new_dataset(session, "walks")
    before = _unchanging(kept(session, made[0]))
    join(session, ours, *made, made[0])
    _expect_members(session, "SQ-9", ours, made, "two were added")
    join(session, other, made[0])
    member = kept(session, made[0])
    told = sorted(member.dataset_ids)
    session.expect("SQ-9", "datasets of a sequence", sorted([ours, other]), told)
    session.expect("SQ-1", "a sequence that joined a dataset", before, _unchanging(member))
    _expect_members(session, "SQ-6", other, made[:1], "one was added")
    request = data.SequencesByDatasetIDRequest(dataset_id=other, page_size=100)
    reply = raw.call(session, "SQ-6", MEMBERS, request)
    for found in (reply.sequences, listed(session, made[:1])):
        told_there = [sorted(each.dataset_ids) for each in found]
        session.expect("SQ-9", "datasets of a listed sequence", [told], told_there)
    join(session, ours, made[0])
    _expect_members(session, "SQ-9", ours, made, "one was added again")


@check("SQ-9")
def sequences_leave_datasets(session: Session) -> None:
    """Several sequences are removed; the others remain."""
    made = [create(session) for _ in range(3)]
    ours = new_dataset(session, "drives")
    join(session, ours, *made)
    join(session, ours, *made[:2], leave=True)
    _expect_members(session, "SQ-9", ours, made[2:], "two were removed")


@check("SQ-6", "SQ-9")
def sequences_leave_one_of_two_datasets(session: Session) -> None:
    """Sequences remain in the other dataset until they or the dataset are deleted."""
    made = create(session)
    ours, other = new_dataset(session, "drives"), new_dataset(session, "walks")
    for dataset_id in (ours, other):
        join(session, dataset_id, made)
    changing = data.UpdateSequenceRequest(id=made, sequence_tags=["night"])
    changing.field_mask.paths[:] = ["sequence_tags"]
    raw.call(session, "SQ-2", UPDATE, changing)
    _expect_members(session, "SQ-9", ours, [made], "its sequence was changed")
    join(session, ours, made, leave=True)
    session.expect("SQ-9", "datasets of a sequence that left one", [other],
                   list(kept(session, made, "SQ-9").dataset_ids))  # fmt: skip
    raw.call(session, "DS-2", "DeleteDataset", dataset.DeleteDatasetRequest(id=other))
    session.expect("SQ-9", "datasets of a sequence after they were deleted", [],
                   list(kept(session, made, "SQ-9").dataset_ids))  # fmt: skip
    join(session, ours, made)
    raw.call(session, "SQ-1", DELETE, data.DeleteSequenceRequest(id=made))
    _expect_members(session, "SQ-9", ours, [], "its sequence was deleted")
    request = data.SequencesByDatasetIDRequest(dataset_id=ours, count_only=True)
    count = raw.call(session, "SQ-6", MEMBERS, request).count
    session.expect("SQ-6", "total of a dataset after its sequence was deleted", 0, count)


@check("SQ-5", "SQ-6", "SQ-13")
def pages_of_a_dataset(session: Session) -> None:
    """Pages have the requested size and the total, or the total alone."""
    made = [create(session) for _ in range(3)]
    ours = new_dataset(session, "drives")
    join(session, ours, *made)
    request = data.SequencesByDatasetIDRequest(dataset_id=ours, page_size=2)
    pages = list(pages_of(session, MEMBERS, request))
    told = (len(pages[0].sequences), pages[0].count)
    session.expect("SQ-6", "sequences on a page of two, and their total", (2, 3), told)
    session.expect("SQ-6", "totals of all pages", {3}, {page.count for page in pages})
    request = data.SequencesByDatasetIDRequest(dataset_id=ours, count_only=True)
    reply = raw.call(session, "SQ-6", MEMBERS, request)
    told = (len(reply.sequences), reply.count)
    session.expect("SQ-6", "sequences beside the total alone", (0, 3), told)
    paged = [sequence.id for page in pages for sequence in page.sequences]
    session.expect("SQ-5", "sequences in pages of two", sorted(made), sorted(paged))
    session.expect("SQ-13", "sequences of a dataset, the oldest first", made, paged)


@check("SQ-10", "SQ-14")
def members_that_cannot_be(session: Session) -> None:
    """With one invalid id, or a dataset of files, nothing changes."""
    made = [create(session) for _ in range(2)]
    ours, files = new_dataset(session, "drives"), new_dataset(session, "files", kind=0)
    join(session, ours, made[0])
    for rpc, kind in (
        (ADD, data.AddSequencesToDatasetRequest),
        (REMOVE, data.RemoveSequencesFromDatasetRequest),
    ):
        for clause, status, dataset_id, ids in (
            ("SQ-10", "NOT_FOUND", ours, [made[1], made[0], raw.NOBODY]),
            ("SQ-10", "INVALID_ARGUMENT", ours, []),
            ("SQ-14", "FAILED_PRECONDITION", files, made),
            ("SQ-14", "INVALID_ARGUMENT", "", made),
        ):
            request = kind(dataset_id=dataset_id, sequence_ids=ids)
            raw.refuse(session, clause, status, rpc, request)
            _expect_members(session, clause, ours, made[:1], "a request with a bad id")
    listing = data.SequencesByDatasetIDRequest(dataset_id=files)
    raw.refuse(session, "SQ-14", "FAILED_PRECONDITION", MEMBERS, listing)
    listing.dataset_id = ""
    raw.refuse(session, "SQ-14", "INVALID_ARGUMENT", MEMBERS, listing)


@check("SQ-17")
def merged_datasets_of_sequences(session: Session) -> None:
    """A merge has the sequences of all sources, which keep theirs."""
    made = [create(session) for _ in range(3)]
    first, second = new_dataset(session, "drives"), new_dataset(session, "walks")
    join(session, first, *made[:2])
    join(session, second, *made[1:])
    request = dataset.MergeDatasetsRequest(
        dataset_ids=[first, second], name="both", organization_id=session.place.organization_id
    )
    answer = session.wire.call("MergeDatasets", request)
    reply = session.outcome("SQ-17", "MergeDatasets", answer)
    if reply is None:
        return
    _expect_members(session, "SQ-17", reply.dataset_id, made, "a merge")
    _expect_members(session, "SQ-17", first, made[:2], "it was merged")


CHECKS = (
    sequences_join_datasets,
    sequences_leave_datasets,
    sequences_leave_one_of_two_datasets,
    pages_of_a_dataset,
    members_that_cannot_be,
    merged_datasets_of_sequences,
)
