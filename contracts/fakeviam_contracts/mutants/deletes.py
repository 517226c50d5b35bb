"""Wrong servers: deletes and ids."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakeviam import MemoryStore
from fakeviam.wire import data
from fakeviam_contracts.mutants.base import (
    Mutant,
    on_exchange,
    on_refusal,
    on_reply,
    on_request,
    with_policy,
    with_store,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fakeviam.model.filters import Query
    from fakeviam_contracts.mutants.base import Memory, RequestEdit


class _RollingDays(MemoryStore):
    """Counts days of 24 hours back from noon, the time of the kit's clock."""

    def delete_tabular_matching(self, query: Query) -> int:
        interval = query.interval
        if interval.end is not None:
            late = replace(interval, end=interval.end + 43_200 * 10**9 - 86_400 * 10**9)
            query = replace(query, interval=late)
        return super().delete_tabular_matching(query)


class _DeletesReadingsToo(MemoryStore):
    def delete_binary_matching(self, query: Query) -> int:
        super().delete_tabular_matching(query)
        return super().delete_binary_matching(query)


class _DeletesDatasets(MemoryStore):
    def delete_binary(self, file_ids: Iterable[str]) -> int:
        ids = list(file_ids)
        dataset_ids = {d for r in self.find_binary(ids) if r is not None for d in r.dataset_ids}
        for dataset_id in dataset_ids:
            super().delete_dataset(dataset_id)
        return super().delete_binary(ids)


class _DeletesEverywhere(MemoryStore):
    def delete_tabular_matching(self, query: Query) -> int:
        return super().delete_tabular_matching(replace(query, organization_ids=frozenset()))


def _one_fewer(field: str) -> RequestEdit:
    def edit(message: object, _: Memory) -> None:
        ids = getattr(message, field)
        if len(set(ids)) > 1:
            del ids[-1]

    return edit


def _whatever(field: str) -> RequestEdit:
    return lambda message, _: message.filter.ClearField(field)


MUTANTS: tuple[Mutant, ...] = (
    *(
        on_request(
            f"deletes readings whatever their {name}",
            "DT-3",
            _whatever(name),
            "DeleteTabularData",
        )
        for name in ("method", "location_ids")
    ),
    on_request(
        "leaves the last of several ids",
        "DI-1",
        _one_fewer("binary_data_ids"),
        "DeleteBinaryDataByIDs",
    ),
    on_reply(
        "counts deletions it did not do",
        "DI-1",
        lambda _, r, __: setattr(r, "deleted_count", r.deleted_count + 1),
        "DeleteBinaryDataByIDs",
    ),
    on_refusal(
        "takes no ids for an answer", "ID-5", lambda _, __: data.DeleteBinaryDataByIDsResponse()
    ),
    on_request(
        "deletes without the filter",
        "DF-1",
        lambda m, _: m.filter.ClearField("tags_filter"),
        "DeleteBinaryDataByFilter",
    ),
    on_reply(
        "does not count files deleted by a filter",
        "DF-4",
        lambda _, r, __: r.ClearField("deleted_count"),
        "DeleteBinaryDataByFilter",
    ),
    on_request(
        "deletes internal data too",
        "DF-3",
        lambda m, _: setattr(m, "include_internal_data", True),
        "DeleteBinaryDataByFilter",
    ),
    on_reply(
        "counts unknown ids among the deleted",
        "DI-1",
        lambda q, r, _: setattr(
            r, "deleted_count", len({*q.binary_data_ids, *(b.file_id for b in q.binary_ids)})
        ),
        "DeleteBinaryDataByIDs",
    ),
    with_store("deletes the datasets of deleted data", "A54", _DeletesDatasets),
    with_store("deletes the readings of every organization", "DT-1", _DeletesEverywhere),
    on_refusal("deletes nothing of nobody", "A48", lambda _, __: data.DeleteTabularDataResponse()),
    with_store("deletes readings with the files", "DF-1", _DeletesReadingsToo),
    with_policy("refuses to delete everything", "A16", empty_delete_filter="refuse"),
    with_store("counts days of 24 hours", "DT-2", _RollingDays),
    on_request(
        "keeps everything for 0 days",
        "DT-1",
        lambda m, _: setattr(m, "delete_older_than_days", m.delete_older_than_days or 10**6),
        "DeleteTabularData",
    ),
    on_request(
        "ignores the filter of a delete by days",
        "DT-3",
        lambda m, _: m.ClearField("filter"),
        "DeleteTabularData",
    ),
    on_reply(
        "does not count deleted readings",
        "DT-4",
        lambda _, r, __: r.ClearField("deleted_count"),
        "DeleteTabularData",
    ),
    on_exchange(
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
