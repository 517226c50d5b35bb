"""The client fixtures in a run without pytest-asyncio: they fail and say what is missing (PT-7)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import NoReturn

import pytest

REASON = "needs pytest-asyncio, which is not active in this run: pip install pytest-asyncio"


def _reason() -> str:
    return REASON if find_spec("viam") else f"{REASON} viam-sdk"


@pytest.fixture
def viam_client() -> NoReturn:
    """The official SDK's ViamClient; fails, because pytest-asyncio is missing."""
    pytest.fail(f"viam_client {_reason()}", pytrace=False)


@pytest.fixture
def fakeviam_client() -> NoReturn:
    """Our own light DataClient; fails, because pytest-asyncio is missing."""
    pytest.fail(f"fakeviam_client {REASON}", pytrace=False)


@pytest.fixture
def viam_data_client() -> NoReturn:
    """The official SDK's DataClient; fails, because pytest-asyncio is missing."""
    pytest.fail(f"viam_data_client {_reason()}", pytrace=False)
