"""Tags and bounding boxes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts.assertions import ProgramEndedError
from fakeviam_contracts.model import Box, File, FilterSpec
from fakeviam_contracts.operations import operation
from fakeviam_contracts.reads import check_by_ids, id_grounds, is_selected_rightly
from fakeviam_contracts.session import Ground, permission
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
    files_ = [f for f in map(session.model.file, dict.fromkeys(files)) if f is not None]
    grounds = _tag_grounds(tags, remove=remove) or _nothing_to_remove(files_, tags, remove=remove)
    grounds += id_grounds(session, files, form)
    answer = session.wire.call(rpc, request)
    reply = session.outcome("TR-1" if remove else "TA-1", rpc, answer, grounds)
    if reply is not None:
        _change_tags(session, reply, files_, tags, remove=remove)


@operation
def tag_matching(
    session: Session, spec: FilterSpec, tags: Sequence[str], *, remove: bool = False
) -> None:
    """Add or remove tags by filter (TA-3, TR-1)."""
    spec = session.within(spec)
    rpc = "RemoveTagsFromBinaryDataByFilter" if remove else "AddTagsToBinaryDataByFilter"
    request = getattr(data, f"{rpc}Request")(tags=tags, filter=session.filter(spec))
    clause = "TR-1" if remove else "TA-3"
    if not is_selected_rightly(session, spec):
        raise ProgramEndedError("files of a filter that tags are to be changed by")
    answer = write_by_filter(session, clause, rpc, request)
    if answer is None:
        return
    files = session.model.matching_files(spec)
    grounds = _tag_grounds(tags, remove=remove) or _nothing_to_remove(files, tags, remove=remove)
    reply = session.outcome(clause, rpc, answer, grounds)
    if reply is not None:
        _change_tags(session, reply, files, tags, remove=remove)
        for file in files if not remove else ():
            file.because["tags"] = "TA-3"


def _tag_grounds(tags: Sequence[str], *, remove: bool) -> list[Ground]:
    if not tags:
        return [Ground("TR-1" if remove else "TA-2", names_status="A12")]
    blank = any(not tag.strip() for tag in tags) and not remove
    return [Ground("TA-4")] if blank else []


def _nothing_to_remove(files: Sequence[File], tags: Sequence[str], *, remove: bool) -> list[Ground]:
    """No document says that tags which no file has can be removed."""
    found = any(tag in file.tags for file in files for tag in tags)
    return [permission("TR-3")] if remove and not found else []


def _change_tags(
    session: Session, reply: Any, files: list[File], tags: Sequence[str], *, remove: bool
) -> None:
    if not remove:
        session.model.add_tags(files, tags)
        return
    removed, changed = session.model.remove_tags(files, tags)
    candidates = {"tags": removed, "records": changed}
    if reply.deleted_count not in candidates.values():
        # What was done with the tags says more than how it was counted.
        for file in session.model.files:
            file.because["tags"] = "TR-1"
        check_by_ids(session, [f.handle for f in session.model.files], with_bytes=False)
    what = "count of removed tags"
    session.choose("remove_tags_count", what, candidates, reply.deleted_count, "TR-2")


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
    )
    for name, corner in zip(CORNERS, corners, strict=True):
        setattr(request, name, corner)
    if confidence is not None:
        request.confidence = confidence
    answer = session.wire.call(rpc, request)
    target = session.model.file(file)
    grounds = box_grounds(label, corners, confidence)
    if target is None:
        grounds.append(Ground("BX-8", "NOT_FOUND"))
    elif not target.mime_type.startswith("image/"):
        grounds.append(Ground("BX-6", "FAILED_PRECONDITION"))
    reply = session.outcome("BX-1", rpc, answer, grounds)
    if reply is None:
        return
    fresh = reply.bbox_id not in ("", *session.handles.boxes)
    session.require("BX-1", "the box has a new id", expected=True, observed=fresh)
    handle = len(session.handles.boxes)
    session.handles.boxes.append(reply.bbox_id)
    if target is not None:
        target.boxes.append(Box(handle=handle, label=label, corners=corners, confidence=confidence))
        _box_is_taken(session, target, "BX-5", grounds)


def _box_is_taken(session: Session, file: File, clause: str, grounds: Sequence[Ground]) -> None:
    """A box that we would have refused may be stored otherwise; what it became counts from now."""
    doubt = next((ground.clause for ground in grounds if ground.refusing), "")
    if doubt:
        file.because["boxes"] = doubt
        check_by_ids(session, [file.handle], with_bytes=False)
    file.because["boxes"] = clause


def box_grounds(label: str, corners: tuple[float, ...], confidence: float | None) -> list[Ground]:
    """What no box may be (BX-2, BX-3, BX-4, BX-7), and what need not be taken."""
    grounds = []
    if not all(0 <= corner <= 1 for corner in corners):
        grounds.append(Ground("BX-2"))
    elif corners[0] > corners[2] or corners[1] > corners[3]:
        grounds.append(Ground("BX-7"))
    elif corners[0] == corners[2] or corners[1] == corners[3]:
        grounds.append(permission("BX-7"))
    if confidence is not None and not 0 <= confidence <= 1:
        grounds.append(Ground("BX-4"))
    if not label.strip():
        grounds.append(Ground("BX-3"))
    return grounds


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
        ground = Ground("BX-8" if target is None else "BU-4", "NOT_FOUND")
        session.outcome("BU-1", rpc, answer, [ground])
        _box_was_named(session, handle, "BU-1")
        return
    new = replace(
        old,
        label=changes.get("label", old.label),
        corners=tuple(
            changes.get(name, value) for name, value in zip(CORNERS, old.corners, strict=True)
        ),
        confidence=changes.get("confidence", old.confidence),
    )
    grounds = [
        ground if ground.clause != "BX-2" else ground._replace(clause="BU-3")
        for ground in box_grounds(new.label, new.corners, new.confidence)
    ]
    if session.outcome("BU-1", rpc, answer, grounds) is None:
        before, target.because["boxes"] = target.because["boxes"], "BU-3"
        check_by_ids(session, [file], with_bytes=False)
        target.because["boxes"] = before
        return
    session.model.change_box(target, handle, lambda _: new)
    _box_is_taken(session, target, "BU-1", grounds)
    _check_presence(session, target, old, new, changes)
    check_by_ids(session, [file], with_bytes=False)


def _box_was_named(session: Session, handle: int, clause: str) -> None:
    """A box that a request named under another file still is what it was, or breaks `clause`."""
    for file in session.model.files:
        if any(box.handle == handle for box in file.boxes):
            file.because["boxes"] = clause


def _check_presence(
    session: Session, file: File, old: Box, new: Box, changes: dict[str, object]
) -> None:
    """Fields that an update leaves out stay as they are, and a zero is a value (BU-2)."""
    if len(changes) == 6 and all(changes.values()):
        return
    handle = old.handle
    request = data.BinaryDataByIDsRequest(binary_data_ids=[session.handles.files[file.handle]])
    reply = session.answered("BI-1", "BinaryDataByIDs",
                             session.wire.call("BinaryDataByIDs", request))  # fmt: skip
    bbox_id = session.handles.boxes[handle]
    for entry in reply.data:
        for box in entry.metadata.annotations.bboxes:
            if box.id == bbox_id:
                observed = _observed_box(handle, box)
                got, wanted, before = map(_fields, (observed, new, old))
                # If nothing at all was changed, that is not for want of a value.
                ignored = len(changes) > 1 and got == before
                names = [n for n in got if n not in changes or not (changes[n] or ignored)]
                what = "fields that an update leaves out or sets to zero"
                if not session.expect(
                    "BU-2", what, {n: wanted[n] for n in names}, {n: got[n] for n in names}
                ):
                    session.model.change_box(file, handle, lambda _, observed=observed: observed)  # type: ignore[misc]
                    return


def _fields(box: Box) -> dict[str, object]:
    """The fields of a box by their names in an update."""
    corners = zip(CORNERS, box.corners, strict=True)
    return {**dict(corners), "label": box.label, "confidence": box.confidence}


def _observed_box(handle: int, box: data.BoundingBox) -> Box:
    x_min, y_min, x_max, y_max = (getattr(box, name) for name in CORNERS)
    confidence = box.confidence if box.HasField("confidence") else None
    corners = (x_min, y_min, x_max, y_max)
    return Box(handle=handle, label=box.label, corners=corners, confidence=confidence)


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
        ground = Ground("BX-8" if target is None else "BR-2", "NOT_FOUND")
        session.outcome("BR-1", rpc, answer, [ground])
        _box_was_named(session, handle, "BR-1")
    elif session.outcome("BR-1", rpc, answer) is not None:
        session.model.remove_box(target, handle)
        check_by_ids(session, [file], with_bytes=False)
