"""Queries: what a request selects.

A `Query` is a filter after all decisions: policy, visibility and what the caller may see. Stores
execute queries without knowing about policies.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from fakeviam.model.fleet import Part
    from fakeviam.model.records import Source


class TagRule(enum.Enum):
    """The condition of a query on the tags of a record."""

    IGNORED = "ignored"
    LISTED = "listed"  # at least one of the listed tags
    TAGGED = "tagged"  # any user tag
    UNTAGGED = "untagged"  # no user tag


class TimeField(enum.Enum):
    """The time of a record that an interval applies to (A3)."""

    REQUESTED = "time_requested"
    RECEIVED = "time_received"


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """Times in ns since the epoch; None is unbounded. `start` is inclusive (A2)."""

    start: int | None = None
    end: int | None = None
    end_inside: bool = True
    clock: TimeField = TimeField.REQUESTED


EVERYTHING = Interval()


class DataScope(NamedTuple):
    """What a caller may see: all data of some organizations, locations or machines (AC-8)."""

    level: Literal["organization", "location", "robot"]
    ids: frozenset[str]

    @property
    def path(self) -> str:
        """The attribute path of the id in a record."""
        return f"source.{self.level}_id"

    def holds(self, place: Part | Source) -> bool:
        """Whether data of a part or source is in scope."""
        return getattr(place, f"{self.level}_id") in self.ids


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A selection of records of one kind. Empty strings and sets are no condition (FI-3).

    Attributes:
        tag_rule: With LISTED, a record must have one of `tags`, or be a member of one of
            `label_dataset_ids` (a dataset's label counts as a tag, A10).
        include_internal: Whether to include data ingested by Viam itself (PG-10).
        scope: What the caller may see; None is everything (A51, AC-8).
        synced_until: Only records stored at or before this time are visible (A55).
    """

    component_name: str = ""
    component_type: str = ""
    method_name: str = ""
    robot_name: str = ""
    robot_id: str = ""
    part_name: str = ""
    part_id: str = ""
    location_ids: frozenset[str] = frozenset()
    organization_ids: frozenset[str] = frozenset()
    mime_types: frozenset[str] = frozenset()
    interval: Interval = EVERYTHING
    tag_rule: TagRule = TagRule.IGNORED
    tags: frozenset[str] = frozenset()
    label_dataset_ids: frozenset[str] = frozenset()
    box_labels: frozenset[str] = frozenset()
    dataset_id: str = ""
    include_internal: bool = False
    scope: DataScope | None = None
    synced_until: int | None = None
