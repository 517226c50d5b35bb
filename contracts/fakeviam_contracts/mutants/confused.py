"""Wrong servers: take one thing for another, such as a label for a tag or a zero for nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam import MemoryStore
from fakeviam_contracts.mutants.annotations import ADD_BOX
from fakeviam_contracts.mutants.at_once import ROUNDS, after
from fakeviam_contracts.mutants.base import (
    STREAM,
    Mutant,
    metadata_edit,
    on_reply,
    on_request,
    with_store,
)
from fakeviam_contracts.mutants.queries import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord
    from fakeviam.store.base import BoxChange
    from fakeviam.store.values import Page, Position, TagRemoval
    from fakeviam.wire import data, datasync
    from fakeviam_contracts.mutants.base import Memory

UPDATE_BOX = "UpdateBoundingBox"


class _LabelsAreTags(MemoryStore):
    """A tag is taken for there if a box has it as its label."""

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        files = [file for file in self.find_binary(file_ids) if file is not None]
        return sum(
            super(_LabelsAreTags, self).add_tags(
                [file.file_id], [tag for tag in tags if tag not in file.box_labels]
            )
            for file in files
        )


class _TagsAreLabels(MemoryStore):
    """Boxes go with the tag that is their label."""

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        ids = list(file_ids)
        for file in self.find_binary(ids):
            for box in file.boxes if file is not None else ():
                if file is not None and box.label in tags:
                    self.remove_box(file.file_id, box.id)
        return super().remove_tags(ids, tags)


class _OneBoxForAll(MemoryStore):
    """A box is removed by its id, whichever file it is on."""

    def remove_box(self, file_id: str, box_id: str) -> bool:
        rows = [row.record for row in self.binary_rows()]
        owners = [file.file_id for file in rows if any(box.id == box_id for box in file.boxes)]
        return super().remove_box(owners[0] if owners else file_id, box_id)


class _StaleLabels(MemoryStore):
    """The index of labels drops the old one only with a box that has it."""

    @property
    def _old(self) -> dict[str, set[str]]:
        """The labels that are still found, by file."""
        old: dict[str, set[str]] = vars(self).setdefault("_old_labels", {})
        return old

    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        for file in self.find_binary([file_id]):
            self._old.setdefault(file_id, set()).update(file.box_labels if file else ())
        return super().replace_box(file_id, box_id, change)

    def remove_box(self, file_id: str, box_id: str) -> bool:
        for file in self.find_binary([file_id]):
            gone = {box.label for box in file.boxes if box.id == box_id} if file else set()
            self._old.get(file_id, set()).difference_update(gone)
        return super().remove_box(file_id, box_id)

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        if not query.box_labels:
            return super().binary_page(query, after=after, limit=limit, descending=descending)
        every = replace(query, box_labels=frozenset())
        page = super().binary_page(every, after=after, limit=limit, descending=descending)
        found = [
            file
            for file in page.records
            if query.box_labels & (file.box_labels | self._old.get(file.file_id, set()))
        ]
        return type(page)(found, page.last if found else None)


class _DeadDatasets(MemoryStore):
    """The members of a deleted dataset are found under its id for ever."""

    def delete_dataset(self, dataset_id: str) -> None:
        whole = super().binary_page(
            members_of(dataset_id), after=None, limit=10_000, descending=False
        )
        dead = vars(self).setdefault("_dead", {})
        dead[dataset_id] = {file.file_id for file in whole.records}
        super().delete_dataset(dataset_id)

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        dead = vars(self).get("_dead", {}).get(query.dataset_id)
        if dead is None:
            return super().binary_page(query, after=after, limit=limit, descending=descending)
        every = replace(query, dataset_id="")
        page = super().binary_page(every, after=after, limit=limit, descending=descending)
        found = [file for file in page.records if file.file_id in dead]
        return type(page)(found, page.last if found else None)


class _Twins(MemoryStore):
    """What joins the first source of a merge later joins what came of the merge."""

    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        if members_of:
            vars(self).setdefault("_twins", {})[members_of[0]] = dataset.id
        return super().add_dataset(dataset, members_of=members_of)

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        ids, twin = list(file_ids), vars(self).get("_twins", {}).get(dataset_id)
        if twin is not None:
            super().add_members(twin, ids)
        return super().add_members(dataset_id, ids)


class _OneOfAName(MemoryStore):
    """The same bytes under the same name are stored once."""

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        known = {(row.record.file_name, row.data) for row in self.binary_rows()}
        super().add_binary(
            [pair for pair in records if not pair[0].file_name or
             (pair[0].file_name, pair[1]) not in known]
        )  # fmt: skip


class _TakenBack(MemoryStore):
    """A box is written with the tags that the file had when it was read, if that is a loss."""

    def change_boxes(self, file_id: str, change: BoxChange, needed: str | None = None) -> bool:
        before = [file.tags for file in self.find_binary([file_id]) if file is not None]
        done = super().change_boxes(file_id, change, needed)
        after(ROUNDS, lambda: self._write_back(file_id, before))
        return done

    def _write_back(self, file_id: str, before: list[tuple[str, ...]]) -> None:
        for file in self.find_binary([file_id]):
            late = [tag for tag in file.tags if tag not in before[0]] if file and before else []
            super().remove_tags([file_id], late)


class _BringsBack(MemoryStore):
    """A box is written with the tags that the file had at the last change of its boxes."""

    def change_boxes(self, file_id: str, change: BoxChange, needed: str | None = None) -> bool:
        copies: dict[str, tuple[str, ...]] = vars(self).setdefault("_copies", {})
        super().add_tags([file_id], copies.get(file_id, ()))
        done = super().change_boxes(file_id, change, needed)
        copies |= {file.file_id: file.tags for file in self.find_binary([file_id]) if file}
        return done


class _LeavesUploads(MemoryStore):
    """Who joins a dataset by id leaves those of the upload."""

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        for file in self.find_binary(ids):
            for other in file.dataset_ids if file is not None else ():
                if file is not None and file.file_id in vars(self).get("_joined", ()):
                    self.remove_members(other, [file.file_id])
        return super().add_members(dataset_id, ids)

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        joined: set[str] = vars(self).setdefault("_joined", set())
        joined.update(file.file_id for file, _ in records if file.dataset_ids)
        super().add_binary(records)


class _BoxesOfUploads(MemoryStore):
    """Boxes that came with an upload cannot be updated."""

    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        return box_id in vars(self).get("_came", ()) or super().replace_box(file_id, box_id, change)

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        came: set[str] = vars(self).setdefault("_came", set())
        came.update(box.id for file, _ in records for box in file.boxes)
        super().add_binary(records)


def _no_zeros(message: Any, _: Memory) -> None:
    for field, value in message.ListFields():
        if not value and field.type == field.TYPE_DOUBLE:
            message.ClearField(field.name)


def _no_zero_confidence(message: data.AddBoundingBoxToImageByIDRequest, _: Memory) -> None:
    if not message.confidence:
        message.ClearField("confidence")


def _no_annotations(message: datasync.StreamingDataCaptureUploadRequest, _: Memory) -> None:
    if message.HasField("metadata"):
        message.metadata.sensor_metadata.ClearField("annotations")


def _counts_both_forms(
    request: data.DeleteBinaryDataByIDsRequest, reply: data.DeleteBinaryDataByIDsResponse, _: Memory
) -> None:
    if request.binary_ids and request.binary_data_ids:
        reply.deleted_count *= 2


MUTANTS: tuple[Mutant, ...] = (
    with_store("takes labels for tags that are there", "TA-1", _LabelsAreTags),
    with_store("removes boxes with tags of their labels", "TR-1", _TagsAreLabels),
    with_store("removes boxes whichever file they are on", "BR-1", _OneBoxForAll),
    with_store("finds old labels until a box of theirs goes", "FI-10", _StaleLabels),
    with_store("finds the members of deleted datasets", "DS-2", _DeadDatasets),
    with_store("adds to a merge what joins its first source", "DS-10", _Twins),
    with_store("writes boxes with the tags of before", "TA-1", _TakenBack),
    with_store("writes boxes with the tags of the last box", "TR-1", _BringsBack),
    with_store("lets who joins leave the datasets of the upload", "DM-1", _LeavesUploads),
    with_store("updates no boxes of uploads", "BU-1", _BoxesOfUploads),
    with_store("stores the same bytes of a name once", "UP-9", _OneOfAName),
    on_request("takes zeros in updates for nothing", "BU-2", _no_zeros, UPDATE_BOX),
    on_request("takes a confidence of zero for none", "BX-4", _no_zero_confidence, ADD_BOX),
    on_request("drops the annotations of streams", "CU-6", _no_annotations, STREAM),
    on_reply("counts what both forms of ids delete twice", "DI-1", _counts_both_forms,
             "DeleteBinaryDataByIDs"),
    on_reply("hides datasets of files by ids", "DM-3",
             metadata_edit(lambda m: m.ClearField("dataset_ids")), "BinaryDataByIDs"),
)  # fmt: skip
