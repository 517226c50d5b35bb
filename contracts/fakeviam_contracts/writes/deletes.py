"""Deleting files and readings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam_contracts import pages
from fakeviam_contracts.assertions import ProgramEndedError
from fakeviam_contracts.model import DAY, FilterSpec
from fakeviam_contracts.operations import operation
from fakeviam_contracts.reads import id_grounds, is_selected_rightly
from fakeviam_contracts.session import Ground
from fakeviam_contracts.writes.base import write_by_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session


@operation
def delete_files(session: Session, files: Sequence[int], *, form: str = "string") -> None:
    """Delete files by their ids (DI-1)."""
    rpc = "DeleteBinaryDataByIDs"
    answer = session.wire.call(rpc, data.DeleteBinaryDataByIDsRequest(**session.names(files, form)))
    reply = session.outcome("DI-1", rpc, answer, id_grounds(session, files, form))
    if reply is not None:
        session.expect("DI-1", "deleted", session.model.delete_files(files), reply.deleted_count)


@operation
def delete_matching(session: Session, spec: FilterSpec) -> None:
    """Delete the files that a filter selects (DF-1, A16)."""
    spec = session.within(spec)
    rpc = "DeleteBinaryDataByFilter"
    request = data.DeleteBinaryDataByFilterRequest(filter=session.filter(spec))
    if not is_selected_rightly(session, spec):
        raise ProgramEndedError("files of a filter that are to be deleted")
    answer = write_by_filter(session, "DF-1", rpc, request)
    if answer is None:
        return
    grounds = []
    if not spec.organization_ids:
        grounds = [Ground("A16", point="empty_delete_filter", accepting="delete-everything")]
    reply = session.outcome("DF-1", rpc, answer, grounds)
    if reply is not None:
        deleted = [file.handle for file in session.model.matching_files(spec)]
        count = session.model.delete_files(deleted)
        _check_left(session)
        session.expect("DF-4", "deleted", count, reply.deleted_count)


def _check_left(session: Session) -> None:
    """What a delete by filter leaves (DF-1)."""
    spec = session.within(FilterSpec())
    entries = pages.all_entries(session, "BinaryDataByFilter", spec)
    handles = {str(session.handles.file(entry.metadata.binary_data_id)) for entry in entries}
    expected = {str(file.handle) for file in session.model.matching_files(spec)}
    session.expect("DF-1", "the files that are left", expected, handles)


#: What DeleteTabularFilter has of a filter.
_NARROW = ("location_ids", "robot_id", "part_id", "component_type", "component_name", "method",
           "tag_rule", "tags")  # fmt: skip


@operation
def delete_rows(session: Session, days: int, spec: FilterSpec) -> None:
    """Delete readings older than some days (DT-1 … DT-4); days need the subject's clock."""
    if session.place.now is None and days:
        return
    spec = session.within(spec)
    spec = FilterSpec(**{name: getattr(spec, name) for name in _NARROW})
    request = data.DeleteTabularDataRequest(
        organization_id=session.place.organization_id,
        delete_older_than_days=days,
        filter=_narrow(session, spec),
    )
    rpc = "DeleteTabularData"
    now = session.place.now() if session.place.now is not None else 0
    answer = write_by_filter(session, "DT-3", rpc, request)
    if answer is None:
        return
    reply = session.answered("DT-1", rpc, answer)
    calendar = now - now % DAY - (days - 1) * DAY
    deleted, candidates = {}, {}
    for name, cutoff in (("calendar", calendar), ("periods", now - days * DAY)):
        before = cutoff if days else None
        deleted[name] = session.model.rows_before(session.place.organization_id, before, spec)
        candidates[name] = len(deleted[name])
    if candidates["periods"] == reply.deleted_count != candidates["calendar"]:
        session.choose("delete_days", "deleted readings", candidates, reply.deleted_count, "DT-4")
    session.model.delete_rows(deleted[session.interpretation.delete_days])
    bare = session.within(FilterSpec())
    left = len(pages.all_entries(session, "TabularDataByFilter", bare))
    clause = "DT-1" if spec == bare else "DT-3"
    session.expect(clause, "readings that are left", len(session.model.matching_rows(bare)), left)
    session.choose("delete_days", "deleted readings", candidates, reply.deleted_count, "DT-4")


def _narrow(session: Session, spec: FilterSpec) -> data.DeleteTabularFilter:
    """The filter of a delete by days, which has fewer fields than others."""
    whole = session.filter(replace(spec))
    narrow = data.DeleteTabularFilter(
        location_ids=whole.location_ids,
        robot_id=whole.robot_id,
        part_id=whole.part_id,
        component_type=whole.component_type,
        component_name=whole.component_name,
        method=whole.method,
    )
    if whole.HasField("tags_filter"):
        narrow.tags_filter.CopyFrom(whole.tags_filter)
    return narrow
