"""Where the tests of data directories work."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .worlds import template

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A file system in memory: there, directories are made and removed without waiting for a disk.
_MEMORY = "/dev/shm"  # noqa: S108 - a folder of its own is made in it


@pytest.fixture(scope="session")
def _memory() -> Iterator[Path]:
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fakeviam-", dir=place) as folder:
        yield Path(folder)


@pytest.fixture
def memory_path(_memory: Path) -> Iterator[Path]:
    """A folder in memory, where there is one."""
    with tempfile.TemporaryDirectory(dir=_memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def full(_memory: Path) -> Path:
    """A directory with something of everything; copied, not written to."""
    return template(_memory / "template")
