"""Telling how far a transfer is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fakeviam_client._arguments import wrong

#: Called with the bytes done, and the bytes there will be or None where that is not known.
Progress: TypeAlias = Callable[[int, "int | None"], None]


class Meter:
    """Counts bytes and tells them to a callback, if there is one.

    What it tells never goes back, is never more than the total, and ends with all of it.
    """

    def __init__(self, progress: object, total: int | None = None) -> None:
        """Tell `progress`; None is for nobody.

        Raises:
            TypeError: It cannot be called.
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
        """So many bytes more are done."""
        self._done += size
        # What is transferred may have grown since it was counted.
        if self.total is not None:
            self.total = max(self.total, self._done)
        self._notify()

    def finish(self) -> None:
        """All is done, also where less came than was expected."""
        self.total = self._done
        self._notify()

    def _notify(self) -> None:
        now = (self._done, self.total)
        if self._progress is not None and now != self._told:
            self._told = now
            self._progress(*now)
