"""Filling a cloud from files, whatever kind they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam import archive
from fakeviam.archive.format import MANIFEST
from fakeviam.model.read_options import DEFAULTS, ReadOptions
from fakeviam.server.lifecycle.snapshots import apply_contents
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    import os

    from fakeviam.seeds import AppliedSeed
    from fakeviam.server.state.cloud import CloudState


def load(
    cloud: CloudState, path: str | os.PathLike[str], options: ReadOptions = DEFAULTS
) -> AppliedSeed | None:
    """Put into a cloud what stands at `path`: an archive replaces all, anything else adds.

    Returns:
        What a seed put there; None for an archive.

    Raises:
        UsageError: It cannot be read, something in it is wrong, or an option is of no use for it;
            nothing has changed.
    """
    if (Path(path) / MANIFEST).exists():
        options.check_useful("an archive, which says everything itself,")
        apply_contents(cloud, archive.read(path, make_store=MemoryStore))
        return None
    # Readers of seeds are above the server, and cost something to import.
    from fakeviam import exchange, seeds  # noqa: PLC0415

    return seeds.apply_seed(exchange.read_any(path, options), cloud)
