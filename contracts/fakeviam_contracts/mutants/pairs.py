"""Wrong servers: filter fields that fail in combination, or for values that almost match."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakeviam import MemoryStore
from fakeviam.model.filters import EVERYTHING, TagRule
from fakeviam.store.selection import Selection, Selections
from fakeviam_contracts.mutants.base import PAGES, Mutant, on_reply, on_request, with_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fakeviam.model.filters import Query
    from fakeviam.wire import data
    from fakeviam_contracts.mutants.base import Memory, PageRequest

#: Fields of a query, and how to get their values from a record.
SCALARS: dict[str, Callable[[Any], str]] = {
    "component_name": lambda record: record.source.component_name,
    "component_type": lambda record: record.source.component_type,
    "method_name": lambda record: record.source.method_name,
    "robot_name": lambda record: record.source.robot_name,
    "robot_id": lambda record: record.source.robot_id,
    "part_name": lambda record: record.source.part_name,
    "part_id": lambda record: record.source.part_id,
}
LISTS: dict[str, Callable[[Any], Iterable[str]]] = {
    "location_ids": lambda record: [record.source.location_id],
    "organization_ids": lambda record: [record.source.organization_id],
    "mime_types": lambda record: [record.mime_type],
    "tags": lambda record: record.tags,
    "box_labels": lambda record: getattr(record, "box_labels", ()),
}
NOTHING: dict[str, Any] = {
    **dict.fromkeys((*SCALARS, "dataset_id"), ""),
    **dict.fromkeys(LISTS, frozenset()),
    "interval": EVERYTHING,
}


class _Selections(Selections):
    """Changes each query before it is executed."""

    def __init__(
        self, store: MemoryStore, change: Callable[[MemoryStore, Query], Query], *, tabular: bool
    ) -> None:
        super().__init__(tabular=tabular)
        self._store, self._change = store, change

    def __getitem__(self, query: Query) -> Selection:
        changed = self._change(self._store, query)
        # Not cached, because the records that a changed query depends on may change.
        return Selections.__missing__(self, changed)


def on_query(name: str, clause: str, change: Callable[[MemoryStore, Query], Query]) -> Mutant:
    """A server that changes every query."""

    class Wrong(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self._selections = _Selections(self, change, tabular=False)
            self._tabular_selections = _Selections(self, change, tabular=True)

    return with_store(name, clause, Wrong)


def _records(store: MemoryStore) -> list[Any]:
    # Not by a query, which would be changed too.
    files = [record for _, record in store._binary.rows()]  # noqa: SLF001 - wrong on purpose
    return [*files, *(record for _, record in store._tabular.rows())]  # noqa: SLF001


def _compares_by(
    field: str, same: Callable[[str, str], bool]
) -> Callable[[MemoryStore, Query], Query]:
    """Compares a field with `same(wanted, stored)` instead of equality."""

    def change(store: MemoryStore, query: Query) -> Query:
        expected = getattr(query, field)
        if not expected:
            return query
        if field in SCALARS:
            values = {SCALARS[field](record) for record in _records(store)}
            matches = sorted(value for value in values if value and same(expected, value))
            return replace(query, **{field: matches[0]}) if matches else query  # type: ignore[arg-type]
        values = {value for record in _records(store) for value in LISTS[field](record)}
        more = {value for value in values for one in expected if value and same(one, value)}
        return replace(query, **{field: frozenset(expected) | more})  # type: ignore[arg-type]

    return change


def _ignores_strangers(field: str) -> Callable[[MemoryStore, Query], Query]:
    """Ignores a value that no record has."""

    def change(store: MemoryStore, query: Query) -> Query:
        expected = getattr(query, field)
        if field in SCALARS:
            unknown = expected not in {SCALARS[field](record) for record in _records(store)}
        else:
            values = {value for record in _records(store) for value in LISTS[field](record)}
            unknown = not set(expected) & values
        if not (expected and unknown):
            return query
        if field == "tags" and query.tag_rule is TagRule.LISTED:
            return replace(query, tags=frozenset(), tag_rule=TagRule.IGNORED)
        return replace(query, **{field: NOTHING[field]})

    return change


def _beside(field: str, other: str) -> Callable[[MemoryStore, Query], Query]:
    """Ignores a field if another one is set."""

    def change(_: MemoryStore, query: Query) -> Query:
        if not _is_set(query, other) or not _is_set(query, field):
            return query
        if field == "tags":
            return replace(query, tags=frozenset(), tag_rule=TagRule.IGNORED)
        return replace(query, **{field: NOTHING[field]})

    return change


def _only_beside(
    other: str, change: Callable[[MemoryStore, Query], Query]
) -> Callable[[MemoryStore, Query], Query]:
    """A change that applies if another field is set."""
    return lambda store, query: change(store, query) if _is_set(query, other) else query


def _is_set(query: Query, field: str) -> bool:
    if field == "tags":
        return query.tag_rule is not TagRule.IGNORED
    return bool(getattr(query, field) != NOTHING[field])


def _limited(request: PageRequest, reply: Any, _: Memory) -> None:
    limit = request.data_request.limit
    if request.count_only and limit:
        reply.count = min(reply.count, limit)


def _of_a_page(request: data.BinaryDataByFilterRequest, reply: Any, _: Memory) -> None:
    if request.count_only and request.include_binary:
        reply.count = min(reply.count, 1)


def _upper(message: PageRequest, _: Memory) -> None:
    filter_ = message.data_request.filter
    filter_.dataset_id = filter_.dataset_id[:24]


_COUNTERPARTS = (
    ("tags", "interval"), ("interval", "tags"), ("tags", "dataset_id"), ("dataset_id", "tags"),
    ("box_labels", "tags"), ("tags", "box_labels"), ("mime_types", "tags"),
    ("mime_types", "component_name"), ("component_name", "part_id"), ("part_name", "part_id"),
    ("robot_name", "robot_id"), ("location_ids", "robot_id"), ("organization_ids", "location_ids"),
    ("interval", "dataset_id"), ("box_labels", "dataset_id"), ("method_name", "component_type"),
    ("component_type", "component_name"), ("method_name", "mime_types"),
    ("robot_id", "location_ids"), ("part_id", "tags"), ("interval", "box_labels"),
)  # fmt: skip


def _lower_dataset(message: PageRequest, _: Memory) -> None:
    filter_ = message.data_request.filter
    if filter_.dataset_id:
        filter_.dataset_id = filter_.dataset_id.lower()


MUTANTS: tuple[Mutant, ...] = (
    *(
        on_query(f"takes a beginning of {field} for it", _clause, _compares_by(field, _begins))
        for field, _clause in (
            *dict.fromkeys(SCALARS, "FI-4").items(), ("mime_types", "FI-1"), ("tags", "FI-6"),
            ("box_labels", "FI-10"), ("location_ids", "FI-1"), ("organization_ids", "FI-1"),
        )
        for _begins in (lambda wanted, stored: stored.startswith(wanted),)
    ),
    *(
        on_query(f"looks for {field} anywhere in it", "FI-4", _compares_by(field, _within))
        for field in ("component_type", "method_name", "robot_name", "part_name")
        for _within in (lambda wanted, stored: wanted in stored,)
    ),
    *(
        on_query(f"strips {field} before it compares", "FI-4", _compares_by(field, _stripped))
        for field in ("component_type", "method_name", "part_id")
        for _stripped in (lambda wanted, stored: wanted.strip() == stored,)
    ),
    *(
        on_query(f"reads {field} without case", "FI-4", _compares_by(field, _folded))
        for field in ("component_type", "method_name", "robot_name", "part_name", "robot_id")
        for _folded in (lambda wanted, stored: wanted.casefold() == stored.casefold(),)
    ),
    on_query("reads tags without case", "FI-6",
             _compares_by("tags", lambda one, other: one.casefold() == other.casefold())),
    on_query("reads labels without case", "FI-10",
             _compares_by("box_labels", lambda one, other: one.casefold() == other.casefold())),
    on_query("knows stars in component_type", "FI-4",
             _compares_by("component_type",
                    lambda one, other: one[-1:] == "*" and other.startswith(one[:-1]))),
    *(
        on_query(f"ignores {field} that nobody has", "FI-1", _ignores_strangers(field))
        for field in (*SCALARS, *LISTS)
    ),
    *(
        on_query(f"ignores {field} beside {other}", "FI-1", _beside(field, other))
        for field, other in _COUNTERPARTS
    ),
    *(
        on_query(f"takes a beginning of {field} for it beside {other}", _clause,
                 _only_beside(other, _compares_by(field, _begins)))
        for field, other, _clause in (
            ("mime_types", "tags", "FI-1"), ("box_labels", "interval", "FI-10"),
            ("robot_id", "dataset_id", "FI-4"), ("tags", "mime_types", "FI-6"),
        )
        for _begins in (lambda wanted, stored: stored.startswith(wanted),)
    ),
    on_request("untags whatever the interval", "TR-1",
               lambda m, _: m.filter.ClearField("interval"), "RemoveTagsFromBinaryDataByFilter"),
    on_request("tags whatever the labels", "TA-3",
               lambda m, _: m.filter.ClearField("bbox_labels"), "AddTagsToBinaryDataByFilter"),
    on_request("deletes whatever the dataset", "DF-1",
               lambda m, _: m.filter.ClearField("dataset_id"), "DeleteBinaryDataByFilter"),
    on_request("reads ids of datasets without case", "FI-11", _lower_dataset, *PAGES),
    on_reply("totals no more than the limit", "PG-8", _limited, *PAGES),
    on_reply("totals one file with bytes", "PG-8", _of_a_page, PAGES[0]),
    on_request("looks at the first 24 characters of a dataset's id", "FI-11", _upper, *PAGES),
)  # fmt: skip
