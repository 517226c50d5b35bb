"""Access to files of other programs, whose names and contents are untrusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.seeds.diagnostics import Location, printable
from fakeviam.seeds.document import json_value, read_text

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path) -> Any:
    """The JSON value that a file holds.

    Raises:
        SeedError: It cannot be read, or is not JSON.
    """
    at = Location(file=printable(path))
    return json_value(read_text(path, at), at)


def is_file(path: Path) -> bool:
    """Whether a file exists; False for names that the file system rejects."""
    try:
        return path.is_file()
    except OSError:
        return False
