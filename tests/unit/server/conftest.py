"""A fresh cloud for every test; it must not have crashed at the end."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from .driver import Viam

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Start = Callable[..., Awaitable[Viam]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Start a fake with the arguments of FakeViam; as many as a test wants."""
    async with AsyncExitStack() as stack:

        async def begin(**options: Any) -> Viam:
            return await stack.enter_async_context(Viam.running(**options))

        yield begin


@pytest_asyncio.fixture
async def viam(start: Start) -> Viam:
    """A fake as it is by default."""
    return await start()
