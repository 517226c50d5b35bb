"""Wrong servers: uploads, tags, boxes, datasets, deletes, errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakeviam import MemoryStore
from fakeviam.wire import data, dataset, datasync
from fakeviam_contracts.mutants.base import (
    DROP,
    Mutant,
    answering,
    asking,
    both,
    deciding,
    forgiving,
    storing,
)

CAPTURE, FILE, STREAM = "DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload"
UPLOADS = (CAPTURE, FILE, STREAM)
METADATA = ("BinaryDataByIDs", "BinaryDataByFilter")


def _upload_metadata(message: Any) -> datasync.UploadMetadata | None:
    if message.DESCRIPTOR.name == "StreamingDataCaptureUploadRequest":
        return message.metadata.upload_metadata if message.HasField("metadata") else None
    found: datasync.UploadMetadata | None = (
        message.metadata if message.HasField("metadata") else None
    )
    return found


def _said(change: Any) -> Any:
    """Edits upload metadata."""

    def edit(message: Any, _: dict[Any, Any]) -> None:
        metadata = _upload_metadata(message)
        if metadata is not None:
            change(metadata)

    return edit


def _sensors(message: Any) -> Any:
    if message.DESCRIPTOR.name == "DataCaptureUploadRequest":
        return [content.metadata for content in message.sensor_contents]
    if message.DESCRIPTOR.name == "StreamingDataCaptureUploadRequest":
        return [message.metadata.sensor_metadata] if message.HasField("metadata") else []
    return []


def _swap_times(message: Any, _: dict[Any, Any]) -> None:
    for sensor in _sensors(message):
        if sensor.HasField("time_requested") and sensor.HasField("time_received"):
            copy = type(sensor.time_requested)()
            copy.CopyFrom(sensor.time_requested)
            sensor.time_requested.CopyFrom(sensor.time_received)
            sensor.time_received.CopyFrom(copy)


def _milliseconds(message: Any, _: dict[Any, Any]) -> None:
    for sensor in _sensors(message):
        for stamp in (sensor.time_requested, sensor.time_received):
            stamp.nanos -= stamp.nanos % 1_000_000


def _mime_by_content(message: Any, _: dict[Any, Any]) -> None:
    metadata = _upload_metadata(message)
    for content in getattr(message, "sensor_contents", ()):
        if metadata is not None and content.binary.startswith(b"\x89PNG"):
            metadata.mime_type = "image/png"


def _short_pieces(message: Any, _: dict[Any, Any]) -> None:
    if message.HasField("file_contents"):
        message.file_contents.data = message.file_contents.data[:-1]


def _one_piece(message: Any, memory: dict[Any, Any]) -> object:
    """Keeps the first piece after each metadata."""
    if message.WhichOneof("upload_packet") == "metadata":
        memory["seen"] = False
        return None
    if memory.get("seen"):
        return DROP
    memory["seen"] = True
    return None


def _metadata(change: Any) -> Any:
    def edit(_: Any, reply: Any, __: dict[Any, Any]) -> None:
        for entry in reply.data:
            change(entry.metadata)

    return edit


class _NoTwins(MemoryStore):
    def add_binary(self, records: Any) -> None:
        known = {payload for _, payload in getattr(self, "_seen", [])}
        fresh = [(record, payload) for record, payload in records if payload not in known]
        self._seen = [*getattr(self, "_seen", []), *fresh]
        super().add_binary(fresh)


UPLOADING: tuple[Mutant, ...] = (
    asking("drops the last byte of each piece", "FU-3", _short_pieces, FILE),
    asking("keeps only the first piece", "FU-3", _one_piece, STREAM),
    asking(
        "keeps only the first reading",
        "CU-2",
        lambda m, _: m.sensor_contents.__delitem__(slice(1, None)),
        CAPTURE,
    ),
    asking("swaps the times", "A32", _swap_times, CAPTURE, STREAM),
    asking("keeps milliseconds only", "TM-1", _milliseconds, CAPTURE, STREAM),
    asking("guesses the MIME type by contents", "UP-4", _mime_by_content, CAPTURE),
    asking(
        "ignores an explicit MIME type",
        "UP-5",
        _said(lambda m: m.ClearField("mime_type")),
        *UPLOADS,
    ),
    asking(
        "reads extensions with case",
        "A24",
        _said(
            lambda m: setattr(
                m,
                "file_extension",
                "" if m.file_extension != m.file_extension.lower() else m.file_extension,
            )
        ),
        *UPLOADS,
    ),
    answering(
        "stores extensions without the dot",
        "A26",
        _metadata(lambda m: setattr(m, "file_ext", m.file_ext.lstrip("."))),
        *METADATA,
    ),
    asking(
        "forgets the tags of an upload", "UP-7", _said(lambda m: m.ClearField("tags")), *UPLOADS
    ),
    asking(
        "forgets the datasets of an upload",
        "UP-7",
        _said(lambda m: m.ClearField("dataset_ids")),
        *UPLOADS,
    ),
    asking("forgets the file name", "UP-6", _said(lambda m: m.ClearField("file_name")), *UPLOADS),
    storing("stores the same bytes once", "UP-9", _NoTwins),
    deciding("lets unknown datasets of an upload pass", "A27", unknown_dataset="skip"),
    deciding("calls an unknown part NOT_FOUND", "A22", invalid_part="NOT_FOUND"),
    forgiving(
        "takes streams in any order", "A30", lambda _, __: datasync.FileUploadResponse(file_id="x")
    ),
    forgiving(
        "takes any type", "A29", lambda _, __: datasync.DataCaptureUploadResponse(file_id="x")
    ),
    answering("leaves the file id out", "CU-4", lambda _, r, __: r.ClearField("file_id"), *UPLOADS),
)


class _Replaces(MemoryStore):
    def add_tags(self, file_ids: Any, tags: Any) -> int:
        chosen = list(file_ids)
        for record in self.find_binary(chosen):
            if record is not None:
                self.remove_tags([record.file_id], record.tags)
        return super().add_tags(chosen, tags)


class _First(MemoryStore):
    def add_tags_matching(self, query: Any, tags: Any) -> int:
        page = self.binary_page(query, after=None, limit=1, descending=False)
        return super().add_tags((record.file_id for record in page.records), tags)


class _RemovesAll(MemoryStore):
    def remove_tags(self, file_ids: Any, tags: Any) -> Any:
        chosen = list(file_ids)
        held = {tag for r in self.find_binary(chosen) if r is not None for tag in r.tags}
        return super().remove_tags(chosen, [*tags, *held] if held & set(tags) else tags)


class _ClearsBoxes(MemoryStore):
    def remove_box(self, file_id: str, box_id: str) -> bool:
        found = super().remove_box(file_id, box_id)
        (record,) = self.find_binary([file_id])
        for box in record.boxes if record is not None and found else ():
            super().remove_box(file_id, box.id)
        return found


def _folded(message: Any, _: dict[Any, Any]) -> None:
    message.tags[:] = [tag.lower() for tag in message.tags]


def _clamp(message: Any, _: dict[Any, Any]) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.name.endswith("_normalized"):
            value = getattr(message, field.name)
            setattr(message, field.name, min(max(value, 0.0), 1.0) if value == value else 0.0)  # noqa: PLR0124


def _sorted_corners(message: Any, _: dict[Any, Any]) -> None:
    for axis in "xy":
        low, high = f"{axis}_min_normalized", f"{axis}_max_normalized"
        if getattr(message, low) > getattr(message, high):
            first, second = getattr(message, low), getattr(message, high)
            setattr(message, low, second)
            setattr(message, high, first)


def _resets_unset(message: Any, _: dict[Any, Any]) -> None:
    if not message.HasField("x_min_normalized"):
        message.x_min_normalized = 0.0
    if not message.HasField("y_max_normalized"):
        message.y_max_normalized = 1.0


ADD_TAGS = ("AddTagsToBinaryDataByIDs", "AddTagsToBinaryDataByFilter")
REMOVE_TAGS = ("RemoveTagsFromBinaryDataByIDs", "RemoveTagsFromBinaryDataByFilter")
ADD_BOX = "AddBoundingBoxToImageByID"

MARKING: tuple[Mutant, ...] = (
    storing("replaces tags instead of adding", "TA-1", _Replaces),
    storing("tags only the first match", "TA-3", _First),
    storing("removes all tags of a file", "TR-1", _RemovesAll),
    asking("folds the case of tags", "TA-5", _folded, *ADD_TAGS, *REMOVE_TAGS),
    answering(
        "shows tags twice",
        "TA-1",
        _metadata(lambda m: m.capture_metadata.tags.extend(m.capture_metadata.tags[:1])),
        *METADATA,
    ),
    deciding("counts files that lost a tag", "A8", remove_tags_count="records"),
    forgiving(
        "takes no tags for an answer", "TA-2", lambda _, __: data.AddTagsToBinaryDataByIDsResponse()
    ),
    asking("clamps corners instead of refusing", "BX-2", _clamp, ADD_BOX),
    asking("puts corners in order instead of refusing", "BX-7", _sorted_corners, ADD_BOX),
    forgiving(
        "takes a blank label",
        "BX-3",
        lambda _, __: data.AddBoundingBoxToImageByIDResponse(bbox_id="f" * 24),
    ),
    forgiving(
        "takes boxes on anything",
        "BX-6",
        lambda _, __: data.AddBoundingBoxToImageByIDResponse(bbox_id="f" * 24),
    ),
    asking("forgets the confidence", "BX-4", lambda m, _: m.ClearField("confidence"), ADD_BOX),
    answering(
        "gives all boxes one id", "BX-1", lambda _, r, __: setattr(r, "bbox_id", "0" * 24), ADD_BOX
    ),
    answering(
        "shows no boxes", "BX-5", _metadata(lambda m: m.annotations.ClearField("bboxes")), *METADATA
    ),
    asking("resets fields that were not sent", "BU-2", _resets_unset, "UpdateBoundingBox"),
    forgiving(
        "updates boxes that are not there", "BU-4", lambda _, __: data.UpdateBoundingBoxResponse()
    ),
    storing("removes all boxes of a file", "BR-1", _ClearsBoxes),
    forgiving(
        "removes boxes that are not there",
        "BR-2",
        lambda _, __: data.RemoveBoundingBoxFromImageByIDResponse(),
    ),
)


class _DeletesData(MemoryStore):
    def delete_dataset(self, dataset_id: str) -> None:
        from fakeviam_contracts.mutants.queries import members_of  # noqa: PLC0415 - only here

        super().delete_binary_matching(members_of(dataset_id))
        super().delete_dataset(dataset_id)


class _RenameCreates(MemoryStore):
    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        known = self.dataset(dataset_id)
        assert known is not None  # noqa: S101 - the server saw to it
        return self.add_dataset(replace(known, id="e" * 24, name=name))


class _MergeMoves(MemoryStore):
    def add_dataset(self, dataset: Any, *, members_of: Any = ()) -> bool:
        made = super().add_dataset(dataset, members_of=members_of)
        for source in members_of if made else ():
            from fakeviam_contracts.mutants.queries import members_of as members  # noqa: PLC0415

            page = self.binary_page(members(source), after=None, limit=100, descending=False)
            super().remove_members(source, (record.file_id for record in page.records))
        return made


class _MergeTakesFirst(MemoryStore):
    def add_dataset(self, dataset: Any, *, members_of: Any = ()) -> bool:
        return super().add_dataset(dataset, members_of=members_of[:1])


def _keep_labels(_: Any, reply: Any, memory: dict[Any, Any]) -> None:
    """Once a member, for ever labelled."""
    for entry in reply.data:
        tags = entry.metadata.capture_metadata.tags
        old = memory.setdefault(entry.metadata.binary_data_id, set())
        old |= {tag for tag in tags if tag.startswith("VIAM_DATASET_") and len(tag) > 14}
        tags.extend(sorted(old - set(tags)))


def _reverse_datasets(_: Any, reply: Any, __: dict[Any, Any]) -> None:
    entries = [type(d).FromString(d.SerializeToString()) for d in reversed(reply.datasets)]
    del reply.datasets[:]
    reply.datasets.extend(entries)


JOIN = "AddBinaryDataToDatasetByIDs"

GATHERING: tuple[Mutant, ...] = (
    storing("deletes the data of a dataset", "DS-2", _DeletesData),
    storing("makes a new dataset when renaming", "DS-3", _RenameCreates),
    storing("moves members when merging", "A42", _MergeMoves),
    storing("merges the first dataset only", "DS-10", _MergeTakesFirst),
    answering("keeps the label of a former member", "DM-2", _keep_labels, *METADATA),
    deciding("hides labels of datasets", "A10", dataset_label="hidden"),
    answering(
        "lists datasets by ids the other way round", "A41", _reverse_datasets, "ListDatasetsByIDs"
    ),
    answering(
        "lists one dataset of an organization",
        "DS-4",
        lambda _, r, __: r.datasets.__delitem__(slice(1, None)),
        "ListDatasetsByOrganizationID",
    ),
    forgiving(
        "takes a name twice", "A39", lambda _, __: dataset.CreateDatasetResponse(id="d" * 24)
    ),
    deciding(
        "calls a name that is taken INVALID_ARGUMENT",
        "A39",
        duplicate_dataset_name="INVALID_ARGUMENT",
    ),
    forgiving(
        "takes a blank name", "DS-7", lambda _, __: dataset.CreateDatasetResponse(id="d" * 24)
    ),
    forgiving("deletes unknown datasets", "A40", lambda _, __: dataset.DeleteDatasetResponse()),
    asking(
        "adds the first member only",
        "DM-1",
        lambda m, _: m.binary_data_ids.__delitem__(slice(1, None)),
        JOIN,
    ),
    answering(
        "does not show memberships",
        "DM-3",
        _metadata(lambda m: m.ClearField("dataset_ids")),
        *METADATA,
    ),
)


class _RollingDays(MemoryStore):
    """Counts days of 24 hours back from noon, where the kit's clock stands still."""

    def delete_tabular_matching(self, query: Any) -> int:
        interval = query.interval
        if interval.end is not None:
            late = replace(interval, end=interval.end + 43_200 * 10**9 - 86_400 * 10**9)
            query = replace(query, interval=late)
        return super().delete_tabular_matching(query)


