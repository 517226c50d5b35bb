"""What is due by a cloud's clock; most have no jobs, and never import what does them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.model.clock import DAY, SECOND
from fakeviam.model.entities import DataPipeline, SequenceExport
from fakeviam.server.state.retention import enforce_retention

if TYPE_CHECKING:
    from fakeviam.server.state.cloud import CloudState


def catch_up(cloud: CloudState) -> None:
    """Do what is due by the cloud's clock (DP-16, RE-1).

    Raises:
        Refusal: What was done cannot be kept (DD-4).
    """
    now = cloud.clock.now()
    if now // DAY != cloud.retention_day:
        enforce_retention(cloud)
    if cloud.due is None or now < cloud.due:
        return
    if not any(map(cloud.store.entities, (DataPipeline, SequenceExport))):
        # On a shared database another server may make some.
        cloud.due = None if cloud.store.ledgers is None else now + SECOND
        return
    from fakeviam.server.services.jobs import run_due  # noqa: PLC0415 - few clouds have jobs

    run_due(cloud)
