"""A cloud whose clock stands still, and raw stubs on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
from grpclib.client import Channel

from fakeviam import Clock, FakeViam

from .old_client import OldClient, Raw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[FakeViam]:
    async with FakeViam(seed=15, clock=Clock.frozen("2024-05-06T07:08:09Z")) as cloud:
        yield cloud
        cloud.check()


@pytest_asyncio.fixture
async def raw(cloud: FakeViam) -> AsyncIterator[Raw]:
    async with Channel(cloud.host, cloud.port) as channel:
        yield Raw(channel)


@pytest_asyncio.fixture
async def client(raw: Raw) -> OldClient:
    return OldClient(raw)
