"""The files of an archive.

    manifest.json   what is in it, with a hash of each of the others; written last
    fleet.jsonl     organizations, locations, robots and parts
    keys.jsonl      API keys
    users.jsonl     database users
    datasets.jsonl  oldest first
    entities.jsonl  saved queries, indexes, pipelines and their runs, sequences; from version 2 on
    sources.jsonl   what captured the data; records name it
    binary.jsonl    binary records in the order of time, then arrival
    tabular.jsonl   readings, likewise
    blobs/          the bytes, by their SHA-256

Raise VERSION whenever an older fakeviam could misread what a newer one writes, and keep reading
the older ones: archives live in repositories for years.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

NAME = "fakeviam archive"
VERSION = 2

MANIFEST = "manifest.json"
BLOBS = "blobs"
FLEET = "fleet.jsonl"
KEYS = "keys.jsonl"
USERS = "users.jsonl"
DATASETS = "datasets.jsonl"
ENTITIES = "entities.jsonl"
SOURCES = "sources.jsonl"
BINARY = "binary.jsonl"
TABULAR = "tabular.jsonl"

TABLES = (FLEET, KEYS, USERS, DATASETS, ENTITIES, SOURCES, BINARY, TABULAR)


class Table(NamedTuple):
    """What the manifest says of a file."""

    lines: int
    sha256: str


def is_archive(folder: Path) -> bool:
    """Whether a directory says that it is an archive, of whatever version."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == NAME
