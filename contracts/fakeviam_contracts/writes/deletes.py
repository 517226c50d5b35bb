"""Deleting files and readings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.operations import operation
from fakeviam_contracts.reads import wrong_ids
from fakeviam_contracts.session import Wrong
from fakeviam_contracts.writes.base import write_by_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session


@operation
def delete_files(session: Session, files: Sequence[int], *, form: str = "string") -> None:
    """Delete files by their ids (DI-1)."""
    rpc = "DeleteBinaryDataByIDs"
    answer = session.wire.call(rpc, data.DeleteBinaryDataByIDsRequest(**session.names(files, form)))
    if not session.refused(rpc, answer, wrong_ids(session, files, form)):
        reply = session.answered(("DI-1",), rpc, answer)
        session.expect(("DI-1",), "deleted", session.model.delete_files(files), reply.deleted_count)


@operation
def delete_matching(session: Session, spec: FilterSpec) -> None:
    """Delete the files that a filter selects (DF-1, A16)."""
    spec = session.within(spec)
    rpc = "DeleteBinaryDataByFilter"
    request = data.DeleteBinaryDataByFilterRequest(filter=session.filter(spec))
    answer = write_by_filter(session, ("DF-1",), rpc, request)
    if answer is None:
        return
    refused = not spec.organization_ids and session.interpretation.empty_delete == "refused"
    if session.refused(rpc, answer, [Wrong("INVALID_ARGUMENT", ("A16",))] if refused else []):
        return
    reply = session.answered(("DF-1",), rpc, answer)
    gone = [file.handle for file in session.model.matching_files(spec)]
    session.expect(
        ("DF-1", "DF-4"), "deleted", session.model.delete_files(gone), reply.deleted_count
    )


@operation
def delete_rows(session: Session, days: int, spec: FilterSpec) -> None:
    """Delete readings older than some days (DT-1 … DT-4). Needs the subject's clock."""
    if session.place.now is None:
        return
    spec = session.within(replace(spec, box_labels=(), dataset=None, mime_types=(), label_of=()))
    filter_ = session.filter(spec)
    request = data.DeleteTabularDataRequest(
        organization_id=session.place.organization_id,
        delete_older_than_days=days,
        filter=data.DeleteTabularFilter(
            location_ids=filter_.location_ids,
            robot_id=filter_.robot_id,
            part_id=filter_.part_id,
            component_type=filter_.component_type,
            component_name=filter_.component_name,
            method=filter_.method,
            tags_filter=filter_.tags_filter,
        ),
    )
    narrow = FilterSpec(
        location_ids=spec.location_ids,
        robot_id=spec.robot_id,
        part_id=spec.part_id,
        component_type=spec.component_type,
        component_name=spec.component_name,
        method=spec.method,
        tag_rule=spec.tag_rule,
        tags=spec.tags,
    )
    now = session.place.now()
    reply = session.answered(
        ("DT-1",), "DeleteTabularData", session.wire.call("DeleteTabularData", request)
    )
    gone = session.model.delete_rows(session.place.organization_id, days, now, narrow)
    session.expect(("DT-1", "DT-2", "DT-3", "DT-4"), "deleted", gone, reply.deleted_count)
