"""Tags and bounding boxes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts.model import Box, File, FilterSpec
from fakeviam_contracts.operations import operation
from fakeviam_contracts.reads import check_by_ids, wrong_ids
from fakeviam_contracts.session import Wrong
from fakeviam_contracts.writes.base import write_by_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam_contracts.session import Session


@operation
def tag(session: Session, files: Sequence[int], tags: Sequence[str], *, form: str = "string",
        remove: bool = False) -> None:  # fmt: skip
    """Add or remove tags by ids (TA-1, TA-2, TR-1, TR-2, A8)."""
    rpc = "RemoveTagsFromBinaryDataByIDs" if remove else "AddTagsToBinaryDataByIDs"
    request = getattr(data, f"{rpc}Request")(tags=tags, **session.names(files, form))
    answer = session.wire.call(rpc, request)
    wrongs = wrong_ids(session, files, form) + _wrong_tags(tags, remove=remove)
    if not session.refused(rpc, answer, wrongs):
        known = [f for f in map(session.model.file, dict.fromkeys(files)) if f is not None]
        _tagged(session, rpc, answer, known, tags, remove=remove)


@operation
def tag_matching(
    session: Session, spec: FilterSpec, tags: Sequence[str], *, remove: bool = False
) -> None:
    """Add or remove tags by filter (TA-3, TR-1)."""
    spec = session.within(spec)
    rpc = "RemoveTagsFromBinaryDataByFilter" if remove else "AddTagsToBinaryDataByFilter"
    request = getattr(data, f"{rpc}Request")(tags=tags, filter=session.filter(spec))
    answer = write_by_filter(session, ("TR-1",) if remove else ("TA-3",), rpc, request)
    if answer is None or session.refused(rpc, answer, _wrong_tags(tags, remove=remove)):
        return
    _tagged(session, rpc, answer, session.model.matching_files(spec), tags, remove=remove)


def _wrong_tags(tags: Sequence[str], *, remove: bool) -> list[Wrong]:
    if tags:
        return []
    return [Wrong("INVALID_ARGUMENT", ("TR-1" if remove else "TA-2", "A12"))]


def _tagged(
    session: Session, rpc: str, answer: Any, files: list[File], tags: Sequence[str], *, remove: bool
) -> None:
    reply = session.answered(("TR-1",) if remove else ("TA-1",), rpc, answer)
    if remove:
        count = session.model.remove_tags(files, tags)
        session.expect(("TR-2", "A8"), "count of removed tags", count, reply.deleted_count)
    else:
        session.model.add_tags(files, tags)


CORNERS = ("x_min_normalized", "y_min_normalized", "x_max_normalized", "y_max_normalized")


@operation
def box(
    session: Session,
    file: int,
    label: str,
    corners: tuple[float, float, float, float],
    *,
    confidence: float | None = None,
) -> None:
    """Put a box on an image; a bad one must be refused (BX-1 … BX-8)."""
    rpc = "AddBoundingBoxToImageByID"
    request = data.AddBoundingBoxToImageByIDRequest(
        binary_data_id=session.handles.files[file],
        label=label,
        x_min_normalized=corners[0],
        y_min_normalized=corners[1],
        x_max_normalized=corners[2],
        y_max_normalized=corners[3],
    )
    if confidence is not None:
        request.confidence = confidence
    answer = session.wire.call(rpc, request)
    target = session.model.file(file)
    wrongs = wrong_box(label, corners, confidence)
    if target is None:
        wrongs.append(Wrong("NOT_FOUND", ("BX-8",)))
    elif not target.mime_type.startswith("image/"):
        wrongs.append(Wrong("FAILED_PRECONDITION", ("BX-6",)))
    if not session.refused(rpc, answer, wrongs) and target is not None:
        reply = session.answered(("BX-1",), rpc, answer)
        fresh = reply.bbox_id not in ("", *session.handles.boxes)
        session.expect(("BX-1",), "the box has a new id", expected=True, observed=fresh)
        handle = len(session.handles.boxes)
        session.handles.boxes.append(reply.bbox_id)
        target.boxes.append(Box(handle=handle, label=label, corners=corners, confidence=confidence))


def wrong_box(label: str, corners: tuple[float, ...], confidence: float | None) -> list[Wrong]:
    """What no box may be (BX-2, BX-3, BX-4, BX-7)."""
    broken = []
    if not label.strip():
        broken.append("BX-3")
    if not all(0 <= corner <= 1 for corner in corners):
        broken.append("BX-2")
    elif corners[0] > corners[2] or corners[1] > corners[3]:
        broken.append("BX-7")
    if confidence is not None and not 0 <= confidence <= 1:
        broken.append("BX-4")
    return [Wrong("INVALID_ARGUMENT", tuple(broken))] if broken else []


@operation
def update_box(session: Session, file: int, handle: int, changes: dict[str, Any]) -> None:
    """Change the fields of a box that are given (BU-1 … BU-4)."""
    rpc = "UpdateBoundingBox"
    answer = session.wire.call(
        rpc,
        data.UpdateBoundingBoxRequest(
            binary_data_id=session.handles.files[file],
            bbox_id=session.handles.boxes[handle],
            **changes,
        ),
    )
    target = session.model.file(file)
    old = next((b for b in target.boxes if b.handle == handle), None) if target else None
    if target is None or old is None:
        clauses = ("BX-8",) if target is None else ("BU-4",)
        session.refused(rpc, answer, [Wrong("NOT_FOUND", clauses)])
        return
    new = replace(
        old,
        label=changes.get("label", old.label),
        corners=tuple(
            changes.get(name, value) for name, value in zip(CORNERS, old.corners, strict=True)
        ),
        confidence=changes.get("confidence", old.confidence),
    )
    if not session.refused(rpc, answer, wrong_box(new.label, new.corners, new.confidence)):
        session.answered(("BU-1",), rpc, answer)
        session.model.change_box(target, handle, lambda _: new)
    check_by_ids(session, [file], with_bytes=False)


@operation
def remove_box(session: Session, file: int, handle: int) -> None:
    """Remove one box (BR-1, BR-2)."""
    rpc = "RemoveBoundingBoxFromImageByID"
    answer = session.wire.call(
        rpc,
        data.RemoveBoundingBoxFromImageByIDRequest(
            binary_data_id=session.handles.files[file], bbox_id=session.handles.boxes[handle]
        ),
    )
    target = session.model.file(file)
    if target is None or all(b.handle != handle for b in target.boxes):
        clauses = ("BX-8",) if target is None else ("BR-2",)
        session.refused(rpc, answer, [Wrong("NOT_FOUND", clauses)])
    else:
        session.answered(("BR-1",), rpc, answer)
        session.model.remove_box(target, handle)
        check_by_ids(session, [file], with_bytes=False)
