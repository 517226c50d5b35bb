"""A cloud as a directory that is easy to diff: metadata as JSON lines, bytes by hash (AR-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.archive.contents import Contents
from fakeviam.archive.format import is_archive
from fakeviam.archive.writer import write

if TYPE_CHECKING:
    from fakeviam.archive.reader import read

__all__ = ["Contents", "is_archive", "read", "write"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import the reader, and with it the validation, only if an archive is read."""
        if name != "read":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from fakeviam.archive.reader import read  # noqa: PLC0415

        return read
