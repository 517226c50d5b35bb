"""What of a pipeline the store can answer, so that not every reading becomes a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from fakeviam.query.values import as_long, is_number, milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fakeviam.query.values import Document

TimeName = Literal["time_requested", "time_received"]

#: Fields with one text, by which the store can select.
TEXTS = frozenset(
    {"component_name", "component_type", "method_name", "robot_id", "part_id", "location_id"}
)
_TIMES: tuple[TimeName, ...] = ("time_requested", "time_received")

# From a bound in milliseconds to one in nanoseconds: the store's times are finer than a document's,
# in which they are cut. The start is inside, the end is not.
_STARTS = {"$gte": 0, "$gt": 1}
_ENDS = {"$lt": 0, "$lte": 1}
_NANOS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the store does, and what is left to the stages.

    Attributes:
        texts: Values that fields must have.
        interval_of: The time that the interval looks at.
        start: Nanoseconds from which on; None is from the beginning.
        end: Nanoseconds before which; None is to the end.
        sort_by: The time to sort by; None is as the store has it.
        descending: Whether the latest come first.
        limit: How many documents are wanted; None is all.
        rest: The stages that are left.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    interval_of: TimeName = "time_requested"
    start: int | None = None
    end: int | None = None
    sort_by: TimeName | None = None
    descending: bool = False
    limit: int | None = None
    rest: Sequence[Document] = ()


def plan(stages: Sequence[Document]) -> Plan:
    """Take what the store can do from the head of a pipeline."""
    rest = list(stages)
    conditions: dict[str, Any] = {}
    if rest and isinstance(rest[0].get("$match"), dict):
        conditions = _decidable(rest[0]["$match"])
        remaining = {
            name: value for name, value in rest[0]["$match"].items() if name not in conditions
        }
        rest[:1] = [{"$match": remaining}] if remaining else []
    sort_by, descending = _order(rest[0].get("$sort")) if rest else (None, False)
    if sort_by is not None:
        del rest[0]
    limit = as_long(rest[0].get("$limit")) if rest else None
    times: list[TimeName] = [name for name in _TIMES if name in conditions]
    start, end = _bounds(conditions[times[0]]) if times else (None, None)
    return Plan(
        texts={name: value for name, value in conditions.items() if name in TEXTS},
        interval_of=times[0] if times else "time_requested",
        start=start,
        end=end,
        sort_by=sort_by,
        descending=descending,
        limit=limit if limit is not None and limit >= 1 else None,
        rest=rest,
    )


def _decidable(conditions: Document) -> dict[str, object]:
    """The conditions that the store can decide exactly: of times, those of one field."""
    texts = {name: value for name, value in conditions.items() if name in TEXTS and _is_text(value)}
    for name in _TIMES:
        if _is_range(conditions.get(name)):
            texts[name] = conditions[name]
            break
    return texts


def _is_text(value: object) -> bool:
    # The store takes an empty text for no constraint.
    return isinstance(value, str) and value != ""


def _is_range(value: object) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(key in _STARTS or key in _ENDS for key in value)
        and all(isinstance(bound, datetime) for bound in value.values())
    )


def _bounds(conditions: Document) -> tuple[int | None, int | None]:
    starts, ends = [], []
    for name, bound in conditions.items():
        if name in _STARTS:
            starts.append((milliseconds(bound) + _STARTS[name]) * _NANOS)
        else:
            ends.append((milliseconds(bound) + _ENDS[name]) * _NANOS)
    return max(starts, default=None), min(ends, default=None)


def _order(spec: object) -> tuple[TimeName | None, bool]:
    if isinstance(spec, dict) and len(spec) == 1:
        for name in _TIMES:
            order = spec.get(name)
            if is_number(order) and order in (1, -1):
                return name, bool(order == -1)
    return None, False
