"""A fake that stops leaves nothing open."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from typing import Any

import pytest

from fakeviam import FakeViam


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.thinned(4)
def test_connections_that_arrive_while_it_stops_are_dropped(
    monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """However far accepting them had come; an open transport would warn when it is collected."""
    leaked: list[Any] = []

    async def knock_and_stop() -> None:
        cloud = FakeViam()
        await cloud.start()
        callers = [socket.socket() for _ in range(5)]
        for caller in callers:
            caller.settimeout(0)
            caller.connect_ex((cloud.host, cloud.port))
        for _ in range(turns):
            await asyncio.sleep(0)
        await cloud.stop()
        for caller in callers:
            caller.close()

    with monkeypatch.context() as patch:
        patch.setattr(sys, "unraisablehook", leaked.append)
        asyncio.run(knock_and_stop())
        gc.collect()
    assert leaked == []
