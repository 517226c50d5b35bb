"""The same fixtures for runs without pytest-asyncio: they say what is missing."""

from __future__ import annotations

from typing import NoReturn

import pytest

REASON = "needs pytest-asyncio, which is not active in this run: pip install pytest-asyncio"


@pytest.fixture
def viam_client() -> NoReturn:
    """The official SDK's ViamClient; skips, because pytest-asyncio is missing."""
    pytest.skip(f"viam_client {REASON}")


@pytest.fixture
def fakeviam_client() -> NoReturn:
    """Our own light DataClient; skips, because pytest-asyncio is missing."""
    pytest.skip(f"fakeviam_client {REASON}")


@pytest.fixture
def viam_data_client() -> NoReturn:
    """The official SDK's DataClient; skips, because pytest-asyncio is missing."""
    pytest.skip(f"viam_data_client {REASON}")
