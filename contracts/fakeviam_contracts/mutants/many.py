"""Wrong servers: correct for up to a page of records, wrong for more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam import MemoryStore
from fakeviam_contracts.mutants.base import (
    FILES,
    PAGES,
    Mutant,
    metadata_edit,
    on_reply,
    on_request,
    with_store,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.filters import Query
    from fakeviam.model.records import TabularRecord
    from fakeviam.store.values import TagRemoval
    from fakeviam_contracts.mutants.base import IdsRequest, Memory, PageRequest, ReplyEdit


BINARY, TABULAR = PAGES
#: The limits of these servers.
PAGE = 100


def _ids(message: IdsRequest, _: Memory) -> None:
    del message.binary_data_ids[PAGE:]


def _cut(field: str, most: int = PAGE) -> ReplyEdit:
    """Truncates a list in a reply."""

    def edit(_: object, reply: object, __: Memory) -> None:
        del getattr(reply, field)[most:]

    return edit


def _at_most(field: str, most: int = PAGE) -> ReplyEdit:
    def edit(_: object, reply: object, __: Memory) -> None:
        setattr(reply, field, min(getattr(reply, field), most))

    return edit


def _totals(most: int) -> ReplyEdit:
    def edit(request: Any, reply: Any, _: Memory) -> None:
        if request.count_only:
            reply.count = min(reply.count, most)

    return edit


class _ByPages(MemoryStore):
    """Changes only the first page of matching records."""

    def _first(self, query: Any) -> list[str]:
        page = super().binary_page(query, after=None, limit=PAGE, descending=False)
        return [record.file_id for record in page.records]


class _TagsAPage(_ByPages):
    def add_tags_matching(self, query: Query, tags: Sequence[str]) -> int:
        return super().add_tags(self._first(query), tags)


class _UntagsAPage(_ByPages):
    def remove_tags_matching(self, query: Query, tags: Sequence[str]) -> TagRemoval:
        return super().remove_tags(self._first(query), tags)


class _DeletesAPage(_ByPages):
    def delete_binary_matching(self, query: Query) -> int:
        return super().delete_binary(self._first(query))


class _MergesAPage(_ByPages):
    def add_dataset(self, dataset: Dataset, *, members_of: Sequence[str] = ()) -> bool:
        from fakeviam_contracts.mutants.queries import members_of as members  # noqa: PLC0415

        is_added = super().add_dataset(dataset, members_of=members_of)
        members_kept = {one for source in members_of for one in self._first(members(source))}
        every = [row.record.file_id for row in self.binary_rows()]
        if is_added and members_of:
            self.remove_members(dataset.id, (one for one in every if one not in members_kept))
        return is_added


class _ForgetsMembers(MemoryStore):
    """Removes only the first page of members when a dataset is deleted."""

    def delete_dataset(self, dataset_id: str) -> None:
        from fakeviam_contracts.mutants.queries import members_of  # noqa: PLC0415 - only here

        query = members_of(dataset_id)
        page = super().binary_page(query, after=None, limit=1000, descending=False)
        late = [record.file_id for record in page.records[PAGE:]]
        super().delete_dataset(dataset_id)
        self.add_members(dataset_id, late)


class _KeepsFewReadings(MemoryStore):
    def add_tabular(self, records: Sequence[TabularRecord]) -> None:
        super().add_tabular(records[:PAGE])


def _pages_end_at_100(request: PageRequest, reply: Any, memory: Memory) -> None:
    """The second page of 100 records is empty."""
    data_request = request.data_request
    if data_request.limit == PAGE and data_request.last in memory:
        for field in ("data", "metadata", "last", "count", "total_size_bytes"):
            if field in reply.DESCRIPTOR.fields_by_name:
                reply.ClearField(field)
    elif data_request.limit == PAGE and len(reply.data) == PAGE:
        memory[reply.last] = True


MUTANTS: tuple[Mutant, ...] = (
    *(
        on_request(f"looks at the first 100 ids of {rpc}", clause, _ids, rpc)
        for rpc, clause in (
            ("BinaryDataByIDs", "BI-1"),
            ("DeleteBinaryDataByIDs", "DI-1"),
            ("AddTagsToBinaryDataByIDs", "TA-1"),
            ("RemoveTagsFromBinaryDataByIDs", "TR-1"),
            ("AddBinaryDataToDatasetByIDs", "DM-1"),
            ("RemoveBinaryDataFromDatasetByIDs", "DM-1"),
        )
    ),
    on_reply("counts 100 deleted at most", "DI-1", _at_most("deleted_count"),
             "DeleteBinaryDataByIDs"),
    on_reply("counts 100 deleted by a filter at most", "DF-4", _at_most("deleted_count"),
             "DeleteBinaryDataByFilter"),
    on_reply("counts 100 deleted readings at most", "DT-4", _at_most("deleted_count"),
             "DeleteTabularData"),
    on_reply("counts 100 removed tags at most", "TR-2", _at_most("deleted_count"),
             "RemoveTagsFromBinaryDataByIDs", "RemoveTagsFromBinaryDataByFilter"),
    with_store("tags the first page of a filter", "TA-3", _TagsAPage),
    with_store("untags the first page of a filter", "TR-1", _UntagsAPage),
    with_store("deletes the first page of a filter", "DF-1", _DeletesAPage),
    with_store("merges the first page of members", "A42", _MergesAPage),
    with_store("forgets later members of a deleted dataset", "DS-2", _ForgetsMembers),
    with_store("keeps 100 readings of an upload", "CU-2", _KeepsFewReadings),
    on_reply("totals 100 at most", "PG-8", _totals(PAGE), *PAGES),
    on_reply("totals a page of 50 at most", "PG-8", _totals(50), *PAGES),
    on_reply("ends after the first page of 100 files", "BF-1", _pages_end_at_100, BINARY),
    on_reply("lists 100 tags at most", "TG-1", _cut("tags"), "TagsByFilter"),
    on_reply("lists 100 labels at most", "BL-1", _cut("labels"), "BoundingBoxLabelsByFilter"),
    on_reply("lists 100 datasets at most", "DS-4", _cut("datasets"),
             "ListDatasetsByOrganizationID"),
    on_reply("lists 100 datasets by ids at most", "DS-5", _cut("datasets"), "ListDatasetsByIDs"),
    on_request("compares the first 100 tags of a filter", "FI-6",
               lambda m, _: m.data_request.filter.tags_filter.tags.__delitem__(slice(PAGE, None)),
               *PAGES),
    on_reply("shows 100 boxes of a file at most", "BX-5",
             metadata_edit(lambda m: m.annotations.bboxes.__delitem__(slice(PAGE, None))), *FILES),
    on_reply("shows 100 tags of a file at most", "TA-1",
             metadata_edit(lambda m: m.capture_metadata.tags.__delitem__(slice(PAGE, None))),
             *FILES),
)  # fmt: skip
