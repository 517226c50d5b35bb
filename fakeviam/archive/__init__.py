"""A cloud as a directory that diffs well: metadata as JSON lines, bytes by their hash (AR-1)."""

from fakeviam.archive.contents import Contents
from fakeviam.archive.reading import is_archive, read
from fakeviam.archive.writing import write

__all__ = ["Contents", "is_archive", "read", "write"]
