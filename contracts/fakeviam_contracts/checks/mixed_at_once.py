"""Concurrent changes of different kinds to the same file: none is lost, none comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam_contracts import writes
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import check
from fakeviam_contracts.model import FilterSpec

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fakeviam_contracts.session import Session

#: How often clients change the file at once; each time there is a dataset to join.
ROUNDS = 2
#: What must succeed.
_CLAUSES = {
    "AddTagsToBinaryDataByIDs": "TA-1",
    "RemoveTagsFromBinaryDataByIDs": "TR-1",
    "AddBoundingBoxToImageByID": "BX-5",
    "UpdateBoundingBox": "BU-2",
    "RemoveBoundingBoxFromImageByID": "BR-1",
    "AddBinaryDataToDatasetByIDs": "DM-1",
}


def _changes(session: Session, text: str, number: int) -> list[list[Message]]:
    """What the clients change at once: tags, boxes, fields of one box, and memberships."""
    dataset_id, (bbox_id, other) = session.handles.datasets[number], session.handles.boxes
    renaming = data.UpdateBoundingBoxRequest(binary_data_id=text, bbox_id=bbox_id)
    renaming.label = f"new {number}"
    moving = data.UpdateBoundingBoxRequest(binary_data_id=text, bbox_id=bbox_id)
    moving.x_min_normalized = 0.25 * (number + 1)
    return [
        [data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=[text], tags=[f"tag {number}"])],
        [
            data.AddBoundingBoxToImageByIDRequest(
                binary_data_id=text, label=f"{number}", x_max_normalized=1, y_max_normalized=1
            )
        ],
        [renaming],
        [moving],
        [data.UpdateBoundingBoxRequest(binary_data_id=text, bbox_id=other, confidence=0.5)]
        if number == 0
        else [data.RemoveBoundingBoxFromImageByIDRequest(binary_data_id=text, bbox_id=other)],
        [
            data.RemoveTagsFromBinaryDataByIDsRequest(
                binary_data_ids=[text], tags=["old" if number else "older"]
            )
        ],
        [data.AddBinaryDataToDatasetByIDsRequest(dataset_id=dataset_id, binary_data_ids=[text])],
    ]


@check("TA-1", "TR-1", "BX-5", "BU-2", "BR-1", "DM-1", "DI-1")
def kinds_of_changes_at_once(session: Session) -> None:
    """Tags, boxes, fields of one box and memberships that clients change at once all stand."""
    writes.upload_many(session, 2, tags=["old", "older"])
    text, gone = session.handles.files
    for name in ("pets", "cars"):
        writes.create_dataset(session, name)
    writes.change_members(session, 0, [1])
    # That memberships are hidden is no matter of clients at once.
    shows = bool(raw.files(session, gone)[0].dataset_ids)
    for label in ("dog", "cat"):
        writes.box(session, 0, label, (0.0, 0.0, 1.0, 1.0), confidence=0.25)
    for number in range(ROUNDS):
        changes = _changes(session, text, number)
        # Of any two kinds, each begins first in one of the rounds.
        in_order = changes[::-1] if number else changes
        for timed in session.wire.at_once([[change] for change in in_order]):
            session.answered(_CLAUSES[timed.rpc], timed.rpc, timed.answer)
    (file,) = raw.files(session, text)
    clauses = {"tags": "TA-1", "boxes": "BX-5", "fields of a box": "BU-2", "datasets": "DM-1"}
    fields = [
        (box.label, box.x_min_normalized, box.confidence)
        for box in file.annotations.bboxes
        if box.id == session.handles.boxes[0]
    ]
    tags = [tag for tag in file.capture_metadata.tags if tag.startswith(("tag", "old"))]
    observed = {
        "tags": sorted(tags),
        "boxes": sorted(box.label for box in file.annotations.bboxes),
        "fields of a box": fields,
        "datasets": sorted(file.dataset_ids),
    }
    expected = {
        "tags": ["tag 0", "tag 1"],
        "fields of a box": [("new 1", 0.5, 0.25)],
        "boxes": ["0", "1", "new 1"],
        "datasets": sorted(session.handles.datasets) if shows else [],
    }
    session.expect_all(clauses, expected, observed, "a file that clients changed at once")
    _change_what_goes(session, gone)


def _change_what_goes(session: Session, text: str) -> None:
    """A file that is deleted while it is changed is gone."""
    dataset_id = session.handles.datasets[1]
    changes: list[list[Message]] = [
        [data.AddTagsToBinaryDataByIDsRequest(binary_data_ids=[text], tags=["late"])],
        [data.AddBinaryDataToDatasetByIDsRequest(dataset_id=dataset_id, binary_data_ids=[text])],
        [data.DeleteBinaryDataByIDsRequest(binary_data_ids=[text])],
    ]
    session.wire.at_once([[change] for change in changes])
    session.model.delete_files([1])
    left = [
        entry.metadata.binary_data_id
        for entry in raw.page(
            session, "BF-1", "BinaryDataByFilter", session.filter(session.within(FilterSpec()))
        ).data
    ]
    what = "files that are left of what was changed while it was deleted"
    session.expect("DI-1", what, [session.handles.files[0]], left)


CHECKS = (kinds_of_changes_at_once,)
