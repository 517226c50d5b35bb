"""Reads everything that people already have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakeviam import seeds
from fakeviam.exchange.coco import looks_like_coco, read_coco
from fakeviam.exchange.files import read_json
from fakeviam.exchange.folder import read_folder
from fakeviam.exchange.jsonl import read_jsonl
from fakeviam.seeds import SeedError

if TYPE_CHECKING:
    import os

    from fakeviam.seeds import Seed


def read_any(path: str | os.PathLike[str]) -> Seed:
    """The seed that a path means, whatever kind of file or folder is there.

    A folder is one that the `viam` command line exported; a JSON file with images and annotations
    is COCO; a file that ends in .jsonl is a `dataset.jsonl`; anything else is a seed file.

    Raises:
        SeedError: It is none of these, or something in it is wrong.
    """
    file = Path(path)
    if file.is_dir():
        return read_folder(path)
    if file.suffix == ".jsonl":
        return read_jsonl(path)
    if file.suffix == ".json" and _is_coco(file):
        return read_coco(path)
    return seeds.read(path)


def _is_coco(path: Path) -> bool:
    try:
        return looks_like_coco(read_json(path))
    except SeedError:  # which the reader of seeds will raise again
        return False
