"""A fresh cloud whose clock stands still, and our client connected to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
from fakeviam_client import DataClient, connect

from fakeviam import Clock, FakeViam

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[FakeViam]:
    async with FakeViam(seed=3, clock=Clock.frozen("2026-03-10T12:00:00Z")) as cloud:
        yield cloud
        cloud.check()


@pytest_asyncio.fixture
async def client(cloud: FakeViam) -> AsyncIterator[DataClient]:
    async with connect(cloud.unix_socket) as client:
        yield client
