"""Wrong servers: deletes, and ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakeviam import MemoryStore
from fakeviam.wire import data
from fakeviam_contracts.mutants.base import (
    Mutant,
    answering,
    asking,
    both,
    deciding,
    forgiving,
    storing,
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


class _DeletesDatasets(MemoryStore):
    def delete_binary(self, file_ids: Any) -> int:
        chosen = list(file_ids)
        held = {d for r in self.find_binary(chosen) if r is not None for d in r.dataset_ids}
        for dataset_id in held:
            super().delete_dataset(dataset_id)
        return super().delete_binary(chosen)


class _DeletesEverywhere(MemoryStore):
    def delete_tabular_matching(self, query: Any) -> int:
        return super().delete_tabular_matching(replace(query, organization_ids=frozenset()))


def _one_fewer(field: str) -> Any:
    def edit(message: Any, _: dict[Any, Any]) -> None:
        ids = getattr(message, field)
        if len(set(ids)) > 1:
            del ids[-1]

    return edit


MUTANTS: tuple[Mutant, ...] = (
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
    answering(
        "does not count files deleted by a filter",
        "DF-4",
        lambda _, r, __: r.ClearField("deleted_count"),
        "DeleteBinaryDataByFilter",
    ),
    asking(
        "deletes internal data too",
        "DF-3",
        lambda m, _: setattr(m, "include_internal_data", True),
        "DeleteBinaryDataByFilter",
    ),
    answering(
        "counts unknown ids among the deleted",
        "A13",
        lambda q, r, _: setattr(
            r, "deleted_count", len({*q.binary_data_ids, *(b.file_id for b in q.binary_ids)})
        ),
        "DeleteBinaryDataByIDs",
    ),
    storing("deletes the datasets of deleted data", "A54", _DeletesDatasets),
    storing("deletes the readings of every organization", "DT-1", _DeletesEverywhere),
    forgiving("deletes nothing of nobody", "A48", lambda _, __: data.DeleteTabularDataResponse()),
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
