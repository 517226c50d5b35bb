"""Temporary directories that are removed even if their process is killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "fv-"

#: Locked while the process that created the directory is alive.
_LOCK = "lock"


class OwnDirectory:
    """A temporary directory of this process.

    A killed process leaves its directory behind but loses its lock; the next process that
    creates one in the same place removes it.

    Attributes:
        path: The path of the directory.
    """

    def __init__(self, parent: str) -> None:
        """Create a directory in `parent`.

        Raises:
            OSError: It cannot be created.
        """
        _remove_abandoned(parent)
        self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        # Lock it under another name first: an unlocked lock file may be removed at any moment.
        new, lock = Path(self.path, "new"), Path(self.path, _LOCK)
        self._lock = os.open(new, os.O_CREAT | os.O_WRONLY, 0o600)
        _try_to_lock(self._lock)
        new.rename(lock)

    def remove(self) -> None:
        """Remove the directory with its contents."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_abandoned(parent: str) -> None:
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):  # another user's, without a lock, or just removed
                    _remove_if_abandoned(entry.path)


def _remove_if_abandoned(path: str) -> None:
    lock = os.open(Path(path, _LOCK), os.O_WRONLY | os.O_NOFOLLOW)
    try:
        if _try_to_lock(lock):
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)


def _try_to_lock(descriptor: int) -> bool:
    import fcntl  # noqa: PLC0415 - Windows has none, and no Unix sockets for asyncio

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
