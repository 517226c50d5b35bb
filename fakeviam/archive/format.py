"""The files of an archive.

    manifest.json   an overview, with a hash of each other file; written last
    fleet.jsonl     organizations, locations, robots and parts
    keys.jsonl      API keys
    users.jsonl     database users
    datasets.jsonl  oldest first
    entities.jsonl  saved queries, indexes, pipelines and their runs, sequences; since version 2
    sources.jsonl   the sources of data, to which records refer
    binary.jsonl    binary records in the order of time, then arrival
    tabular.jsonl   readings in the same order
    blobs/          the bytes, by their SHA-256

Raise VERSION if an older fakeviam could misread what a newer one writes, and keep reading older
versions: archives remain in repositories for years.
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
    """A file in the manifest."""

    lines: int
    sha256: str


def is_archive(folder: Path) -> bool:
    """Whether a directory is an archive, of any version."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == NAME
