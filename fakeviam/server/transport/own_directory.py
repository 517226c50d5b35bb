"""Temporary directories that outlive no process for long, even one that was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "fv-"

#: Locked as long as the process that made its directory lives.
_LOCK = "lock"


class OwnDirectory:
    """A temporary directory of this process.

    A process that is killed leaves its own behind, and its lock is released: the next one that
    makes a directory beside it removes it.

    Attributes:
        path: Where it is.
    """

    def __init__(self, parent: str) -> None:
        """Make one in `parent`.

        Raises:
            OSError: It cannot be made.
        """
        _remove_abandoned(parent)
        self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        # Locked before it has its name: who finds it unlocked may remove the directory.
        new, lock = Path(self.path, "new"), Path(self.path, _LOCK)
        self._lock = os.open(new, os.O_CREAT | os.O_WRONLY, 0o600)
        _try_to_lock(self._lock)
        new.rename(lock)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_abandoned(parent: str) -> None:
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):  # it is somebody else's, has no lock, or has just gone
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
