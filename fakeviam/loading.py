"""Filling a cloud from files, whatever kind they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam import archive
from fakeviam.archive.format import MANIFEST
from fakeviam.server.lifecycle.snapshots import apply_contents
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    import os

    from fakeviam.seeds import AppliedSeed
    from fakeviam.server.state.cloud import CloudState


def load(cloud: CloudState, path: str | os.PathLike[str]) -> AppliedSeed | None:
    """Put into a cloud what stands at `path`: an archive replaces all, anything else adds.

    Returns:
        What a seed put there; None for an archive.

    Raises:
        UsageError: It cannot be read, or something in it is wrong; nothing has changed.
    """
    if (Path(path) / MANIFEST).exists():
        apply_contents(cloud, archive.read(path, make_store=MemoryStore))
        return None
    # Readers of seeds are above the server, and cost something to import.
    from fakeviam import exchange, seeds  # noqa: PLC0415

    return seeds.apply_seed(exchange.read_any(path), cloud)
