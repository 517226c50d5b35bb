"""Bounding boxes on images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam.model.annotations import COORDINATES, BoundingBox, check_box
from fakeviam.model.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from fakeviam.model.records import is_image
from fakeviam.server.services.arguments import id_grounds, record_named
from fakeviam.server.services.filters import query_from
from fakeviam.server.services.handlers import rpc
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeviam.model.policy import Policy
    from fakeviam.model.records import BinaryRecord
    from fakeviam.server.state.call import Call

_CHANGEABLE = ("label", *COORDINATES, "confidence")


def _box_grounds(request: data.AddBoundingBoxToImageByIDRequest, policy: Policy) -> Iterator[str]:
    yield from id_grounds(request, policy)
    if request.HasField("confidence"):
        yield "BX-4"


@rpc("AddBoundingBoxToImageByID", rests_on=["BX-1", "BX-2", "BX-5"], grounds=_box_grounds)
def add_bounding_box_to_image_by_id(
    call: Call, request: data.AddBoundingBoxToImageByIDRequest
) -> data.AddBoundingBoxToImageByIDResponse:
    """Add a box and return its id (BX-1 … BX-8)."""
    box = check_box(
        BoundingBox(
            id="",
            label=request.label,
            x_min_normalized=request.x_min_normalized,
            y_min_normalized=request.y_min_normalized,
            x_max_normalized=request.x_max_normalized,
            y_max_normalized=request.y_max_normalized,
            confidence=request.confidence if request.HasField("confidence") else None,
        )
    )
    record = _record(call, request)
    if not is_image(record.mime_type):
        what = f"{record.binary_data_id!r} is {record.mime_type!r}"
        text = f"only images can have bounding boxes; {what}"
        raise FailedPreconditionError(text, clause="BX-6")
    box = replace(box, id=call.cloud.ids.object_id())
    call.store.add_box(record.file_id, box)
    return data.AddBoundingBoxToImageByIDResponse(bbox_id=box.id)


@rpc("RemoveBoundingBoxFromImageByID", rests_on=["BR-1"], grounds=id_grounds)
def remove_bounding_box_from_image_by_id(
    call: Call, request: data.RemoveBoundingBoxFromImageByIDRequest
) -> data.RemoveBoundingBoxFromImageByIDResponse:
    """Remove one box (BR-1, BR-2)."""
    _check_box_id(request.bbox_id, clause="BR-2")
    record = _record(call, request)
    if not call.store.remove_box(record.file_id, request.bbox_id):
        raise _no_box(request.bbox_id, record, clause="BR-2")
    return data.RemoveBoundingBoxFromImageByIDResponse()


@rpc("UpdateBoundingBox", rests_on=["BU-1", "BU-2", "BU-3"], grounds=id_grounds)
def update_bounding_box(
    call: Call, request: data.UpdateBoundingBoxRequest
) -> data.UpdateBoundingBoxResponse:
    """Update the fields of a box that the request sets (BU-1 … BU-4)."""
    _check_box_id(request.bbox_id, clause="BU-4")
    present = {field.name: value for field, value in request.ListFields()}
    changes = {name: present[name] for name in _CHANGEABLE if name in present}
    record = _record(call, request)
    if not call.store.replace_box(
        record.file_id, request.bbox_id, lambda box: check_box(replace(box, **changes))
    ):
        raise _no_box(request.bbox_id, record, clause="BU-4")
    return data.UpdateBoundingBoxResponse()


def _label_grounds(
    reply: data.BoundingBoxLabelsByFilterResponse, _policy: Policy
) -> tuple[str, ...]:
    return ("BL-2",) if len(reply.labels) > 1 else ()


@rpc("BoundingBoxLabelsByFilter", rests_on=["BL-1"], reply_grounds=_label_grounds)
def bounding_box_labels_by_filter(
    call: Call, request: data.BoundingBoxLabelsByFilterRequest
) -> data.BoundingBoxLabelsByFilterResponse:
    """The distinct labels, sorted, of boxes on the selected records (BL-1, BL-2)."""
    labels = sorted(call.store.box_labels(query_from(call, request.filter)))
    return data.BoundingBoxLabelsByFilterResponse(labels=labels)


def _record(
    call: Call,
    request: data.AddBoundingBoxToImageByIDRequest
    | data.RemoveBoundingBoxFromImageByIDRequest
    | data.UpdateBoundingBoxRequest,
) -> BinaryRecord:
    binary_id = request.binary_id if request.HasField("binary_id") else None
    return record_named(call, binary_id, request.binary_data_id)


def _check_box_id(bbox_id: str, *, clause: str) -> None:
    if not bbox_id:
        raise InvalidArgumentError("bbox_id must not be empty", clause=clause)


def _no_box(bbox_id: str, record: BinaryRecord, *, clause: str) -> NotFoundError:
    text = f"no bounding box {bbox_id!r} on {record.binary_data_id!r}"
    return NotFoundError(text, clause=clause)
