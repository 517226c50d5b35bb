"""Files that other programs wrote: read without trusting what is in them."""

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
    """Whether there is such a file; no file has a name that the file system does not take."""
    try:
        return path.is_file()
    except OSError:
        return False
