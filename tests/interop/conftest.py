"""A cloud whose clock stands still, and raw stubs on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest_asyncio
from grpclib.client import Channel

from fakeviam import Clock, FakeViam

from .old_client import OldClient, Raw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

SDK_SUITE = Path(__file__).parent / "sdk"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the SDK's suite out unless it is asked for by name.

    test_sdk_versions.py runs it, once for each release and in that release's environment.
    """
    if collection_path != SDK_SUITE:
        return None
    here = config.invocation_params.dir
    asked = [(here / argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(SDK_SUITE) for path in asked) else True


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
