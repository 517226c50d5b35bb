"""More records than one page, to find servers that truncate at 50, 100 or 128."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam_contracts import reads, writes
from fakeviam_contracts.checks import pipelines, saved_queries
from fakeviam_contracts.checks.base import BASE, check
from fakeviam_contracts.checks.pipelines import COUNT
from fakeviam_contracts.model import FilterSpec

if TYPE_CHECKING:
    from fakeviam_contracts.session import Session

MANY = 130
#: Readings come in one upload: more than a server might take, or give, at once.
MANY_ROWS = 1001
#: More metadata than a server might tell with one page.
SOURCES = 40
EVERY = range(MANY)
WHOLE = (0.0, 0.0, 1.0, 1.0)


@check("BF-1", "BI-1", "BI-3", "PG-1", "PG-8", "A70")
def many_files_are_read(session: Session) -> None:
    """Many files are read by pages of any size and by ids; the total counts all."""
    writes.upload_many(session, MANY)
    for limit in (0, 100):
        reads.check_files(session, FilterSpec(), limit=limit, descending=limit == 0)
    reads.check_counts(session, FilterSpec(), limit=1)
    reads.check_by_ids(session, EVERY)
    reads.check_files(session, FilterSpec(), limit=50, descending=False)


@check("TA-1", "TA-3", "TR-1", "TR-2", "A70")
def many_files_are_tagged(session: Session) -> None:
    """Many files are tagged and untagged, by ids and by filter."""
    writes.upload_many(session, MANY)
    writes.tag(session, EVERY, ["one"])
    reads.check_files(session, FilterSpec(tags=("one",)), limit=100, descending=False)
    writes.tag_matching(session, FilterSpec(), ["two"])
    reads.check_files(session, FilterSpec(tags=("two",)), limit=100, descending=False)
    writes.tag(session, EVERY, ["one"], remove=True)
    reads.check_counts(session, FilterSpec(tags=("one",)))
    writes.tag_matching(session, FilterSpec(), ["two"], remove=True)
    reads.check_files(session, FilterSpec(), limit=100, descending=False)


@check("DM-1", "DM-3", "FI-11", "DS-2", "A42", "A70")
def many_members(session: Session) -> None:
    """Many members are added, merged and removed."""
    writes.upload_many(session, MANY)
    for name in ("pets", "empty"):
        writes.create_dataset(session, name)
    writes.change_members(session, 0, EVERY)
    writes.merge_datasets(session, [0, 1], "merged")
    merged = len(session.handles.datasets) - 1
    reads.check_files(session, FilterSpec(dataset=merged), limit=100, descending=False)
    writes.change_members(session, 0, EVERY, remove=True)
    writes.delete_dataset(session, merged)
    reads.check_files(session, FilterSpec(), limit=100, descending=False)


@check("DI-1", "DF-1", "DF-4", "A70")
def many_files_are_deleted(session: Session) -> None:
    """Many files are deleted by ids and by filter, and counted."""
    writes.upload_many(session, MANY + 5)
    writes.delete_files(session, EVERY)
    reads.check_files(session, FilterSpec(), descending=False)
    writes.upload_many(session, MANY)
    writes.delete_matching(session, FilterSpec(component_type="camera"))
    reads.check_files(session, FilterSpec(), descending=False)


@check("CU-2", "TD-1", "TD-2", "PG-1", "PG-8", "DT-1", "DT-4", "A6")
def many_readings(session: Session) -> None:
    """Many readings are read by pages of any size, counted and deleted; from many sources, too."""
    writes.upload_many_rows(session, MANY_ROWS)
    for limit in (100, 256, 1000, 2**32):
        reads.check_rows(session, FilterSpec(), limit=limit, descending=False)
    reads.check_counts(session, FilterSpec(), limit=1)
    for at in range(SOURCES):
        row: dict[str, object] = {"readings": {"n": float(at)}}
        writes.upload_rows(session, part=0, rows=[row], times=[(BASE, BASE)], tags=[f"t{at}"])
    reads.check_rows(session, FilterSpec(end=BASE, tag_rule="tagged"), limit=100, descending=False)
    writes.delete_rows(session, 0, FilterSpec())


@check("TA-1", "TG-1", "TR-2", "UP-7", "FI-6", "A72")
def many_tags(session: Session) -> None:
    """Many tags on one file, and in the list of distinct tags."""
    tags = [f"tag-{number:03}" for number in EVERY]
    writes.upload_many(session, 1, tags=tags)
    writes.upload_many(session, 1)
    writes.tag(session, [1], [f"more-{tag}" for tag in tags])
    reads.check_by_ids(session, [0, 1])
    reads.check_tags(session, FilterSpec())
    others = [f"no-{tag}" for tag in tags]
    reads.check_files(session, FilterSpec(tags=(*others, tags[5])), descending=False)
    writes.tag(session, [0], tags, remove=True)
    reads.check_by_ids(session, [0])


@check("BX-5", "BL-1")
def many_boxes(session: Session) -> None:
    """Many boxes on one image, and their distinct labels."""
    writes.upload_many(session, 1)
    for number in EVERY:
        writes.box(session, 0, f"label {number:03}", WHOLE)
    reads.check_by_ids(session, [0])
    reads.check_labels(session, FilterSpec())
    reads.check_files(session, FilterSpec(box_labels=(f"label {MANY - 1}",)), descending=False)


@check("DS-4", "DS-5", "DM-1", "A70")
def many_datasets(session: Session) -> None:
    """All datasets are listed, by organization and by ids; a file may be in many of them."""
    for number in EVERY:
        writes.create_dataset(session, f"dataset {number}")
    writes.check_datasets(session)
    writes.upload_many(session, 1)
    for handle in range(20):
        writes.change_members(session, handle, [0])


@check("SA-1", "DP-1")
def many_queries_and_pipelines(session: Session) -> None:
    """All saved queries and pipelines of an organization are listed."""
    for clause, make, listed in (
        ("SA-1", saved_queries.create, saved_queries.in_list),
        ("DP-1", pipelines.create, pipelines.in_list),
    ):
        made = {make(session, f"number {number}", COUNT) for number in range(101)}
        session.expect(clause, "how many of them are listed", 101, len(listed(session, made)))


CHECKS = (
    many_files_are_read,
    many_files_are_tagged,
    many_members,
    many_files_are_deleted,
    many_readings,
    many_tags,
    many_boxes,
    many_datasets,
    many_queries_and_pipelines,
)
