"""Work that is due by a cloud's clock. Most clouds have none, and never import its modules."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from fakeviam.model.clock import DAY, SECOND
from fakeviam.model.entities import DataPipeline, SequenceExport
from fakeviam.server.services.turns import all_at_once, begin, turns
from fakeviam.server.state.retention import enforce_retention

if TYPE_CHECKING:
    from fakeviam.server.services.turns import Steps
    from fakeviam.server.state.cloud import CloudState


def catch_up(cloud: CloudState) -> None:
    """Do what is due by the cloud's clock, all at once (DP-16, RE-1).

    Raises:
        Refusal: The result cannot be persisted (DD-4).
    """
    all_at_once(_catching_up(cloud))


async def caught_up(cloud: CloudState) -> None:
    """Do what is due, or wait until another call has; calls of other clouds are answered meanwhile.

    A call that is cancelled does not cancel the work: if the deadlines of all clients were shorter
    than a job, it would never be done (SV-19).

    Raises:
        Refusal: What was done cannot be kept (DD-4).
    """
    loop = asyncio.get_running_loop()
    while (others := cloud.catching_up) is not None and others.get_loop() is loop:
        await asyncio.wait([others])
    await asyncio.shield(begin(cloud, _catching_up(cloud)))


def _catching_up(cloud: CloudState) -> Steps[None]:
    now = cloud.clock.now()
    if now // DAY != cloud.retention_day:
        yield from turns(cloud.store, partial(enforce_retention, cloud))
    if cloud.due is None or now < cloud.due:
        return
    if not any(map(cloud.store.entities, (DataPipeline, SequenceExport))):
        # On a shared database, another server may create jobs.
        cloud.due = None if cloud.store.ledgers is None else now + SECOND
        return
    from fakeviam.server.services.jobs import due_steps  # noqa: PLC0415 - few clouds have jobs

    yield from due_steps(cloud)
