"""The store as lists and comprehensions; shares no code with the real one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fakeviam.model.filters import Interval, Query, TagRule, TimeField
from fakeviam.model.records import BinaryRecord, TabularRecord
from fakeviam.store.values import TagRemoval, Totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.datasets import Dataset

AnyRecord = BinaryRecord | TabularRecord


@dataclass
class Model:
    binary: list[BinaryRecord] = field(default_factory=list)
    data: dict[str, bytes] = field(default_factory=dict)
    tabular: list[TabularRecord] = field(default_factory=list)
    datasets: list[Dataset] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Model:
        return Model(
            self.binary[:],
            self.data.copy(),
            self.tabular[:],
            self.datasets[:],
            self.passwords.copy(),
        )

    def update(self, which: Callable[[BinaryRecord], bool], **changes: Any) -> list[BinaryRecord]:
        """Set fields to what functions make of the record; answer the old ones that changed."""
        changed = []
        for place, old in enumerate(self.binary):
            if which(old):
                new = replace(old, **{name: make(old) for name, make in changes.items()})
                if new != old:
                    changed.append(old)
                    self.binary[place] = new
        return changed


def selected(query: Query, records: list[Any]) -> list[Any]:
    """What a query selects, in the order of time and arrival."""
    kept = [record for record in records if selects(query, record)]
    return sorted(kept, key=lambda record: record.time_requested)


def selects(query: Query, record: AnyRecord) -> bool:
    source = record.source
    equal = [
        (query.component_name, source.component_name),
        (query.component_type, source.component_type),
        (query.method_name, source.method_name),
        (query.robot_name, source.robot_name),
        (query.robot_id, source.robot_id),
        (query.part_name, source.part_name),
        (query.part_id, source.part_id),
    ]
    among = [
        (query.location_ids, source.location_id),
        (query.organization_ids, source.organization_id),
        (query.mime_types, record.mime_type),
    ]
    return (
        all(wanted in {"", value} for wanted, value in equal)
        and all(not wanted or value in wanted for wanted, value in among)
        and (query.scope is None or query.scope.holds(source))
        and (query.include_internal or not record.internal)
        and (query.synced_until is None or record.time_synced <= query.synced_until)
        and in_interval(query.interval, record)
        and tags_match(query, record)
        and annotations_match(query, record)
    )


def in_interval(interval: Interval, record: AnyRecord) -> bool:
    requested = interval.clock is TimeField.REQUESTED
    time = record.time_requested if requested else record.time_received
    if interval.start is not None and time < interval.start:
        return False
    if interval.end is None:
        return True
    return time <= interval.end if interval.end_inside else time < interval.end


def tags_match(query: Query, record: AnyRecord) -> bool:
    if query.tag_rule is TagRule.LISTED:
        member = isinstance(record, BinaryRecord) and any(
            dataset in query.label_dataset_ids for dataset in record.dataset_ids
        )
        return member or any(tag in query.tags for tag in record.tags)
    if query.tag_rule is TagRule.IGNORED:
        return True
    return bool(record.tags) == (query.tag_rule is TagRule.TAGGED)


def annotations_match(query: Query, record: AnyRecord) -> bool:
    if isinstance(record, TabularRecord):
        return not query.box_labels and not query.dataset_id
    labels = {box.label for box in record.boxes}
    return (not query.box_labels or bool(query.box_labels & labels)) and (
        not query.dataset_id or query.dataset_id in record.dataset_ids
    )


def totals(records: list[Any]) -> Totals:
    return Totals(len(records), sum(record.size for record in records))


def tag_in(model: Model, which: Callable[[BinaryRecord], bool], tags: list[str]) -> int:
    def tagged(record: BinaryRecord) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*record.tags, *tags]))

    return len(model.update(which, tags=tagged))


def untag_in(model: Model, which: Callable[[BinaryRecord], bool], tags: list[str]) -> TagRemoval:
    def untagged(record: BinaryRecord) -> tuple[str, ...]:
        return tuple(tag for tag in record.tags if tag not in tags)

    changed = model.update(which, tags=untagged)
    return TagRemoval(len(changed), sum(tag in tags for old in changed for tag in old.tags))


def join(model: Model, which: Callable[[BinaryRecord], bool], dataset: str) -> int:
    def joined(record: BinaryRecord) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*record.dataset_ids, dataset]))

    return len(model.update(which, dataset_ids=joined))


def leave(model: Model, which: Callable[[BinaryRecord], bool], dataset: str) -> int:
    def left(record: BinaryRecord) -> tuple[str, ...]:
        return tuple(d for d in record.dataset_ids if d != dataset)

    return len(model.update(which, dataset_ids=left))
