"""Datasets and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks.base import check, small_world
from fakeviam_contracts.model import Ask

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session


@check("DS-1", "DS-4", "DS-5", "DS-6", "DS-7", "DS-8", "A39", "A41")
def datasets_are_created(session: Session) -> None:
    """Names are unique, with case, and not blank; lists keep the order of the request."""
    for name in ("pets", "Pets", "pets", "cars", "", " "):
        writes.create_dataset(session, name)
        writes.check_datasets(session)


@check("DS-3", "A40")
def datasets_are_renamed(session: Session) -> None:
    """To a free name, or their own; unknown ones are NOT_FOUND."""
    writes.create_dataset(session, "pets")
    writes.create_dataset(session, "cars")
    for name in ("dogs", "dogs", "cars", " "):
        writes.rename_dataset(session, 0, name)
    writes.create_dataset(session, "pets")
    writes.delete_dataset(session, 0)
    writes.rename_dataset(session, 0, "again")


@check("DM-1", "DM-3", "DM-4", "DM-6", "FI-11")
def members_come_and_go(session: Session) -> None:
    """Twice is once; strangers may leave; the data stays."""
    small_world(session)
    writes.create_dataset(session, "pets")
    writes.create_dataset(session, "cars")
    for form in ("string", "message", "both"):
        writes.change_members(session, 0, [0, 1, 1], form=form)
        writes.change_members(session, 1, [1, 4], form=form)
        writes.change_members(session, 0, [1, 2], form=form, remove=True)
    for ask in (Ask(dataset=0), Ask(dataset=1), Ask()):
        reads.check_files(session, ask, descending=False)
        reads.check_rows(session, ask, descending=False)
        reads.check_counts(session, ask)


@check("DM-2", "A10", "FI-7", "FI-12")
def the_label(session: Session) -> None:
    """Shows with the tags, can be asked for, and does not count as one."""
    small_world(session)
    writes.create_dataset(session, "pets")
    writes.change_members(session, 0, [0, 4])
    for ask in (
        Ask(label_of=(0,)),
        Ask(label_of=(0,), tags=("bird",)),
        Ask(dataset=0, tag_rule="untagged"),
        Ask(dataset=0, tag_rule="tagged"),
        Ask(tag_rule="untagged"),
    ):
        reads.check_files(session, ask, descending=False)
        reads.check_tags(session, ask)
    writes.change_members(session, 0, [4], remove=True)
    reads.check_files(session, Ask(label_of=(0,)), descending=False)
    writes.delete_dataset(session, 0)
    reads.check_files(session, Ask(), descending=False)
    reads.check_tags(session, Ask())


@check("A11")
def a_tag_like_a_label(session: Session) -> None:
    """Is a plain tag, and makes no member."""
    small_world(session)
    writes.tag(session, [5], ["VIAM_DATASET_", "VIAM_DATASET_x"])
    for ask in (Ask(tags=("VIAM_DATASET_x",)), Ask(tag_rule="tagged")):
        reads.check_files(session, ask, descending=False)


@check("DS-2", "DM-4", "A40")
def datasets_are_deleted(session: Session) -> None:
    """Their data stays; a second time they are NOT_FOUND, and so is joining them."""
    small_world(session)
    writes.create_dataset(session, "pets")
    writes.change_members(session, 0, [0, 1])
    writes.delete_dataset(session, 0)
    reads.check_files(session, Ask(), descending=False, with_bytes=True)
    writes.delete_dataset(session, 0)
    writes.change_members(session, 0, [2])
    writes.change_members(session, 0, [0], remove=True)
    reads.check_files(session, Ask(), descending=False)


@check("DS-10", "A42")
def datasets_are_merged(session: Session) -> None:
    """The union of the members; sources stay as they are; unknown ones are NOT_FOUND."""
    small_world(session)
    for name in ("pets", "cars"):
        writes.create_dataset(session, name)
    writes.change_members(session, 0, [0, 1])
    writes.change_members(session, 1, [1, 2])
    writes.merge_datasets(session, [0, 1], "both")
    writes.merge_datasets(session, [0], "one")
    writes.merge_datasets(session, [0, 1], "both")
    writes.delete_dataset(session, 0)
    writes.merge_datasets(session, [0, 1], "none")
    for dataset in (1, 2, 3):
        reads.check_files(session, Ask(dataset=dataset), descending=False)
    writes.check_datasets(session)


CHECKS = (
    datasets_are_created,
    datasets_are_renamed,
    members_come_and_go,
    the_label,
    a_tag_like_a_label,
    datasets_are_deleted,
    datasets_are_merged,
)
