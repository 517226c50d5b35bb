"""Wrong servers: too little room, values tidied up, and changes that are forgotten or half done."""

from __future__ import annotations

import base64
import binascii
import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam import MemoryStore
from fakeviam.model.filters import TagRule
from fakeviam.store.values import Page, TagRemoval, Totals
from fakeviam_contracts.mutants.at_once import Busy
from fakeviam_contracts.mutants.base import (
    CAPTURE,
    DROP,
    FILE,
    PAGES,
    STREAM,
    Mutant,
    on_reply,
    on_request,
    with_store,
)
from fakeviam_contracts.mutants.queries import members_of
from fakeviam_contracts.wirelog import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam.model.annotations import BoundingBox
    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord
    from fakeviam.store.values import Position
    from fakeviam.wire import data, datasync, well_known
    from fakeviam_contracts.mutants.base import Memory, PageRequest, ReplyEdit

BINARY, TABULAR = PAGES
#: More files than a check uploads.
ALL = 10_000


def _kept(store: MemoryStore, name: str) -> Any:
    """A dict that a store has beside its records."""
    return vars(store).setdefault(name, {})


def _all(store: MemoryStore, query: Query) -> list[BinaryRecord]:
    page = MemoryStore.binary_page(store, query, after=None, limit=ALL, descending=False)
    return page.records


# Too little room -----------------------------------------------------------------------------


def _each_value(change: Callable[[well_known.Value], object]) -> ReplyEdit:
    """An edit of each value of each reading, the inner ones first."""

    def walk(value: well_known.Value) -> None:
        for each in (*value.list_value.values, *value.struct_value.fields.values()):
            walk(each)
        change(value)

    def edit(_: object, reply: data.TabularDataByFilterResponse, __: Memory) -> None:
        for row in reply.data:
            for value in row.data.fields.values():
                walk(value)

    return edit


def _short_lists(value: well_known.Value) -> None:
    if value.HasField("list_value"):
        del value.list_value.values[64:]


def _few_keys(value: well_known.Value) -> None:
    if value.HasField("struct_value"):
        for name in sorted(value.struct_value.fields)[64:]:
            del value.struct_value.fields[name]


def _one_type(value: well_known.Value) -> None:
    values = value.list_value.values if value.HasField("list_value") else []
    if values and values[0].HasField("number_value"):
        for each in values:
            if each.HasField("bool_value"):
                each.number_value = float(each.bool_value)


def _few_metadata(_: object, reply: data.TabularDataByFilterResponse, __: Memory) -> None:
    for row in reply.data:
        row.metadata_index = min(row.metadata_index, 15)


def _byte(message: PageRequest, _: Memory) -> None:
    message.data_request.limit %= 256


def _first_limit(message: PageRequest, memory: Memory) -> None:
    if not message.data_request.last:
        memory["limit"] = message.data_request.limit
    message.data_request.limit = memory.get("limit", message.data_request.limit)


