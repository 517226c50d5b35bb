"""Why a record does not fit a query, field by field.

Written apart from the store, which compiles queries and never knows why; a property test holds
the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakeviam.model.clock import moment_of
from fakeviam.model.datasets import dataset_label
from fakeviam.model.filters import TagRule
from fakeviam.model.records import BinaryRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fakeviam.model.filters import Interval, Query
    from fakeviam.model.records import AnyRecord

_SCALARS = (
    "component_name",
    "component_type",
    "method_name",
    "robot_name",
    "robot_id",
    "part_name",
    "part_id",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One thing about a record that a query does not allow.

    Attributes:
        field: The field of the filter, or what else decided.
        wanted: What it asks for.
        actual: What the record has.
    """

    field: str
    wanted: str
    actual: str

    def __str__(self) -> str:
        return f"{self.field}: wanted {self.wanted}, it has {self.actual}"


def reasons_against(query: Query, record: AnyRecord) -> list[Reason]:
    """All that keeps a record out of what a query selects; none if it is in (FI-1)."""
    found = list(_reasons(query, record))
    if query.nothing and not found:
        found.append(Reason(field="filter", wanted="nothing at all", actual="anything"))
    return found


def _reasons(query: Query, record: AnyRecord) -> Iterator[Reason]:
    source = record.source
    yield from _access(query, record)
    for name in _SCALARS:
        wanted, actual = getattr(query, name), getattr(source, name)
        if wanted and actual != wanted:
            yield Reason(
                field="method" if name == "method_name" else name,
                wanted=repr(wanted),
                actual=repr(actual),
            )
    yield from _one_of("location_ids", query.location_ids, source.location_id)
    yield from _one_of("organization_ids", query.organization_ids, source.organization_id)
    yield from _one_of("mime_type", query.mime_types, record.mime_type)
    yield from _interval(query.interval, record)
    yield from _tags(query, record)
    yield from _marks(query, record)


def _access(query: Query, record: AnyRecord) -> Iterator[Reason]:
    """What decides before any field of the filter does."""
    owner = record.source.organization_id
    if query.scope is not None and owner not in query.scope:
        yield Reason(field="API key", wanted=_listed(query.scope), actual=f"organization {owner!r}")
    if query.synced_until is not None and record.time_synced > query.synced_until:
        yield Reason(
            field="not visible yet",
            wanted=f"stored until {moment_of(query.synced_until).isoformat()}",
            actual=moment_of(record.time_synced).isoformat(),
        )
    if record.internal and not query.include_internal:
        yield Reason(field="include_internal_data", wanted="true for it", actual="internal data")


def _one_of(field: str, wanted: frozenset[str], actual: str) -> Iterator[Reason]:
    if wanted and actual not in wanted:
        yield Reason(field=field, wanted=_listed(wanted), actual=repr(actual))


def _interval(interval: Interval, record: AnyRecord) -> Iterator[Reason]:
    time: int = getattr(record, interval.clock.value)
    shown = f"{interval.clock.value} {_moment(time)}"
    if interval.start is not None and time < interval.start:
        yield Reason(field="interval.start", wanted=f"from {_moment(interval.start)}", actual=shown)
    end = interval.end
    if end is not None and (time > end or (time == end and not interval.end_inside)):
        until = "until" if interval.end_inside else "before"
        yield Reason(field="interval.end", wanted=f"{until} {_moment(end)}", actual=shown)


def _tags(query: Query, record: AnyRecord) -> Iterator[Reason]:
    tags = set(record.tags)
    shown = _listed(record.tags) if tags else "no tags"
    if query.tag_rule is TagRule.TAGGED and not tags:
        yield Reason(field="tags_filter", wanted="any tag", actual=shown)
    if query.tag_rule is TagRule.UNTAGGED and tags:
        yield Reason(field="tags_filter", wanted="no tags", actual=shown)
    if query.tag_rule is TagRule.LISTED:
        members = record.dataset_ids if isinstance(record, BinaryRecord) else ()
        if tags.isdisjoint(query.tags) and query.label_dataset_ids.isdisjoint(members):
            labels = [dataset_label(each) for each in members] if query.label_dataset_ids else []
            actual = _listed([*record.tags, *labels]) if record.tags or labels else shown
            yield Reason(field="tags_filter", wanted=_listed(query.tags), actual=actual)


def _marks(query: Query, record: AnyRecord) -> Iterator[Reason]:
    """Boxes and datasets, which readings have not (A18)."""
    if isinstance(record, BinaryRecord):
        if query.box_labels and query.box_labels.isdisjoint(record.box_labels):
            actual = _listed(record.box_labels) if record.box_labels else "no boxes"
            yield Reason(field="bbox_labels", wanted=_listed(query.box_labels), actual=actual)
        if query.dataset_id and query.dataset_id not in record.dataset_ids:
            actual = _listed(record.dataset_ids) if record.dataset_ids else "no datasets"
            yield Reason(field="dataset_id", wanted=repr(query.dataset_id), actual=actual)
        return
    if query.box_labels:
        yield Reason(field="bbox_labels", wanted=_listed(query.box_labels), actual="a reading")
    if query.dataset_id:
        yield Reason(field="dataset_id", wanted=repr(query.dataset_id), actual="a reading")


def _listed(values: Iterable[str]) -> str:
    shown = sorted(map(repr, values))
    if not shown:
        return "nothing"
    return shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}"


def _moment(nanos: int) -> str:
    """With its nanoseconds: an interval can end between two microseconds."""
    text = moment_of(nanos).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{nanos % 1_000_000_000:09d}Z" if nanos % 1_000_000_000 else f"{text}Z"
