"""Filling a cloud from files, whatever kind they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam import archive
from fakeviam.archive.format import MANIFEST
from fakeviam.model.checks import check_path
from fakeviam.model.errors import UsageError
from fakeviam.model.read_options import DEFAULTS, ReadOptions
from fakeviam.model.text import short
from fakeviam.server.lifecycle.snapshots import apply_contents
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from fakeviam.seeds import AppliedSeed, Seed
    from fakeviam.server.state.cloud import CloudState


def load(cloud: CloudState, source: object, options: ReadOptions = DEFAULTS) -> AppliedSeed | None:
    """Put a source into a cloud: an archive replaces all, anything else adds.

    Args:
        cloud: Where to.
        source: The path of a file or folder, a dict like a seed file, or a Seed.
        options: What the source does not say itself.

    Returns:
        What a seed put there; None for an archive.

    Raises:
        UsageError: It cannot be read, something in it is wrong, or an option is of no use for it;
            nothing has changed.
    """
    if isinstance(source, str | os.PathLike):
        check_path("load", source)
    if isinstance(source, str | os.PathLike) and _is_archive(Path(source)):
        options.check_useful("an archive, which is complete,")
        apply_contents(cloud, archive.read(source, make_store=MemoryStore))
        return None
    # Readers of seeds are above the server, and cost something to import.
    from fakeviam import seeds  # noqa: PLC0415

    return seeds.apply_seed(_seed(source, options), cloud)


def _is_archive(path: Path) -> bool:
    try:
        return (path / MANIFEST).exists()
    except OSError:  # a name that no file system takes
        return False


def _seed(source: object, options: ReadOptions) -> Seed:
    from fakeviam import exchange, seeds  # noqa: PLC0415 - as above

    if isinstance(source, seeds.Seed):
        options.check_useful("a Seed, which is complete,")
        return source
    if isinstance(source, Mapping):
        return exchange.read_mapping(source, options)
    if isinstance(source, str | os.PathLike):
        return exchange.read_any(source, options)
    raise UsageError(
        f"load must be a path, a dict in the form of a seed file, or a Seed, got {short(source)}"
    )
