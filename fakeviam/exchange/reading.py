"""One way in for everything that people already have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam import seeds
from fakeviam.exchange.coco import looks_like_coco, read_coco
from fakeviam.exchange.folder import read_folder
from fakeviam.exchange.jsonl import read_jsonl

if TYPE_CHECKING:
    import os

    from fakeviam.seeds import Seed


def read_any(path: str | os.PathLike[str]) -> Seed:
    """The seed that a path means, told by what stands there.

    A folder is one that the `viam` command line exported; a JSON file with images and annotations
    is COCO; a file that ends in .jsonl is a `dataset.jsonl`; anything else is a seed file.

    Raises:
        SeedError: It is none of these, or something in it is wrong.
    """
    place = Path(path)
    if place.is_dir():
        return read_folder(path)
    if place.suffix == ".jsonl":
        return read_jsonl(path)
    if place.suffix == ".json" and looks_like_coco(_document(place)):
        return read_coco(path)
    return seeds.read(path)


def _document(path: Path) -> object:
    """What a JSON file holds; None if it holds none, which whoever reads it will say."""
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError):
        return None
