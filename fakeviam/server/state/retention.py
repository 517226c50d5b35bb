"""Retention policies of parts: how many days their data is kept (RE-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.clock import DAY, FIRST
from fakeviam.model.filters import Interval, Query

if TYPE_CHECKING:
    from fakeviam.server.state.cloud import CloudState


def enforce_retention(cloud: CloudState) -> None:
    """Delete what parts no longer keep, once for each UTC day of the cloud's clock.

    Nothing is deleted on the first day of a cloud in memory: what a seed puts there may be old.
    """
    day = cloud.clock.now() // DAY
    before = cloud.retention_day
    if day == before:
        return
    cloud.retention_day = day
    is_new = before is None and cloud.directory is None and cloud.store.ledgers is None
    if is_new or (before is not None and day < before):
        return
    for part in cloud.fleet:
        if part.retention_days is not None:
            cutoff = older_than(day, part.retention_days)
            if cutoff > FIRST:
                interval = Interval(end=cutoff, end_inside=False)
                query = Query(part_id=part.id, interval=interval, include_internal=True)
                cloud.store.delete_binary_matching(query)
                cloud.store.delete_tabular_matching(query)


def older_than(day: int, days: int) -> int:
    """The end of everything whose UTC day is `days` or more days before `day` (DT-2, RE-1), ns."""
    return (day - days + 1) * DAY
