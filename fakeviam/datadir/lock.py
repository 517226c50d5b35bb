"""At most one server per directory (DD-2)."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


class Lock:
    """Holds a directory until it is closed or the process ends, in whatever way."""

    def __init__(self, path: Path) -> None:
        """Take the lock file at `path`.

        Raises:
            UsageError: Another process holds it; the message names it.
        """
        try:
            import fcntl  # noqa: PLC0415 - not on Windows
        except ImportError as error:
            raise UsageError("data directories require a POSIX system") from error
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._handle, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            text = f"the data directory {path.parent} is in use by process {holder}"
            raise UsageError(f"{text}; stop that process, or choose another directory") from None
        # A server that never started, or failed to, is closed without a message.
        self._close = weakref.finalize(self, os.close, self._handle)
        # The file stays: removing it could remove the lock of the next process.
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"{os.getpid()}\n".encode())

    def close(self) -> None:
        """Release the lock."""
        self._close()
