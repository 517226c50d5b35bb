"""Imports and exports other formats: COCO, folders of the `viam` command line, JSON lines.

All importers produce a `fakeviam.seeds.Seed`, which is applied like any other. Exporters use
BinaryMetadata messages and bytes, so they work with any server.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fakeviam.exchange.coco import read_coco
from fakeviam.exchange.coco_writing import CocoWriter
from fakeviam.exchange.exporting import Exported, ExportError, export_all, exporting
from fakeviam.exchange.folder import FolderWriter, read_folder
from fakeviam.exchange.importers import read_any, read_mapping
from fakeviam.exchange.jsonl import JsonlWriter, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fakeviam.exchange.exporting import Writer

#: The writers by their names on the command line.
FORMATS: Mapping[str, Callable[[Path, str], Writer]] = MappingProxyType(
    {"coco": CocoWriter, "folder": FolderWriter, "jsonl": JsonlWriter}
)

__all__ = [
    "FORMATS",
    "CocoWriter",
    "ExportError",
    "Exported",
    "FolderWriter",
    "JsonlWriter",
    "export_all",
    "exporting",
    "read_any",
    "read_coco",
    "read_folder",
    "read_jsonl",
    "read_mapping",
]
