"""Servers that end with their test, and short paths for their sockets."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .program import PROGRAM, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .program import Serve


@pytest.fixture
def folder() -> Iterator[Path]:
    """Like tmp_path, but short enough for Unix sockets."""
    with tempfile.TemporaryDirectory(prefix="fv-", dir="/tmp") as path:
        yield Path(path).resolve()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers on a free port; what still runs at the end is stopped."""
    with contextlib.ExitStack() as stack:

        def start(*options: str, program: tuple[str, ...] = (PROGRAM,)) -> Served:
            process = subprocess.Popen(
                [*program, "serve", "--port", "0", *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.terminate)
            return Served(process)

        yield start
