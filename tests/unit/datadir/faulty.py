"""Files of which one step fails, or at which the process is killed."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING, Literal

from fakeviam.archive.files import Files

if TYPE_CHECKING:
    from pathlib import Path

#: What happens at the step: it fails, half of it is done and it fails, it and all that follow
#: fail, half of it is done and the process is killed, all of it is done and the process is killed.
Fault = Literal["fails", "fails halfway", "fails for good", "kill halfway", "kill"]


class FaultyFiles(Files):
    """Counts steps; `arm` says at which one something goes wrong."""

    def __init__(self, number: int = errno.ENOSPC) -> None:
        super().__init__(private=True)
        # Steps that wait for the disk are taken, but nobody really waits for it.
        self.steps = 0
        self.fired = False
        self._number = number
        self._at = -1
        self._fault: Fault = "fails"

    def arm(self, step: int, fault: Fault) -> None:
        """Let it happen at this step from now on, counted from 0."""
        self.fired = False
        self.steps, self._at, self._fault = 0, step, fault

    def disarm(self) -> None:
        self._at = -1

    def _step(self, half: bool = False) -> None:  # noqa: FBT001, FBT002
        """Fail, before a step, or in the midst of it."""
        if self.fired:
            due = self._fault == "fails for good" and self._at >= 0
        else:
            due = self.steps == self._at
        if not due or half != self._fault.endswith("halfway"):
            return
        self.fired = True
        if self._fault.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(self._number, os.strerror(self._number))

    def _begin(self) -> None:
        if self._fault != "kill":
            self._step()

    def _end(self) -> None:
        if self._fault == "kill":
            self._step()
        self.steps += 1

    def make_folder(self, path: Path) -> None:
        if not path.is_dir():
            self._begin()
            super().make_folder(path)
            self._end()

    def open(self, path: Path, *, empty: bool = False) -> int:
        self._begin()
        handle = super().open(path, empty=empty)
        self._end()
        return handle

    def write(self, handle: int, data: bytes, at: int) -> None:
        self._begin()
        super().write(handle, data[: len(data) // 2], at)
        self._step(half=True)
        super().write(handle, data, at)
        self._end()

    def truncate(self, handle: int, size: int) -> None:
        self._begin()
        super().truncate(handle, size)
        self._end()

    def sync(self, handle: int) -> None:  # noqa: ARG002
        self._begin()
        self._end()

    def sync_folder(self, path: Path) -> None:  # noqa: ARG002
        self._begin()
        self._end()

    def replace(self, path: Path, place: Path) -> None:
        self._begin()
        super().replace(path, place)
        self._end()

    def remove(self, path: Path) -> None:
        self._begin()
        super().remove(path)
        self._end()
