"""All changes of files and folders, one method per kind.

Tests make each of them fail in turn.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: Error numbers of writes without enough space.
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Files:
    """Changes files and folders.

    Every completed step survives a crash of the process. With `durable`, it is also on the disk
    when the method returns, and survives a power failure.
    """

    def __init__(self, *, durable: bool = False, private: bool = False) -> None:
        """Configure the changes.

        Args:
            durable: Wait for the disk.
            private: Restrict new files to their owner.
        """
        self.durable = durable
        self._folder_mode, self._file_mode = (0o700, 0o600) if private else (0o777, 0o666)

    def make_folder(self, path: Path) -> None:
        """Create a folder and its parents, which may exist."""
        if not path.is_dir():
            self.make_folder(path.parent)
            path.mkdir(self._folder_mode, exist_ok=True)
            self.sync_folder(path.parent)

    def open(self, path: Path, *, empty: bool = False) -> int:
        """Open a file for reading and writing, which is created if necessary."""
        flags = os.O_RDWR | os.O_CREAT | (os.O_TRUNC if empty else 0)
        return os.open(path, flags, self._file_mode)

    def write(self, handle: int, data: bytes, at: int) -> None:
        """Write all data at an offset of a file."""
        rest = memoryview(data)
        while rest:
            count = os.pwrite(handle, rest, at)
            rest, at = rest[count:], at + count

    def truncate(self, handle: int, size: int) -> None:
        """Truncate a file."""
        os.ftruncate(handle, size)

    def sync(self, handle: int) -> None:
        """Wait until a file is on the disk, if `durable`."""
        if self.durable:
            os.fsync(handle)

    def sync_folder(self, path: Path) -> None:
        """Wait until the names in a folder are on the disk, if `durable`."""
        if self.durable:
            wait_for_disk(path)

    def replace(self, path: Path, place: Path) -> None:
        """Rename a file atomically, replacing any other."""
        os.replace(path, place)  # noqa: PTH105 - Path.replace creates another Path

    def remove(self, path: Path) -> None:
        """Remove a file, if it exists."""
        path.unlink(missing_ok=True)

    def put(self, path: Path, data: bytes) -> None:
        """Write a file atomically: it has either all of the data, or its former contents."""
        beside = path.with_name(f"{path.name}.new")
        try:
            handle = self.open(beside, empty=True)
            try:
                self.write(handle, data, 0)
                self.sync(handle)
            finally:
                os.close(handle)
            self.replace(beside, path)
            self.sync_folder(path.parent)
        except OSError:
            self.discard(beside)
            raise

    def discard(self, path: Path) -> None:
        """Remove an unreferenced file; if that fails, it only wastes space."""
        try:
            self.remove(path)
        except OSError:
            return


def wait_for_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
