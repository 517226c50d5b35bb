"""No test waits for a disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def settled() -> Iterator[list[int]]:
    """What was brought to the disk, by inode."""
    files: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: files.append(os.fstat(handle).st_ino))
        patch.setattr(os, "sync", lambda: files.append(0))
        yield files