class _DeletesReadingsToo(MemoryStore):
    def delete_binary_matching(self, query: Any) -> int:
        super().delete_tabular_matching(query)
        return super().delete_binary_matching(query)


def _one_fewer(field: str) -> Any:
    def edit(message: Any, _: dict[Any, Any]) -> None:
        ids = getattr(message, field)
        if len(set(ids)) > 1:
            del ids[-1]

    return edit


DELETING: tuple[Mutant, ...] = (
    asking(
        "leaves the last of several ids",
        "DI-1",
        _one_fewer("binary_data_ids"),
        "DeleteBinaryDataByIDs",
    ),
    answering(
        "counts deletions it did not do",
        "DI-1",
        lambda _, r, __: setattr(r, "deleted_count", r.deleted_count + 1),
        "DeleteBinaryDataByIDs",
    ),
    forgiving(
        "takes no ids for an answer", "ID-5", lambda _, __: data.DeleteBinaryDataByIDsResponse()
    ),
    asking(
        "deletes without the filter",
        "DF-1",
        lambda m, _: m.filter.ClearField("tags_filter"),
        "DeleteBinaryDataByFilter",
    ),
    storing("deletes readings with the files", "DF-1", _DeletesReadingsToo),
    deciding("refuses to delete everything", "A16", empty_delete_filter="refuse"),
    storing("counts days of 24 hours", "DT-2", _RollingDays),
    asking(
        "keeps everything for 0 days",
        "DT-1",
        lambda m, _: setattr(m, "delete_older_than_days", m.delete_older_than_days or 10**6),
        "DeleteTabularData",
    ),
    asking(
        "ignores the filter of a delete by days",
        "DT-3",
        lambda m, _: m.ClearField("filter"),
        "DeleteTabularData",
    ),
    answering(
        "does not count deleted readings",
        "DT-4",
        lambda _, r, __: r.ClearField("deleted_count"),
        "DeleteTabularData",
    ),
    both(
        "forgets BinaryID messages",
        "ID-1",
        {
            "*": lambda m, _: (
                "binary_ids" in m.DESCRIPTOR.fields_by_name and m.ClearField("binary_ids")
            )
        },
        {},
    ),
)

MUTANTS = (*UPLOADING, *MARKING, *GATHERING, *DELETING)