def _thousand(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    del message.sensor_contents[1000:]


def _few_pieces(message: datasync.FileUploadRequest, memory: Memory) -> object:
    memory["pieces"] = 0 if message.HasField("metadata") else memory["pieces"] + 1
    return DROP if memory["pieces"] > 16 else None


class _TotalsOfAThousand(MemoryStore):
    def tabular_totals(self, query: Query) -> Totals:
        records, size = super().tabular_totals(query)
        return Totals(min(records, 1000), size)


class _TwoDatasets(MemoryStore):
    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        super().add_binary(
            [
                (replace(file, dataset_ids=file.dataset_ids[:2]), content)
                for file, content in records
            ]
        )


# Values tidied up ----------------------------------------------------------------------------


def _decodes(message: datasync.DataCaptureUploadRequest, _: Memory) -> None:
    for content in message.sensor_contents:
        try:
            decoded = base64.b64decode(content.binary, validate=True)
        except binascii.Error:
            continue
        if len(decoded) > 8:  # a short one may be base64 by chance
            content.binary = decoded


class _Unpacks(MemoryStore):
    """What is packed by gzip is stored unpacked."""

    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        super().add_binary([self._unpacked(file, content) for file, content in records])

    def _unpacked(self, file: BinaryRecord, content: bytes) -> tuple[BinaryRecord, bytes]:
        try:
            content = gzip.decompress(content) if content else content
        except (OSError, EOFError):
            return file, content
        return replace(file, size=len(content)), content


class _NoTypeOfNothing(MemoryStore):
    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        general = "application/octet-stream"
        super().add_binary(
            [(file if content else replace(file, mime_type=general), content)
             for file, content in records]
        )  # fmt: skip


class _NoExtensions(MemoryStore):
    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        super().add_binary(
            [(replace(file, file_name=file.file_name.removesuffix(file.file_ext)), content)
             for file, content in records]
        )  # fmt: skip


class _NotBefore(MemoryStore):
    def add_binary(self, records: Sequence[tuple[BinaryRecord, bytes]]) -> None:
        super().add_binary(
            [(replace(file, time_received=max(file.time_received, file.time_requested)), content)
             for file, content in records]
        )  # fmt: skip


def _plain_numbers(message: Any, _: Memory) -> None:
    metadata = getattr(message.metadata, "upload_metadata", message.metadata)
    if message.HasField("metadata"):
        tags = (tag.lstrip("0") if tag.isdecimal() else tag for tag in metadata.tags)
        metadata.tags[:] = [tag or "0" for tag in tags]


def _tags_with_times(message: datasync.StreamingDataCaptureUploadRequest, _: Memory) -> None:
    timed = message.metadata.sensor_metadata.HasField("time_requested")
    if message.HasField("metadata") and not timed:
        message.metadata.upload_metadata.ClearField("tags")


# What filters and orders look at -------------------------------------------------------------


class _MarksAreBoxes(MemoryStore):
    """The labels of classifications are found like those of boxes."""

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        every = replace(query, box_labels=frozenset())
        page = super().binary_page(every, after=after, limit=ALL, descending=descending)
        if not query.box_labels:
            return super().binary_page(query, after=after, limit=limit, descending=descending)
        found = [
            file
            for file in page.records
            if query.box_labels & (file.box_labels | {one.label for one in file.classifications})
        ]
        return Page(found, page.last if found else None)


class _NamesAreTags(MemoryStore):
    """The name of a dataset is found like a tag of its members."""

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        named = {one.id for one in self.all_datasets() if one.name in query.tags}
        if named:
            query = replace(query, label_dataset_ids=query.label_dataset_ids | named)
        return super().binary_page(query, after=after, limit=limit, descending=descending)


class _UntaggedOfAnyTime(MemoryStore):
    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        if query.tag_rule is TagRule.UNTAGGED:
            query = replace(query, interval=replace(query.interval, start=None))
        return super().binary_page(query, after=after, limit=limit, descending=descending)


class _Microseconds(MemoryStore):
    """Within a microsecond, what came first is first."""

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        page = super().binary_page(query, after=after, limit=limit, descending=descending)
        arrivals = {row.record.file_id: row.arrival for row in self.binary_rows()}

        def place(file: BinaryRecord) -> tuple[int, int]:
            return file.time_requested // 1000, arrivals[file.file_id]

        return Page(sorted(page.records, key=place, reverse=descending), page.last)


class _TagsOfFormerMembers(MemoryStore):
    """The tags of a dataset are looked up again only if some tag has changed."""

    def binary_tags(self, query: Query) -> set[str]:
        if not query.dataset_id:
            return super().binary_tags(query)
        answers: dict[Query, set[str]] = _kept(self, "_answers")
        if query not in answers:
            answers[query] = super().binary_tags(query)
        return answers[query]

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        _kept(self, "_answers").clear()
        return super().add_tags(file_ids, tags)

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        _kept(self, "_answers").clear()
        return super().remove_tags(file_ids, tags)


class _WholeLocations(MemoryStore):
    def delete_tabular_matching(self, query: Query) -> int:
        if query.location_ids:
            query = replace(query, part_id="")
        return super().delete_tabular_matching(query)


# Changes that are forgotten or half done -----------------------------------------------------


class _NeverAgain(MemoryStore):
    """A file never has a tag again that it has lost."""

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        ids = list(file_ids)
        _kept(self, "_lost").update(((one, tag), True) for one in ids for tag in tags)
        return super().remove_tags(ids, tags)

    def add_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> int:
        lost = _kept(self, "_lost")
        added = 0
        for one in file_ids:
            added += super().add_tags([one], [tag for tag in tags if (one, tag) not in lost])
        return added


class _StopsAtStrange(MemoryStore):
    """Removes tags up to the first that a file does not have."""

    def remove_tags(self, file_ids: Iterable[str], tags: Sequence[str]) -> TagRemoval:
        records = removed = 0
        for file in self.find_binary(file_ids):
            if file is not None:
                strange = [at for at, tag in enumerate(tags) if tag not in file.tags]
                known = tags[: strange[0]] if strange else tags
                removal = super().remove_tags([file.file_id], known)
                records, removed = records + removal.records, removed + removal.tags
        return TagRemoval(records, removed)


class _LastForFirst(MemoryStore):
    """If the first of several boxes is to go, the last goes."""

    def remove_box(self, file_id: str, box_id: str) -> bool:
        for file in self.find_binary([file_id]):
            boxes: tuple[BoundingBox, ...] = file.boxes if file is not None else ()
            if len(boxes) > 2 and boxes[0].id == box_id:
                box_id = boxes[-1].id
        return super().remove_box(file_id, box_id)


class _OneMember(MemoryStore):
    """A dataset has one member by its new name."""

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        done = super().rename_dataset(dataset_id, name)
        if done:
            members = [file.file_id for file in _all(self, members_of(dataset_id))]
            self.remove_members(dataset_id, members[1:])
        return done


class _NewNamesOnce(MemoryStore):
    """New names of datasets are unique among all organizations."""

    def rename_dataset(self, dataset_id: str, name: str) -> bool:
        others: list[Dataset] = [one for one in self.all_datasets() if one.id != dataset_id]
        return all(one.name != name for one in others) and super().rename_dataset(dataset_id, name)


class _KeepsBoxes(Busy):
    """Of boxes that are removed at once, one goes."""

    def remove_box(self, file_id: str, box_id: str) -> bool:
        if self.begun((file_id, "removals"), True):  # noqa: FBT003 - the state
            return True
        return super().remove_box(file_id, box_id)


class _KeepsDatasets(Busy):
    """Of datasets that are deleted at once, one goes."""

    def delete_dataset(self, dataset_id: str) -> None:
        if not self.begun("deletes", True):  # noqa: FBT003 - the state
            super().delete_dataset(dataset_id)


MUTANTS: tuple[Mutant, ...] = (
    on_reply("tells 64 elements of a list", "TD-3", _each_value(_short_lists), TABULAR),
    on_reply("tells 64 keys of a map", "TD-3", _each_value(_few_keys), TABULAR),
    on_reply("has lists of one type", "TD-3", _each_value(_one_type), TABULAR),
    on_reply("has room for 16 metadata of readings", "TD-2", _few_metadata, TABULAR),
    on_request("reads limits as a byte", "A6", _byte, *PAGES),
    on_request("keeps the limit of the first page", "PG-1", _first_limit, BINARY),
    on_request("keeps 1000 readings of an upload", "CU-2", _thousand, CAPTURE),
    on_request("keeps 16 pieces of a file", "FU-3", _few_pieces, FILE),
    with_store("totals 1000 readings at most", "PG-8", _TotalsOfAThousand),
    with_store("puts uploads into two datasets at most", "UP-7", _TwoDatasets),
    on_request("decodes contents in base64", "CU-1", _decodes, CAPTURE),
    with_store("unpacks contents", "CU-1", _Unpacks),
    with_store("has no type for empty files", "UP-4", _NoTypeOfNothing),
    with_store("takes extensions off names of files", "UP-6", _NoExtensions),
    with_store("has nothing received before it was asked for", "A32", _NotBefore),
    on_request("takes zeros off tags of uploads", "UP-7", _plain_numbers, *UPLOADS),
    on_request("keeps no tags of streams without times", "UP-7", _tags_with_times, STREAM),
    with_store("takes classifications for boxes", "FI-10", _MarksAreBoxes),
    with_store("takes names of datasets for tags", "FI-6", _NamesAreTags),
    with_store("forgets when intervals begin beside UNTAGGED", "FI-1", _UntaggedOfAnyTime),
    with_store("orders by microseconds", "PG-6", _Microseconds),
    with_store("remembers tags past the members that have them", "TG-1", _TagsOfFormerMembers),
    with_store("deletes readings of whole locations", "DT-3", _WholeLocations),
    with_store("never gives a tag again", "TA-1", _NeverAgain),
    with_store("removes tags up to a strange one", "TR-1", _StopsAtStrange),
    with_store("removes the last box for the first", "BR-1", _LastForFirst),
    with_store("keeps one member of a renamed dataset", "DS-3", _OneMember),
    with_store("has new names of datasets once for all", "DS-8", _NewNamesOnce),
    with_store("keeps boxes that are removed at once", "BR-1", _KeepsBoxes),
    with_store("keeps datasets that are deleted at once", "DS-2", _KeepsDatasets),
)
