"""Deleting files and readings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam_contracts import others
from fakeviam_contracts.model import Ask
from fakeviam_contracts.reads import wrong_ids
from fakeviam_contracts.session import Wrong
from fakeviam_contracts.steps import operation

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
def delete_matching(session: Session, ask: Ask) -> None:
    """Delete the files that a filter selects (DF-1, A16)."""
    ask = session.within(ask)
    rpc = "DeleteBinaryDataByFilter"
    request = data.DeleteBinaryDataByFilterRequest(filter=session.filter(ask))
    answer = others.write(session, ("DF-1",), rpc, request)
    if answer is None:
        return
    refused = not ask.organization_ids and session.reading.empty_delete == "refused"
    if session.refused(rpc, answer, [Wrong("INVALID_ARGUMENT", ("A16",))] if refused else []):
        return
    reply = session.answered(("DF-1",), rpc, answer)
    gone = [file.handle for file in session.model.matching_files(ask)]
    session.expect(
        ("DF-1", "DF-4"), "deleted", session.model.delete_files(gone), reply.deleted_count
    )


@operation
def delete_rows(session: Session, days: int, ask: Ask) -> None:
    """Delete readings older than some days (DT-1 … DT-4). Needs the subject's clock."""
    if session.place.now is None:
        return
    ask = session.within(replace(ask, box_labels=(), dataset=None, mime_types=(), label_of=()))
    filter_ = session.filter(ask)
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
    narrow = Ask(
        location_ids=ask.location_ids,
        robot_id=ask.robot_id,
        part_id=ask.part_id,
        component_type=ask.component_type,
        component_name=ask.component_name,
        method=ask.method,
        tag_rule=ask.tag_rule,
        tags=ask.tags,
    )
    now = session.place.now()
    reply = session.answered(
        ("DT-1",), "DeleteTabularData", session.wire.call("DeleteTabularData", request)
    )
    gone = session.model.delete_rows(session.place.organization_id, days, now, narrow)
    session.expect(("DT-1", "DT-2", "DT-3", "DT-4"), "deleted", gone, reply.deleted_count)
