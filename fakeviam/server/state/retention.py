"""Retention policies of parts: data is deleted after a number of days (RE-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.clock import DAY, FIRST
from fakeviam.model.filters import Interval, Query

if TYPE_CHECKING:
    from fakeviam.server.state.cloud import CloudState


def enforce_retention(cloud: CloudState) -> None:
    """Delete data past its retention, once per UTC day of the cloud's clock.

    Nothing is deleted on the first day of an in-memory cloud, because seeds may contain old data.

    Raises:
        Refusal: The deletion cannot be persisted (DD-4); it remains due.
    """
    day = cloud.clock.now() // DAY
    before = cloud.retention_day
    if day == before:
        return
    is_new = before is None and cloud.directory is None and cloud.store.ledgers is None
    if not is_new and (before is None or day > before):
        for part in cloud.fleet:
            if part.retention_days is not None:
                _delete(cloud, part.id, older_than(day, part.retention_days))
    cloud.retention_day = day


def _delete(cloud: CloudState, part_id: str, cutoff: int) -> None:
    """Delete a part's data from before a time."""
    if cutoff > FIRST:
        interval = Interval(end=cutoff, end_inside=False)
        query = Query(part_id=part_id, interval=interval, include_internal=True)
        cloud.store.delete_binary_matching(query)
        cloud.store.delete_tabular_matching(query)


def older_than(day: int, days: int) -> int:
    """The end of the UTC days that are at least `days` before `day` (DT-2, RE-1), ns."""
    return (day - days + 1) * DAY
