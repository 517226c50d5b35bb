"""Uploads over a network that comes and goes."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from grpclib import GRPCError, Status
from grpclib.exceptions import StreamTerminatedError
from viam.utils import create_filter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from viam.app.data_client import DataClient

PATIENCE = (1.0, 5.0, 30.0)  # seconds before the second, third and fourth attempt
PASSING = {Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED}


class Uplink:
    """Uploads files once each, however often it has to try."""

    def __init__(
        self,
        data: DataClient,
        part_id: str,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._data = data
        self._part_id = part_id
        self._sleep = sleep

    async def send(self, contents: bytes) -> None:
        """Upload a file unless it is there already; give up after the fourth attempt."""
        name = hashlib.sha256(contents).hexdigest()
        for pause in (*PATIENCE, None):
            try:
                await self._upload_once(name, contents)
            except (GRPCError, StreamTerminatedError, ConnectionError) as error:
                if pause is None or not _passes(error):
                    raise
                await self._sleep(pause)
            else:
                return

    async def _upload_once(self, name: str, contents: bytes) -> None:
        # An attempt whose answer was lost may have worked, so look before uploading again.
        chosen = create_filter(tags=[name])
        found, _, _ = await self._data.binary_data_by_filter(chosen, include_binary_data=False)
        if not found:
            await self._data.file_upload(self._part_id, contents, tags=[name])


def _passes(error: Exception) -> bool:
    """Whether trying again later makes sense."""
    return not isinstance(error, GRPCError) or error.status in PASSING
