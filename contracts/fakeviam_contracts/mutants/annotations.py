"""Wrong servers: tags and bounding boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpclib.const import Status

from fakeviam import MemoryStore
from fakeviam.wire import data
from fakeviam_contracts.mutants.base import (
    FILES,
    Mutant,
    metadata_edit,
    on_refusal,
    on_reply,
    on_request,
    refusing,
    with_policy,
    with_store,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.filters import Query
    from fakeviam.store.values import TagRemoval
    from fakeviam_contracts.mutants.base import Memory


class _Replaces(MemoryStore):
    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        ids = list(file_ids)
        for record in self.find_binary(ids):
            if record is not None:
                self.remove_tags([record.file_id], record.tags)
        return super().add_tags(ids, tags)


class _First(MemoryStore):
    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        page = self.binary_page(query, after=None, limit=1, descending=False)
        return super().add_tags((record.file_id for record in page.records), tags)


class _RemovesAll(MemoryStore):
    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        ids = list(file_ids)
        present = {tag for r in self.find_binary(ids) if r is not None for tag in r.tags}
        return super().remove_tags(ids, [*tags, *present] if present & set(tags) else tags)


class _ClearsBoxes(MemoryStore):
    def remove_box(self, file_id: str, box_id: str) -> bool:
        is_removed = super().remove_box(file_id, box_id)
        (record,) = self.find_binary([file_id])
        for box in record.boxes if record is not None and is_removed else ():
            super().remove_box(file_id, box.id)
        return is_removed


class _KeepsBoxes(MemoryStore):
    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        (record,) = self.find_binary([file_id])
        if record is None or all(box.id != box_id for box in record.boxes):
            return False
        for box in record.boxes:
            if box.id == box_id:
                change(box)  # invalid boxes are still refused
        return True


def _clears_count(_: object, reply: Any, __: Memory) -> None:
    reply.ClearField("deleted_count")


def _hides_look_alikes(metadata: data.BinaryMetadata) -> None:
    tags, labels = metadata.capture_metadata.tags, set(metadata.dataset_ids)
    remaining = [t for t in tags if t[:13] != "VIAM_DATASET_" or t[13:] in labels]
    tags[:] = remaining


def _lower_tags(message: Any, _: Memory) -> None:
    message.tags[:] = [tag.lower() for tag in message.tags]


def _clamp(message: Any, _: Memory) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.name.endswith("_normalized"):
            value = getattr(message, field.name)
            setattr(message, field.name, min(max(value, 0.0), 1.0) if value == value else 0.0)  # noqa: PLR0124


def _clamp_sent(message: Any, _: Memory) -> None:
    for field, value in message.ListFields():
        if field.name.endswith("_normalized"):
            setattr(message, field.name, min(max(value, 0.0), 1.0))


def _sorted_corners(message: object, _: Memory) -> None:
    for axis in "xy":
        low, high = f"{axis}_min_normalized", f"{axis}_max_normalized"
        if getattr(message, low) > getattr(message, high):
            first, second = getattr(message, low), getattr(message, high)
            setattr(message, low, second)
            setattr(message, high, first)


def _resets_unset(message: data.UpdateBoundingBoxRequest, _: Memory) -> None:
    if not message.HasField("x_min_normalized"):
        message.x_min_normalized = 0.0
    if not message.HasField("y_max_normalized"):
        message.y_max_normalized = 1.0


ADD_TAGS = ("AddTagsToBinaryDataByIDs", "AddTagsToBinaryDataByFilter")
REMOVE_TAGS = ("RemoveTagsFromBinaryDataByIDs", "RemoveTagsFromBinaryDataByFilter")
ADD_BOX = "AddBoundingBoxToImageByID"


def _six_digits(metadata: data.BinaryMetadata) -> None:
    for box in metadata.annotations.bboxes:
        box.x_min_normalized = round(box.x_min_normalized, 6)
        box.y_max_normalized = round(box.y_max_normalized, 6)


def _clamp_a_little(message: data.AddBoundingBoxToImageByIDRequest, _: Memory) -> None:
    if -1e-6 < message.x_min_normalized < 0:
        message.x_min_normalized = 0
    if 1 < message.y_max_normalized < 1 + 1e-6:
        message.y_max_normalized = 1


def _label_alone(message: data.UpdateBoundingBoxRequest, _: Memory) -> None:
    if message.HasField("x_min_normalized"):
        message.ClearField("label")


def _no_confidence_of_nan(message: data.AddBoundingBoxToImageByIDRequest, _: Memory) -> None:
    if message.confidence != message.confidence:
        message.ClearField("confidence")


MUTANTS: tuple[Mutant, ...] = (
    on_reply("keeps six digits of corners", "BX-5", metadata_edit(_six_digits), *FILES),
    on_request(
        "clamps corners that are nearly right", "BX-2", _clamp_a_little, "AddBoundingBoxToImageByID"
    ),
    on_request(
        "drops a confidence that is no number",
        "BX-4",
        _no_confidence_of_nan,
        "AddBoundingBoxToImageByID",
    ),
    on_request("changes a label only by itself", "BU-1", _label_alone, "UpdateBoundingBox"),
    with_store("replaces tags instead of adding", "TA-1", _Replaces),
    with_store("tags only the first match", "TA-3", _First),
    with_store("removes all tags of a file", "TR-1", _RemovesAll),
    on_request("folds the case of tags", "TA-5", _lower_tags, *ADD_TAGS, *REMOVE_TAGS),
    on_reply(
        "shows tags twice",
        "TA-1",
        metadata_edit(lambda m: m.capture_metadata.tags.extend(m.capture_metadata.tags[:1])),
        *FILES,
    ),
    with_policy("counts files that lost a tag", "A8", remove_tags_count="records"),
    on_refusal(
        "takes no tags for an answer", "TA-2", lambda _, __: data.AddTagsToBinaryDataByIDsResponse()
    ),
    on_reply("does not count removed tags", "TR-2", _clears_count, *REMOVE_TAGS),
    on_request(
        "leaves blank tags out instead of refusing",
        "TA-4",
        lambda m, _: m.tags.__setitem__(slice(None), [t for t in m.tags if t.strip()]),
        *ADD_TAGS,
    ),
    on_reply("hides tags that look like labels", "A11", metadata_edit(_hides_look_alikes), *FILES),
    Mutant(
        name="calls an empty list of ids NOT_FOUND",
        clause="A12",
        interceptor=on_refusal("", "ID-5", refusing(Status.NOT_FOUND)).interceptor,
    ),
    on_request("clamps corners instead of refusing", "BX-2", _clamp, ADD_BOX),
    on_request("puts corners in order instead of refusing", "BX-7", _sorted_corners, ADD_BOX),
    on_refusal(
        "takes a blank label",
        "BX-3",
        lambda _, __: data.AddBoundingBoxToImageByIDResponse(bbox_id="f" * 24),
    ),
    on_refusal(
        "takes boxes on anything",
        "BX-6",
        lambda _, __: data.AddBoundingBoxToImageByIDResponse(bbox_id="f" * 24),
    ),
    on_request("forgets the confidence", "BX-4", lambda m, _: m.ClearField("confidence"), ADD_BOX),
    on_reply(
        "gives all boxes one id", "BX-1", lambda _, r, __: setattr(r, "bbox_id", "0" * 24), ADD_BOX
    ),
    on_reply(
        "shows no boxes",
        "BX-5",
        metadata_edit(lambda m: m.annotations.ClearField("bboxes")),
        *FILES,
    ),
    on_refusal(
        "takes boxes for files that are gone",
        "BX-8",
        lambda _, __: data.AddBoundingBoxToImageByIDResponse(bbox_id="f" * 24),
    ),
    with_store("updates nothing", "BU-1", _KeepsBoxes),
    on_request("clamps corners of updates", "BU-3", _clamp_sent, "UpdateBoundingBox"),
    on_reply(
        "gives labels unsorted",
        "BL-2",
        lambda _, r, __: r.labels.reverse(),
        "BoundingBoxLabelsByFilter",
    ),
    on_request("resets fields that were not sent", "BU-2", _resets_unset, "UpdateBoundingBox"),
    on_refusal(
        "updates boxes that are not there", "BU-4", lambda _, __: data.UpdateBoundingBoxResponse()
    ),
    with_store("removes all boxes of a file", "BR-1", _ClearsBoxes),
    on_refusal(
        "removes boxes that are not there",
        "BR-2",
        lambda _, __: data.RemoveBoundingBoxFromImageByIDResponse(),
    ),
)
