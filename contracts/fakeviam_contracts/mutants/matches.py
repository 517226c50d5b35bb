"""Wrong servers: what matches twice counts twice, as in a join of tables; later pages forget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam import MemoryStore
from fakeviam.store.values import Page, Totals
from fakeviam_contracts.mutants.base import (
    PAGES,
    Mutant,
    filter_of,
    on_reply,
    on_request,
    with_store,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fakeviam.model.filters import Query
    from fakeviam.model.records import BinaryRecord
    from fakeviam.store.values import Position
    from fakeviam_contracts.mutants.base import Memory, PageRequest, ReplyEdit

    #: Counts the records of a query.
    Count = Callable[[MemoryStore, Query], Totals]


def _for_each(field: str, count: Count) -> Count:
    """Counts a record once for each value of a field that it matches."""

    def counted(store: MemoryStore, query: Query) -> Totals:
        values = getattr(query, field)
        if len(values) < 2:
            return count(store, query)
        each: list[dict[str, Any]] = [{field: frozenset([value])} for value in values]
        single = [replace(query, **one) for one in each]
        totals = [count(store, one) for one in single]
        return Totals(sum(t.records for t in totals), sum(t.size for t in totals))

    return counted


_files_by_tag = _for_each("tags", MemoryStore.binary_totals)


class _CountsTags(MemoryStore):
    def binary_totals(self, query: Query) -> Totals:
        return _files_by_tag(self, query)


class _CountsLabels(MemoryStore):
    def binary_totals(self, query: Query) -> Totals:
        return _for_each("box_labels", MemoryStore.binary_totals)(self, query)


class _CountsTagsOfReadings(MemoryStore):
    def tabular_totals(self, query: Query) -> Totals:
        return _for_each("tags", MemoryStore.tabular_totals)(self, query)


class _DeletesByTag(MemoryStore):
    def delete_binary_matching(self, query: Query) -> int:
        count = _files_by_tag(self, query).records
        super().delete_binary_matching(query)
        return count


class _DeletesReadingsByTag(MemoryStore):
    def delete_tabular_matching(self, query: Query) -> int:
        count = _for_each("tags", MemoryStore.tabular_totals)(self, query).records
        super().delete_tabular_matching(query)
        return count


class _PageOfBoxes(MemoryStore):
    """A file is there once for each of its boxes that matches."""

    def binary_page(
        self, query: Query, *, after: Position | None, limit: int, descending: bool
    ) -> Page[BinaryRecord]:
        page = super().binary_page(query, after=after, limit=limit, descending=descending)
        if not query.box_labels:
            return page
        found = [r for r in page.records for box in r.boxes if box.label in query.box_labels]
        return Page(found, page.last)


def _or_instead_of_and(message: Any, _: Memory) -> None:
    """Of two fields in the filter of a write, the one that is not an organization counts."""
    filter_ = filter_of(message)
    if filter_ is None:
        return
    names = [field.name for field, _ in filter_.ListFields()]
    if len(names) > 1 and "organization_ids" not in names:
        filter_.ClearField(names[0])


def _forgets(field: str) -> ReplyEdit:
    """Later pages lack a field of each file's metadata."""

    def edit(request: PageRequest, reply: Any, _: Memory) -> None:
        if request.data_request.last:
            for entry in reply.data:
                entry.metadata.ClearField(field)

    return edit


def _without_internal_data(message: PageRequest, _: Memory) -> None:
    if message.data_request.last:
        message.ClearField("include_internal_data")


MUTANTS: tuple[Mutant, ...] = (
    with_store("totals a file for each of its tags that match", "PG-8", _CountsTags),
    with_store("totals a file for each of its labels that match", "PG-8", _CountsLabels),
    with_store("totals a reading for each of its tags that match", "PG-8", _CountsTagsOfReadings),
    with_store("counts a deleted file for each of its tags", "DF-4", _DeletesByTag),
    with_store("counts a deleted reading for each of its tags", "DT-4", _DeletesReadingsByTag),
    with_store("gives a file for each of its boxes that match", "FI-10", _PageOfBoxes),
    on_request("tags by the last field of a filter alone", "TA-3", _or_instead_of_and,
               "AddTagsToBinaryDataByFilter"),
    on_reply("shows annotations on the first page alone", "BX-5", _forgets("annotations"),
             PAGES[0]),
    on_request("shows internal data on the first page alone", "PG-10", _without_internal_data,
               *PAGES),
)  # fmt: skip
