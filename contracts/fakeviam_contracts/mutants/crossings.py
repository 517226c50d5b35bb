"""Wrong servers: correct for each feature by itself, wrong for combinations and edge cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam import MemoryStore
from fakeviam_contracts.mutants.base import (
    CAPTURE,
    DROP,
    FILE,
    PAGES,
    STREAM,
    Mutant,
    filter_of,
    metadata_edit,
    on_exchange,
    on_reply,
    on_request,
    with_store,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.wire import data
    from fakeviam_contracts.mutants.base import (
        BoxRequest,
        Memory,
        PageReply,
        PageRequest,
        ReplyEdit,
        RequestEdit,
        TagsRequest,
    )

BINARY, TABULAR = PAGES
BY_IDS, DELETE_MATCHING = "BinaryDataByIDs", "DeleteBinaryDataByFilter"
LATEST, EXPORT = "GetLatestTabularData", "ExportTabularData"


# Pages and their options ----------------------------------------------------------------------


def _later(change: Callable[[Any], object]) -> RequestEdit:
    """A change of requests for all pages but the first."""

    def edit(message: PageRequest, _: Memory) -> None:
        if message.data_request.last:
            change(message)

    return edit


def _full_page_is_last(request: PageRequest, reply: PageReply, _: Memory) -> None:
    """A full page ends the list, if its limit is small but more than one."""
    limit = request.data_request.limit
    if 1 < limit == len(reply.data) and request.data_request.last:
        reply.last = ""


def _counts_in(field: str) -> RequestEdit:
    """Totals ignore a field of the filter."""

    def edit(message: PageRequest, _: Memory) -> None:
        if message.count_only:
            message.data_request.filter.ClearField(field)  # type: ignore[arg-type]

    return edit


def _most_but_one(request: PageRequest, reply: PageReply, _: Memory) -> None:
    """The last record of the largest page is dropped."""
    if request.data_request.limit == 100 == len(reply.data):
        del reply.data[-1:]


def _same_bytes(request: Any, reply: Any, _: Memory) -> None:
    """Several files with bytes all have the bytes of the first."""
    if request.include_binary:
        for entry in reply.data[1:]:
            entry.binary = reply.data[0].binary


# Filters of writes and lists -------------------------------------------------------------------


def _filter(change: Callable[[data.Filter], object]) -> RequestEdit:
    def edit(message: object, _: Memory) -> None:
        filter_ = filter_of(message)
        if filter_ is not None:
            change(filter_)

    return edit


def _moment_is_nothing(filter_: data.Filter) -> None:
    """An interval of a single moment is empty."""
    interval = filter_.interval
    if filter_.HasField("interval") and interval.start == interval.end and interval.start.seconds:
        interval.start.nanos += 1


def _last_of_two(filter_: data.Filter) -> None:
    if len(filter_.mime_type) > 1 and filter_.component_name:
        del filter_.mime_type[:-1]


# Annotations ----------------------------------------------------------------------------------


class _OneBoxOfALabel(MemoryStore):
    """A box replaces another with the same label."""

    def add_box(self, file_id: str, box: BoundingBox) -> bool:
        (record,) = self.find_binary([file_id])
        for other in record.boxes if record is not None else ():
            if other.label == box.label:
                super().remove_box(file_id, other.id)
        return super().add_box(file_id, box)


class _OneLabelIsOneBox(MemoryStore):
    """Removing a box removes all with the same label."""

    def remove_box(self, file_id: str, box_id: str) -> bool:
        (record,) = self.find_binary([file_id])
        boxes = record.boxes if record is not None else ()
        label = next((box.label for box in boxes if box.id == box_id), None)
        found = super().remove_box(file_id, box_id)
        for other in boxes:
            if other.label == label and other.id != box_id:
                super().remove_box(file_id, other.id)
        return found


class _Prefixes(MemoryStore):
    """Removing a tag removes all that start with it."""

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> Any:
        ids = list(file_ids)
        every = {
            tag for record in self.find_binary(ids) if record is not None for tag in record.tags
        }
        longer = [tag for tag in every if any(tag.startswith(one) for one in tags)]
        return super().remove_tags(ids, list(dict.fromkeys([*tags, *longer])))


def _zero_is_unset(message: BoxRequest, _: Memory) -> None:
    if message.HasField("confidence") and not message.confidence:
        message.ClearField("confidence")


def _few_tags(message: TagsRequest, _: Memory) -> None:
    del message.tags[16:]


# Datasets -------------------------------------------------------------------------------------


class _OneDatasetEach(MemoryStore):
    """A file that joins a dataset leaves its other one."""

    def add_members(self, dataset_id: str, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        for record in self.find_binary(ids):
            for other in record.dataset_ids if record is not None else ():
                if other != dataset_id:
                    super().remove_members(other, [record.file_id])  # type: ignore[union-attr]
        return super().add_members(dataset_id, ids)


class _CommonOnesGo(MemoryStore):
    """A merge drops files that are in both sources."""

    def add_dataset(self, dataset: Any, *, members_of: Sequence[str] = ()) -> bool:
        is_added = super().add_dataset(dataset, members_of=members_of)
        if is_added and len(members_of) > 1:
            both = [
                row.record.file_id
                for row in self.binary_rows()
                if set(members_of) <= set(row.record.dataset_ids)
            ]
            self.remove_members(dataset.id, both)
        return is_added


class _RenamedAreEmpty(MemoryStore):
    """Renaming a dataset removes its members."""

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        members = [
            row.record.file_id for row in self.binary_rows() if dataset_id in row.record.dataset_ids
        ]
        is_renamed = super().rename_dataset(dataset_id, name)
        if is_renamed:
            self.remove_members(dataset_id, members)
        return is_renamed


# Uploads --------------------------------------------------------------------------------------


def _tagged_or_member(message: Any, _: Memory) -> None:
    """A file with tags is not added to datasets."""
    metadata = getattr(message, "metadata", None)
    metadata = getattr(metadata, "upload_metadata", metadata)
    if metadata is not None and metadata.tags:
        metadata.ClearField("dataset_ids")


def _until_empty(message: Any, memory: Memory) -> object:
    """An empty piece ends the upload."""
    if message.HasField("metadata"):
        memory["over"] = False
    elif memory.get("over"):
        return DROP
    elif not message.file_contents.data:
        memory["over"] = True
    return None


def _three_pieces(message: Any, memory: Memory) -> object:
    if message.HasField("metadata"):
        memory["pieces"] = 0
        return None
    memory["pieces"] = memory.get("pieces", 0) + 1
    return DROP if memory["pieces"] > 3 else None


def _first_time(message: Any, _: Memory) -> None:
    """All readings of an upload have the time of the first."""
    contents = message.sensor_contents
    if len(contents) > 1 and contents[0].HasField("struct"):
        for content in contents[1:]:
            content.metadata.CopyFrom(contents[0].metadata)


def _whole_microseconds(message: Any, _: Memory) -> None:
    """Times before 1970 are truncated to microseconds."""
    for content in message.sensor_contents:
        for time in (content.metadata.time_requested, content.metadata.time_received):
            if time.seconds < 0:
                time.nanos -= time.nanos % 1000


def _extension_wins(message: Any, _: Memory) -> None:
    """The extension overrides the MIME type."""
    metadata = message.metadata
    if metadata.mime_type and metadata.file_extension.lstrip(".") in ("jpg", "png"):
        metadata.ClearField("mime_type")


def _dotless_names(message: Any, _: Memory) -> None:
    """A file name loses its extension."""
    if "." in message.metadata.file_name.strip("."):
        message.metadata.file_name = message.metadata.file_name.rpartition(".")[0]


# State of deleted objects ----------------------------------------------------------------------


def _latest_for_ever(request: Any, reply: Any, memory: Memory) -> None:
    """The latest reading is returned even after it was deleted."""
    key = request.SerializeToString(deterministic=True)
    if reply.payload.fields:
        memory[key] = reply.SerializeToString()
    elif key in memory:
        reply.ParseFromString(memory[key])


def _old_names_of_pipelines() -> Mutant:
    """A new pipeline with the name of a disabled one is disabled."""
    names: dict[str, str] = {}

    def created(request: Any, reply: Any, memory: Memory) -> None:
        names[reply.id] = request.name
        if request.name in memory.get("off", ()):
            memory.setdefault("disabled", set()).add(reply.id)

    def disabled(message: Any, memory: Memory) -> None:
        memory.setdefault("off", set()).add(names.get(message.id, ""))

    def told(_: object, reply: Any, memory: Memory) -> None:
        pipelines = [reply.data_pipeline] if hasattr(reply, "data_pipeline") else (
            reply.data_pipelines)  # fmt: skip
        for pipeline in pipelines:
            if pipeline.id in memory.get("disabled", ()):
                pipeline.enabled = False

    return on_exchange(
        "creates pipelines as those of their name were", "DP-1",
        {"DisableDataPipeline": disabled},
        {"CreateDataPipeline": created, "GetDataPipeline": told, "ListDataPipelines": told},
    )  # fmt: skip


def _old_stages_before_queries() -> Mutant:
    """Queries use the original stages of an updated saved query."""

    def created(message: Any, memory: Memory) -> None:
        memory.setdefault(message.name, list(message.mql_binary))

    def asked(message: Any, memory: Memory) -> None:
        stages = memory.get(message.query_prefix_name)
        if message.query_prefix_name and stages is not None:
            message.mql_binary[:] = [*stages, *message.mql_binary]
            message.ClearField("query_prefix_name")

    return on_exchange("puts saved queries before others as they were first", "SA-7",
                       {"CreateSavedQuery": created, "TabularDataByMQL": asked}, {})  # fmt: skip


# The fleet and exports ----------------------------------------------------------------------------


def _no_null(message: Any, _: Memory) -> None:
    """Null metadata is dropped."""
    fields = message.data.fields
    for name in [name for name in fields if fields[name].HasField("null_value")]:
        del fields[name]


def _main_part_alone(_: object, reply: Any, __: Memory) -> None:
    for place in reply.location_summaries:
        for machine in place.machine_summaries:
            others = [part for part in machine.part_summaries if part.is_main_part]
            del machine.part_summaries[:]
            machine.part_summaries.extend(others)


def _no_end_alone(message: Any, _: Memory) -> None:
    """Without a start or an end, an export returns all readings."""
    interval = message.interval
    if interval.HasField("end") and interval.HasField("start"):
        message.ClearField("interval")


def _tags_without_case(_: object, reply: Any, __: Memory) -> None:
    """Tags of a data point that only differ in case are merged."""
    tags = list({tag.casefold(): tag for tag in reply.tags}.values())
    reply.tags[:] = tags


def _one_resource_of_sequences(_: object, reply: Any, __: Memory) -> None:
    """If two resources have the same method, only the first shows it."""
    for sequence in [reply.sequence] if hasattr(reply, "sequence") else reply.sequences:
        methods: set[str] = set()
        for resource in list(sequence.resources):
            if resource.method_name in methods:
                sequence.resources.remove(resource)
            methods.add(resource.method_name)


def _no_options_of_sinks(message: Any, _: Memory) -> None:
    """An index of a sink ignores its explicit name."""
    if message.pipeline_name and len(message.index_spec) > 1:
        del message.index_spec[1:]


def _box_by_box(change: Callable[[Any], object]) -> ReplyEdit:
    """A change of the boxes of files with several boxes."""

    def edit(metadata: data.BinaryMetadata) -> None:
        boxes = metadata.annotations.bboxes
        if len(boxes) > 1:
            change(boxes)

    return metadata_edit(edit)


MUTANTS: tuple[Mutant, ...] = (
    on_request("gives bytes on first pages alone", "BF-2",
               _later(lambda m: m.ClearField("include_binary")), BINARY),
    on_request("turns later pages round", "PG-6",
               _later(lambda m: m.data_request.ClearField("sort_order")), *PAGES),
    on_request("forgets the tags of a filter on later pages", "FI-6",
               _later(lambda m: m.data_request.filter.ClearField("tags_filter")), *PAGES),
    on_reply("ends lists at a later page that is full", "PG-5", _full_page_is_last, *PAGES),
    on_reply("gives 99 of a page of 100", "BF-1", _most_but_one, BINARY),
    on_request("counts whatever the interval", "FI-13", _counts_in("interval"), *PAGES),
    on_request("counts whatever the labels of boxes", "FI-10", _counts_in("bbox_labels"), BINARY),
    on_reply("gives the bytes of the first file to all", "BI-2", _same_bytes, BY_IDS),
    on_request("finds nothing in a moment", "FI-13", _filter(_moment_is_nothing), *PAGES),
    on_request("takes the last of two MIME types of a component", "FI-5", _filter(_last_of_two),
               *PAGES),
    on_request("deletes whatever the labels of boxes", "DF-1",
               _filter(lambda f: f.ClearField("bbox_labels")), DELETE_MATCHING),
    on_request("deletes up to the end of time", "DF-1",
               _filter(lambda f: f.interval.ClearField("end")), DELETE_MATCHING),
    on_request("tags whatever the MIME type", "TA-3", _filter(lambda f: f.ClearField("mime_type")),
               "AddTagsToBinaryDataByFilter"),
    on_request("untags whatever the dataset", "TR-1", _filter(lambda f: f.ClearField("dataset_id")),
               "RemoveTagsFromBinaryDataByFilter"),
    on_request("lists tags whatever the labels of boxes", "FI-10",
               _filter(lambda f: f.ClearField("bbox_labels")), "TagsByFilter"),
    on_request("lists labels whatever the tags", "BL-1",
               _filter(lambda f: f.ClearField("tags_filter")), "BoundingBoxLabelsByFilter"),
    with_store("keeps one box of a label", "BX-1", _OneBoxOfALabel),
    with_store("removes all boxes of a label", "BR-1", _OneLabelIsOneBox),
    with_store("removes what begins with a tag", "TR-1", _Prefixes),
    on_request("takes no confidence for zero", "BU-2", _zero_is_unset, "UpdateBoundingBox"),
    on_request("adds 16 tags at most", "TA-1", _few_tags, "AddTagsToBinaryDataByIDs"),
    on_reply("gives several boxes one label", "BX-5",
             _box_by_box(lambda b: setattr(b[1], "label", b[0].label)), BINARY, BY_IDS),
    with_store("has files in one dataset alone", "DM-1", _OneDatasetEach),
    with_store("merges but what is in both", "A42", _CommonOnesGo),
    with_store("empties datasets with their names", "FI-11", _RenamedAreEmpty),
    on_request("puts what has tags into no dataset", "UP-7", _tagged_or_member, CAPTURE, FILE),
    on_request("ends files at an empty piece", "FU-3", _until_empty, FILE),
    on_request("streams three pieces at most", "SU-1", _three_pieces, STREAM),
    on_request("has one time for the readings of an upload", "TM-1", _first_time, CAPTURE),
    on_request("cuts times before 1970 to microseconds", "TM-1", _whole_microseconds, CAPTURE),
    on_request("believes extensions, not types", "UP-5", _extension_wins, CAPTURE),
    on_request("cuts file names at their last dot", "UP-6", _dotless_names, CAPTURE, FILE),
    on_reply("has a latest reading for ever", "GL-3", _latest_for_ever, LATEST),
    _old_names_of_pipelines(),
    _old_stages_before_queries(),
    on_request("keeps no null in metadata of robots", "AP-7", _no_null, "UpdateRobotMetadata"),
    on_reply("summarizes main parts alone", "AP-9", _main_part_alone, "ListMachineSummaries"),
    on_request("exports everything from an interval with both ends", "EX-2", _no_end_alone, EXPORT),
    on_reply("exports tags without regard to case", "EX-1", _tags_without_case, EXPORT),
    on_reply("tells one resource of each method", "SQ-1", _one_resource_of_sequences,
             "GetSequence", "ListSequences"),
    on_request("forgets the options of indexes of sinks", "IX-2", _no_options_of_sinks,
               "CreateIndex"),
)  # fmt: skip
