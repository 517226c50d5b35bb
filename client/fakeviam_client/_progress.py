"""Reports the progress of a transfer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fakeviam_client._arguments import wrong

#: Called with the bytes done, and the total or None if it is unknown.
Progress: TypeAlias = Callable[[int, "int | None"], None]


class Meter:
    """Counts bytes and reports them to a callback, if there is one.

    The reported number never decreases, never exceeds the total, and is equal to it at the end.
    """

    def __init__(self, progress: object, total: int | None = None) -> None:
        """Report to `progress`; None reports to nobody.

        Raises:
            TypeError: It is not callable.
        """
        if progress is not None and not callable(progress):
            raise wrong("progress", "a callable", progress)
        self._progress = progress
        self._told: tuple[int, int | None] | None = None
        self._done = 0
        self.total = total

    def __bool__(self) -> bool:
        return self._progress is not None

    def add(self, size: int) -> None:
        """Add a number of bytes."""
        self._done += size
        # A file may have grown since its size was determined.
        if self.total is not None:
            self.total = max(self.total, self._done)
        self._notify()

    def finish(self) -> None:
        """Report completion, even if there were fewer bytes than expected."""
        self.total = self._done
        self._notify()

    def _notify(self) -> None:
        now = (self._done, self.total)
        if self._progress is not None and now != self._told:
            self._told = now
            self._progress(*now)
