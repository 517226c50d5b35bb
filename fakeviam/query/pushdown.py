"""The planner: splits a pipeline into a part for the store and the remaining stages.

Converting a reading to a document is much slower than selecting it, so the store should select as
much as possible.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from fakeviam.query.values import as_long, is_number, milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fakeviam.query.values import Document

TimeName = Literal["time_requested", "time_received"]

#: Text fields that the store can select by.
TEXTS = frozenset(
    {"component_name", "component_type", "method_name", "robot_id", "part_id", "location_id"}
)
_TIMES: tuple[TimeName, ...] = ("time_requested", "time_received")

# Milliseconds to add to a bound. Documents have times truncated to milliseconds, but the store has
# nanoseconds: `$gt 5 ms` excludes all of the fifth millisecond, so it starts at 6 ms. The start is
# inclusive, the end exclusive.
_STARTS = {"$gte": 0, "$gt": 1}
_ENDS = {"$lt": 0, "$lte": 1}
_NANOS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The store's part of a query, and the remaining stages.

    Attributes:
        texts: The required values of text fields.
        interval_of: The time that the interval applies to.
        start: The start of the interval in ns, inclusive; None is unbounded.
        end: The end of the interval in ns, exclusive; None is unbounded.
        sort_by: The time to sort by; None is the store's order.
        descending: Whether to sort in descending order.
        limit: How many documents are needed at most; None is all.
        rest: The remaining stages.
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
    """Plan a pipeline: the store can execute a prefix of `$match`, `$sort` and `$limit`.

    The result must be identical to running all stages on all documents, so that only conditions
    that the store decides exactly are moved; the others stay in a `$match` of their own.
    """
    rest = list(stages)
    conditions: dict[str, Any] = {}
    if rest and isinstance(rest[0].get("$match"), dict):
        conditions = _decidable(rest[0]["$match"])
        remaining = {
            name: value for name, value in rest[0]["$match"].items() if name not in conditions
        }
        rest[:1] = [{"$match": remaining}] if remaining else []
    # If conditions remain, they are now the first stage, so a $sort after them is not moved.
    sort_by, descending = _order(rest[0].get("$sort")) if rest else (None, False)
    if sort_by is not None:
        del rest[0]
    # The stage itself stays in `rest`: it is harmless there, and reports invalid values.
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
    """The conditions that the store can decide exactly; its queries have one interval only."""
    texts = {name: value for name, value in conditions.items() if name in TEXTS and _is_text(value)}
    for name in _TIMES:
        if _is_range(conditions.get(name)):
            texts[name] = conditions[name]
            break
    return texts


def _is_text(value: object) -> bool:
    # The store treats an empty text as no condition.
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
